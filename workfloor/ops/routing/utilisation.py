"""Whether work and people were dealt with fairly: what was passed over, who let offers go by, how busy each was."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from statistics import pstdev
from typing import Any, NamedTuple, Protocol

from workfloor.core.catalogue import adherence, occupancy, shrinkage
from workfloor.core.people.qualification import RONA

# Work counts as waiting a second after its fact was recorded: earlier a router may not have been able to see it.
SEEN_WITHIN = timedelta(seconds=1)
LETS_GO = (
    "work.declined",
    "work.offer-expired",
    "work.abandoned",
    "work.cancelled",
    "work.pending-customer",
    "work.transferred",
    "work.wrapped-up",
    "work.keyed",
    "work.consult-ended",
    "work.second-keying-dropped",
    "work.second-keying-done",
)
TAKES = ("work.accepted", "work.consult-joined", "work.second-keying-begun", "work.transferred-to-consultant")
_SEEN = (
    "work.queued",
    "work.transferred",
    "work.declined",
    "work.offer-expired",
    "work.reopened",
    "work.customer-answered",
    "work.waited-in-vain",
    "work.offer-withdrawn",
)


class Fact(Protocol):
    """What is read of a fact; `recorded_at` is when its transaction began."""

    @property
    def event(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def item_id(self) -> int | None: ...
    @property
    def person_id(self) -> int | None: ...
    @property
    def details(self) -> Mapping[str, Any]: ...


class Passed(NamedTuple):
    """An offer that passed over older work of its queue."""

    at: datetime
    queue_id: int
    offered: int
    passed_over: int


class Planned(NamedTuple):
    """The seconds of a person's shifts, those of them in which they were as planned, and available."""

    seconds: float
    as_planned: float
    available: float

    @property
    def adherence(self) -> float | None:
        """The share that went as planned; None for whom nothing was planned."""
        return adherence.adherence(self.as_planned, self.seconds)

    @property
    def shrinkage(self) -> float | None:
        """The share that was not available; None for whom nothing was planned."""
        return shrinkage.shrinkage(self.available, self.seconds)


class Share(NamedTuple):
    """What one person was offered and how busy they were: seconds of the period, times the part of them in use."""

    person_id: int
    offered: int
    declined: int
    lapsed: int
    present_seconds: float
    busy_seconds: float
    planned: Planned = Planned(0.0, 0.0, 0.0)

    @property
    def occupancy(self) -> float | None:
        """The share of their capacity in use while at work, at most 1; None for who was not at work."""
        found = occupancy.occupancy(self.busy_seconds, self.present_seconds)
        return None if found is None else min(1.0, found)


def passed_over(facts: Iterable[Fact]) -> list[Passed]:
    """The offers for which older work of the same queue was waiting; `facts` of items from their first, by id."""
    waits = _Waiting()
    found = []
    for fact in facts:
        if fact.event == "work.offered" and fact.item_id is not None:
            queue, place = waits.queue[fact.item_id], waits.place(fact.item_id)
            waits.leave(fact.item_id)
            waits.show(fact.at)
            older = waits.oldest(queue)
            overtaken = older is not None and (waits.place(older), older) < (place, fact.item_id)
            if older is not None and overtaken and fact.at - waits.seen[older] > SEEN_WITHIN:
                found.append(Passed(fact.at, queue, fact.item_id, older))
        else:
            waits.follow(fact)
    return found


class _Waiting:
    """What waits at a point in the event log, by queue."""

    def __init__(self) -> None:
        self.queue: dict[int, int] = {}
        self.since: dict[int, datetime] = {}
        self.ahead: dict[int, timedelta] = {}  # what has a priority of its own stands so far ahead
        self.seen: dict[int, datetime] = {}  # since when anybody could see it wait
        self.hidden: dict[int, datetime] = {}  # until when it is scheduled, or kept for one agent
        self._lines: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        self._due: list[tuple[datetime, int]] = []

    def follow(self, fact: Fact) -> None:
        item = fact.item_id
        if item is None:
            return
        if fact.event in ("work.queued", "work.scheduled"):
            self.since[item] = datetime.fromisoformat(fact.details.get("for_at", fact.at.isoformat()))
        if fact.event in ("work.queued", "work.scheduled", "work.transferred"):
            self.leave(item)
            self.queue[item] = fact.details["queue"]
        if fact.event in ("work.prioritised", "work.place-kept"):
            self.ahead[item] = timedelta(seconds=fact.details["ahead_seconds"])
            if item in self.seen:
                self.see(item, max(fact.at, fact.recorded_at))
        if fact.event in ("work.scheduled", "work.sticky-agent") and item in self.since:
            self.hide(item, datetime.fromisoformat(fact.details.get("for_at") or fact.details["until"]))
        elif fact.event in _SEEN and item in self.since:
            self.see(item, max(fact.at, fact.recorded_at))
        elif fact.event in ("work.accepted", "work.pending-customer", "work.abandoned", "work.cancelled"):
            self.leave(item)

    def place(self, item: int) -> datetime:
        return self.since[item] - self.ahead.get(item, timedelta())

    def see(self, item: int, at: datetime) -> None:
        self.seen[item] = at
        heappush(self._lines[self.queue[item]], (self.place(item), item))

    def hide(self, item: int, until: datetime) -> None:
        self.leave(item)
        self.hidden[item] = until
        heappush(self._due, (until, item))

    def show(self, now: datetime) -> None:
        """Let everybody see what was hidden until now."""
        while self._due and self._due[0][0] <= now:
            until, item = heappop(self._due)
            if self.hidden.get(item) == until:
                del self.hidden[item]
                self.see(item, until)

    def leave(self, item: int) -> None:
        self.seen.pop(item, None)
        self.hidden.pop(item, None)

    def _stands(self, place: datetime, item: int, queue: int) -> bool:
        return item in self.seen and self.queue[item] == queue and self.place(item) == place

    def oldest(self, queue: int) -> int | None:
        line = self._lines[queue]
        while line and not self._stands(*line[0], queue):
            heappop(line)
        return line[0][1] if line else None


_PRESENT = {"person.available": True, "person.away": False, "person.signed-out": False}


def shares(
    facts: Iterable[Fact], start: datetime, end: datetime, max_concurrency: Mapping[int, int] | None = None
) -> list[Share]:
    """What became of each person's offers and time between two instants; `facts` from some time before, by id.

    `max_concurrency` says of how many items of a queue at once one is a part; an item of no known queue is the whole.
    """
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    present, busy = _Clock(start, end), _Clock(start, end)
    parts: dict[int | None, float] = {}
    for fact in facts:
        if "queue" in fact.details:
            parts[fact.item_id] = 1 / (max_concurrency or {}).get(fact.details["queue"], 1)
        if fact.person_id is None:
            continue
        if fact.at >= start:
            counts[fact.event][fact.person_id] += 1
        if fact.event in _PRESENT:
            present.turn(fact.person_id, "here", fact.at, on=_PRESENT[fact.event])
        elif fact.event in TAKES:
            busy.turn(fact.person_id, fact.item_id, fact.at, on=True, part=parts.get(fact.item_id, 1.0))
            if "by_person" in fact.details:
                busy.turn(fact.details["by_person"], fact.item_id, fact.at, on=False)
        elif fact.event in LETS_GO:
            busy.turn(fact.person_id, fact.item_id, fact.at, on=False)
    people = sorted(set(counts["work.offered"]) | set(present.known))
    return [
        Share(
            each,
            counts["work.offered"][each],
            counts["work.declined"][each],
            counts["work.offer-expired"][each],
            present.seconds(each),
            busy.seconds(each),
        )
        for each in people
    ]


class _Clock:
    """How long each person had something on, times the part of them that it took; never more than all of them."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        self._on: dict[int, dict[Any, float]] = defaultdict(dict)
        self._since: dict[int, datetime] = {}
        self.known: dict[int, float] = defaultdict(float)

    def turn(self, person: int, what: Any, at: datetime, *, on: bool, part: float = 1.0) -> None:
        if not on and what not in self._on[person]:
            return
        at = max(at, self._start)
        self.known[person] = self._until(person, at)
        self._since[person] = at
        if on:
            self._on[person][what] = part
        else:
            del self._on[person][what]

    def _until(self, person: int, at: datetime) -> float:
        taken = min(1.0, sum(self._on[person].values()))
        lasted = (at - self._since[person]).total_seconds() if taken else 0.0
        return self.known.get(person, 0.0) + max(lasted, 0.0) * taken

    def seconds(self, person: int) -> float:
        return self._until(person, self._end)


def planned(
    facts: Iterable[Fact], shifts: Mapping[int, Iterable[tuple[datetime, datetime]]], start: datetime, end: datetime
) -> dict[int, Planned]:
    """How each person kept to their shifts between two instants; `facts` of their states from before, by id.

    `shifts`: (from, until) by person, none of which overlap. Nobody's state is known before their first fact.
    """
    states: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for fact in facts:
        if fact.event in _PRESENT and fact.person_id is not None and fact.person_id in shifts:
            lapsed = fact.event == "person.away" and fact.details.get("reason") == RONA
            states[fact.person_id].append((fact.at, "" if lapsed else fact.event))
    found = {}
    for person, theirs in shifts.items():
        inside = [(max(since, start), min(until, end)) for since, until in theirs if since < end and until > start]
        spent = _spent(states[person], inside)
        available = spent["person.available"]
        seconds = sum((until - since).total_seconds() for since, until in inside)
        found[person] = Planned(seconds, available + spent["person.away"], available)
    return found


def _spent(states: list[tuple[datetime, str]], spans: Iterable[tuple[datetime, datetime]]) -> Counter[str]:
    """The seconds that fell into some spans, by state; a state lasts until the next."""
    ends = [at for at, _ in states[1:]] + [datetime.max.replace(tzinfo=UTC)]
    spent: Counter[str] = Counter()
    spans = list(spans)
    for (since, state), until in zip(states, ends, strict=False):
        within = (min(until, ends_at) - max(since, starts_at) for starts_at, ends_at in spans)
        spent[state] += sum(max(each.total_seconds(), 0.0) for each in within)  # type: ignore[assignment]
    return spent


def spread(shares: Iterable[Share]) -> tuple[float, float] | None:
    """Mean and standard deviation of the occupancy of those who were at work; None when nobody was."""
    found = [each.occupancy for each in shares if each.occupancy is not None]
    return (sum(found) / len(found), pstdev(found)) if found else None
