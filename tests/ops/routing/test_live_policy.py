"""The live router with all of the policy: shifts, kept, scheduled and interrupting work; and its log replays."""

import io
import threading
import time
from datetime import timedelta

import pytest
from django.db import connections

from tests import make
from tests.ops.routing.test_live import call, elsewhere, inside, leading, offered, run, state
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.kit.time import clock
from workfloor.ops.routing import decision_log, explain
from workfloor.ops.routing import leader as routing_leader
from workfloor.runtime import router as runtime_router

PATIENCE_SECONDS = 300.0
SHORTLY = ("  priority = 1\n", '  priority = 1\n  sticky_for = "2s"\n')


@pytest.fixture
def floor(real_database):
    inside(make.amended, SHORTLY, make.PREEMPTIBLE, make.PREEMPTS)
    return real_database


@pytest.fixture
def log():
    """The decision log of the test's router, which must replay to the same bytes."""
    written = io.StringIO()
    yield runtime_router.Log(written)
    lines = written.getvalue().splitlines()
    assert lines
    assert list(decision_log.replayed(lines)) == lines


def mail(**more):
    return inside(make.item, "mail", at=clock.now(), **more)


def shift(person, starts_in, seconds):
    starts_at = clock.now() + timedelta(seconds=starts_in)
    ends_at = starts_at + timedelta(seconds=seconds)
    return inside(
        people.plan_shift, person=person, starts_at=starts_at, ends_at=ends_at, by=actors.ROOT, now=clock.now()
    )


def taken(item, person):
    inside(work.accept, item=item, by=person, now=clock.now())


def agrees(item):
    inside(lambda: _agrees(Item.objects.get(id=item.id)))


def _agrees(item):
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_work_is_offered_from_the_very_beginning_of_a_shift_to_its_end_without_anybody_saying_so(floor, log):
    ana, item = inside(make.agent), call()
    planned = shift(ana, starts_in=600, seconds=90)
    router = leading(log=log)
    with clock.frozen(planned.starts_at - timedelta(seconds=1)):
        run(router)
        assert state(item) == "waiting"
        assert router.idle_seconds() == pytest.approx(1)

    with clock.frozen(planned.starts_at):
        run(router)
        assert offered() == {item.id: ana.id}
        inside(work.abandon, item=item, by=make.CUSTOMER, now=clock.now())
    with clock.frozen(planned.ends_at - timedelta(seconds=1)):
        last = call()
        run(router)
        assert offered() == {last.id: ana.id}
        inside(work.abandon, item=last, by=make.CUSTOMER, now=clock.now())
    with clock.frozen(planned.ends_at):
        late = call()
        run(router)
        assert state(late) == "waiting"


def test_a_shift_that_is_planned_or_cancelled_counts_at_once(floor, log):
    ana = inside(make.agent)
    router = leading(log=log)
    later = shift(ana, starts_in=3600, seconds=60)
    item = call()
    run(router)
    assert state(item) == "waiting"

    inside(people.cancel_shift, shift=later, by=actors.ROOT, now=clock.now())
    run(router)
    assert offered() == {item.id: ana.id}


def test_work_of_a_case_is_kept_for_whoever_knows_it_and_after_a_while_offered_to_all(floor, log):
    ana, router = inside(make.agent, "Ana"), leading(log=log)
    first = mail()
    run(router)
    taken(first, ana)
    inside(work.end, item=first, by=ana, now=clock.now())
    inside(work.wrap_up, item=first, by=ana, disposition="answered", now=clock.now())
    with clock.frozen(clock.now()):
        ringing = [call()]
        run(router)
        ben = inside(make.agent, "Ben")

        kept, for_all = mail(case=first.case), mail()
        run(router)
        assert offered() == {ringing[0].id: ana.id, for_all.id: ben.id}
        found = inside(lambda: explain.worded(explain.why(kept.id, clock.now())))
        assert {row["person"]: row["said"] for row in found} == {
            "Ana": "was at max concurrency",
            "Ben": "it was held for its sticky agent",
        }
    until = inside(Item.objects.get, id=kept.id).sticky_until
    with clock.frozen(until - timedelta(milliseconds=1)):
        run(router)
        assert kept.id not in offered()
    with clock.frozen(until):
        run(router)
        assert offered()[kept.id] == ben.id
    agrees(kept)


def test_what_was_kept_explains_its_offer_to_its_keeper(floor, log):
    ana, router = inside(make.agent, "Ana"), leading(log=log)
    first = mail()
    run(router)
    taken(first, ana)
    inside(make.agent, "Ben")
    with clock.frozen(clock.now()):
        kept = mail(case=first.case)
        run(router)

    assert offered()[kept.id] == ana.id
    found = inside(lambda: explain.worded(explain.why(kept.id, clock.now())))
    assert {row["person"]: row["said"] for row in found} == {"Ana": "could", "Ben": "it was held for its sticky agent"}


def test_scheduled_work_is_offered_as_soon_as_it_is_due(floor, log):
    ana, router = inside(make.agent), leading(log=log)
    callback = call(kind="callback", not_before=clock.now() + timedelta(seconds=600))
    with clock.frozen(callback.queued_at - timedelta(seconds=1)):
        run(router)
        assert state(callback) == "waiting"
        assert router.idle_seconds() == pytest.approx(1)
        with pytest.raises(explain.NoReason, match="scheduled"):
            inside(explain.why, callback.id, clock.now())

    with clock.frozen(callback.queued_at):
        run(router)
        assert offered() == {callback.id: ana.id}
    agrees(callback)


def test_a_letter_is_put_aside_for_a_call_and_goes_on_and_the_next_call_waits_for_no_letter(floor, log):
    ana, router = inside(make.agent, "Ana"), leading(log=log)
    letters = [mail() for _ in range(3)]
    run(router)
    for letter in letters:
        taken(letter, ana)
    urgent = call()
    run(router)
    assert offered() == {urgent.id: ana.id}
    assert {row["said"] for row in inside(lambda: explain.worded(explain.why(urgent.id, clock.now())))} == {"could"}

    taken(urgent, ana)
    second = call()
    run(router)
    assert state(second) == "waiting"
    inside(work.end, item=urgent, by=ana, now=clock.now())
    inside(work.wrap_up, item=urgent, by=ana, disposition="resolved", now=clock.now())
    assert inside(lambda: {item.preempted_at for item in Item.objects.filter(state="held")}) == {None}
    run(router)
    assert offered() == {second.id: ana.id}
    for item in (*letters, urgent, second):
        agrees(item)


def test_a_letter_that_is_finished_in_the_moment_in_which_a_call_is_offered_over_it_leaves_nothing_aside(
    floor, log, monkeypatch
):
    ana, router = inside(make.agent), leading(log=log)
    letter = mail()
    run(router)
    taken(letter, ana)
    urgent = call()
    true_fence = routing_leader.fence

    def finish():
        now = clock.now()
        work.wrap_up(item=work.end(item=letter, by=ana, now=now), by=ana, disposition="answered", now=now)

    def fence(**named):  # between the decision and its writing
        monkeypatch.setattr(routing_leader, "fence", true_fence)
        elsewhere(finish)
        return true_fence(**named)

    monkeypatch.setattr(routing_leader, "fence", fence)
    run(router)

    assert offered() == {urgent.id: ana.id}
    assert inside(lambda: list(Assignment.objects.values_list("item_id", "aside"))) == [(urgent.id, False)]


def test_a_router_that_begins_knows_what_is_aside_kept_and_scheduled(floor, log):
    ana, first_router = inside(make.agent), leading(log=log)
    letter = mail()
    run(first_router)
    taken(letter, ana)
    urgent = call()
    run(first_router)
    taken(urgent, ana)
    with clock.frozen(clock.now()):
        kept, due = mail(case=letter.case), call(not_before=clock.now() + timedelta(seconds=3600))
        runtime_router._let_go()
        router = leading()
        run(router)

        assert offered() == {}
        thing = router.mind.things[kept.id]
        assert (thing.keeper, thing.keep_until > clock.now().timestamp()) == (ana.id, True)
        assert router.mind.things[letter.id].preemptible
        assert due.id not in router.mind.places


def in_a_thread(do):
    """Do something over a connection of its own, and say when it is over and what it raised."""
    raised = []

    def attempt():
        try:
            elsewhere_now(do)
        except Exception as fault:
            raised.append(fault)

    thread = threading.Thread(target=attempt)
    thread.start()
    return thread, raised


def elsewhere_now(do):
    try:
        inside(do)
    finally:
        connections.close_all()


def test_what_goes_on_and_what_another_router_offers_in_that_moment_never_overlap(floor, log):
    ana, router = inside(make.agent), leading(log=log)
    letter = mail()
    run(router)
    taken(letter, ana)
    urgent = call()
    run(router)
    taken(urgent, ana)
    inside(work.end, item=urgent, by=ana, now=clock.now())
    second = call()
    freed, may_commit = threading.Event(), threading.Event()

    def wrap_up():
        work.wrap_up(item=urgent, by=ana, disposition="resolved", now=clock.now())
        freed.set()
        may_commit.wait(PATIENCE_SECONDS)

    def offer():  # as a router would that has not heard of the letter
        whole = lifecycle.Offer(second.id, ana.id, 0, 60, 20)
        work.offer_all(offers=[whole], by=make.ROUTER, now=clock.now())

    wrapping, _ = in_a_thread(wrap_up)
    assert freed.wait(PATIENCE_SECONDS)
    racing, raised = in_a_thread(offer)
    time.sleep(0.2)
    may_commit.set()
    wrapping.join(PATIENCE_SECONDS)
    racing.join(PATIENCE_SECONDS)

    assert [type(fault) for fault in raised] == [work.TooLate]
    assert inside(lambda: list(Assignment.objects.values_list("item_id", "aside"))) == [(letter.id, False)]
    assert inside(Item.objects.get, id=letter.id).preempted_at is None


def test_of_two_routers_that_offer_over_the_same_letter_one_is_too_late(floor, log):
    ana, router = inside(make.agent), leading(log=log)
    letter = mail()
    run(router)
    taken(letter, ana)
    calls = [call(), call()]
    results = [
        in_a_thread(
            lambda item=item: work.offer_all(
                offers=[lifecycle.Offer(item.id, ana.id, 0, 60, 20, over=True)], by=make.ROUTER, now=clock.now()
            )
        )
        for item in calls
    ]
    for thread, _ in results:
        thread.join(PATIENCE_SECONDS)

    assert sorted(len(raised) for _, raised in results) == [0, 1]
    assert [type(fault) for _, raised in results for fault in raised] == [work.TooLate]
    assert len(offered()) == 1
    assert inside(lambda: Assignment.objects.get(item=letter).aside)
