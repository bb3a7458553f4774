from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workfloor.desks.leader import queries as leader_queries

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)


@given(st.dictionaries(st.integers(0, 40), st.integers(1, 500)), st.integers(0, 40))
def test_arrivals_keep_every_count_of_their_span_and_its_place(by_quarter, last):
    arrivals = leader_queries.arrivals(by_quarter, last)

    assert len(arrivals.counts) == leader_queries.BUCKETS
    assert arrivals.total == sum(
        count for place, count in by_quarter.items() if last - leader_queries.BUCKETS < place <= last
    )
    assert arrivals.counts[-1] == by_quarter.get(last, 0)


@given(st.lists(st.integers(0, 500), max_size=40))
def test_bars_stand_on_the_ground_and_stay_inside_the_chart(counts):
    bars = leader_queries.Arrivals(tuple(counts)).bars(height=10)

    assert len(bars) == sum(count > 0 for count in counts)
    for bar in bars:
        assert 0 <= bar.y <= 10
        assert abs(bar.y + bar.height - 10) < 1e-9


def test_a_quarter_begins_on_the_quarter():
    assert leader_queries.bucket(NINE + timedelta(seconds=899)) == leader_queries.bucket(NINE)
    assert leader_queries.bucket(NINE + timedelta(seconds=900)) == leader_queries.bucket(NINE) + 1


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
