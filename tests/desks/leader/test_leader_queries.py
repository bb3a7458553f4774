from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.desks.leader import crew_queries
from workfloor.desks.leader import queries as leader_queries

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture
def leader():
    make.client()
    return make.person("leader", name="Leonor")


def floor(leader, now, client_id=None, site_id=None):
    return leader_queries.floor(leader, client_id, site_id, now)


def line(leader, now, name="calls"):
    return next(each for each in floor(leader, now).lines if each.queue.name == name)


def accepted(item, by, at, max_concurrency=1):
    work.offer(item=item, person=by, max_concurrency=max_concurrency, offer_seconds=20, by=make.ROUTER, now=at)
    return work.accept(item=item, by=by, now=at)


def done(item, by, at, took=60):
    ended = work.end(item=accepted(item, by, at), by=by, now=at + timedelta(seconds=took))
    return work.wrap_up(item=ended, by=by, disposition="resolved", now=at + timedelta(seconds=took))


def test_an_empty_queue_of_the_contract_is_on_the_page_too(leader):
    lines = floor(leader, make.NINE).lines

    assert [(each.queue.name, each.waiting, each.oldest_queued_at) for each in lines] == [
        ("calls", 0, None),
        ("mail", 0, None),
    ]


def test_a_queue_says_what_waits_since_when_and_what_was_promised(leader):
    make.call(at=make.NINE)
    make.call(at=make.later(seconds=10))

    found = line(leader, make.later(seconds=15))

    assert (found.waiting, found.oldest_queued_at, found.target_seconds) == (2, make.NINE, 20)


def test_waiting_offered_held_and_done_are_told_apart(leader):
    ana, bruno = make.agent("Ana"), make.agent("Bruno")
    done(make.call(), ana, make.later(seconds=5))
    accepted(make.call(), ana, make.later(seconds=90))
    work.offer(
        item=make.call(), person=bruno, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.later(seconds=95)
    )
    make.call()

    found = line(leader, make.later(seconds=100))

    assert (found.waiting, found.offered, found.held, found.day.handled) == (1, 1, 1, 1)
    assert found.arrivals.total == 4


def test_what_is_scheduled_does_not_wait_before_it_is_due(leader):
    make.call(at=make.NINE, not_before=make.later(hours=1))

    before, after = line(leader, make.later(minutes=59)), line(leader, make.later(minutes=61))
    assert (before.waiting, before.scheduled, before.oldest_queued_at) == (0, 1, None)
    assert (after.waiting, after.scheduled, after.oldest_queued_at) == (1, 0, make.later(hours=1))


def test_who_is_off_shift_is_not_free(leader):
    ana = make.agent("Ana")
    make.agent("Bruno")
    people.plan_shift(
        person=ana, starts_at=make.later(hours=1), ends_at=make.later(hours=2), by=actors.ROOT, now=make.NINE
    )

    assert (floor(leader, make.NINE).free, floor(leader, make.later(hours=1)).free) == (1, 2)
    assert [worker.standing.state for worker in floor(leader, make.NINE).at_work] == ["available", "off-shift"]


def test_in_time_counts_what_was_answered_as_promised(leader):
    ana = make.agent("Ana")
    done(make.call(), ana, make.later(seconds=20))
    done(make.call(), ana, make.later(seconds=200))

    found = line(leader, make.later(seconds=400))

    assert (found.day.counted, found.day.met, found.service_level, found.expected) == (2, 1, 50, 80)


def test_yesterday_does_not_count_today(leader):
    done(make.call(), make.agent("Ana"), make.later(seconds=5))

    found = line(leader, make.later(days=1))

    assert (found.day.handled, found.day.answered, found.service_level) == (0, 0, None)


def test_what_rests_with_the_customer_is_not_the_oldest_waiting(leader):
    ana = make.agent("Ana")
    mail = accepted(make.item("mail"), ana, make.NINE, max_concurrency=3)
    work.set_pending_customer(item=mail, by=ana, now=make.NINE)

    found = line(leader, make.later(hours=1), "mail")

    assert (found.waiting, found.resting, found.oldest_queued_at) == (0, 1, None)


def test_people_stand_in_the_order_of_interest_and_with_their_work(leader):
    ana, _, carla = make.agent("Ana"), make.agent("Bruno"), make.agent("Carla")
    make.agent("Diogo", available=False)
    people.go_away(person=ana, by=ana, reason="lunch", now=make.NINE)
    call = accepted(make.call(), carla, make.NINE)

    found = floor(leader, make.later(minutes=1))

    assert [worker.person.name for worker in found.at_work] == ["Carla", "Bruno", "Ana"]
    assert found.at_work[0].items == [call]
    assert [worker.person.name for worker in found.crew.gone] == ["Diogo"]
    assert found.free == 1


def test_a_call_for_help_is_shown_with_what_was_asked_until_the_item_is_done(leader):
    ana = make.agent("Ana")
    call = accepted(make.call(), ana, make.NINE)
    work.escalate(item=call, by=ana, note="Above my limit", now=make.NINE)
    assert [(each.item.id, each.note) for each in floor(leader, make.NINE).calls] == [(call.id, "Above my limit")]

    ended = work.end(item=call, by=ana, now=make.NINE)
    work.wrap_up(item=ended, by=ana, disposition="resolved", now=make.NINE)
    assert floor(leader, make.NINE).calls == []


def test_the_page_can_be_narrowed_to_a_client_and_to_a_site(leader):
    other = make.client("porto-post")
    site = people.open_site(name="Nairobi", country="KE", zone="Africa/Nairobi", by=actors.ROOT, now=make.NINE)
    make.agent("Ana")
    here = make.person("agent", name="Esther", site=site)
    people.go_available(person=here, by=here, now=make.NINE)

    assert {each.client.slug for each in floor(leader, make.NINE, client_id=other.id).lines} == {"porto-post"}
    assert [each.person.name for each in floor(leader, make.NINE, site_id=site.id).at_work] == ["Esther"]


def test_queues_at_risk_stand_first_and_what_is_quiet_last(leader):
    make.item("mail")
    make.call()

    in_time, late = floor(leader, make.later(seconds=5)), floor(leader, make.later(seconds=25))

    assert [(each.queue.name, each.mood) for each in in_time.lines] == [("calls", "calm"), ("mail", "calm")]
    assert [(each.queue.name, each.mood) for each in late.busy] == [("calls", "late"), ("mail", "calm")]
    assert (late.missed, late.quiet) == (1, [])


def test_a_queue_is_quiet_while_nothing_is_in_it_and_its_target_is_met(leader):
    ana = make.agent("Ana")
    done(make.call(), ana, make.later(seconds=200))

    found = floor(leader, make.later(seconds=400))

    assert [each.queue.name for each in found.quiet] == ["mail"]
    assert (found.busy[0].service_level, found.busy[0].level_mood) == (0, "late")


def test_whoever_is_too_long_in_a_state_stands_first_and_is_counted(leader):
    ana, bruno = make.agent("Ana"), make.agent("Bruno")
    accepted(make.call(), ana, make.NINE)
    people.go_away(person=bruno, by=bruno, reason="break", now=make.NINE)

    before, after = floor(leader, make.later(minutes=15)), floor(leader, make.later(minutes=16))

    assert [worker.person.name for worker in before.at_work] == ["Ana", "Bruno"]
    assert [worker.person.name for worker in after.at_work] == ["Bruno", "Ana"]
    assert after.crew.states == [("on-call", 1, 0), ("not-ready", 1, 1)]


def test_occupancy_is_what_is_in_use_of_the_capacity_of_those_who_take_work(leader):
    ana, bruno, carla = make.agent("Ana"), make.agent("Bruno"), make.agent("Carla")
    accepted(make.call(), ana, make.NINE)
    accepted(make.item("mail"), bruno, make.NINE, max_concurrency=3)
    people.go_away(person=carla, by=carla, reason="lunch", now=make.NINE)

    assert floor(leader, make.NINE).occupancy_percent == 66  # one wholly, one by a third


def test_people_can_be_narrowed_to_a_state_and_many_are_named_when_asked_for(leader, monkeypatch):
    monkeypatch.setattr(crew_queries, "MOST_SHOWN", 1)
    for name in ("Ana", "Bruno"):
        make.agent(name)
    make.agent("Diogo", available=False)

    some = leader_queries.floor(leader, None, None, make.NINE)
    every = leader_queries.floor(leader, None, None, make.NINE, every=True)
    gone = leader_queries.floor(leader, None, None, make.NINE, "signed-out")

    assert ([each.person.name for each in some.at_work], some.crew.left_out) == (["Ana"], 1)
    assert ([each.person.name for each in every.at_work], every.crew.left_out) == (["Ana", "Bruno"], 0)
    assert [each.person.name for each in gone.at_work] == ["Diogo"]


def test_a_busier_day_and_a_larger_floor_ask_no_more_questions(leader, django_assert_num_queries):
    ana = make.agent("Ana")
    done(make.call(), ana, make.NINE)
    with CaptureQueriesContext(connection) as small:
        floor(leader, make.later(hours=1))

    make.client("porto-post")
    for number in range(12):
        agent = make.agent(f"Agent {number}")
        done(make.call(at=make.later(minutes=number)), agent, make.later(minutes=number, seconds=3))
        accepted(make.call(at=make.later(minutes=30)), agent, make.later(minutes=31))

    with django_assert_num_queries(len(small)):
        floor(leader, make.later(hours=1))
