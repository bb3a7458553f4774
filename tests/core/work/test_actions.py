"""What people and systems can do to work, what is refused, and what the event log says afterwards."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from tests import make
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import rls


def events_of(item):
    return [fact.event.removeprefix("work.") for fact in event_log_queries.of_item(item.id)]


def offered(to, item=None, max_concurrency=1, at=make.NINE):
    return work.offer(
        item=item or make.call(), person=to, max_concurrency=max_concurrency, offer_seconds=20, by=make.ROUTER, now=at
    )


def accepted(by, at=make.NINE, item=None):
    return work.accept(item=offered(by, item), by=by, now=at)


def test_a_whole_errand_is_told_by_its_facts(everyone):
    ana = make.agent()
    item = work.accept(item=offered(ana), by=ana, now=make.later(seconds=8))
    work.hold(item=item, by=ana, now=make.later(seconds=20))
    work.resume(item=item, by=ana, now=make.later(seconds=30))
    work.end(item=item, by=ana, now=make.later(seconds=60))
    item = work.wrap_up(item=item, by=ana, disposition="resolved", now=make.later(seconds=75))

    assert events_of(item) == [
        "received",
        "queued",
        "offered",
        "accepted",
        "connected",
        "held",
        "resumed",
        "ended",
        "wrapped-up",
    ]
    assert (item.state, item.talk_seconds, item.hold_seconds, item.wrap_seconds) == ("done", 42, 10, 15)
    assert not work_models.Assignment.objects.exists()
    assert work_models.Case.objects.get(id=item.case_id).resolved_at == make.later(seconds=75)


def test_state_is_what_the_facts_add_up_to(everyone):
    ana, ben = make.agent(), make.agent()
    items = [make.call() for _ in range(4)] + [make.item("mail")]
    accepted(ana, item=items[0])
    work.decline(item=offered(ben, items[1]), by=ben, now=make.NINE)
    work.abandon(item=items[2], by=make.CUSTOMER, now=make.later(seconds=9))
    work.cancel(item=items[3], reason="sent twice", by=make.ROOT, now=make.later(seconds=9))
    mail = accepted(ben, item=items[4])
    work.set_pending_customer(item=mail, by=ben, now=make.later(hours=1))
    work.customer_answered(item=mail, by=make.CUSTOMER, now=make.later(hours=3))

    for item in work_models.Item.objects.all():
        assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_the_same_key_is_the_same_item(everyone):
    first, new = work.receive(queue=make.queue(), key="a-1", title="Hello", by=make.CUSTOMER, now=make.NINE)
    again, new_again = work.receive(
        queue=make.queue(), key="a-1", title="Hello", by=make.CUSTOMER, now=make.later(hours=1)
    )

    assert (again.id, new, new_again) == (first.id, True, False)
    assert events_of(first) == ["received", "queued"]


def test_the_same_key_for_other_work_is_refused(everyone):
    make.call(key="a-1", title="Hello")

    with pytest.raises(work.Conflict, match="a-1"):
        make.call(key="a-1", title="Something else")


def test_two_clients_may_use_the_same_key(everyone):
    assert make.item(of="north", key="a-1").id != make.item(of="south", key="a-1").id


def test_an_item_is_in_the_hands_of_one_person_at_most(everyone):
    item = offered(make.agent())

    with pytest.raises(lifecycle.NotNow), transaction.atomic():
        offered(make.agent(), item)


def test_the_database_itself_refuses_a_second_holder(everyone):
    item, ben = offered(make.agent()), make.agent()

    with pytest.raises(IntegrityError), transaction.atomic():
        work_models.Assignment.objects.create(
            item=item, client_id=item.client_id, person=ben, share=(0, 60), since=make.NINE
        )


def test_the_database_itself_refuses_more_than_a_person_can_hold(everyone):
    ana = make.agent()
    offered(ana)
    second = make.call()

    with pytest.raises(IntegrityError, match="assignment_within_capacity"), transaction.atomic():
        work_models.Assignment.objects.create(
            item=second, client_id=second.client_id, person=ana, share=(40, 60), since=make.NINE
        )


def test_the_database_itself_refuses_a_holder_whose_capacity_does_not_count_it(everyone):
    item, ana = make.call(), make.agent()

    with pytest.raises(IntegrityError, match="item_is_assigned"), transaction.atomic(), connection.cursor() as cursor:
        work_models.Item.objects.filter(id=item.id).update(state="held", person=ana)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_three_mails_at_once_but_no_call_beside_them(everyone):
    ana = make.agent()
    for _ in range(3):
        offered(ana, make.item("mail"), max_concurrency=3)

    with pytest.raises(work.Refused, match="no room"):
        offered(ana, make.item("mail"), max_concurrency=3)
    with pytest.raises(work.Refused, match="no room"):
        offered(ana, make.call())


def test_only_whom_it_was_offered_to_may_accept(everyone):
    item, ben = offered(make.agent()), make.agent()

    with pytest.raises(work.NotYours):
        work.accept(item=item, by=ben, now=make.NINE)


def test_an_offer_that_lapsed_cannot_be_accepted(everyone):
    ana = make.agent()
    item = offered(ana)
    assert work.lapse(item=item, by=make.ROUTER, now=make.later(seconds=19)) is None
    assert work.lapse(item=item, by=make.ROUTER, now=make.later(seconds=20)) == ana

    with pytest.raises(work.NotYours):
        work.accept(item=item, by=ana, now=make.later(seconds=21))


def test_a_disposition_comes_from_the_processs_own_list(everyone):
    ana = make.agent()
    item = work.end(item=accepted(ana), by=ana, now=make.NINE)

    with pytest.raises(work.Refused, match="resolved, called-back"):
        work.wrap_up(item=item, by=ana, disposition="answered", now=make.NINE)


def test_work_never_leaves_its_client(everyone):
    ana = make.agent()
    item = accepted(ana)

    with pytest.raises(work.Refused, match="client"):
        work.transfer(item=item, by=ana, queue=make.queue(of="other"), now=make.NINE)


def test_the_clock_stops_while_the_customer_owes_an_answer(everyone):
    ana = make.agent()
    mail = make.item("mail")  # Wednesday 9:00; four working hours: due at 13:00
    assert mail.due_at == make.later(hours=4)
    item = work.set_pending_customer(item=accepted(ana, item=mail), by=ana, now=make.later(hours=1))
    assert not work_models.Item.objects.filter(state="waiting", pending_customer_since=None).exists()

    # Answered on Thursday at 10:00: 8 working hours of Wednesday (10:00 to 18:00) and one of Thursday passed.
    item = work.customer_answered(item=item, by=make.CUSTOMER, now=make.later(days=1, hours=1))
    # Due at 13:00 plus nine working hours: 5 on Wednesday, 4 on Thursday.
    assert item.due_at == make.later(days=1, hours=4)

    item = accepted(ana, item=item, at=make.later(days=1, hours=2))
    item = work.end(item=item, by=ana, now=make.later(days=1, hours=3))
    # Wednesday 9 to 18 and Thursday 9 to 12 are twelve working hours, less nine paused.
    assert item.working_seconds == 3 * 3600


def test_a_reopened_item_opens_its_case_again(everyone):
    ana = make.agent()
    item = work.end(item=accepted(ana), by=ana, now=make.NINE)
    item = work.wrap_up(item=item, by=ana, disposition="resolved", now=make.NINE)
    item = work.reopen(item=item, reason="it rang again", by=make.CUSTOMER, now=make.later(hours=1))

    assert (item.state, item.reopened) == ("waiting", 1)
    assert work_models.Case.objects.get(id=item.case_id).resolved_at is None


def race(*attempts):
    """Run attempts at once, each in a transaction of its own; returns what became of each."""
    results, ready = [], threading.Barrier(len(attempts))

    def run(attempt):
        ready.wait(300)
        try:
            with transaction.atomic():
                rls.enter_every_client()
                results.append(attempt())
        except (IntegrityError, ValueError) as refused:
            results.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[attempt]) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(results) == len(attempts), "one of them failed in a way that no caller expects"
    return results


def committed(build):
    with transaction.atomic():
        rls.enter_every_client()
        return build()


def test_when_two_processes_offer_one_item_one_offer_stands(real_database):
    item, ana, ben = committed(lambda: (make.call(), make.agent(), make.agent()))

    results = race(lambda: offered(ana, item), lambda: offered(ben, item))

    assert sum(isinstance(result, work_models.Item) for result in results) == 1
    assert committed(work_models.Assignment.objects.count) == 1


def test_when_two_processes_offer_one_person_two_calls_one_offer_stands(real_database):
    first, second, ana = committed(lambda: (make.call(), make.call(), make.agent()))

    results = race(lambda: offered(ana, first), lambda: offered(ana, second))

    assert sum(isinstance(result, work_models.Item) for result in results) == 1
    assert committed(work_models.Assignment.objects.count) == 1


def test_when_an_offer_lapses_as_it_is_accepted_one_of_both_happens(real_database):
    ana, item = committed(lambda: (lambda a: (a, offered(a)))(make.agent()))
    late = make.NINE + timedelta(seconds=30)

    race(lambda: work.accept(item=item, by=ana, now=late), lambda: work.lapse(item=item, by=make.ROUTER, now=late))

    facts = committed(lambda: events_of(item))
    assert ("accepted" in facts) != ("offer-expired" in facts)
    assert committed(
        lambda: work_queries.rebuilt(item.id) == work_queries.state_of(work_models.Item.objects.get(id=item.id))
    )


def test_when_the_same_key_arrives_twice_at_once_there_is_one_item(real_database):
    queue = committed(make.queue)

    def send():
        return work.receive(queue=queue, key="once", title="Hello", by=make.CUSTOMER, now=make.NINE)

    results = race(send, send, send)

    assert sorted(new for _, new in results) == [False, False, True]
    assert committed(work_models.Item.objects.count) == 1


def test_when_two_agents_wrap_up_the_last_two_items_of_a_case_at_once_it_is_resolved(real_database):
    def ended(agent, item):
        item = work.accept(item=offered(agent, item), by=agent, now=make.NINE)
        return agent, work.end(item=item, by=agent, now=make.NINE)

    def two():
        first = make.call()
        return ended(make.agent(), first), ended(make.agent(), make.call(case=first.case))

    (ana, first), (ben, second) = committed(two)
    wrapped = threading.Event()

    def one():
        done = work.wrap_up(item=first, by=ana, disposition="resolved", now=make.NINE)
        wrapped.set()
        time.sleep(0.3)  # the other one goes on meanwhile, as far as it may
        return done

    def other():
        wrapped.wait(300)
        return work.wrap_up(item=second, by=ben, disposition="resolved", now=make.NINE)

    assert [each.state for each in race(one, other)] == ["done", "done"]
    assert committed(lambda: work_models.Case.objects.get(id=first.case_id).resolved_at) == make.NINE


def test_only_whoever_waits_for_a_customer_or_a_leader_says_that_they_have_answered(everyone):
    ana, ben = make.agent(), make.agent()
    leader = make.in_charge("leader", make.client())
    mail = accepted(ana, item=make.item("mail"))
    work.set_pending_customer(item=mail, by=ana, now=make.NINE)

    with pytest.raises(work.NotYours):
        work.customer_answered(item=mail, by=ben, now=make.later(hours=1))
    work.customer_answered(item=mail, by=leader, now=make.later(hours=1))

    mail = accepted(ben, item=make.item("mail"))
    work.set_pending_customer(item=mail, by=ben, now=make.NINE)
    assert work.customer_answered(item=mail, by=ben, now=make.later(hours=1)).pending_customer_since is None
