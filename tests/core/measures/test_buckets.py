"""Quarters of an hour: which one holds an instant, and which lie wholly between two."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.measures import buckets
from workfloor.core.work import lifecycle

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)
instants = st.datetimes(
    datetime(1800, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)


def test_a_quarter_begins_with_its_first_instant():
    assert buckets.bucket_of(NINE) == NINE
    assert buckets.bucket_of(NINE + timedelta(minutes=14, seconds=59, microseconds=999_999)) == NINE
    assert buckets.bucket_of(NINE + timedelta(minutes=15)) == NINE + timedelta(minutes=15)


def test_a_span_that_cuts_quarters_has_only_those_between():
    cut = NINE + timedelta(minutes=1), NINE + timedelta(minutes=44)

    assert buckets.whole(*cut) == (NINE + timedelta(minutes=15), NINE + timedelta(minutes=30))
    assert buckets.whole(NINE, NINE + timedelta(minutes=30)) == (NINE, NINE + timedelta(minutes=30))


def test_a_span_within_one_quarter_has_none():
    first, past = buckets.whole(NINE + timedelta(minutes=1), NINE + timedelta(minutes=2))

    assert first == past


@given(instants, instants)
def test_whole_quarters_lie_inside_and_what_is_left_is_less_than_one_at_each_end(one, other):
    starts_at, ends_at = sorted([one, other])
    first, past = buckets.whole(starts_at, ends_at)

    assert (first - NINE) % buckets.LENGTH == (past - NINE) % buckets.LENGTH == timedelta()
    assert timedelta() <= first - starts_at < buckets.LENGTH
    assert first == past or (past <= ends_at and ends_at - past < buckets.LENGTH)


def test_what_a_span_cuts_and_what_is_kept_apart_is_left_for_the_items():
    """8:50 to 10:00 without an outage from 9:20 to 9:31: buckets 9:00 and 9:45; the rest is left."""
    at = lambda minutes: NINE + timedelta(minutes=minutes)  # noqa: E731
    full, left = buckets.divide([(at(-10), at(60))], [(at(20), at(31))])

    assert full == [(at(0), at(15)), (at(45), at(60))]
    assert left == [(at(-10), at(0)), (at(15), at(45))]


minutes = st.integers(0, 240).map(lambda each: NINE + timedelta(minutes=each, seconds=each % 7))
spans = st.tuples(minutes, minutes).map(lambda pair: tuple(sorted(pair))).filter(lambda pair: pair[0] < pair[1])


@given(st.lists(minutes, min_size=2, max_size=8, unique=True), st.lists(spans, max_size=3), minutes)
def test_every_instant_of_the_spans_is_either_in_a_whole_quarter_or_left(bounds, apart, at):
    bounds = sorted(bounds)[: len(bounds) // 2 * 2]
    own = list(zip(bounds[::2], bounds[1::2], strict=True))
    full, left = buckets.divide(own, apart)

    def holding(some):
        return [span for span in some if span[0] <= at < span[1]]

    assert len(holding(full)) + len(holding(left)) == len(holding(own))
    assert not (holding(full) and holding(apart))
    assert all((bound - NINE) % buckets.LENGTH == timedelta() for span in full for bound in span)
    assert full or not [span for span in own if not apart and span[1] - span[0] >= 2 * buckets.LENGTH]


def test_an_item_is_either_finished_or_among_those_that_are_read_one_by_one():
    assert {"waiting", *lifecycle.WITH_SOMEBODY, *lifecycle.FINISHED} == set(lifecycle.STATES)
