from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.desks.leader import queries as leader_queries
from workfloor.desks.leader import sparklines, thresholds
from workfloor.desks.leader.thresholds import InHand, Standing

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)


@given(st.dictionaries(st.integers(0, 40), st.integers(1, 500)), st.integers(0, 40))
def test_arrivals_keep_every_count_of_their_span_and_its_place(by_quarter, last):
    arrivals = sparklines.arrivals(by_quarter, last)

    assert len(arrivals.counts) == sparklines.BUCKETS
    assert arrivals.total == sum(
        count for place, count in by_quarter.items() if last - sparklines.BUCKETS < place <= last
    )
    assert arrivals.counts[-1] == by_quarter.get(last, 0)


@given(st.lists(st.integers(0, 500), max_size=32), st.integers(500, 900))
def test_bars_stand_on_the_ground_and_their_height_is_that_of_all_charts_of_a_page(counts, most):
    bars = sparklines.Arrivals(tuple(counts)).path(most).split("z")[:-1]

    assert len(bars) == sum(count > 0 for count in counts)
    for bar, count in zip(bars, filter(None, counts), strict=True):
        ground, height = bar.partition("v-")[0], float(bar.partition("v-")[2].partition("h")[0])
        assert ground.endswith(" 10")
        assert height == pytest.approx(10 * count / most, abs=0.006)


def test_a_quarter_begins_on_the_quarter():
    assert sparklines.bucket(NINE + timedelta(seconds=899)) == sparklines.bucket(NINE)
    assert sparklines.bucket(NINE + timedelta(seconds=900)) == sparklines.bucket(NINE) + 1


def test_a_hundred_percent_means_all_of_them():
    assert [leader_queries.percent(199, 200), leader_queries.percent(200, 200), leader_queries.percent(0, 0)] == [
        99,
        100,
        None,
    ]


def test_a_promise_runs_from_queueing_and_is_never_of_no_time():
    assert leader_queries.target_seconds(NINE, NINE + timedelta(seconds=20)) == 20
    assert leader_queries.target_seconds(NINE, NINE) == 1
    assert leader_queries.target_seconds(NINE, None) is None
    assert leader_queries.target_seconds(None, NINE) is None


def standing(state="available", reason="", items=(), on_shift=True, minutes=0.0, usual=None):
    now = NINE + timedelta(minutes=minutes)
    return thresholds.standing(state, reason, NINE, list(items), usual or {}, is_on_shift=on_shift, now=now)


@pytest.mark.parametrize(
    ("reason", "minutes", "too_long"),
    [("break", 15, False), ("break", 16, True), ("lunch", 59, False), ("lunch", 61, True), ("RONA", 3, True)],
)
def test_each_reason_to_be_not_ready_has_its_own_limit(reason, minutes, too_long):
    assert standing("away", reason, minutes=minutes) == Standing("not-ready", NINE, too_long)


def test_a_wrap_up_and_a_hold_are_marked_after_three_minutes_and_an_offer_never():
    wrapping = InHand("wrapping", "call", 1, NINE, None, NINE)
    on_hold = InHand("held", "call", 1, NINE, NINE, None)
    offered = InHand("offered", "call", 1, None, None, None)

    assert [standing(items=[each], minutes=3.1) for each in (wrapping, on_hold, offered)] == [
        Standing("wrap-up", NINE, True),
        Standing("on-hold", NINE, True),
        Standing("offered", NINE),
    ]
    assert not standing(items=[wrapping], minutes=3).is_too_long


def test_work_in_hand_is_marked_once_it_takes_three_times_what_it_takes_today_where_that_is_known():
    call = InHand("held", "call", 1, NINE, None, None)

    assert standing(items=[call], minutes=10, usual={1: 200.0}).is_too_long is False
    assert standing(items=[call], minutes=10.1, usual={1: 200.0}).is_too_long is True
    assert standing(items=[call], minutes=600).is_too_long is False


def test_of_several_in_hand_the_one_that_lasts_too_long_is_told():
    chat, wrapping = InHand("held", "chat", 1, NINE, None, None), InHand("wrapping", "call", 1, NINE, None, NINE)

    assert standing(items=[chat, wrapping], minutes=5) == Standing("wrap-up", NINE, True)


def test_who_is_available_off_shift_gets_nothing_and_is_told_apart():
    assert standing(on_shift=False).state == "off-shift"
    assert standing(items=[InHand("held", "call", 1, NINE, None, None)], on_shift=False).state == "on-call"


@pytest.mark.parametrize(
    ("found", "expected", "minimum", "mood"),
    [
        (80, 80, 75, "calm"),
        (79, 80, 75, "close"),
        (74, 80, 75, "late"),
        (79, 80, None, "late"),
        (5, None, None, "calm"),
    ],
)
def test_a_service_level_is_close_below_its_target_and_late_below_its_minimum(found, expected, minimum, mood):
    assert thresholds.level_mood(found, expected, minimum) == mood


@pytest.mark.parametrize(("waited", "mood"), [(None, "calm"), (14, "calm"), (15, "close"), (20, "close"), (21, "late")])
def test_a_wait_is_close_to_its_target_from_seven_tenths_on(waited, mood):
    assert thresholds.wait_mood(waited, 20) == mood
