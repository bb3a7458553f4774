"""The clock stands still only where it is told to."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workfloor.kit.time import clock

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=timezone(timedelta(hours=2)))


def test_now_is_aware_and_moves():
    first = clock.now()

    assert first.tzinfo is UTC
    assert clock.now() >= first
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_frozen_clock_shows_one_instant_in_utc_and_then_runs_again():
    with clock.frozen(NINE):
        assert clock.now() == NINE
        assert clock.now().tzinfo is UTC
        with clock.frozen(NINE + timedelta(hours=1)):
            assert clock.now() == NINE + timedelta(hours=1)
        assert clock.now() == NINE
    assert clock.now() != NINE


def test_a_naive_time_cannot_be_frozen():
    with pytest.raises(ValueError, match="zone"), clock.frozen(datetime(2026, 11, 21)):
        pass
