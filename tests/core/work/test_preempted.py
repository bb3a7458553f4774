"""Work that yields is preempted for work that preempts: nobody has more than they can, and nothing is lost."""

import pytest
from django.db import IntegrityError, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.kit.database import rls
from workfloor.ops.routing import leader as routing_leader


@pytest.fixture
def floor(everyone):
    make.amended(make.PREEMPTIBLE, make.PREEMPTS)


def now_of(item):
    return Item.objects.get(id=item.id)


def events_of(item):
    return [fact.event.removeprefix("work.") for fact in event_log_queries.of_item(item.id)]


def mail_and_call(ana, mails=1):
    """Letters in hand since NINE, and a call that is offered over them half a minute later."""
    letters = [make.item("mail") for _ in range(mails)]
    routing_leader.pulse(now=make.NINE)
    for letter in letters:
        work.accept(item=letter, by=ana, now=make.NINE)
    call = make.call(at=make.later(seconds=30))
    assert routing_leader.pulse(now=make.later(seconds=30)) == 1
    return [*letters, call]


def test_a_letter_is_put_aside_when_the_call_is_accepted_and_goes_on_when_it_is_wrapped_up(floor):
    ana = make.agent()
    letter, call = mail_and_call(ana)
    assert now_of(letter).preempted_at is None  # as long as it only rings
    work.accept(item=call, by=ana, now=make.later(seconds=40))
    assert (now_of(letter).state, now_of(letter).person) == ("held", ana)
    assert now_of(letter).preempted_at == make.later(seconds=40)

    work.end(item=call, by=ana, now=make.later(seconds=100))
    assert now_of(letter).preempted_at == make.later(seconds=40)
    work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(seconds=110))
    assert now_of(letter).preempted_at is None
    work.end(item=letter, by=ana, now=make.later(seconds=130))
    done = work.wrap_up(item=letter, by=ana, disposition="answered", now=make.later(seconds=135))

    # 40 seconds before the call, 20 after it; the 70 of the call are not the letter's.
    assert (done.talk_seconds, done.wrap_seconds) == (60, 5)
    assert events_of(letter)[4:] == ["connected", "preempted", "preemption-ended", "ended", "wrapped-up"]
    assert work_queries.rebuilt(letter.id) == work_queries.state_of(done)
    assert not Assignment.objects.exists()


def test_a_call_that_is_declined_or_lapses_has_put_nothing_aside(floor):
    ana = make.agent()
    letter, call = mail_and_call(ana)
    work.decline(item=call, by=ana, now=make.later(seconds=35))

    assert "preempted" not in events_of(letter)
    assert not Assignment.objects.get(item=letter).aside
    assert now_of(letter).talking_since == make.NINE


def test_all_letters_are_put_aside_for_a_call_and_all_go_on(floor):
    ana = make.agent()
    *letters, call = mail_and_call(ana, mails=3)
    work.accept(item=call, by=ana, now=make.later(seconds=40))
    assert [now_of(each).preempted_at for each in letters] == [make.later(seconds=40)] * 3
    assert [each.id for each in work_queries.held_by(ana)] == [call.id, *(each.id for each in letters)]

    work.cancel(item=call, reason="hung up", by=make.ROOT, now=make.later(seconds=50))
    assert [now_of(each).preempted_at for each in letters] == [None] * 3
    assert sorted(work_queries.shares([ana.id])[ana.id]) == [(0, 20), (20, 40), (40, 60)]


def test_what_is_put_aside_can_be_passed_on_or_cancelled_and_nothing_else(floor):
    ana = make.agent()
    letter, call = mail_and_call(ana)
    work.accept(item=call, by=ana, now=make.later(seconds=40))
    for deed in (work.end, work.set_pending_customer, work.hold):
        with pytest.raises(lifecycle.NotNow, match="preempted"):
            deed(item=letter, by=ana, now=make.later(seconds=50))

    passed = work.transfer(item=letter, queue=make.queue("mail"), by=ana, now=make.later(seconds=60))
    assert (passed.state, passed.preempted_at, passed.talk_seconds) == ("waiting", None, 40)
    assert work_queries.rebuilt(letter.id) == work_queries.state_of(now_of(letter))


def test_a_wrap_up_that_is_interrupted_counts_without_the_interruption(floor):
    ana = make.agent()
    letter, call = mail_and_call(ana)
    work.end(item=letter, by=ana, now=make.later(seconds=35))
    work.accept(item=call, by=ana, now=make.later(seconds=40))
    work.end(item=call, by=ana, now=make.later(seconds=90))
    work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(seconds=100))
    done = work.wrap_up(item=letter, by=ana, disposition="answered", now=make.later(seconds=107))

    assert (done.talk_seconds, done.wrap_seconds) == (35, 5 + 7)
    assert work_queries.rebuilt(letter.id) == work_queries.state_of(done)


def test_an_offer_beneath_an_accepted_call_goes_back_in_line_and_nobody_is_set_away_for_it(floor):
    ana = make.agent()
    letter = make.item("mail")
    routing_leader.pulse(now=make.NINE)
    call = make.call(at=make.later(seconds=5))
    routing_leader.pulse(now=make.later(seconds=5))
    assert (now_of(letter).person, now_of(call).person) == (ana, ana)
    work.accept(item=call, by=ana, now=make.later(seconds=8))

    assert (now_of(letter).state, events_of(letter)[-1]) == ("waiting", "offer-withdrawn")
    ben = make.agent()
    routing_leader.pulse(now=make.later(seconds=9))
    assert now_of(letter).person == ben


def test_only_a_call_of_a_queue_that_interrupts_takes_what_letters_have(everyone):
    make.amended(make.PREEMPTIBLE)
    ana = make.agent()
    letter = make.item("mail")
    routing_leader.pulse(now=make.NINE)
    work.accept(item=letter, by=ana, now=make.NINE)
    make.call()

    assert routing_leader.pulse(now=make.NINE) == 0


def test_the_database_refuses_what_would_be_too_much_whoever_writes_it(floor):
    ana = make.agent()
    letter, call = mail_and_call(ana)
    share = Assignment.objects.get(item=call).share

    def hand(**more):
        item = make.item("mail")
        with transaction.atomic():
            Assignment.objects.create(item=item, client_id=item.client_id, person=ana, since=make.NINE, **more)

    with pytest.raises(IntegrityError, match="assignment_within_capacity"):
        hand(share=share)
    with pytest.raises(IntegrityError, match="assignment_aside_within_capacity"):
        hand(share=(0, 20), preemptible=True, aside=True)
    with pytest.raises(IntegrityError, match="assignment_aside_preemptible"), transaction.atomic():
        Assignment.objects.filter(item=call).update(aside=True)
    with pytest.raises(IntegrityError, match="assignment_within_capacity"), transaction.atomic():
        Assignment.objects.filter(item=letter).update(aside=False)


def test_a_letter_of_a_client_whom_the_sender_cannot_see_goes_on_at_the_next_look_of_the_router(floor):
    other = make.amended(make.PREEMPTIBLE, slug="north")
    ana = make.agent()
    people.clear(person=ana, client=other, by=actors.ROOT, now=make.NINE)
    letter = make.item("mail", of="north")
    routing_leader.pulse(now=make.NINE)
    work.accept(item=letter, by=ana, now=make.NINE)
    call = make.call(at=make.later(seconds=30))
    routing_leader.pulse(now=make.later(seconds=30))
    work.accept(item=call, by=ana, now=make.later(seconds=40))

    rls.enter(call.client_id)
    work.cancel(item=call, reason="hung up", by=make.ROOT, now=make.later(seconds=50))
    rls.enter_every_client()
    assert now_of(letter).preempted_at
    routing_leader.pulse(now=make.later(seconds=51))
    assert now_of(letter).preempted_at is None
    assert now_of(letter).talking_since == make.later(seconds=51)


def test_who_leaves_loses_what_is_put_aside_too(floor):
    ana = make.agent()
    letter, call = mail_and_call(ana)
    work.accept(item=call, by=ana, now=make.later(seconds=40))
    people.leave(person=ana, by=actors.ROOT, now=make.later(seconds=50))
    for item in work_queries.out_of_bounds([ana.id]):
        work.take_back(item=item, by=make.ROUTER, now=make.later(seconds=50))

    assert [now_of(each).state for each in (letter, call)] == ["waiting", "waiting"]
    assert not Assignment.objects.exists()
    for item in (letter, call):
        assert work_queries.rebuilt(item.id) == work_queries.state_of(now_of(item))
