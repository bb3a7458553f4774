"""Work of a case is kept for a while for whoever knows it, and some work waits until it is due."""

import pytest

from tests import make
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.ops.routing import leader as routing_leader


def done_by(person, at=make.NINE, **more):
    """A letter that somebody answered."""
    letter = work.offer(
        item=make.item("mail", at=at, **more),
        person=person,
        max_concurrency=3,
        offer_seconds=20,
        by=make.ROUTER,
        now=at,
    )
    work.end(item=work.accept(item=letter, by=person, now=at), by=person, now=at)
    return work.wrap_up(item=letter, by=person, disposition="answered", now=at)


def with_whom(item):
    return Item.objects.get(id=item.id).person


def test_a_new_item_of_a_case_is_kept_for_whoever_handled_the_case_last(everyone):
    make.amended(make.KEEPS)
    ana, ben = make.agent(), make.agent()
    first = done_by(ben, at=make.NINE)
    done_by(ana, at=make.later(minutes=1), case=first.case)
    again = make.item("mail", at=make.later(minutes=2), case=first.case)

    assert (again.sticky_agent, again.sticky_until) == (ana, make.later(minutes=4))
    assert [fact.event for fact in event_log_queries.of_item(again.id)] == [
        "work.received",
        "work.queued",
        "work.sticky-agent",
    ]
    assert work_queries.rebuilt(again.id) == work_queries.state_of(again)


def test_what_is_done_over_and_what_the_customer_answered_is_kept_for_whoever_had_it(everyone):
    make.amended(make.KEEPS)
    ana = make.agent()
    over = work.reopen(item=done_by(ana), reason="wrong sum", by=make.CUSTOMER, now=make.later(hours=2))
    assert (over.sticky_agent, over.sticky_until) == (ana, make.later(hours=2, minutes=2))

    asked = work.offer(
        item=make.item("mail"), person=ana, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=make.NINE
    )
    asked = work.set_pending_customer(item=work.accept(item=asked, by=ana, now=make.NINE), by=ana, now=make.NINE)
    answered = work.customer_answered(item=asked, by=make.CUSTOMER, now=make.later(hours=1))
    assert (answered.sticky_agent, answered.sticky_until) == (ana, make.later(hours=1, minutes=2))
    for item in (over, answered):
        assert work_queries.rebuilt(item.id) == work_queries.state_of(Item.objects.get(id=item.id))


def test_where_the_contract_keeps_nothing_and_for_a_case_that_nobody_knows_nothing_is_kept(everyone):
    ana = make.agent()
    first = done_by(ana)
    assert make.item("mail", case=first.case).sticky_agent is None

    make.amended(make.KEEPS)
    assert make.item("mail").sticky_agent is None
    assert make.item("mail", case=make.item("mail").case).sticky_agent is None


def test_it_goes_to_its_keeper_though_another_sits_idle_longer_and_after_the_limit_to_whoever_is_free(everyone):
    make.amended(make.KEEPS)
    ben, ana = make.agent(), make.agent()
    first, second = done_by(ana), done_by(ana)
    kept = make.item("mail", at=make.later(minutes=1), case=first.case)
    routing_leader.pulse(now=make.later(minutes=1))
    assert with_whom(kept) == ana

    work.accept(item=kept, by=ana, now=make.later(minutes=1))
    for _ in range(2):  # her hands are full
        work.accept(
            item=work.offer(
                item=make.item("mail"), person=ana, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=make.NINE
            ),
            by=ana,
            now=make.later(minutes=1),
        )
    later = make.item("mail", at=make.later(minutes=2), case=second.case)
    routing_leader.pulse(now=make.later(minutes=3))
    assert with_whom(later) is None
    routing_leader.pulse(now=make.later(minutes=4))
    assert with_whom(later) == ben


def test_once_it_was_declined_it_is_kept_no_more(everyone):
    make.amended(make.KEEPS)
    ana = make.agent()
    kept = make.item("mail", case=done_by(ana).case)
    routing_leader.pulse(now=make.NINE)
    declined = work.decline(item=kept, by=ana, now=make.NINE)

    assert (declined.sticky_agent, declined.sticky_until) == (None, None)
    assert work_queries.rebuilt(kept.id) == work_queries.state_of(declined)


# --- scheduled ---------------------------------------------------------------------------------------------------


def test_scheduled_work_is_offered_to_nobody_before_it_is_due_and_promises_run_from_then(everyone):
    make.agent()
    callback = make.call(at=make.NINE, kind="callback", not_before=make.later(hours=2))

    assert [fact.event for fact in event_log_queries.of_item(callback.id)] == ["work.received", "work.scheduled"]
    assert (callback.queued_at, callback.answer_by) == (make.later(hours=2), make.later(hours=2, seconds=20))
    assert routing_leader.pulse(now=make.later(hours=1, minutes=59)) == 0
    assert routing_leader.pulse(now=make.later(hours=2)) == 1
    assert work_queries.rebuilt(callback.id) == work_queries.state_of(Item.objects.get(id=callback.id))


def test_scheduled_work_takes_its_place_by_the_time_for_which_it_was_due(everyone):
    callback = make.call(at=make.NINE, not_before=make.later(minutes=30))
    newer = make.call(at=make.later(minutes=31))
    older = make.call(at=make.later(minutes=29))
    make.agent(), make.agent()

    assert routing_leader.pulse(now=make.later(minutes=32)) == 2
    assert [with_whom(each) is None for each in (older, callback, newer)] == [False, False, True]


def test_what_was_due_already_waits_at_once(everyone):
    call = make.call(at=make.NINE, not_before=make.later(hours=-1))

    assert call.queued_at == make.NINE
    assert event_log_queries.of_item(call.id).last().event == "work.queued"


def test_the_same_key_for_another_time_is_other_work(everyone):
    make.call(key="a-1", not_before=make.later(hours=2))

    with pytest.raises(work.Conflict):
        make.call(key="a-1", not_before=make.later(hours=3))


def test_somebody_can_be_asked_for_where_the_contract_keeps_work_for_people(everyone):
    make.amended(make.KEEPS)
    ana, ben = make.agent(), make.agent()
    asked = make.item("mail", not_before=make.later(hours=1), asked_for=ben)

    assert (asked.sticky_agent, asked.sticky_until) == (ben, make.later(hours=1, minutes=2))
    routing_leader.pulse(now=make.later(hours=1))
    assert with_whom(asked) == ben
    with pytest.raises(work.Refused, match="sticky_for"):
        make.call(not_before=make.later(hours=1), asked_for=ana)


def test_how_long_it_took_counts_from_when_it_was_due(everyone):
    ana = make.agent()
    letter = make.item("mail", not_before=make.later(hours=2))
    routing_leader.pulse(now=make.later(hours=2))
    ended = work.end(item=work.accept(item=letter, by=ana, now=make.later(hours=2)), by=ana, now=make.later(hours=3))

    assert ended.working_seconds == 3600
