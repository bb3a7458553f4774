"""What work takes: contacts expected, who may serve them, the people that Erlang's formulas would have."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from workfloor.core.contracts.levels import ServiceLevel
from workfloor.kit.figures import erlang
from workfloor.ops.routing import pools
from workfloor.ops.simulation import scenarios, twin
from workfloor.ops.simulation.scenarios import Scenario, Spread, Work

# The measures that more people keep; the others are estimated and not searched for.
STAFFED = ("answered-within", "abandoned", "speed-of-answer")

Staff = list[list[int]]  # how many of each group are there, [group][interval]


@dataclass(frozen=True, slots=True)
class Aim:
    """A target that is to be kept: the number of its level, what is agreed, what it is about."""

    number: int
    level: ServiceLevel
    works: tuple[int, ...]


def aims(scenario: Scenario) -> list[Aim]:
    """Return the targets that people can keep."""
    names = [work.name for work in scenario.works]
    return [
        Aim(number, level, tuple(names.index(name) for name in level.of if name in names))
        for number, level in enumerate(scenario.levels)
        if level.expected is not None and level.measure in STAFFED
    ]


def openings(scenario: Scenario) -> list[list[bool]]:
    """Say in which intervals each group may be there at all, by its hours: [group][interval]."""
    found = []
    for group in scenario.groups:
        there = scenarios.present(replace(group, agents=group.agents[:1]), scenario)
        found.append([seconds > 0 for seconds in there])
    return found


def guess(scenario: Scenario) -> Staff:
    """Guess the staff by Erlang's formula, each queue with people of its own: the cheapest who may serve it."""
    wide = openings(scenario)
    staff = [[0] * scenario.intervals for _ in scenario.groups]
    for number, work in enumerate(scenario.works):
        able = servers(scenario, [number])
        wanted = [aim.level for aim in aims(scenario) if number in aim.works]
        for interval, each in enumerate(contacts(scenario, number)):
            group = next((one for one in able if wide[one][interval]), None)
            if group is not None and each:
                servers_needed = _needed(work, each / scenario.every, wanted)
                most = len(scenario.groups[group].agents)
                staff[group][interval] = min(staff[group][interval] + servers_needed, most)
    return staff


def servers(scenario: Scenario, works: Iterable[int]) -> list[int]:
    """Return the groups that may serve one of these queues, without waiting for a ring first, then the cheapest."""
    queues = [scenario.works[number].queue for number in works]

    def order(number: int) -> tuple[int, Decimal, int]:
        group = scenario.groups[number]
        rings = [ring for queue in queues if (ring := pools.ring_for(group.skills, queue)) >= 0]
        return min(rings, default=-1), group.cost_per_hour or Decimal(0), number

    return [number for ring, _, number in sorted(map(order, range(len(scenario.groups)))) if ring >= 0]


def unserved(scenario: Scenario) -> float:
    """Return how many contacts are expected when nobody who may serve them may be there."""
    wide = openings(scenario)
    return math.fsum(
        each
        for number in range(len(scenario.works))
        for interval, each in enumerate(contacts(scenario, number))
        if not any(wide[group][interval] for group in servers(scenario, [number]))
    )


def contacts(scenario: Scenario, number: int) -> list[float]:
    """Return how many contacts are expected in each interval of a queue."""
    found = [0.0] * scenario.intervals
    for at, to in scenario.came:
        if to == number:
            found[int(at / scenario.every)] += 1
    rates, cycle = scenario.works[number].rates, scenario.works[number].cycle
    if rates:
        for interval in range(scenario.intervals):
            middle = (interval + 0.5) * scenario.every
            found[interval] += rates[int(middle / cycle) % len(rates)] * scenario.every
    return found


def _needed(work: Work, rate: float, wanted: Sequence[ServiceLevel]) -> int:
    handling = mean(work.handling) + mean(work.wrap_up)
    load = rate * handling / work.queue.max_concurrency
    servers_ = max(1, math.ceil(load))
    while servers_ < load * 3 + 20 and not all(_holds(each, work, servers_, load, handling) for each in wanted):
        servers_ += 1
    return servers_


def _holds(level: ServiceLevel, work: Work, servers_: int, load: float, handling: float) -> bool:
    """Say whether Erlang's formula has a target met; a queue whose customers give up is easier than it says."""
    target = float(level.expected or 0)
    patience = mean(work.patience)
    if level.measure == "answered-within":
        return 100 * erlang.served_within(servers_, load, handling, level.threshold_seconds or 0) >= target
    if level.measure == "speed-of-answer":
        return erlang.mean_delay(servers_, load, handling) <= target
    return not patience or not handling or 100 * erlang.abandoned(servers_, load, patience / handling) <= target


def mean(spread: Spread) -> float:
    """Return the mean of a time as it is spread, in seconds; 0 where it is not."""
    if spread.kind == twin.LOG_NORMAL:
        return math.exp(spread.first + spread.second**2 / 2)
    if spread.values:
        return math.fsum(spread.values) / len(spread.values)
    return spread.first if spread.kind == twin.EXPONENTIAL else 0.0


def loads(scenario: Scenario) -> list[list[float]]:
    """Return by queue and interval how many are busy if nobody ever waits."""
    return [
        [
            each / scenario.every * (mean(work.handling) + mean(work.wrap_up)) / work.queue.max_concurrency
            for each in contacts(scenario, number)
        ]
        for number, work in enumerate(scenario.works)
    ]
