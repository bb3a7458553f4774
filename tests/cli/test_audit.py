"""`workfloor admin audit`: the same questions as on the page, for whoever signed in and for root."""

import csv
import json
from io import StringIO

import pytest
from click.testing import CliRunner
from django.db import connection, transaction

from tests import make
from workfloor.cli import main
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import actions as event_log
from workfloor.core.looks import actions as looks
from workfloor.core.work import actions as work
from workfloor.kit.database import rls


@pytest.fixture
def run(real_database, settings, tmp_path):
    """A manager of the north alone; both clients have a token, and a customer at whom somebody looked."""
    settings.WORKFLOOR_SIGN_IN = tmp_path / "own" / "sign-in"
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=make.NINE, count=2)
        for slug in ("north", "south"):
            client = make.client(slug)
            clients.issue_token(client=client, title=slug, scopes=["work:read"], by=actors.ROOT, now=make.NINE)
            item = make.item("mail", of=slug, customer=work.Customer("maria@example.com", "Maria"))
            seen = [looks.Seen("item", item.id, client.id, item.case_id)]
            looks.look(seen=seen, place="floor", by=make.person("leader", name=f"Rita {slug[0]}"), now=make.NINE)
        marta = make.in_charge("manager", make.client("north"), name="Marta")
        marta.account.email = "marta@example.com"
        marta.account.save()

    def ran(*words):
        done = CliRunner().invoke(main, ["admin", "audit", *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    yield ran
    connection.close()


def test_who_saw_a_customers_data_is_one_command(run):
    march = ("--from", "2026-03-01", "--to", "2026-03-31")

    told = run("--customer", "maria@example.com", *march).splitlines()

    assert len(told) == 2
    assert told[0].startswith("2026-03-04 09:00:00  Rita ")
    assert told[0].endswith("and its customer's details  (south, floor)")
    assert run("--customer", "maria@example.com", "--client", "north").count("Rita n") == 1
    assert run("--customer", "maria@example.com", "--from", "2026-03-05") == ""
    assert run("--looks").count("Rita ") == 2


def test_changes_are_printed_as_text_a_line_of_json_or_csv(run):
    asked = ("--event", "client.token", "--client", "south")

    assert "The root of the installation issued the token south of south, for work:read" in run(*asked)
    [line] = run(*asked, "--format", "json").splitlines()
    assert (json.loads(line)["client"], json.loads(line)["event"]) == ("south", "client.token-issued")
    [row] = csv.DictReader(StringIO(run(*asked, "--format", "csv")))
    assert (row["client"], row["who"]) == ("south", "The root of the installation")


def test_a_limit_is_kept_over_many_groups(run):
    assert len(run("--work", "--limit", "7").splitlines()) == 7
    assert len(run("--work", "--limit", "7", "--format", "csv").splitlines()) == 8


def test_whoever_signed_in_is_told_of_their_own_clients_alone(run):
    signed_in = CliRunner().invoke(main, ["sign-in", "marta@example.com", "--password", "correct horse"])
    assert "act as Marta now" in signed_in.stdout

    for asked in ((), ("--work",), ("--looks",), ("--customer", "maria@example.com")):
        told = run(*asked, "--limit", "1000")
        assert "north" in told
        assert "south" not in told
    refused = CliRunner().invoke(main, ["admin", "audit", "--client", "south"])
    assert refused.exit_code == 1
