"""Who commands act as: whoever signed in, as far as their roles go, else the root of the installation."""

from datetime import timedelta

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from click.testing import CliRunner
from django.db import connection, transaction

from tests import make
from workfloor.cli import main
from workfloor.core.event_log.models import Fact
from workfloor.core.people import own_account
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock

SITE = ("people", "site", "add", "Porto", "--country", "PT", "--zone", "Europe/Lisbon")


@pytest.fixture
def run(real_database, settings, tmp_path):
    settings.WORKFLOOR_SIGN_IN = tmp_path / "own" / "sign-in"
    with transaction.atomic():
        rls.enter_every_client()
        make.client()
        for role in ("administrator", "agent"):
            found = make.person(role, name=role.title())
            found.account.email = f"{role}@example.com"
            found.account.save()

    def ran(*words, typed=None):
        return CliRunner().invoke(main, words, input=typed)

    yield ran
    connection.close()


def sign_in(run, who="administrator", password="correct horse", typed=None):
    return run("sign-in", f"{who}@example.com", "--password", password, typed=typed)


def last(event):
    with transaction.atomic():
        rls.enter_every_client()
        return Fact.objects.filter(event=event).order_by("-id").first()


def test_a_command_of_nobody_is_one_of_the_root_of_the_installation_and_the_fact_says_so(run):
    assert run(*SITE).exit_code == 0

    fact = last("site.opened")
    assert (fact.by_id, fact.acted_as) == (None, "root")
    assert "root of the installation" in run("admin", "audit").stdout


def test_a_command_after_signing_in_is_that_persons(run, settings):
    said = sign_in(run).stdout
    assert "act as Administrator now" in said
    assert settings.WORKFLOOR_SIGN_IN.stat().st_mode & 0o077 == 0
    assert settings.WORKFLOOR_SIGN_IN.read_text() not in said

    assert run(*SITE).exit_code == 0
    fact = last("site.opened")
    assert (fact.acted_as, fact.by_id is not None) == ("", True)
    assert "Administrator" in run("admin", "audit", "--event", "site").stdout


def test_a_command_does_no_more_than_the_roles_of_whoever_signed_in_open(run):
    sign_in(run, "agent")

    refused = run(*SITE)

    assert (refused.exit_code, "Agent may not open a site: that takes the role" in refused.output) == (1, True)
    assert "Agent may not issue tokens" in run("admin", "token", "list", "lisbon-light").output
    assert "may not read who changed what" in run("admin", "audit").output


def test_a_wrong_password_signs_nobody_in_and_too_many_are_not_even_looked_at(run, settings):
    assert "do not belong together" in sign_in(run, password="wrong").output
    assert not settings.WORKFLOOR_SIGN_IN.exists()

    for _ in range(15):
        said = sign_in(run, password="wrong").output
    assert "Too many" in said
    assert "Too many" in sign_in(run).output


def test_whoever_has_a_second_factor_shows_it(run):
    with transaction.atomic():
        rls.enter_every_client()
        from workfloor.core.people.models import Account

        account = Account.objects.get(email="administrator@example.com")
        TOTP.activate(account, "JBSWY3DPEHPK3PXP")
        codes = RecoveryCodes.activate(account).get_unused_codes()

    assert "That code is wrong" in sign_in(run, typed="123456\n").output
    assert "act as Administrator now" in sign_in(run, typed=f"{codes[0]}\n").output
    for _ in range(7):
        assert "That code is wrong" in sign_in(run, typed=f"{codes[0]}\n").output  # each is good for once
    assert "That code is wrong" in sign_in(run, typed=f"{codes[1]}\n").output  # too many: not even looked at


def test_whoever_has_signed_in_has_nobodys_link_printed_and_root_has_and_the_fact_says_so(run):
    with transaction.atomic():
        rls.enter_every_client()
        both = people_queries.by_email("administrator@example.com")
        both.roles = ["manager", "administrator"]
        both.save()
    sign_in(run)

    refused = run("people", "print-link", "agent@example.com")
    others = [run("people", "add", "Second", "second@example.com", "--role", "manager")]
    others += [run("people", command, "second@example.com") for command in ("invite", "withdraw-invitation")]
    others += [run("people", "send-link", "agent@example.com"), run("people", "list"), run("admin", "audit")]

    assert (refused.exit_code, "or the root of the installation at the machine" in refused.output) == (1, True)
    assert [each.exit_code for each in others] == [0] * 6
    assert "choose/?link=" not in " ".join(each.output for each in [refused, *others])
    assert last("person.sign-in-link-printed") is None
    assert "No such command" in run("people", "password", "agent@example.com").output

    run("sign-out")
    assert "/accounts/password/choose/?link=" in run("people", "print-link", "agent@example.com").stdout
    assert last("person.sign-in-link-printed").acted_as == "root"


def test_signing_out_ends_it_and_so_do_time_and_a_new_password(run, settings):
    sign_in(run)
    shown = settings.WORKFLOOR_SIGN_IN.read_text()
    assert "Administrator is signed out." in run("sign-out").stdout
    settings.WORKFLOOR_TOKEN = shown
    assert "has ended" in run(*SITE).output

    settings.WORKFLOOR_TOKEN = run(
        "sign-in", "administrator@example.com", "--password", "correct horse", "--print"
    ).stdout.strip()
    with clock.frozen(clock.now() + timedelta(hours=13)):
        assert "has ended" in run(*SITE).output
    assert run(*SITE).exit_code == 0
    with transaction.atomic():
        rls.enter_every_client()
        person = people_queries.by_email("administrator@example.com")
        own_account.change_own_password(person=person, password="a boat on the river", now=clock.now())
    assert (
        "has ended" in run("people", "site", "list").output
        or "has ended" in run("people", "site", "change", "Porto").output
    )
