"""What a router is told of queues: terms in force, and what is at stake."""

from tests import make
from workfloor.core.work import actions as work
from workfloor.ops.routing import queries as routing_queries


def answer(person, count, after, at):
    """So many calls a day that were answered after so long."""
    for number in range(count):
        call = make.call(at=make.later(days=at, minutes=number))
        moment = make.later(days=at, minutes=number, seconds=after)
        offered = work.offer(item=call, person=person, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=moment)
        work.end(item=work.accept(item=offered, by=person, now=moment), by=person, now=moment)
        work.wrap_up(item=call, by=person, disposition="resolved", now=moment)


def slopes(**later):
    return {line.queue_id: line.slope for line in routing_queries.lines("main", make.later(**later))}


def test_a_promise_in_the_balance_weighs_more_than_one_that_is_safe_or_lost(everyone):
    person = make.agent()
    calls = make.queue("calls").id
    assert slopes()[calls] == 3 / 20  # nothing counted, nothing at stake

    answer(person, 8, after=5, at=1)
    answer(person, 2, after=60, at=1)
    balanced = routing_queries.stakes(routing_queries.queues("main"), make.later(days=2))[calls]
    answer(person, 40, after=5, at=3)
    safe = routing_queries.stakes(routing_queries.queues("main"), make.later(days=27))[calls]

    assert balanced > 10 * safe
    assert slopes(days=4)[calls] == 2 * 3 / 20  # the most that is at stake in this pool


def test_work_without_a_time_to_answer_is_as_urgent_as_its_resolution(everyone):
    mail = make.queue("mail").id

    assert slopes()[mail] == 2 / (4 * 3600)
