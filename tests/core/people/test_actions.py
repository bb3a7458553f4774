"""Hiring, certifying and clearing people, their agent state at work, and their leaving."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client as Browser

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people import queries as people_queries

TODAY = make.NINE.date()


@pytest.fixture(autouse=True)
def _entered(everyone):
    return everyone


def facts_of(person):
    return [fact.event for fact in event_log_queries.of_person(person.id)]


def certified(person, **more):
    given = {"skill": "hebrew", "level": 3, "proof": "test", "valid_from": TODAY, "now": make.NINE} | more
    return people.certify(person=person, **given, by=actors.ROOT)


# --- skills -----------------------------------------------------------------------------------------------------------


def test_a_skill_is_had_from_the_certificates_first_day_to_its_last():
    ana = make.person("agent")
    certified(ana, expires_on=TODAY + timedelta(days=30))

    had = [people_queries.skills_on(ana, TODAY + timedelta(days=passed)) for passed in (-1, 0, 30, 31)]

    assert had == [{}, {"hebrew": 3}, {"hebrew": 3}, {}]


def test_a_skill_taken_back_is_gone_at_once_and_the_journal_says_why():
    ana = make.person("agent")
    people.revoke_certificate(
        certificate=certified(ana), reason="failed the repeat test", by=actors.ROOT, now=make.later(hours=1)
    )

    assert people_queries.skills_on(ana, TODAY) == {}
    assert facts_of(ana) == ["person.joined", "person.certified", "person.certificate-revoked"]
    assert event_log_queries.of_person(ana.id).last().details == {"skill": "hebrew", "reason": "failed the repeat test"}


@pytest.mark.parametrize("wrong", [{"level": 0}, {"level": 6}, {"proof": "hearsay"}])
def test_the_database_takes_no_certificate_that_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        certified(make.person("agent"), **wrong)


# --- clearances -------------------------------------------------------------------------------------------------------


def test_people_may_enter_the_clients_that_they_are_cleared_for():
    ana, north, south = make.person("agent"), make.client("north"), make.client("south")
    people.clear(person=ana, client=north, by=actors.ROOT, now=make.NINE)

    assert people_queries.enterable(ana) == [north.id]
    assert south.id not in people_queries.enterable(ana)


def test_who_is_cleared_is_not_cleared_again():
    ana, north = make.person("agent"), make.client("north")
    people.clear(person=ana, client=north, by=actors.ROOT, now=make.NINE)

    with pytest.raises(people.Refused, match="already"):
        people.clear(person=ana, client=north, by=actors.ROOT, now=make.later(hours=1))
    assert facts_of(ana) == ["person.joined", "person.cleared"]


def test_a_clearance_withdrawn_shuts_the_client_at_once_and_can_be_given_again():
    ana, north = make.person("agent"), make.client("north")
    clearance = people.clear(person=ana, client=north, by=actors.ROOT, now=make.NINE)

    people.withdraw_clearance(clearance=clearance, by=actors.ROOT, now=make.later(hours=1))
    assert people_queries.enterable(ana) == []

    people.clear(person=ana, client=north, by=actors.ROOT, now=make.later(hours=2))
    assert people_queries.enterable(ana) == [north.id]
    assert facts_of(ana) == ["person.joined", "person.cleared", "person.clearance-withdrawn", "person.cleared"]


def test_a_clients_own_people_may_enter_that_client_and_no_other():
    north, south = make.client("north"), make.client("south")
    rosa = make.person("client", of=north)

    assert people_queries.enterable(rosa) == [north.id]
    with pytest.raises(IntegrityError), transaction.atomic():
        people.clear(person=rosa, client=south, by=actors.ROOT, now=make.NINE)


@pytest.mark.parametrize(("roles", "of_client"), [(["agent", "client"], True), (["leader"], True), (["client"], False)])
def test_a_person_is_either_staff_or_one_clients_own(roles, of_client):
    with pytest.raises(IntegrityError), transaction.atomic():
        make.person(*roles, of=make.client() if of_client else None)


# --- agent state -----------------------------------------------------------------------------------------------------


def test_a_day_at_work_is_told_by_its_facts():
    ana = make.person("agent")

    people.go_available(person=ana, by=ana, now=make.NINE)
    people.go_away(person=ana, by=ana, reason=" lunch ", now=make.later(hours=3))
    people.go_available(person=ana, by=ana, now=make.later(hours=4))
    people.sign_out_of_work(person=ana, by=ana, now=make.later(hours=8))

    assert facts_of(ana) == [
        "person.joined",
        "person.signed-in",
        "person.available",
        "person.away",
        "person.available",
        "person.signed-out",
    ]
    assert event_log_queries.of_person(ana.id).get(event="person.away").details == {"reason": "lunch"}


def test_to_be_as_one_is_already_is_no_fact_and_keeps_the_time():
    ana = make.agent()

    again = people.go_available(person=ana, by=ana, now=make.later(minutes=5))

    assert again.since == make.NINE
    assert facts_of(ana).count("person.available") == 1


def test_going_away_needs_a_reason():
    with pytest.raises(people.Refused, match="not-ready reason"):
        people.go_away(person=make.agent(), reason="  ", by=make.ROOT, now=make.NINE)


@pytest.mark.parametrize("role", ["leader", "planner", "manager"])
def test_only_agents_take_work(role):
    with pytest.raises(people.Refused, match="agents"):
        people.go_available(person=make.person(role), by=make.ROOT, now=make.NINE)


def test_only_agents_who_are_there_are_on_the_floor():
    ana, _signed_out, away = make.agent(), make.agent(available=False), make.agent()
    people.go_away(person=away, by=away, reason="break", now=make.later(minutes=1))

    assert {person.id for person in people_queries.on_the_floor()} == {ana.id, away.id}


# --- accounts and leaving ---------------------------------------------------------------------------------------------


def test_an_address_is_one_account_whatever_its_capitals():
    people.open_account(email="Ana@Example.com")

    with pytest.raises(people.Refused, match="already"):
        people.open_account(email="ana@example.COM")


def test_who_has_left_gets_no_work_and_no_page_and_the_facts_stay():
    ana = make.agent()
    browser = Browser()
    browser.force_login(ana.account)
    assert browser.get("/desk/").status_code == 200

    people.leave(person=ana, by=actors.ROOT, now=make.later(hours=1))

    assert browser.get("/desk/").status_code == 302
    assert people_queries.by_account(ana.account_id) is None
    assert not people_queries.on_the_floor().exists()
    assert facts_of(ana)[-2:] == ["person.signed-out", "person.left"]
    with pytest.raises(people.Refused):
        people.go_available(person=ana, by=ana, now=make.later(hours=2))


def test_a_clients_own_person_can_leave_too():
    rosa = make.person("client", of=make.client())

    people.leave(person=rosa, by=actors.ROOT, now=make.later(hours=1))

    assert people_queries.by_account(rosa.account_id) is None
    assert facts_of(rosa) == ["person.joined", "person.left"]


def test_somebody_with_a_past_cannot_be_deleted():
    ana = make.agent()

    with pytest.raises(ProtectedError):
        ana.delete()
