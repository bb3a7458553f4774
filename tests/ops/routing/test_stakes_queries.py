"""What is at stake in each queue, from what became of the month's items."""

import pytest

from tests import make
from workfloor.core.work import actions as work
from workfloor.ops.routing import queries as routing_queries

ABANDONED = """
[[service_levels]]
name = "Abandoned"
measure = "abandoned"
of = ["calls"]
per = "offered-less-short-abandons(5s)"
expected = "20 %"
window = "month"
weight = "50 %"
"""
RESOLVED = """
[[service_levels]]
name = "Resolved"
measure = "resolved-within"
of = ["mail"]
threshold = "4 working hours"
expected = "80 %"
window = "month"
weight = "50 %"
"""


@pytest.fixture
def person(everyone):
    return make.agent()


def agree(levels):
    """The contract with these levels in place of, or beside, its own."""
    make.amended(('weight = "100 %"\n', 'weight = "50 %"\n' + levels))


def stake(queue="calls", **later):
    return routing_queries.stakes(routing_queries.queues("main"), make.later(**later))[make.queue(queue).id]


def answer(person, count, after, at):
    for number in range(count):
        call = make.call(at=make.later(days=at, minutes=number))
        moment = make.later(days=at, minutes=number, seconds=after)
        offered = work.offer(item=call, person=person, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=moment)
        work.end(item=work.accept(item=offered, by=person, now=moment), by=person, now=moment)
        work.wrap_up(item=call, by=person, disposition="resolved", now=moment)


def leave(count, after, at):
    for number in range(count):
        call = make.call(at=make.later(days=at, minutes=number))
        work.abandon(item=call, by=make.CUSTOMER, now=make.later(days=at, minutes=number, seconds=after))


def resolve(person, count, hours):
    for _ in range(count):
        mail = work.offer(
            item=make.item("mail"), person=person, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=make.NINE
        )
        work.end(item=work.accept(item=mail, by=person, now=make.NINE), by=person, now=make.later(hours=hours))
        work.wrap_up(item=mail, by=person, disposition="answered", now=make.later(hours=hours))


def test_abandoned_calls_put_a_promise_about_them_at_stake_and_short_ones_do_not(person):
    make.amended(
        ('measure = "answered-within"', 'measure = "abandoned"'),
        ('threshold = "20s"\n', ""),
        ('per = "answered"', 'per = "offered-less-short-abandons(5s)"'),
        ('"80 %"', '"20 %"'),
        ('"75 %"', '"25 %"'),
    )
    answer(person, 15, after=60, at=1)
    safe = stake(days=2)
    leave(20, after=3, at=1)
    assert stake(days=2) == safe
    leave(5, after=30, at=1)

    assert stake(days=2) > 3 * safe


def test_resolution_in_time_puts_letters_at_stake(person):
    agree(RESOLVED)
    resolve(person, 8, hours=1)
    assert stake("calls", days=2) == 0
    resolve(person, 2, hours=5)
    balanced = stake("mail", days=2)
    resolve(person, 40, hours=1)

    assert balanced > 2 * stake("mail", days=20) > 0


def test_of_two_promises_of_a_queue_the_one_with_most_at_stake_counts(person):
    answer(person, 8, after=5, at=1)
    answer(person, 2, after=60, at=1)
    whole = stake(days=2)
    agree(ABANDONED)

    # The credit is shared by both targets now; that none has left makes the other one safe.
    assert stake(days=2) == pytest.approx(whole / 2)


def test_calls_that_wait_too_long_already_are_counted_as_lost_where_those_who_left_count_too(person):
    make.amended(('per = "answered"', 'per = "offered"'))
    answer(person, 30, after=5, at=1)
    safe = stake(days=2)
    for number in range(8):
        make.call(at=make.later(days=1, hours=3, minutes=number))

    assert stake(days=2) > safe
