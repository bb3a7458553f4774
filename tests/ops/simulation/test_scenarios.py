"""What a replay makes of past work, and how a scenario is laid out for the twin."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.simulation.floors import HOUR, floor, group, work
from workfloor.ops.simulation import counters, scenarios
from workfloor.ops.simulation.scenarios import Past

START = datetime(2026, 3, 2, tzinfo=UTC)
ASKED = {"calls": {"german": 3}, "post": {"german": 2, "writing": 1}}


def past(at: float, queue="calls", outcome="answered", waited=0.0, handling=60.0, agent="A1") -> Past:
    return Past(queue, START + timedelta(seconds=at), waited, outcome, handling, 0.0, agent)


def test_who_took_nothing_for_half_an_hour_was_away():
    told = [past(0), past(1800), past(1860 + 1801), past(9000, agent="")]

    (team,) = scenarios.recorded_groups(told, ASKED, START, 4 * HOUR)

    assert team.agents == (((0, 1860), (3661, 3721)),)


def test_who_let_work_wait_was_wrapping_up_or_away():
    told = [
        past(0),  # until 60
        past(50, waited=40.0),  # taken at 90, though it waited from 50 on: 30 seconds of wrap-up
        past(400, waited=500.0),  # taken at 900, though it waited from 400 on: away from then
        past(980, waited=0.0),  # nothing waited: there, idle
    ]

    (team,) = scenarios.recorded_groups(told, ASKED, START, 4 * HOUR)

    assert team.agents == (((0, 400), (900, 1040)),)
    assert scenarios.wrap_ups(told)["calls"].values == (30,)


def test_recorded_wrap_up_is_taken_as_it_is():
    told = [Past("calls", START, 0.0, "answered", 60.0, 15.0, "A1"), past(50, waited=40.0)]

    assert scenarios.wrap_ups(told)["calls"].values == (15, 0)


def test_people_can_what_the_queues_ask_for_in_which_they_answered():
    told = [past(0, agent="both"), past(60, "post", agent="both"), past(0, agent="one"), past(5, agent="other")]

    groups = scenarios.recorded_groups(told, ASKED, START, HOUR)

    assert {each.name: (len(each.agents), each.skills) for each in groups} == {
        "calls": (2, {"german": 3}),
        "calls + post": (1, {"german": 3, "writing": 1}),
    }


def test_patience_counts_the_waits_that_were_cut_short_by_an_answer():
    told = [past(0, waited=30.0), past(1, waited=90.0, outcome="abandoned"), past(2, waited=60.0, outcome="abandoned")]

    assert scenarios.patience(told, "calls") == scenarios.exponential(90.0)
    assert scenarios.patience(told[:1], "calls") == scenarios.Spread()
    assert scenarios.patience(told, "post") == scenarios.Spread()


def test_arrivals_are_told_in_order_and_only_those_of_the_time():
    works = [work("calls"), work("post")]
    told = [past(50, "post"), past(20), past(-1), past(HOUR), past(30, "fax")]

    assert scenarios.arrivals(told, works, START, HOUR) == [(20, 0), (50, 1)]


spans = st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 900)).map(lambda one: (one[0], one[0] + one[1])))


@given(spans)
def test_sessions_are_apart_and_hold_every_span(some):
    joined = scenarios.sessions(some, 5000)

    assert all(start < end <= 5000 for start, end in joined)
    assert all(later[0] > earlier[1] for earlier, later in itertools.pairwise(joined))
    for start, end in some:
        inside = start >= end or start >= 5000
        assert inside or any(first <= start and min(end, 5000) <= last for first, last in joined)


def test_people_are_there_from_the_warm_up_to_the_end():
    scenario = floor([work()], [], hours=3, warm_up=1800.0)

    assert scenarios.present(group(2), scenario) == [3600, 7200, 7200]
    assert scenarios.present(group(1, sessions=((0.0, 2000.0), (5000.0, 9000.0))), scenario) == [200, 2200, 1800]


def test_a_log_normal_time_has_the_mean_and_deviation_asked():
    spread = scenarios.log_normal(60, 30)
    variance = spread.second**2

    assert pytest.approx(2.718281828459045 ** (spread.first + variance / 2)) == 60
    assert pytest.approx(2.718281828459045**variance - 1) == 0.25


def test_the_world_has_room_for_all_that_may_come_and_nobody_in_it():
    scenario = floor([work(per_hour=50_000)], [group(3)], hours=100)
    world = scenarios.world(scenario, 0)

    assert len(world.spare) == scenarios.MOST_AT_ONCE
    assert len(world.pool.profile) == 3
    assert len(world.counts) == 100 * counters.FIELDS
    assert not any(world.counts)
    assert world.chance != scenarios.world(scenario, 1).chance
