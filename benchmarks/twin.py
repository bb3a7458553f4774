"""The twin beside SimPy and Ciw on one model, compiled and plain; a million contacts; memory over the horizon.

The model: five queues of different priority, a hundred agents in five groups with two skills each, exponential times,
customers who give up. In SimPy it is written twice: with SimPy's own store of agents and queue of requests, sorted by
priority; and by hand, with nothing of SimPy but its processes and clock. Ciw knows no agents with several skills, so
there everybody can do everything, which is less work a contact. The peers run fewer contacts; all figures are CPU time
a contact, medians of several runs.
"""

import heapq
import resource
import tempfile
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import ciw  # type: ignore[import-untyped]
import simpy

from benchmarks.figures import Figure
from workfloor.ops.routing.pools import Queue
from workfloor.ops.simulation import runs as simulation_runs
from workfloor.ops.simulation import scenarios, twin
from workfloor.ops.simulation.counters import World
from workfloor.ops.simulation.scenarios import Group, Scenario, Work, exponential

Process = Generator[simpy.Event, Any, None]

QUEUES, TEAM = 5, 20  # queues, and agents in each of as many groups
HANDLING, PATIENCE = 180.0, 120.0
A_SECOND = QUEUES * TEAM / HANDLING  # contacts of all queues together: just what the agents can do
MICRO = 1e6
PEAK = 1024.0  # ru_maxrss is in KiB


def measure(
    contacts: int = 1_000_000,
    times_more: int = 10,
    plain: int = 60_000,
    by_simpy: int = 20_000,
    by_hand: int = 60_000,
    by_ciw: int = 4_000,
    runs: int = 3,
    store: Path | None = None,
) -> list[Figure]:
    """Measure all, each over so many contacts; the first compiled run, which compiles, counts nowhere.

    With a store, a folder for compiled code, it compiles only what is not there.
    """
    with tempfile.TemporaryDirectory() as fresh:
        run = simulation_runs.program(store or Path(fresh))
        began = time.perf_counter()
        run(simulation_runs.arrays(_world(2_000)))
        compiling = time.perf_counter() - began
        compiled = median(_cpu(run, simulation_runs.arrays(_world(contacts))) for _ in range(runs))
        before = _peak()
        run(simulation_runs.arrays(_world(times_more * contacts)))
        grown = _peak() - before
    ours = compiled / contacts * MICRO
    in_cpython = median(_cpu(twin.run, _world(plain)) for _ in range(runs)) / plain * MICRO
    simpy_own = median(_cpu(_simpy, by_simpy) for _ in range(runs)) / by_simpy * MICRO
    simpy_hand = median(_cpu(_simpy_by_hand, by_hand) for _ in range(runs)) / by_hand * MICRO
    ciw_own = median(_cpu(_ciw, by_ciw) for _ in range(runs)) / by_ciw * MICRO
    what, more = "Twin, CPU time a contact", f"Twin, memory that {times_more} times as many contacts take beyond these"
    return [
        Figure(f"{what}, compiled", ours, "µs", "SimPy (at least 25 times)", simpy_own),
        Figure(f"{what}, compiled", ours, "µs", "SimPy, by hand", simpy_hand),
        Figure(f"{what}, compiled", ours, "µs", "Ciw (at least 100 times)", ciw_own),
        Figure(f"{what}, in CPython", in_cpython, "µs", "SimPy (at least 3 times)", simpy_own),
        Figure(f"{what}, in CPython", in_cpython, "µs", "SimPy, by hand", simpy_hand),
        Figure(f"Twin, {contacts:,} contacts, compiled", compiled, "s", "target of a million", 0.6),
        Figure(more, grown, "MB", "target", 20),
        Figure("Twin, compiling, once", compiling, "s", "at most", 60),
    ]


def _cpu(run: Callable[[Any], object], given: Any) -> float:
    began = time.process_time()
    run(given)
    return time.process_time() - began


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PEAK


# --- ours ----------------------------------------------------------------------------------------------------------


def _world(contacts: int) -> World:
    works = [
        Work(
            f"queue-{n}",
            Queue(n + 1, 1, {f"skill-{n}": 1}, slope=(1 + n) / 20),
            rates=(A_SECOND / QUEUES,),
            handling=exponential(HANDLING),
            patience=exponential(PATIENCE),
        )
        for n in range(QUEUES)
    ]
    groups = [
        Group(f"group-{n}", {f"skill-{n}": 1, f"skill-{(n + 1) % QUEUES}": 1}, (((0.0, float("inf")),),) * TEAM)
        for n in range(QUEUES)
    ]
    horizon = contacts / A_SECOND
    start = datetime(2024, 1, 1, tzinfo=UTC)
    scenario = Scenario("", start, "UTC", horizon, tuple(works), tuple(groups), every=86400.0)
    return scenarios.world(scenario, 0)


# --- SimPy ---------------------------------------------------------------------------------------------------------


class _Request(simpy.resources.store.FilterStoreGet):
    """A request for an agent, with what it is sorted by."""

    def __init__(self, store: "_Agents", queue: int) -> None:
        self.key = (-queue, store._env.now)
        super().__init__(store, lambda agent: queue in agent)


class _Agents(simpy.FilterStore):
    GetQueue = simpy.resources.resource.SortedQueue


class _Counts:
    """What the twin counts too: of each queue and day contacts, waits and talk; of each group and day time in use."""

    def __init__(self) -> None:
        self.by_queue: dict[tuple[int, int], list[float]] = {}
        self.busy: dict[tuple[int, int], float] = {}

    def answered(self, queue: int, group: int, since: float, now: float, talk: float) -> None:
        counts = self.by_queue.setdefault((int(since // 86400), queue), [0.0] * 7)
        waited = now - since
        counts[0] += 1
        counts[1] += 1
        counts[2] += waited > 0
        counts[3] += waited <= 20
        counts[4] += waited
        counts[5] += talk
        key = (int(now // 86400), group)
        self.busy[key] = self.busy.get(key, 0.0) + talk

    def gave_up(self, queue: int, since: float) -> None:
        counts = self.by_queue.setdefault((int(since // 86400), queue), [0.0] * 7)
        counts[0] += 1
        counts[6] += 1


def _simpy(contacts: int) -> None:
    """The model with SimPy's own means."""
    env, random, counts = simpy.Environment(), Random(1), _Counts()
    agents = _Agents(env, QUEUES * TEAM)
    agents.items = [(group, (group + 1) % QUEUES) for group in range(QUEUES) for _ in range(TEAM)]

    def contact(queue: int) -> Process:
        request, since = _Request(agents, queue), env.now
        yield request | env.timeout(random.expovariate(1 / PATIENCE))
        if not request.triggered:
            request.cancel()
            counts.gave_up(queue, since)
            return
        talk = random.expovariate(1 / HANDLING)
        counts.answered(queue, (request.value or (0, 0))[0], since, env.now, talk)
        yield env.timeout(talk)
        yield agents.put(request.value)

    def arrivals(queue: int) -> Process:
        for _ in range(contacts // QUEUES):
            yield env.timeout(random.expovariate(A_SECOND / QUEUES))
            env.process(contact(queue))

    for queue in range(QUEUES):
        env.process(arrivals(queue))
    env.run()


class _Floor:
    """The model by hand: idle agents in lists, waiting contacts in heaps."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env, self.random = env, Random(1)
        self.idle: list[list[int]] = [list(range(n * TEAM, (n + 1) * TEAM)) for n in range(QUEUES)]
        self.waiting: list[list[tuple[float, int, simpy.Event]]] = [[] for _ in range(QUEUES)]
        self.count, self.counts = 0, _Counts()

    def arrivals(self, queue: int, contacts: int) -> Process:
        for _ in range(contacts):
            yield self.env.timeout(self.random.expovariate(A_SECOND / QUEUES))
            self.env.process(self.contact(queue))

    def contact(self, queue: int) -> Process:
        since = self.env.now
        group = next((g for g in (queue, (queue - 1) % QUEUES) if self.idle[g]), -1)
        if group >= 0:
            agent = self.idle[group].pop(0)
        else:
            self.count += 1
            served = self.env.event()
            heapq.heappush(self.waiting[queue], (self.env.now, self.count, served))
            patience = self.env.timeout(self.random.expovariate(1 / PATIENCE))
            yield served | patience
            if not served.triggered:
                self.counts.gave_up(queue, since)
                served.succeed(-1)  # known by whoever finds it in the heap
                return
            agent = int(served.value or 0)
        talk = self.random.expovariate(1 / HANDLING)
        self.counts.answered(queue, agent // TEAM, since, self.env.now, talk)
        yield self.env.timeout(talk)
        self.free(agent)

    def free(self, agent: int) -> None:
        group = agent // TEAM
        best, score = None, -1.0
        for queue in (group, (group + 1) % QUEUES):
            heap = self.waiting[queue]
            while heap and heap[0][2].triggered:
                heapq.heappop(heap)
            if heap and (1 + queue) * (self.env.now - heap[0][0]) > score:
                best, score = heap, (1 + queue) * (self.env.now - heap[0][0])
        if best is None:
            self.idle[group].append(agent)
        else:
            heapq.heappop(best)[2].succeed(agent)


def _simpy_by_hand(contacts: int) -> None:
    env = simpy.Environment()
    floor = _Floor(env)
    for queue in range(QUEUES):
        env.process(floor.arrivals(queue, contacts // QUEUES))
    env.run()


# --- Ciw -----------------------------------------------------------------------------------------------------------


def _ciw(contacts: int) -> None:
    classes = [f"queue {n}" for n in range(QUEUES)]
    network = ciw.create_network(
        arrival_distributions={name: [ciw.dists.Exponential(A_SECOND / QUEUES)] for name in classes},
        service_distributions={name: [ciw.dists.Exponential(1 / HANDLING)] for name in classes},
        reneging_time_distributions={name: [ciw.dists.Exponential(1 / PATIENCE)] for name in classes},
        priority_classes={name: QUEUES - n - 1 for n, name in enumerate(classes)},
        number_of_servers=[QUEUES * TEAM],
    )
    ciw.seed(1)
    ciw.Simulation(network).simulate_until_max_time(contacts / A_SECOND)
