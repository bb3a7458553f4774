"""Shifts: for whom they are planned, nothing is offered outside them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import AgentState, Shift
from workfloor.core.work.models import Item
from workfloor.ops.routing import explain
from workfloor.ops.routing import leader as routing_leader
from workfloor.ops.routing import queries as routing_queries

HOURS = st.integers(-40, 40).map(lambda hours: make.later(hours=hours))


def planned(person, start, hours=8):
    """A shift that begins so many hours after NINE."""
    starts_at = make.later(hours=start)
    return people.plan_shift(
        person=person, starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), by=actors.ROOT, now=make.NINE
    )


def offered(hours):
    return routing_leader.pulse(now=make.later(hours=hours))


@given(st.lists(HOURS, unique=True, max_size=6), HOURS)
def test_on_shift_is_between_a_beginning_and_an_end_and_it_is_known_when_that_changes(starts, now):
    shifts = [(each, each + timedelta(hours=1)) for each in starts]
    ahead = [each for each in shifts if each[1] > now]
    on, changes_at = qualification.on_shift(ahead, bool(shifts), now)

    assert on == (not shifts or any(start <= now < end for start, end in shifts))
    borders = [at for each in shifts for at in each if at > now]
    assert changes_at == min(borders, default=None)


def test_who_has_no_shift_on_file_takes_work_while_they_say_so(everyone):
    make.agent(), make.call()

    assert offered(0) == 1


def test_nothing_is_offered_before_a_shift_begins_and_from_its_end_on(everyone):
    planned(make.agent(), start=1, hours=2)
    calls = [make.call() for _ in range(3)]

    assert [offered(hours) for hours in (0.99, 3, 4)] == [0, 0, 0]
    assert offered(1) == 1
    assert Item.objects.get(id=calls[0].id).state == "offered"


def test_nothing_is_offered_between_two_shifts_and_all_is_offered_across_two_that_touch(everyone):
    ana = make.agent()
    planned(ana, start=0, hours=1), planned(ana, start=1, hours=1), planned(ana, start=3, hours=1)
    for _ in range(4):
        make.item("mail")

    worker = routing_queries.workers(make.later(hours=1), [ana.id])[0]
    assert (worker.here, worker.until) == (True, make.later(hours=2).timestamp())
    assert (offered(1), offered(2.5)) == (3, 0)


def test_a_cancelled_shift_counts_no_more(everyone):
    ana = make.agent()
    first, second = planned(ana, start=0), planned(ana, start=24)
    make.call()
    people.cancel_shift(shift=first, by=actors.ROOT, now=make.NINE)
    assert offered(1) == 0
    people.cancel_shift(shift=second, by=actors.ROOT, now=make.NINE)
    assert offered(1) == 1
    assert [fact.event for fact in event_log_queries.of_person(ana.id)][-5:-1] == [
        "person.shift-planned",
        "person.shift-planned",
        "person.shift-cancelled",
        "person.shift-cancelled",
    ]


def test_why_says_that_somebody_was_off_shift_also_when_the_plan_has_changed_since(everyone):
    ana, ben = make.agent("Ana"), make.agent("Ben")
    shift = planned(ana, start=2)
    call = make.call()
    assert offered(1) == 1
    people.cancel_shift(shift=shift, by=actors.ROOT, now=make.later(hours=1, minutes=1))
    found = explain.why(call.id, make.later(hours=2))

    assert found.offered_to == ben
    assert [row["said"] for row in explain.worded(found)] == ["could", "was off shift"]


@pytest.mark.parametrize("hours", [0, -1, 25])
def test_a_shift_ends_after_it_begins_and_within_a_day(everyone, hours):
    with pytest.raises(people.Refused, match="24 hours"):
        planned(make.agent(), start=0, hours=hours)


def test_shifts_of_a_person_do_not_overlap_whoever_writes_them(everyone):
    ana = make.agent()
    planned(ana, start=0), planned(make.agent(), start=0)
    with pytest.raises(people.Refused, match="overlaps"):
        planned(ana, start=7)
    with pytest.raises(IntegrityError, match="shift_once"), transaction.atomic():
        Shift.objects.create(
            person=ana, starts_at=make.later(hours=7), ends_at=make.later(hours=9), planned_at=make.NINE
        )
    assert len(people_queries.shifts(ana, make.NINE)) == 1


def test_only_agents_have_shifts(everyone):
    with pytest.raises(people.Refused, match="agents"):
        planned(make.person("leader"), start=0)


def test_whoever_forgets_to_sign_out_is_signed_out_an_hour_after_their_shift_as_a_fact(everyone):
    ana, ben, eve = make.agent("Ana"), make.agent("Ben"), make.agent("Eve")
    for person, hours in ((ana, 8), (ben, 12)):
        people.plan_shift(
            person=person, starts_at=make.NINE, ends_at=make.later(hours=hours), by=actors.ROOT, now=make.NINE
        )

    assert people.end_presences(by=make.ROUTER, now=make.later(hours=8, minutes=59)) == 0
    assert people.end_presences(by=make.ROUTER, now=make.later(hours=9, minutes=1)) == 1

    state = {each.person_id: each.state for each in AgentState.objects.all()}
    assert [state[each.id] for each in (ana, ben, eve)] == ["signed-out", "available", "available"]
    last = event_log_queries.of_person(ana.id).last()
    assert (last.event, last.details) == ("person.signed-out", {"because": "shift-over"})
    assert people.end_presences(by=make.ROUTER, now=make.later(hours=9, minutes=2)) == 0


def test_whoever_comes_after_their_shift_of_their_own_will_stays_for_an_hour(everyone):
    ana = make.agent("Ana", available=False)
    people.plan_shift(person=ana, starts_at=make.NINE, ends_at=make.later(hours=8), by=actors.ROOT, now=make.NINE)
    people.go_available(person=ana, by=ana, now=make.later(hours=10))

    assert people.end_presences(by=make.ROUTER, now=make.later(hours=10, minutes=59)) == 0
    assert people.end_presences(by=make.ROUTER, now=make.later(hours=11, minutes=1)) == 1


def test_whoever_signs_out_of_their_account_is_signed_out_of_work(everyone):
    ana = make.agent("Ana")
    browser = Browser()
    browser.force_login(ana.account)

    assert browser.post("/accounts/logout/").status_code == 302

    assert AgentState.objects.get(person=ana).state == "signed-out"
    last = event_log_queries.of_person(ana.id).last()
    assert (last.event, last.details) == ("person.signed-out", {"because": "signed-out-of-the-account"})
