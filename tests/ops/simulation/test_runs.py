"""The twin compiled: the same to the last bit, and true to the published results within three standard errors."""

import math
from functools import partial

import pytest

from tests.ops.simulation import floors
from tests.ops.simulation.floors import floor, group, work
from workfloor.kit.figures import erlang
from workfloor.ops.simulation import projections, scenarios
from workfloor.ops.simulation import runs as simulation_runs


@pytest.fixture(scope="module")
def store(compiled_store):
    return compiled_store


@pytest.mark.parametrize("replication", [0, 1])
def test_lists_and_arrays_give_the_same_to_the_last_bit(store, replication):
    scenario = floors.mixed(hours=2)

    plain = simulation_runs.run(scenarios.world(scenario, replication))
    compiled = simulation_runs.run_compiled(scenarios.world(scenario, replication), store)

    assert plain is not None
    assert plain == compiled


def test_replications_over_processes_are_those_of_one(store):
    worlds = partial(scenarios.world, floors.mixed(hours=0.2))

    over_processes = list(simulation_runs.replications(worlds, 4))

    assert over_processes == [(number, simulation_runs.run_one(worlds, None, number)) for number in range(4)]


def test_a_floor_that_drowns_is_refused():
    def worlds(number):
        world = scenarios.world(floors.mixed(hours=0.2), number)
        world.left[0] = 3
        return world

    with pytest.raises(simulation_runs.Drowned, match="In replication 1 more than"):
        simulation_runs.run_one(worlds, None, 0)


def within_three_errors(scenario, store, **expected):
    found = projections.Estimates()
    for _, tally in simulation_runs.replications(partial(scenarios.world, scenario), scenario.replications, store):
        found.add(projections.figures(scenario, tally))
    for measure, value in expected.items():
        one = found.of("queue", "calls", measure)
        error = one.half / projections.student(one.seen - 1)
        assert abs(one.mean - value) < 3 * error, (measure, one, value)
        assert error < 0.02 * value, (measure, error)  # or the test would say little


def one_queue(per_minute, minutes, agents, patience=None, hours=70):
    calls = work(per_hour=60 * per_minute, handling=60 * minutes, patience=patience)
    return floor([calls], [group(agents)], hours, warm_up=3600.0, every=math.inf, replications=30)


def test_fifty_agents_with_impatient_customers(store):
    within_three_errors(one_queue(48, 1, 50, patience=60.0), store, delayed=40.54, abandoned=3.94)


def test_a_hundred_calls_in_half_an_hour(store):
    scenario = one_queue(100 / 30, 3, 14, hours=500)

    within_three_errors(scenario, store, delayed=17.41, within=88.84, wait=7.84)


def test_fifty_agents_with_two_minutes_of_patience(store):
    scenario = one_queue(48, 1, 50, patience=120.0)

    within_three_errors(scenario, store, abandoned=3.09, wait_of_all=3.71)


def test_without_any_patience_who_finds_all_busy_is_lost(store):
    calls = scenarios.Work(
        "calls",
        floors.work().queue,
        rates=(50 / 60,),
        handling=scenarios.exponential(60.0),
        patience=scenarios.observed([0.0]),
    )
    scenario = floor([calls], [group(50)], hours=70, warm_up=3600.0, every=math.inf, replications=30)

    within_three_errors(scenario, store, abandoned=100 * erlang.loss(50, 50))
