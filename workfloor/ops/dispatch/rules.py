"""What the router has in mind: the floor as it was told, kept as a pool, and the offers that follow from each telling.

The same tellings, in the same order, always give the same offers: that is what a decision log is replayed by.
"""

import math
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

from workfloor.core.people.rules import CAPACITY
from workfloor.core.pools import rules as pools
from workfloor.core.queueing import rules as queueing
from workfloor.core.work.rules import Offer
from workfloor.ops.router import rules as policy
from workfloor.ops.tellings.rules import GONE, WAITING, WITH_SOMEBODY, Line, News, Reason, Refusal, Thing, Worker

__all__ = ["GONE", "WAITING", "WITH_SOMEBODY", "Line", "Mind", "News", "Reason", "Refusal", "Thing", "Worker"]

ROOMY = 256  # places for items at least; twice of what is there when the pool is built


class Mind:
    """One router's knowledge of its pool. Items and people have numbers in the pool, ids everywhere else.

    `using`: another form of the policy, compiled, and what gives a pool the form that it takes.
    """

    def __init__(self, using: Any = policy, shaped: Callable[[Any], Any] = lambda pool: pool) -> None:
        self._policy, self._shaped = using, shaped
        self.pool: pools.Pool | None = None
        self.lines: dict[int, Line] = {}
        self.workers: dict[int, Worker] = {}
        self.things: dict[int, Thing] = {}
        self.refusals: dict[tuple[int, int], float] = {}  # (person id, queue id): until when
        self.queue_numbers: dict[int, int] = {}
        self.agent_numbers: dict[int, int] = {}
        self.places: dict[int, int] = {}
        self._people: list[int] = []
        self._spare: list[int] = []
        self._profiles: dict[queueing.Profile, int] = {}
        self._seen: dict[tuple[Any, ...], queueing.Profile] = {}
        self._timers: list[tuple[float, int, int]] = []  # when a refusal is over: (at, person id, queue id)
        self._offers: list[Offer] = []

    # --- telling -----------------------------------------------------------------------------------------------------

    def hear(self, news: News) -> list[Offer]:
        """Take in what is new; returns the offers that follow, in the order in which they were decided."""
        self._offers = []
        freed: set[int] = set()
        self._undo(news)
        anew = self._hear_lines(news) | self._hear_workers(news, freed)
        arrived = self._hear_things(news, freed)
        self._hear_refusals(news, freed)
        if anew or self.pool is None or len(self._spare) < len(arrived):
            self._build(news.at)
            self._settle(news.at)
        else:
            self._offer_arrivals(arrived, news.at)
            self._offer_to(freed, news.at)
            self._serve_rings(news.at)
        if news.undone:
            self._settle(news.at)
        return self._offers

    def know(self, news: News) -> None:
        """Take in what is so without offering anything: for who asks why."""
        self.lines = {line.queue_id: line for line in news.lines or ()}
        self.workers = {worker.person_id: worker for worker in news.workers}
        self.things = {thing.item_id: thing for thing in news.things if thing.state != GONE}
        for refusal in news.refusals:
            self.refusals[refusal.person_id, refusal.queue_id] = refusal.until
        self._build(news.at)

    def why(self, item_id: int, now: float) -> list[Reason]:
        """Say of everybody whether they could have an item that waits, and if not, why; the first asked come first."""
        queue = _queue(self.lines[self.things[item_id].queue_id])
        return [self._reason(each, queue) for each in self._policy.why(self._pool, self.places[item_id], now)]

    def _reason(self, candidate: policy.Candidate, queue: queueing.Queue) -> Reason:
        worker = self.workers[self._people[candidate.agent]]
        lacks: list[str] = []
        if candidate.verdict == "not able":
            lacks = queueing.missing(worker.skills, worker.clients, queue, len(queue.relax))
        return Reason(worker.person_id, candidate.verdict, tuple(lacks), candidate.ring, candidate.score)

    def next_change(self, now: float) -> float:
        """When something changes by itself next: a ring is reached, or a refusal is over; inf for never."""
        found = [self._timers[0][0]] if self._timers else []
        if self.pool is not None:
            found += (self._policy.ripens(self.pool, queue, now) for queue in range(self.pool.queues))
        return min(found, default=math.inf)

    def _undo(self, news: News) -> None:
        """Put items whose offers do not stand back in their places, and people back on their seats."""
        for item_id in news.undone:
            place, thing = self.places[item_id], self.things[item_id]
            agent = self._policy.release(self._pool, place)
            self.things[item_id] = Thing(item_id, thing.queue_id, thing.since)
            self._policy.lanes.join(self._pool.waiting, self.queue_numbers[thing.queue_id], place, thing.since)
            self._policy.pools.sit(self._pool, agent, self._idle_since(agent))

    def _hear_lines(self, news: News) -> bool:
        """Whether the pool must be built anew; new slopes alone only take their place."""
        if news.lines is None:
            return False
        before, self.lines = self.lines, {line.queue_id: line for line in news.lines}
        if self.pool is None or {i: _unsloped(each) for i, each in before.items()} != {
            i: _unsloped(each) for i, each in self.lines.items()
        }:
            return True
        for queue_id, number in self.queue_numbers.items():
            self.pool.slope[number] = self.lines[queue_id].slope
        return False

    def _hear_workers(self, news: News, freed: set[int]) -> bool:
        """Whether the pool must be built anew: somebody is new, or can what nobody could before."""
        anew = False
        for worker in news.workers:
            known, self.workers[worker.person_id] = self.workers.get(worker.person_id), worker
            if worker == known or self.pool is None:
                continue
            number = self.agent_numbers.get(worker.person_id)
            profile = self._profiles.get(self._profile(worker))
            if number is None or profile is None:
                anew = True
            elif worker.here:
                self._policy.come(self.pool, number, profile, _never(worker.until))
                freed.add(worker.person_id)
            else:
                self._policy.go(self.pool, number)
        return anew

    def _hear_things(self, news: News, freed: set[int]) -> list[Thing]:
        """Let go of what is not so any more, hand over what is with somebody; returns what has come to wait."""
        arrived = []
        for thing in news.things:
            known = self.things.pop(thing.item_id, None)
            if thing == known:
                self.things[thing.item_id] = thing
                continue
            if known is not None:
                self._let_go(known, freed)
            if thing.state == WITH_SOMEBODY:
                self.things[thing.item_id] = thing
                self._hand(thing, freed)
            elif thing.state == WAITING and thing.queue_id in self.lines:
                self.things[thing.item_id] = thing
                arrived.append(thing)
        return sorted(arrived, key=lambda each: (each.since, each.item_id))

    def _let_go(self, known: Thing, freed: set[int]) -> None:
        if self.pool is None:
            return
        if known.state == WITH_SOMEBODY and known.person_id in self.agent_numbers:
            self._take(self.agent_numbers[known.person_id], known, -1)
            freed.add(known.person_id)
        place = self.places.pop(known.item_id, None)
        if place is not None:
            self._policy.withdraw(self.pool, place)
            self.pool.holder[place] = -1
            self._spare.append(place)

    def _hand(self, thing: Thing, freed: set[int]) -> None:
        if self.pool is not None and thing.person_id in self.agent_numbers:
            self._take(self.agent_numbers[thing.person_id], thing, 1)
            freed.add(thing.person_id)

    def _take(self, agent: int, thing: Thing, sign: int) -> None:
        """Take a thing's parts of somebody, or with -1 give them back."""
        part = _mask(thing)
        self._pool.firm[agent] = self._pool.firm[agent] | part if sign > 0 else self._pool.firm[agent] & ~part
        self._pool.parts[agent] += sign * part.bit_count()
        self._policy.pools.take_stock(self._pool, agent)

    def _hear_refusals(self, news: News, freed: set[int]) -> None:
        for refusal in news.refusals:
            self._refuse(refusal)
        while self._timers and self._timers[0][0] <= news.at:
            _, person_id, queue_id = heappop(self._timers)
            if self.refusals.get((person_id, queue_id), math.inf) <= news.at:
                del self.refusals[person_id, queue_id]
                if self.pool is not None and person_id in self.agent_numbers and queue_id in self.queue_numbers:
                    self._policy.forgive(self.pool, self.agent_numbers[person_id], self.queue_numbers[queue_id])
                    freed.add(person_id)

    def _refuse(self, refusal: Refusal) -> None:
        key = (refusal.person_id, refusal.queue_id)
        self.refusals[key] = max(refusal.until, self.refusals.get(key, 0.0))
        heappush(self._timers, (refusal.until, *key))
        self._shun(*key)

    def _shun(self, person_id: int, queue_id: int) -> None:
        agent, queue = self.agent_numbers.get(person_id), self.queue_numbers.get(queue_id)
        if self.pool is not None and agent is not None and queue is not None:
            self.pool.shuns[agent * self.pool.queues + queue] = 1

    # --- offering ----------------------------------------------------------------------------------------------------

    @property
    def _pool(self) -> pools.Pool:
        assert self.pool is not None
        return self.pool

    def _offer_arrivals(self, arrived: Iterable[Thing], now: float) -> None:
        for thing in arrived:
            place = self.places[thing.item_id] = self._spare.pop()
            queue = self.queue_numbers[thing.queue_id]
            if self._policy.arrive(self._pool, place, thing.item_id, queue, thing.since, now) >= 0:
                self._decided(place)

    def _offer_to(self, freed: set[int], now: float) -> None:
        for person_id in sorted(freed):
            number = self.agent_numbers.get(person_id)
            while number is not None and (place := self._policy.free(self._pool, number, now)) >= 0:
                self._decided(place)

    def _serve_rings(self, now: float) -> None:
        for queue in range(self._pool.queues):
            if self._pool.rings > 1 and math.isfinite(self._pool.after[queue * self._pool.rings + 1]):
                while (place := self._policy.serve(self._pool, queue, now)) >= 0:
                    self._decided(place)

    def _settle(self, now: float) -> None:
        while self.pool is not None and (place := self._policy.settle(self.pool, now)) >= 0:
            self._decided(place)

    def _decided(self, place: int) -> None:
        item_id, part = int(self._pool.waiting.name[place]), int(self._pool.part[place])
        thing, person_id = self.things[item_id], self._people[self._pool.holder[place]]
        low, high = (part & -part).bit_length() - 1, part.bit_length()
        self.things[item_id] = thing._replace(state=WITH_SOMEBODY, person_id=person_id, low=low, high=high)
        self._offers.append(Offer(item_id, person_id, low, high, self.lines[thing.queue_id].offer_seconds))

    # --- building ----------------------------------------------------------------------------------------------------

    def _build(self, now: float) -> None:
        """Make the pool anew from what is known; who sits idle keeps their seat in time."""
        idle = {} if self.pool is None else {p: self._idle_since(n) for p, n in self.agent_numbers.items()}
        lines = list(self.lines.values())
        self.pool = None
        if not lines:
            return
        self._seen.clear()
        self.queue_numbers = {line.queue_id: number for number, line in enumerate(lines)}
        self._people = sorted(self.workers)
        self.agent_numbers = {person_id: number for number, person_id in enumerate(self._people)}
        profiles = queueing.numbered(self._profile(self.workers[person_id]) for person_id in self._people)
        self._profiles = {profile: number for number, profile in enumerate(profiles)}
        room = max(ROOMY, 2 * len(self.things))
        self.pool = self._shaped(pools.pool([_queue(line) for line in lines], profiles or [()], self._people, room))
        self._place_things(room)
        for person_id, worker in self.workers.items():
            self._seat(worker, idle.get(person_id) or worker.since)
        for key in self.refusals:
            self._shun(*key)

    def _place_things(self, room: int) -> None:
        self.places, self._spare = {}, list(range(room - 1, -1, -1))
        for thing in sorted(self.things.values(), key=lambda each: (each.since, each.item_id)):
            if thing.state == WITH_SOMEBODY:
                self._hand(thing, set())
            elif thing.queue_id in self.queue_numbers:
                place = self.places[thing.item_id] = self._spare.pop()
                self._pool.queue[place] = self.queue_numbers[thing.queue_id]
                self._pool.waiting.name[place] = thing.item_id
                self._policy.lanes.join(self._pool.waiting, self._pool.queue[place], place, thing.since)

    def _seat(self, worker: Worker, since: float) -> None:
        if worker.here:
            number = self.agent_numbers[worker.person_id]
            self._policy.come(self._pool, number, self._profiles[self._profile(worker)], _never(worker.until))
            self._policy.pools.sit(self._pool, number, since)

    def _idle_since(self, number: int) -> float:
        return self._pool.benches.key[number] - self._pool.handicap[number]

    def _profile(self, worker: Worker) -> queueing.Profile:
        like = (tuple(sorted(worker.skills.items())), worker.clients)
        if like not in self._seen:
            queues = [_queue(line) for line in self.lines.values()]
            self._seen[like] = queueing.profile(worker.skills, worker.clients, queues)
        return self._seen[like]


def _queue(line: Line) -> queueing.Queue:
    return queueing.Queue(
        line.queue_id, line.client_id, line.requires, line.relax, at_once=line.at_once, slope=line.slope
    )


def _unsloped(line: Line) -> Line:
    return line._replace(slope=0.0)


def _never(until: float | None) -> float:
    return math.inf if until is None else until


def _mask(thing: Thing) -> int:
    assert 0 <= thing.low < thing.high <= CAPACITY
    return (1 << thing.high) - (1 << thing.low)
