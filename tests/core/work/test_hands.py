"""Who may do what with work: whoever has it in hand, whoever leads and is cleared, and what that asks the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from workfloor.core.access import actors, permissions
from workfloor.core.event_log.models import Fact
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work

pytestmark = pytest.mark.usefixtures("everyone")


def offered(to):
    return work.offer(item=make.call(), person=to, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.NINE)


def who_did(event):
    """By whom the newest fact of this event is: a person's number, or what acted."""
    fact = Fact.objects.filter(event=event).latest("id")
    return fact.by_id or fact.acted_as


def test_a_press_of_whoever_has_the_item_in_hand_looks_nothing_up_of_what_they_may():
    ana = make.agent()
    call, looked_up = offered(ana), []

    for press, more in (
        (work.accept, {}),
        (work.hold, {}),
        (work.resume, {}),
        (work.end, {}),
        (work.wrap_up, {"disposition": "resolved"}),
    ):
        with CaptureQueriesContext(connection) as asked:
            press(item=call, by=ana, now=make.later(seconds=9), **more)
        looked_up += [
            each["sql"] for each in asked if "people_clearance" in each["sql"] or "people_team" in each["sql"]
        ]

    assert looked_up == []


def test_whoever_leads_cancels_what_is_not_in_their_hands_if_they_are_cleared_for_its_client():
    ana = make.agent()
    call = work.accept(item=offered(ana), by=ana, now=make.NINE)

    with pytest.raises(permissions.Refused, match="takes the role leader or manager"):
        work.cancel(item=call, reason="twice", by=ana, now=make.NINE)
    with pytest.raises(permissions.Refused, match="not cleared for this client"):
        work.cancel(item=call, reason="twice", by=make.person("leader"), now=make.NINE)

    lead = make.in_charge("leader", call.client)
    assert work.cancel(item=call, reason="twice", by=lead, now=make.NINE).state == "cancelled"
    assert who_did("work.cancelled") == lead.id


def test_nobody_does_by_hand_what_the_router_does():
    manager = make.in_charge("manager", make.client())

    with pytest.raises(permissions.Refused, match="Workfloor does it itself"):
        work.offer(
            item=make.call(), person=make.agent(), max_concurrency=1, offer_seconds=20, by=manager, now=make.NINE
        )


def test_a_clients_system_calls_back_its_own_clients_work_alone():
    make.client("another")
    call, theirs = make.call(), make.item("calls", of="another")
    shop = actors.system("the shop", call.client_id)

    with pytest.raises(permissions.Refused, match="not cleared for this client"):
        work.cancel(item=theirs, reason="paid", by=shop, now=make.NINE)
    with pytest.raises(permissions.Refused, match="takes the role"):
        work.prioritise(item=call, priority=3, by=shop, now=make.NINE)

    work.cancel(item=call, reason="paid", by=shop, now=make.NINE)
    assert who_did("work.cancelled") == "client's system the shop"


def test_each_fact_of_an_items_life_says_who_it_was():
    ana = make.agent()
    work.accept(item=offered(ana), by=ana, now=make.NINE)
    work.abandon(item=make.call(), by=make.CUSTOMER, now=make.NINE)

    said = {event: who_did(f"work.{event}") for event in ("received", "queued", "offered", "accepted", "abandoned")}
    assert said == {
        "received": "customer",
        "queued": "customer",
        "offered": "router",
        "accepted": ana.id,
        "abandoned": "customer",
    }
    assert not Fact.objects.filter(by_id=None, acted_as="").exists()


def test_somebodys_state_is_set_by_themselves_by_who_leads_their_team_and_by_what_runs():
    ana, other = make.agent(), make.agent()
    lead = make.person("leader")
    site = people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=actors.ROOT, now=make.NINE)
    ana.team = people.form_team(name="Days", site=site, leader=lead, by=actors.ROOT, now=make.NINE)

    people.go_away(person=ana, reason="training", by=lead, now=make.later(minutes=1))
    assert who_did("person.away") == lead.id
    with pytest.raises(permissions.Refused, match="only of their own team or site"):
        people.go_away(person=other, reason="training", by=lead, now=make.later(minutes=1))
    with pytest.raises(permissions.Refused, match="takes the role"):
        people.sign_out_of_work(person=other, by=ana, now=make.later(minutes=1))

    people.go_away(person=other, reason="RONA", by=make.ROUTER, now=make.later(minutes=2))
    assert who_did("person.away") == "router"


def test_whoever_leads_a_site_leads_every_team_of_it_and_no_other_sites():
    lead, ana, bruno = make.person("leader"), make.agent(), make.agent()
    porto = people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=actors.ROOT, now=make.NINE)
    cebu = people.open_site(name="Cebu", country="PH", zone="Asia/Manila", by=actors.ROOT, now=make.NINE)
    ana.team = people.form_team(name="Days", site=porto, by=actors.ROOT, now=make.NINE)
    bruno.team = people.form_team(name="Nights", site=cebu, by=actors.ROOT, now=make.NINE)
    with pytest.raises(permissions.Refused, match="only of their own team or site"):
        people.go_away(person=ana, reason="training", by=lead, now=make.NINE)

    people.change_site(site=porto, leader=lead, by=actors.ROOT, now=make.NINE)

    people.go_away(person=ana, reason="training", by=lead, now=make.NINE)
    assert who_did("person.away") == lead.id
    with pytest.raises(permissions.Refused, match="only of their own team or site"):
        people.go_away(person=bruno, reason="training", by=lead, now=make.NINE)
