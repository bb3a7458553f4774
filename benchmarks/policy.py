"""The policy alone, in CPython: decisions a CPU-second, against what was agreed and what two bare heaps do."""

import heapq
import random
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.figures import Figure
from workfloor.ops.routing import policy, pools
from workfloor.ops.routing.pools import Pool

QUEUES = 150
PROMISED = 200_000  # at 10,000 agents
WORTH = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
BITS = 1 << 12


def measure(
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000), waiting: int = 10_000, steps: int = 20_000, runs: int = 5
) -> list[Figure]:
    """Offers a CPU-second: calls with a backlog at each size; at 10,000 agents also chats, and a floor half idle.

    A step ends one item, which frees its agent, and lets another arrive; each offer that comes of it is a decision.
    """
    middle = sizes[len(sizes) // 2]
    floors = [
        *((f"Decisions, {size:,} agents", Floor(size, waiting), size) for size in sizes),
        (f"Decisions, {middle:,} agents, every third queue chats", Floor(middle, waiting, chats=0.3), middle),
        (f"Decisions, {middle:,} agents, half of them idle", Floor(middle, -middle // 2), middle),
    ]
    return [figure for floor in floors for figure in _figures(*floor, waiting, steps, runs)]


def _figures(what: str, floor: "Floor", agents: int, waiting: int, steps: int, runs: int) -> Iterator[Figure]:
    """The median, and that of the ratios to what heaps did just before: each pair meets the machine in one state."""
    pairs = [(_bare_a_second(agents, waiting, steps), floor.decisions_a_second(steps)) for _ in range(runs)]
    rate = median(ours for _, ours in pairs)
    yield Figure(what, rate, "a CPU-second", "what is agreed at 10,000", PROMISED)
    ratio = median(ours / bare for bare, ours in pairs)
    yield Figure(what, rate, "a CPU-second", "heapq, as many items and agents", rate / ratio)


def _bare_a_second(agents: int, waiting: int, steps: int) -> float:
    """What two bare heaps decide a second of this process: the first item goes to the first agent, and both come back.

    A policy that knew one queue, one skill and no agreement would do no more than this.
    """
    items = [(number / waiting, number) for number in range(waiting)]
    free = [(number / agents, number) for number in range(agents)]
    chance = random.Random(1)
    lots = [(1 + chance.random(), 1 + chance.random()) for _ in range(steps)]
    began = time.process_time()
    for arrives, idles in lots:
        _, item = heapq.heappop(items)
        _, agent = heapq.heappop(free)
        heapq.heappush(items, (arrives, item))
        heapq.heappush(free, (idles, agent))
    return steps / (time.process_time() - began)


class Floor:
    """Agents of up to 1,000 profiles that serve 2 to 10 of 150 queues each; every agent at work and a backlog waiting.

    A negative backlog is so many agents idle.
    """

    def __init__(self, agents: int, backlog: int, chats: float = 0.0) -> None:
        self.chance = random.Random(1)
        self.pool = _pool(self.chance, agents, max(backlog, 0), chats)
        self.spare = list(range(len(self.pool.queue)))
        self.held: list[int] = []
        self.now = 0.0
        self.came = 0
        for agent in range(agents):
            policy.come(self.pool, agent, self.chance.randrange(self.pool.profiles), 1e12)
            policy.free(self.pool, agent, self.now)
        while self._short(backlog):
            self._arrive(self.chance.randrange(QUEUES))

    def _short(self, backlog: int) -> bool:
        waiting = self.came - len(self.held)
        idle = sum(each >= 0 for each in self.pool.benches.lane) if backlog < 0 else 0
        return waiting < backlog if backlog >= 0 else idle > -backlog

    def _arrive(self, queue: int) -> int:
        item = self.spare.pop()
        self.now += 0.01
        self.came += 1
        agent = policy.arrive(self.pool, item, self.came, queue, self.now, self.now)
        if agent >= 0:
            self.held.append(item)
        return agent

    def decisions_a_second(self, steps: int) -> float:
        """Do so many steps; the offers made by each second of this process."""
        chance, held, pool, spare, now = self.chance, self.held, self.pool, self.spare, self.now
        lots = [(chance.random(), chance.randrange(QUEUES)) for _ in range(steps)]
        offers, came = 0, self.came
        began = time.process_time()
        for end, queue in lots:
            place = int(end * len(held))
            ended, last = held[place], held.pop()
            if last != ended:
                held[place] = last
            agent = policy.release(pool, ended)
            now += 0.01
            while (item := policy.free(pool, agent, now)) >= 0:
                held.append(item)
                offers += 1
            spare.append(ended)
            came += 1
            item = spare.pop()
            if policy.arrive(pool, item, came, queue, now, now) >= 0:
                held.append(item)
                offers += 1
        spent = time.process_time() - began
        self.came, self.now = came, now
        return offers / spent


def _pool(chance: random.Random, agents: int, backlog: int, chats: float) -> Pool:
    slopes = (0.01, 0.05, 0.05, 0.1)
    queues = [
        pools.Queue(n, 1, {}, [(60.0, {})], 3 if chance.random() < chats else 1, slope=chance.choice(slopes))
        for n in range(QUEUES)
    ]
    profiles = pools.numbered(_profiles(chance, min(1_000, agents)))
    return pools.pool(queues, profiles, range(agents), 3 * agents + backlog + 1, WORTH, BITS)


def _profiles(chance: random.Random, count: int) -> Iterator[pools.Profile]:
    for _ in range(count):
        served = sorted(chance.sample(range(QUEUES), chance.randint(2, 10)))
        yield tuple(pools.Serving(queue, chance.random() < 0.2, chance.randrange(4)) for queue in served)
