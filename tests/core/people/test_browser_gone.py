"""Whose browser is gone is offered no more work: they are signed out of it, and a fact says why."""

from datetime import timedelta

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work import joining
from workfloor.desks.leader import queries as leader_queries

pytestmark = pytest.mark.usefixtures("everyone")

FIVE = timedelta(minutes=5)


@pytest.fixture
def floor():
    """Ana and Bruno take work since nine; until a quarter past both have their desks open, then Bruno alone."""
    make.client()
    ana, bruno = make.agent("Ana"), make.agent("Bruno")
    people.note_heard(person_ids=[ana.id, bruno.id], now=make.later(minutes=15))
    people.note_heard(person_ids=[bruno.id], now=make.later(minutes=30))
    return ana, bruno


def states() -> dict[str, str]:
    return dict(AgentState.objects.values_list("person__name", "state"))


def test_who_takes_work_and_has_no_browser_any_more_is_signed_out_of_it(floor):
    ana, _ = floor

    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=30), after=FIVE) == 1

    assert states() == {"Ana": "signed-out", "Bruno": "available"}
    assert event_log_queries.of_person(ana.id).last().details == {"because": "browser-gone"}
    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=31), after=FIVE) == 0


def test_nobody_is_before_their_time(floor):
    people.note_heard(person_ids=[floor[0].id], now=make.later(minutes=26))

    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=30), after=FIVE) == 0


def test_who_has_work_in_hand_keeps_it_and_the_leader_sees_since_when_the_browser_is_gone(floor):
    ana, _ = floor
    leader = make.person("leader")
    people.clear(person=leader, client=make.client(), by=actors.ROOT, now=make.NINE)
    work.accept(
        item=work.offer(
            item=make.call(), person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.NINE
        ),
        by=ana,
        now=make.NINE,
    )

    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=30), after=FIVE) == 0

    seen = leader_queries.floor(leader, None, None, make.later(minutes=30)).at_work
    assert {worker.person.name: worker.browser_gone_since for worker in seen} == {
        "Ana": make.later(minutes=15),
        "Bruno": None,
    }


def test_while_no_browser_at_all_is_there_it_is_the_web_server_that_is_away(floor):
    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(hours=1), after=FIVE) == 0


def test_who_takes_work_without_ever_a_browser_is_not_meant(floor):
    make.agent("Carla")

    joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=30), after=FIVE)

    assert states()["Carla"] == "available"


def test_a_break_is_nobodys_business(floor):
    people.go_away(person=floor[0], by=floor[0], reason="lunch", now=make.later(minutes=16))

    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=30), after=FIVE) == 0
