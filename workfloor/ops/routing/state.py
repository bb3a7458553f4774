"""What a router is told of queues, people and work, and has in mind: a pool, and the offers that each telling brings.

The same tellings, in the same order, always give the same offers: that is what a decision log is replayed by.
"""

import math
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import Any, NamedTuple

from workfloor.core.people.qualification import CAPACITY
from workfloor.core.work.lifecycle import Offer
from workfloor.ops.routing import policy, pools

# --- What a router is told -------------------------------------------------------------------------------------------

WAITING, WITH_SOMEBODY, GONE = "waiting", "with", "gone"


class Line(NamedTuple):
    """A queue with its terms in force; `slope` is the score that its work gains by a second of waiting.

    Work of one that is `preemptible` is preempted by that of one that `preempts`.
    """

    queue_id: int
    client_id: int
    requires: Mapping[str, int]
    relax: tuple[tuple[float, Mapping[str, int]], ...]
    max_concurrency: int
    slope: float
    offer_seconds: int
    preemptible: bool = False
    preempts: bool = False


class Worker(NamedTuple):
    """An agent as they are now: what they can, whose work they may touch, whether and since when they take work.

    `until`: when what they can, or whether they are on shift, changes by itself; None for never. Until then they are
    as told, and from then on they take nothing before they are told of anew.
    """

    person_id: int
    skills: Mapping[str, int]
    clients: tuple[int, ...]
    here: bool
    since: float
    until: float | None = None
    on_shift: bool = True


class Thing(NamedTuple):
    """An item as it is now: it waits since an instant, takes [low, high) of somebody, or is gone.

    What waits since an instant that is to come is scheduled for then. Until `keep_until` it is kept for the `keeper`,
    who knows its case (0: nobody). What is with somebody may be `preemptible`. One with a priority of its own
    stands so many seconds `ahead`. `parts`: (person, low, high) of those who take part in it beside its owner, whatever
    it is itself.
    """

    item_id: int
    queue_id: int
    since: float
    state: str = WAITING
    person_id: int = 0
    low: int = 0
    high: int = 0
    keeper: int = 0
    keep_until: float = 0.0
    preemptible: bool = False
    ahead: float = 0.0
    parts: tuple[tuple[int, int, int], ...] = ()

    @property
    def place(self) -> float:
        """Since when it would have to wait to stand where it stands in line."""
        return self.since - self.ahead


class Refusal(NamedTuple):
    """Somebody let an offer go by: nothing of that queue for them until then."""

    person_id: int
    queue_id: int
    until: float


class News(NamedTuple):
    """What is so at an instant, as far as it is new; `undone` are offers of the telling before that do not stand.

    `handicaps`: (person, seconds that they stand further back in line than by idle time alone).
    """

    at: float
    lines: tuple[Line, ...] | None = None
    workers: tuple[Worker, ...] = ()
    things: tuple[Thing, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    undone: tuple[int, ...] = ()
    handicaps: tuple[tuple[int, float], ...] = ()


class Reason(NamedTuple):
    """What an item was to somebody: "could", or why not and what they lack; their ring (-1: none) and its score."""

    person_id: int
    verdict: str
    lacks: tuple[str, ...]
    ring: int
    score: float


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
        self._profiles: dict[pools.Profile, int] = {}
        self._seen: dict[tuple[Any, ...], pools.Profile] = {}
        self.handicaps: dict[int, float] = {}
        # What changes by itself: a refusal is over, an item is due or kept no longer, somebody must be told of anew.
        self._forgiven_at: list[tuple[float, int, int]] = []  # (at, person id, queue id)
        self._due_at: list[tuple[float, int]] = []  # (at, item id)
        self._outdated_at: list[tuple[float, int]] = []  # (at, person id)
        # During a telling.
        self._arrived: dict[int, Thing] = {}
        self._freed: set[int] = set()
        self._seats: dict[int, float] = {}  # since when those sat idle who were told of
        self._offers: list[Offer] = []

    # --- telling -----------------------------------------------------------------------------------------------------

    def hear(self, news: News) -> list[Offer]:
        """Take in what is new; returns the offers that follow, in the order in which they were decided."""
        self._offers, self._arrived, self._freed, self._seats = [], {}, set(), {}
        self._undo(news)
        anew = self._hear_lines(news) | self._hear_workers(news)
        self._hear_handicaps(news)
        self._hear_things(news)
        self._hear_refusals(news)
        self._look_at_the_clock(news.at)
        if anew or self.pool is None or len(self._spare) < len(self._arrived):
            self._build(news.at)
            self._offer_to({thing.keeper for thing in self.things.values() if thing.keeper}, news.at)
            self._settle(news.at)
        else:
            self._offer_arrivals(news.at)
            self._offer_to(self._freed, news.at)
            self._serve_rings(news.at)
        if news.undone:
            self._settle(news.at)
        return self._offers

    def know(self, news: News) -> None:
        """Take in what is so without offering anything: for who asks why."""
        self.lines = {line.queue_id: line for line in news.lines or ()}
        self.workers = {worker.person_id: worker for worker in news.workers}
        self.things = {thing.item_id: thing for thing in news.things if thing.state != GONE or thing.parts}
        for refusal in news.refusals:
            self.refusals[refusal.person_id, refusal.queue_id] = refusal.until
        self._build(news.at)

    def why(self, item_id: int, now: float) -> list[Reason]:
        """Say of everybody whether they could have an item that waits, and if not, why; the first asked come first."""
        queue = _queue(self.lines[self.things[item_id].queue_id])
        return [self._reason(each, queue) for each in self._policy.why(self._pool, self.places[item_id], now)]

    def _reason(self, candidate: policy.Candidate, queue: pools.Queue) -> Reason:
        worker = self.workers[self._people[candidate.agent]]
        verdict, lacks = candidate.verdict, list[str]()
        if verdict == "not able":
            lacks = pools.missing(worker.skills, worker.clients, queue, len(queue.relax))
        said = "off shift" if verdict == "away" and not worker.on_shift else verdict
        return Reason(worker.person_id, said, tuple(lacks), candidate.ring, candidate.score)

    def next_change(self, now: float) -> float:
        """When something changes by itself next: a ring is reached, a refusal is over, work is due; inf for never."""
        found = [each[0][0] for each in (self._forgiven_at, self._due_at, self._outdated_at) if each]
        if self.pool is not None:
            found += (self._policy.ripens(self.pool, queue, now) for queue in range(self.pool.queues))
        return min(found, default=math.inf)

    def outdated(self, now: float) -> list[int]:
        """Who must be told of anew, for what they can or their shift has changed by itself."""
        if not self._outdated_at or self._outdated_at[0][0] > now:
            return []
        return [each.person_id for each in self.workers.values() if each.until is not None and each.until <= now]

    def _undo(self, news: News) -> None:
        """Put items whose offers do not stand back in their places, and people back on their seats."""
        for item_id in news.undone:
            place, thing = self.places[item_id], self.things[item_id]
            agent = self._policy.release(self._pool, place)
            self.things[item_id] = Thing(item_id, thing.queue_id, thing.since, ahead=thing.ahead, parts=thing.parts)
            self._policy.pools.join(self._pool.waiting, self.queue_numbers[thing.queue_id], place, thing.place)
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

    def _hear_workers(self, news: News) -> bool:
        """Whether the pool must be built anew: somebody is new, or can what nobody could before."""
        anew = False
        for worker in news.workers:
            known, self.workers[worker.person_id] = self.workers.get(worker.person_id), worker
            if worker.until is not None and (known is None or worker.until != known.until):
                heappush(self._outdated_at, (worker.until, worker.person_id))
            if worker == known or self.pool is None:
                continue
            number = self.agent_numbers.get(worker.person_id)
            profile = self._profiles.get(self._profile(worker))
            if number is None or profile is None:
                anew = True
                continue
            if worker.here:
                if self.pool.benches.lane[number] >= 0:
                    self._seats[number] = self._idle_since(number)
                self._policy.come(self.pool, number, profile, _never(worker.until))
                self._freed.add(worker.person_id)
            else:
                self._policy.go(self.pool, number)
            self._keep_nothing_for(number)
        return anew

    def _hear_handicaps(self, news: News) -> None:
        """Whoever sits idle is moved in line by what their handicap changes."""
        for person_id, seconds in news.handicaps:
            self.handicaps[person_id] = seconds
            number = self.agent_numbers.get(person_id)
            if self.pool is None or number is None:
                continue
            since, sits = self._idle_since(number), self.pool.benches.lane[number] >= 0
            self.pool.handicap[number] = seconds
            if sits:
                self._policy.pools.stand_up(self.pool, number)
                self._policy.pools.sit(self.pool, number, since)

    def _hear_things(self, news: News) -> None:
        """Let go of what is not so any more, hand over what is with somebody, and note what has come to wait."""
        for thing in news.things:
            known = self.things.pop(thing.item_id, None)
            if thing == known:
                self.things[thing.item_id] = thing
                continue
            self._arrived.pop(thing.item_id, None)
            if known is not None:
                self._let_go(known)
            self._hand_parts(thing)
            if thing.state == WITH_SOMEBODY:
                self.things[thing.item_id] = thing
                self._hand(thing)
            elif thing.state == GONE and thing.parts:
                self.things[thing.item_id] = thing
            elif thing.state == WAITING and thing.queue_id in self.lines:
                self.things[thing.item_id] = thing
                self._await(thing, news.at)

    def _await(self, thing: Thing, now: float) -> None:
        """Let an item wait from when it is due on."""
        if thing.since > now:
            heappush(self._due_at, (thing.since, thing.item_id))
        else:
            self._arrived[thing.item_id] = thing

    def _let_go(self, known: Thing) -> None:
        if self.pool is None:
            return
        if known.state == WITH_SOMEBODY and known.person_id in self.agent_numbers:
            self._take(self.agent_numbers[known.person_id], known, -1)
            self._freed.add(known.person_id)
        self._hand_parts(known, -1)
        self._withdraw(known)

    def _withdraw(self, known: Thing) -> None:
        """Take an item out of its line."""
        place = self.places.pop(known.item_id, None)
        if place is not None and self.pool is not None:
            self._policy.withdraw(self.pool, place)
            self.pool.holder[place] = -1
            self._spare.append(place)

    def _hand(self, thing: Thing) -> None:
        if self.pool is not None and thing.person_id in self.agent_numbers:
            self._take(self.agent_numbers[thing.person_id], thing, 1)
            self._freed.add(thing.person_id)

    def _hand_parts(self, thing: Thing, sign: int = 1) -> None:
        """Take what a thing takes of those beside its owner, or with -1 give it back."""
        for person_id, low, high in thing.parts:
            if self.pool is not None and person_id in self.agent_numbers:
                part = Thing(thing.item_id, thing.queue_id, thing.since, WITH_SOMEBODY, person_id, low, high)
                self._take(self.agent_numbers[person_id], part, sign)
                self._freed.add(person_id)

    def _take(self, agent: int, thing: Thing, sign: int) -> None:
        """Take a thing's parts of somebody, or with -1 give them back; `free` finds them a seat for what is left."""
        taken, part = self._pool.soft if thing.preemptible else self._pool.firm, _mask(thing)
        taken[agent] = taken[agent] | part if sign > 0 else taken[agent] & ~part
        self._pool.parts[agent] += sign * part.bit_count()
        self._policy.pools.take_stock(self._pool, agent)
        self._policy.pools.stand_up(self._pool, agent)

    def _hear_refusals(self, news: News) -> None:
        for refusal in news.refusals:
            self._refuse(refusal)
        while self._forgiven_at and self._forgiven_at[0][0] <= news.at:
            _, person_id, queue_id = heappop(self._forgiven_at)
            if self.refusals.get((person_id, queue_id), math.inf) <= news.at:
                del self.refusals[person_id, queue_id]
                if self.pool is not None and person_id in self.agent_numbers and queue_id in self.queue_numbers:
                    self._policy.forgive(self.pool, self.agent_numbers[person_id], self.queue_numbers[queue_id])
                    self._freed.add(person_id)

    def _refuse(self, refusal: Refusal) -> None:
        key = (refusal.person_id, refusal.queue_id)
        self.refusals[key] = max(refusal.until, self.refusals.get(key, 0.0))
        heappush(self._forgiven_at, (refusal.until, *key))
        self._shun(*key)
        if self.pool is not None and refusal.person_id in self.agent_numbers:
            self._keep_nothing_for(self.agent_numbers[refusal.person_id])

    def _shun(self, person_id: int, queue_id: int) -> None:
        agent, queue = self.agent_numbers.get(person_id), self.queue_numbers.get(queue_id)
        if self.pool is not None and agent is not None and queue is not None:
            self._policy.shun(self.pool, agent, queue)

    def _look_at_the_clock(self, now: float) -> None:
        """Let what is due arrive, and what was kept long enough arrive for all."""
        while self._due_at and self._due_at[0][0] <= now:
            thing = self.things.get(heappop(self._due_at)[1])
            if thing is None or thing.state != WAITING or thing.since > now or thing.queue_id not in self.queue_numbers:
                continue
            place = self.places.get(thing.item_id)
            if place is None or self._pool.waiting.lane[place] >= self._pool.queues:
                self._withdraw(thing)
                self._arrived[thing.item_id] = thing
        while self._outdated_at and self._outdated_at[0][0] <= now:
            heappop(self._outdated_at)

    def _keep_nothing_for(self, number: int) -> None:
        """Let what is kept for somebody arrive anew: it is kept on if they are still here and able."""
        while (place := self._policy.kept(self._pool, number)) >= 0:
            thing = self.things[int(self._pool.waiting.name[place])]
            self._withdraw(thing)
            self._arrived[thing.item_id] = thing

    def _keeper(self, thing: Thing, now: float) -> int:
        return self.agent_numbers.get(thing.keeper, -1) if now < thing.keep_until else -1

    # --- offering ----------------------------------------------------------------------------------------------------

    @property
    def _pool(self) -> pools.Pool:
        assert self.pool is not None
        return self.pool

    def _offer_arrivals(self, now: float) -> None:
        for thing in sorted(self._arrived.values(), key=lambda each: (each.place, each.item_id)):
            place = self.places[thing.item_id] = self._spare.pop()
            queue, keeper = self.queue_numbers[thing.queue_id], self._keeper(thing, now)
            if self._policy.arrive(self._pool, place, thing.item_id, queue, thing.place, now, keeper) >= 0:
                self._decided(place)
            elif self._pool.waiting.lane[place] >= self._pool.queues:
                self._note_end_of_keeping(thing)

    def _note_end_of_keeping(self, thing: Thing) -> None:
        ends = min(thing.keep_until, _never(self.workers[thing.keeper].until))
        heappush(self._due_at, (ends, thing.item_id))

    def _offer_to(self, people: set[int], now: float) -> None:
        for person_id in sorted(people):
            number = self.agent_numbers.get(person_id, -1)
            while number >= 0 and (place := self._policy.free(self._pool, number, now)) >= 0:
                self._seats.pop(number, None)
                self._decided(place)
            if number in self._seats:
                self._policy.pools.stand_up(self._pool, number)
                self._policy.pools.sit(self._pool, number, self._seats[number])

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
        thing, agent = self.things[item_id], self._pool.holder[place]
        person_id, line = self._people[agent], self.lines[thing.queue_id]
        low, high = (part & -part).bit_length() - 1, part.bit_length()
        preemptible = bool(self._pool.preemptible[self._pool.queue[place]])
        over = not preemptible and bool(self._pool.soft[agent] & part)
        self.things[item_id] = Thing(
            item_id,
            thing.queue_id,
            thing.since,
            WITH_SOMEBODY,
            person_id,
            low,
            high,
            preemptible=preemptible,
            ahead=thing.ahead,
            parts=thing.parts,
        )
        self._offers.append(Offer(item_id, person_id, low, high, line.offer_seconds, preemptible, over))

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
        profiles = pools.numbered(self._profile(self.workers[person_id]) for person_id in self._people)
        self._profiles = {profile: number for number, profile in enumerate(profiles)}
        room = max(ROOMY, 2 * len(self.things))
        self.pool = self._shaped(pools.pool([_queue(line) for line in lines], profiles or [()], self._people, room))
        for person_id, seconds in self.handicaps.items():
            if person_id in self.agent_numbers:
                self.pool.handicap[self.agent_numbers[person_id]] = seconds
        for thing in self.things.values():
            self._hand_parts(thing)
            if thing.state == WITH_SOMEBODY:
                self._hand(thing)
        for person_id, worker in self.workers.items():
            self._seat(worker, idle.get(person_id) or worker.since)
        for key in self.refusals:
            self._shun(*key)
        self._place_things(room, now)

    def _place_things(self, room: int, now: float) -> None:
        """Let everything wait that is due, for all or for whom it is kept."""
        self.places, self._spare = {}, list(range(room - 1, -1, -1))
        for thing in sorted(self.things.values(), key=lambda each: (each.place, each.item_id)):
            if thing.state == WAITING and thing.queue_id in self.queue_numbers and thing.since <= now:
                place = self.places[thing.item_id] = self._spare.pop()
                queue, lane = self.queue_numbers[thing.queue_id], self.queue_numbers[thing.queue_id]
                keeper = self._keeper(thing, now)
                if keeper >= 0 and self._policy.may_have(self._pool, keeper, queue, thing.place, now):
                    lane = self._pool.queues + keeper
                    self._note_end_of_keeping(thing)
                self._pool.queue[place] = queue
                self._pool.waiting.name[place] = thing.item_id
                self._policy.pools.join(self._pool.waiting, lane, place, thing.place)

    def _seat(self, worker: Worker, since: float) -> None:
        if worker.here:
            number = self.agent_numbers[worker.person_id]
            self._policy.come(self._pool, number, self._profiles[self._profile(worker)], _never(worker.until))
            self._policy.pools.sit(self._pool, number, since)

    def _idle_since(self, number: int) -> float:
        return self._pool.benches.key[number] - self._pool.handicap[number]

    def _profile(self, worker: Worker) -> pools.Profile:
        like = (tuple(sorted(worker.skills.items())), worker.clients)
        if like not in self._seen:
            queues = [_queue(line) for line in self.lines.values()]
            self._seen[like] = pools.profile(worker.skills, worker.clients, queues)
        return self._seen[like]


def _queue(line: Line) -> pools.Queue:
    return pools.Queue(
        line.queue_id,
        line.client_id,
        line.requires,
        line.relax,
        line.max_concurrency,
        line.preemptible,
        line.preempts,
        line.slope,
    )


def _unsloped(line: Line) -> Line:
    return line._replace(slope=0.0)


def _never(until: float | None) -> float:
    return math.inf if until is None else until


def _mask(thing: Thing) -> int:
    assert 0 <= thing.low < thing.high <= CAPACITY
    return (1 << thing.high) - (1 << thing.low)
