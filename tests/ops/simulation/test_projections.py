"""What replications come to together."""

import math
from decimal import Decimal
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.simulation import floors
from tests.ops.simulation.floors import HOUR, floor, group, work
from workfloor.ops.simulation import projections, scenarios
from workfloor.ops.simulation import runs as simulation_runs

KEY = ("queue", "calls", "wait")


@pytest.mark.parametrize(
    ("freedom", "errors"), [(1, 12.7062), (2, 4.3027), (9, 2.2622), (10, 2.2281), (30, 2.0423), (1000, 1.9623)]
)
def test_standard_errors_are_those_of_the_tables(freedom, errors):
    assert projections.student(freedom) == pytest.approx(errors, abs=5e-5)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_an_interval_is_that_of_student(values):
    estimates = projections.Estimates()
    for value in values:
        estimates.add({KEY: value})

    found = estimates.of(*KEY)

    assert found.mean == pytest.approx(fmean(values), abs=1e-6)
    expected = projections.student(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    assert found.half == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_what_was_never_seen_has_no_estimate_and_what_was_seen_once_no_bounds():
    estimates = projections.Estimates()
    estimates.add({KEY: math.nan, ("queue", "calls", "offered"): 3.0})

    assert estimates.of(*KEY) is None
    assert estimates.of("queue", "calls", "offered") == projections.Estimate(3.0, math.inf, 1)


def test_measures_of_one_replication_add_up():
    calls = scenarios.Work("calls", floors.work().queue, handling=scenarios.observed([120.0]))
    cost = scenarios.Group("dear", {}, (((0.0, HOUR),),), Decimal("30.00"))
    scenario = floor([calls], [cost], hours=2, came=((0.0, 0), (60.0, 0), (1.5 * HOUR, 0)))

    figures = projections.figures(scenario, simulation_runs.run(scenarios.world(scenario, 0)))

    assert figures["queue", "calls", "offered"] == figures["queue", projections.EVERY, "offered"] == 3
    assert figures["queue", "calls", "left"] == 1
    assert figures["queue", "calls", "wait"] == 30
    assert figures["queue", "calls", "within"] == pytest.approx(100 / 3)
    assert figures["group", "dear", "occupancy"] == pytest.approx(100 * 240 / 3600)
    assert figures["money", projections.EVERY, "cost"] == 30
    assert figures["interval", "0", "agents"] == 1
    assert figures["interval", "1", "agents"] == 0
    assert math.isnan(figures["interval", "1", "occupancy"])


def test_occupancy_is_the_load_over_the_agents():
    scenario = floor([work(per_hour=240, handling=60)], [group(10)], hours=200, every=HOUR * 10)
    figures = projections.figures(scenario, simulation_runs.run(scenarios.world(scenario, 0)))

    assert figures["group", "agents", "occupancy"] == pytest.approx(40, abs=1)
