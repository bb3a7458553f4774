"""Past work under no contract yet, and what the levels and prices of a contract count of it."""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Protocol
from zoneinfo import ZoneInfo

from workfloor.core.catalogue import declaring, entries
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures import catalogue
from workfloor.core.measures.catalogue import Figure
from workfloor.core.work.kinds import CONVERSATIONS, OF_PROCESS
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window

NOWHERE = ""  # the queue of past work that is left out, and of a queue that had none
Step = tuple[str, datetime, str]  # a fact's name without its subject, when it was, and the queue from then on
Renames = Mapping[str, tuple[str, ...]]  # what a past queue is called now; NOWHERE: left out


@dataclass(frozen=True, slots=True)
class Past:
    """A piece of past work: what became of it, and the steps that move its clocks, in their order.

    Its kind says whether to be connected was a reply; without one, the contract's process does.
    """

    outcome: Outcome
    steps: tuple[Step, ...] = ()
    kind: str = ""


class Records(Protocol):
    """Where past work is kept: work as it was received, what lasted, and what was delivered in a time."""

    def received(self, since: datetime, until: datetime) -> Iterable[Past]: ...
    def open_in(self, since: datetime, until: datetime) -> Iterable[Past]: ...
    def events(self, since: datetime, until: datetime) -> Sequence[Event]: ...
    def delivered(self, since: datetime, until: datetime) -> Mapping[str, Decimal]: ...


@dataclass(frozen=True, slots=True)
class Export:
    """Past work of an export, held whole: it tells what became of contacts, and of nothing else."""

    every: Sequence[Past]  # as it was received
    arrivals: Sequence[datetime]

    def received(self, since: datetime, until: datetime) -> Sequence[Past]:
        return self.every[bisect_left(self.arrivals, since) : bisect_left(self.arrivals, until)]

    def open_in(self, since: datetime, until: datetime) -> Iterable[Past]:
        before = self.every[: bisect_left(self.arrivals, until)]
        return (each for each in before if (over := _over(each.outcome)) is None or over > since)

    def events(self, since: datetime, until: datetime) -> Sequence[Event]:
        return ()

    def delivered(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        return {}


def export(past: Iterable[Past]) -> Export:
    """Return past work as an export holds it."""
    every = sorted(past, key=lambda each: each.outcome.received_at)
    return Export(every, [each.outcome.received_at for each in every])


def _over(item: Outcome) -> datetime | None:
    return item.ended_at or item.abandoned_at or item.cancelled_at


# --- Queues -----------------------------------------------------------------------------------------------------


def homes(contract: Contract, queue: str, renames: Renames) -> list[str]:
    """Return what a past queue is in the contract: NOWHERE where it is left out; none, or several, is a fault."""
    known = contract.queues()
    named = [name for name in renames.get(queue, ()) if name in known or name == NOWHERE]
    return named or ([queue] if queue in known else [])


def home(contract: Contract, queue: str, renames: Renames) -> str:
    """Return what a past queue is called in the contract, NOWHERE where its work is left out."""
    return next(iter(homes(contract, queue, renames)), NOWHERE)


# --- Work as a contract sees it -----------------------------------------------------------------------------------

TIMED = tuple(each.name for each in entries.EVERY if each.runs_in_working_time)


@dataclass(frozen=True, slots=True)
class Seen:
    """Past work of a time as a contract sees it: in its queues, on its clocks; as it was received."""

    contract: Contract
    now: datetime
    items: Sequence[Outcome]
    arrivals: Sequence[datetime]
    open: Sequence[Outcome]  # what was not over at the beginning of the time, or came in within it
    events: Sequence[Event]
    _late: dict[str, set[int]] = field(default_factory=dict)
    _excluded: dict[str, dict[int, str]] = field(default_factory=dict)

    def between(self, since: datetime, until: datetime) -> Sequence[Outcome]:
        """Return what was received in a part of the time."""
        return self.items[bisect_left(self.arrivals, since) : bisect_left(self.arrivals, until)]


def seen(
    contract: Contract, records: Records, renames: Renames, window: Window, now: datetime, lasting_since: datetime
) -> Seen:
    """See the work of a time under a contract, with what lasted from an instant, perhaps earlier, until its end."""
    timed = {queue for level in contract.service_levels if level.measure in TIMED for queue in level.of}
    looks_back = any(entries.BY_NAME[level.measure].looks_at_ends for level in contract.service_levels)
    view = _View(contract, renames, timed)
    items = list(view.of(records.received(*window.bounds)))
    waiting = list(view.of(records.open_in(*window.bounds))) if looks_back else []
    lasted = (view.event(event) for event in records.events(lasting_since, window.ends_at))
    events = [event for event in lasted if event]
    return Seen(contract, now, items, [item.received_at for item in items], waiting, events)


@dataclass(slots=True)
class _View:
    contract: Contract
    renames: Renames
    timed: Container[str]
    _homes: dict[str, str] = field(default_factory=dict)
    _working: dict[str, "Working"] = field(default_factory=dict)

    def home(self, queue: str) -> str:
        if queue not in self._homes:
            self._homes[queue] = home(self.contract, queue, self.renames)
        return self._homes[queue]

    def working(self, queue: str) -> "Working":
        if queue not in self._working:
            self._working[queue] = working_in(self.contract, queue)
        return self._working[queue]

    def of(self, past: Iterable[Past]) -> Iterator[Outcome]:
        for each in past:
            queue = self.home(each.outcome.queue)
            if queue in self.timed:
                yield self.clocked(each, queue)
            elif queue:
                yield each.outcome if queue == each.outcome.queue else replace(each.outcome, queue=queue)

    def clocked(self, past: Past, queue: str) -> Outcome:
        kind = past.kind or _kind_of(self.contract, queue)
        clock = Clock(past.outcome.received_at, kind in CONVERSATIONS)
        for name, at, named in past.steps:
            clock.go_on(name, at, self.working(self.home(named) or queue))
        return replace(
            past.outcome,
            queue=queue,
            working_seconds=clock.spent,
            paused_seconds=clock.paused,
            reply_seconds=clock.replied,
            in_conversation=clock.is_conversation and clock.connected_at is not None,
        )

    def event(self, event: Event) -> Event | None:
        """Return what lasted with the contract's names of its queues; None where it was in none of them."""
        if not event.queues:
            return event
        queues = tuple(queue for old in event.queues if (queue := self.home(old)))
        return replace(event, queues=queues) if queues else None


def _kind_of(contract: Contract, queue: str) -> str:
    kinds = (each.kind for each in contract.processes if any(one.name == queue for one in each.queues))
    return OF_PROCESS[next(kinds)]


Working = Callable[[datetime, datetime], int]


def working_in(contract: Contract, queue: str) -> Working:
    """Return how working time is counted in a queue."""
    return partial(calendars.working_seconds, contracts_terms.calendar_of(contract, queue))


@dataclass(slots=True)
class Clock:
    """The two clocks of an item, in working seconds: as its steps move them, so do the facts of live work.

    `spent` is from received (scheduled work: when it is due) to the resolution, `replied` to the first reply.
    """

    begun_at: datetime
    is_conversation: bool
    paused: int = 0
    replied: int | None = None
    spent: int | None = None
    connected_at: datetime | None = None
    stands_since: datetime | None = None  # the customer owes an answer, or it lies resolved
    lost_at: datetime | None = None  # when a reply turned out not to have arrived
    later_replies: list[int] = field(default_factory=list)  # no pauses taken out

    def go_on(self, step: str, at: datetime, working: Working) -> None:
        """Move on to a step; steps that no clock knows are passed over."""
        if step in ("scheduled", "snoozed"):
            self.begun_at = max(self.begun_at, at)
        elif step == "connected":
            self.connected_at = self.connected_at or at
        elif step in ("customer-answered", "reopened", "waited-in-vain"):
            self._run_on(step, at, working)
        elif step in ("reply-sent", "pending-customer"):
            self._reply(working(self.begun_at, at))
            self.stands_since = at if step == "pending-customer" else self.stands_since
        elif step in ("reply-lost", "every-reply-lost"):
            self.lost_at, kept = at, self.later_replies if step == "reply-lost" else []
            self.replied, self.later_replies = (kept[0], kept[1:]) if kept else (None, [])
        elif step == "ended":
            self._end(at, working)

    def _run_on(self, step: str, at: datetime, working: Working) -> None:
        """Go on; it has run all the time where the customer never had what was waited for, or what resolved it."""
        ran = step == "waited-in-vain" or (step == "reopened" and at == self.lost_at)
        self.paused += working(self.stands_since, at) if self.stands_since and not ran else 0
        self.stands_since, self.spent = None, None

    def _end(self, at: datetime, working: Working) -> None:
        gross = working(self.begun_at, at)
        self.spent, self.stands_since = gross - self.paused, at
        if self.is_conversation and self.connected_at and self.replied is None:
            self.replied = working(self.begun_at, self.connected_at)
        else:
            self._reply(gross)

    def _reply(self, gross: int) -> None:
        """The first reply stops its clock, less the pauses; later ones count where it turns out to be lost."""
        if self.replied is None:
            self.replied = gross - self.paused
        else:
            self.later_replies.append(gross)


# --- What levels count of it --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of a window adds to a figure; `spans` are the seconds of a mean."""

    figure: Figure
    spans: Sequence[Decimal] = ()


Parts = Mapping[str | None, Part]  # by queue; None: all of them together


def parts(view: Seen, level: ServiceLevel, window: Window, queues: Sequence[str] | None = None) -> Parts:
    """Measure a level in a window that was seen whole: all its queues together (None), and each of some."""
    if level.measure == "availability":
        found = catalogue.availability_figures(view.contract, level, window, view.events, view.now)
        return {queue: Part(figure) for queue, figure in found.items()}
    each = [(queue, replace(level, of=(queue,))) for queue in (level.of if queues is None else queues)]
    counting = _counting_ends if entries.BY_NAME[level.measure].looks_at_ends else _counting
    return dict(counting(view, level, window, [(None, level), *each]))


Asked = Sequence[tuple[str | None, ServiceLevel]]


def _counting_ends(view: Seen, level: ServiceLevel, window: Window, asked: Asked) -> Iterator[tuple[str | None, Part]]:
    ends = catalogue.ends_of(view.contract, level, window, view.now)
    for queue, own in asked:
        yield queue, Part(catalogue.backlog(own, view.open, ends))


def _counting(view: Seen, level: ServiceLevel, window: Window, asked: Asked) -> Iterator[tuple[str | None, Part]]:
    items = [item for item in _in_hours(view, level, window) if item.queue in level.of]
    late, out = _late(view, level), _excluded(view, level)
    for queue, own in asked:
        chosen = items if queue is None else [item for item in items if item.queue == queue]
        spans: Iterable[declaring.Counted] = ()
        if entries.BY_NAME[level.measure].unit == "seconds":
            seen = declaring.Seen(late, view.now)
            spans = (catalogue.counted(own, item, seen) for item in chosen if item.item_id not in out)
        kept = tuple(Decimal(span) for span in spans if span is not None)
        yield queue, Part(catalogue.figure(own, chosen, late, out, view.now), kept)


def _in_hours(view: Seen, level: ServiceLevel, window: Window) -> Sequence[Outcome]:
    if not level.hours:
        return view.between(*window.bounds)
    spans = calendars.open_spans(catalogue.hours_of(view.contract, level, ""), *window.bounds)
    return [item for span in spans for item in view.between(*span)]


def _late(view: Seen, level: ServiceLevel) -> set[int]:
    """The open items that can no longer meet a level; found once."""
    if level.name not in view._late:
        working = {queue: working_in(view.contract, queue) for queue in level.of}
        view._late[level.name] = {
            item.item_id
            for item in view.items
            if item.queue in working
            and not (item.done or item.abandoned_at or item.cancelled_at)
            and catalogue.is_late(level, item, view.now, working[item.queue])
        }
    return view._late[level.name]


def _excluded(view: Seen, level: ServiceLevel) -> dict[int, str]:
    """The items that a level leaves out, with the kind of exclusion; found once."""
    if not level.exclude and level.above_forecast is None:
        return {}
    if level.name not in view._excluded:
        bands = _bands(view, level) if view.items else []
        view._excluded[level.name] = catalogue.excluded(level, view.items, view.events, bands)
    return view._excluded[level.name]


def _bands(view: Seen, level: ServiceLevel) -> list[catalogue.Band]:
    zone = ZoneInfo(view.contract.zone)
    first, last = (calendars.day_of(at, zone) for at in (view.arrivals[0], view.arrivals[-1]))
    return catalogue.bands(level, view.contract.forecasts, first, last, view.contract.zone)


def together(level: ServiceLevel, several: Sequence[Parts]) -> catalogue.Figures:
    """Add the parts of a window up: those of its months."""
    if len(several) == 1:
        return {queue: part.figure for queue, part in several[0].items()}
    names = dict.fromkeys(queue for each in several for queue in each)
    return {name: _added(level, [each[name] for each in several if name in each]) for name in names}


def _added(level: ServiceLevel, several: Sequence[Part]) -> Figure:
    figures = [each.figure for each in several]
    counted, excluded = (sum(getattr(each, name) for each in figures) for name in ("counted", "excluded"))
    measure = entries.BY_NAME[level.measure]
    if measure.unit == "seconds":
        spans = sorted(chain.from_iterable(each.spans for each in several))
        return catalogue.seconds_figure(measure, spans, excluded)
    if measure.unit == "items":
        return Figure(counted, excluded=excluded)
    met, apart = sum(each.met or 0 for each in figures), sum(each.apart for each in figures)
    return catalogue.share_figure(counted, met, apart, excluded)
