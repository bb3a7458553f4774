"""Quarters of an hour: which one holds an instant, and which lie wholly between two."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.rollups import rules

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)
instants = st.datetimes(
    datetime(1800, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)


def test_a_quarter_begins_with_its_first_instant():
    assert rules.quarter(NINE) == NINE
    assert rules.quarter(NINE + timedelta(minutes=14, seconds=59, microseconds=999_999)) == NINE
    assert rules.quarter(NINE + timedelta(minutes=15)) == NINE + timedelta(minutes=15)


def test_a_span_that_cuts_quarters_has_only_those_between():
    cut = NINE + timedelta(minutes=1), NINE + timedelta(minutes=44)

    assert rules.whole(*cut) == (NINE + timedelta(minutes=15), NINE + timedelta(minutes=30))
    assert rules.whole(NINE, NINE + timedelta(minutes=30)) == (NINE, NINE + timedelta(minutes=30))


def test_a_span_within_one_quarter_has_none():
    first, past = rules.whole(NINE + timedelta(minutes=1), NINE + timedelta(minutes=2))

    assert first == past


@given(instants, instants)
def test_whole_quarters_lie_inside_and_what_is_left_is_less_than_one_at_each_end(one, other):
    starts_at, ends_at = sorted([one, other])
    first, past = rules.whole(starts_at, ends_at)

    assert (first - NINE) % rules.LENGTH == (past - NINE) % rules.LENGTH == timedelta()
    assert timedelta() <= first - starts_at < rules.LENGTH
    assert first == past or (past <= ends_at and ends_at - past < rules.LENGTH)
