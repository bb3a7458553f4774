"""What facts add up to, and how much of a person an item takes."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make import NINE
from workfloor.core.work import lifecycle


def fact(event, after=0, person=None, **details):
    return SimpleNamespace(event=f"work.{event}", at=NINE + timedelta(seconds=after), person_id=person, details=details)


RECEIVED = [fact("received", key="k", kind="call", process=1), fact("queued", queue=2)]
OFFERED = [*RECEIVED, fact("offered", 5, 7, expires_at=(NINE + timedelta(seconds=25)).isoformat())]
TALKING = [*OFFERED, fact("accepted", 10, 7), fact("connected", 10, 7)]


def after(*facts):
    return lifecycle.replay(facts)


def test_a_call_from_its_arrival_to_its_disposition():
    item = after(
        *TALKING,
        fact("held", 40, 7),
        fact("resumed", 60, 7),
        fact("ended", 100, 7, working_seconds=100, version=1),
        fact("wrapped-up", 130, 7, disposition="resolved"),
    )

    assert (item.state, item.disposition, item.done_by_id, item.person_id) == ("done", "resolved", 7, None)
    # by hand: 30 s before the hold and 40 s after it; 20 s on hold; 30 s to wrap up
    assert (item.talk_seconds, item.hold_seconds, item.wrap_seconds) == (70, 20, 30)
    assert item.connected_at - item.queued_at == timedelta(seconds=10)


def test_an_offer_declined_leaves_the_item_in_its_place():
    item = after(*OFFERED, fact("declined", 9, 7))

    assert (item.state, item.person_id, item.queued_at) == ("waiting", None, NINE)


def test_a_transfer_keeps_the_time_of_queueing_and_of_the_answer():
    item = after(
        *TALKING,
        fact("transferred", 40, 7, queue=3, note=""),
        fact("offered", 50, 8, expires_at=NINE.isoformat()),
        fact("accepted", 52, 8),
        fact("connected", 52, 8),
        fact("ended", 62, 8),
    )

    assert (item.queue_id, item.queued_at) == (3, NINE)
    assert item.connected_at == NINE + timedelta(seconds=10)  # the customer was answered once
    assert item.talk_seconds == 30 + 10


def test_while_the_customer_owes_an_answer_nobody_has_the_item():
    item = after(*TALKING, fact("pending-customer", 30, 7))

    assert (item.state, item.person_id, item.talk_seconds) == ("waiting", None, 20)
    assert item.pending_customer_since == NINE + timedelta(seconds=30)


def test_reopened_work_waits_since_it_was_first_queued():
    item = after(
        *TALKING, fact("ended", 20, 7), fact("wrapped-up", 30, 7, disposition="resolved"), fact("reopened", 90)
    )

    assert (item.state, item.queued_at, item.reopened, item.disposition) == ("waiting", NINE, 1, "")
    assert item.talk_seconds == 10  # what was done was done


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (RECEIVED, fact("ended")),
        (RECEIVED, fact("wrapped-up", disposition="x")),
        (OFFERED, fact("offered", expires_at=NINE.isoformat())),
        (TALKING, fact("offered", expires_at=NINE.isoformat())),
        (TALKING, fact("abandoned")),
        (TALKING, fact("resumed")),
        ([*TALKING, fact("held", 20)], fact("held", 21)),
        ([*TALKING, fact("ended", 20)], fact("ended", 21)),
        (RECEIVED, fact("customer-answered", paused_seconds=0)),
        (RECEIVED, fact("received", key="k", kind="call", process=1)),
    ],
)
def test_what_cannot_follow_is_refused(before, then):
    with pytest.raises(lifecycle.NotNow):
        after(*before, then)


def test_a_call_takes_a_person_whole():
    assert lifecycle.free_share([], max_concurrency=1, capacity=60) == (0, 60)
    assert lifecycle.free_share([(0, 60)], max_concurrency=1, capacity=60) is None
    assert lifecycle.free_share([(0, 20)], max_concurrency=1, capacity=60) is None


def test_chats_share_a_person():
    taken = []
    for expected in [(0, 20), (20, 40), (40, 60), None]:
        share = lifecycle.free_share(taken, max_concurrency=3, capacity=60)
        assert share == expected
        taken.append(share)


@given(st.lists(st.sampled_from([1, 2, 3, 4, 5, 6, 10]), max_size=30))
def test_shares_never_overlap_and_never_leave_the_capacity(wishes):
    taken = []
    for max_concurrency in wishes:
        if share := lifecycle.free_share(taken, max_concurrency, capacity=60):
            taken.append(share)

    assert all(0 <= low < high <= 60 for low, high in taken)
    assert all(a[1] <= b[0] or b[1] <= a[0] for i, a in enumerate(taken) for b in taken[:i])
