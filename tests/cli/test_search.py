"""`workfloor search`: what the page finds, for whoever signed in and for root."""

import json

import pytest
from click.testing import CliRunner
from django.db import transaction

from tests import make
from workfloor.cli import main
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import actions as event_log
from workfloor.core.looks.models import Look
from workfloor.core.work import actions as work
from workfloor.kit.database import rls


@pytest.fixture
def cases(real_database, settings, tmp_path):
    """A case of each of two clients, by the client's name; a manager is cleared for the north alone."""
    settings.WORKFLOOR_SIGN_IN = tmp_path / "own" / "sign-in"
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=make.NINE, count=2)
        cases = {}
        for slug in ("north", "south"):
            make.client(slug)
            item = make.item("mail", of=slug, customer=work.Customer(f"{slug}@example.com", f"Maria {slug}"))
            conversations.receive(
                case=item.case,
                item=item,
                channel="email",
                key="m",
                sender=Address("maria@example.com", "Maria"),
                content=Content("The zanzibar meter is broken"),
                by=make.CUSTOMER,
                now=make.NINE,
            )
            cases[slug] = item.case_id
        marta = make.in_charge("manager", make.client("north"), name="Marta")
        marta.account.email = "marta@example.com"
        marta.account.save()
    return cases


def run(*words):
    done = CliRunner().invoke(main, ["search", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_root_finds_in_every_client_and_whoever_signed_in_in_their_own(cases):
    assert found_by(run("zanzibar", "--format", "json")) == set(cases.values())
    assert found_by(run("zanzibar", "--format", "json", "--client", "south")) == {cases["south"]}

    CliRunner().invoke(main, ["sign-in", "marta@example.com", "--password", "correct horse"])
    assert found_by(run("zanzibar", "meter", "--format", "json")) == {cases["north"]}
    refused = CliRunner().invoke(main, ["search", "zanzibar", "--client", "south"])
    assert refused.exit_code != 0
    with transaction.atomic():
        rls.enter_every_client()
        looks = {(each.acted_as, each.number) for each in Look.objects.all()}
    assert looks == {("root", number) for number in cases.values()} | {("", cases["north"])}


def found_by(printed):
    return {each["case"] for each in json.loads(printed)["cases"]}


def test_what_was_found_is_printed_in_lines(cases):
    said = run("meter", "--client", "north", "--from", "2026-03-04", "--to", "2026-03-04", "--channel", "email")
    assert f"case {cases['north']}  2026-03-04" in said and "The zanzibar meter is broken" in said
    assert "Maria north, north@example.com  (north)" in run("maria")
    assert "Nothing was found" in run("meter", "--to", "2026-03-03")


@pytest.mark.parametrize("words", [["x", "--after", "1-2"], ["x" * 300], []])
def test_what_cannot_be_looked_for_is_said(cases, words):
    assert CliRunner().invoke(main, ["search", *words]).exit_code == 2
