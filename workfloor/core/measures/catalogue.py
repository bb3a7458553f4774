"""What items come to: each measure as a pure function of an item's outcome, what is excluded, and the figures."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol, TypeVar

from workfloor.core.claims.rules import Event
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.levels import FOUR_PLACES, Forecast, ServiceLevel, Verdict, four_places
from workfloor.core.contracts.pricing import Price
from workfloor.core.contracts.terms import Contract
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window

PERCENTILES = (50, 90, 95)
Where = TypeVar("Where")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item, as far as a measure looks; a None time has not happened."""

    item_id: int
    queue: str
    received_at: datetime
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    abandoned_at: datetime | None = None
    cancelled_at: datetime | None = None
    done: bool = False  # ended and wrapped up
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0
    working_seconds: int | None = None  # working time from received to resolved, pauses taken out
    paused_seconds: int = 0  # working time in which the customer owed an answer
    awaiting_since: datetime | None = None  # the customer owes one now
    disposition: str = ""  # how it ended
    reply_seconds: int | None = None  # working time from received to the first reply, pauses taken out
    in_conversation: bool = False  # connected to the customer, which is a reply; its time is known when it has ended
    ended_at: datetime | None = None
    came_back_seconds: int | None = None  # from the first resolution to the first reopening
    is_first_of_case: bool = False
    next_of_case_at: datetime | None = None  # when the next item of the same case came in

    @property
    def handled_seconds(self) -> int:
        return self.talk_seconds + self.hold_seconds + self.wrap_seconds

    def waited(self, until: datetime) -> timedelta:
        """Return how long the item had been queueing at that instant."""
        return until - (self.queued_at or self.received_at)


# --- Measures: does an item count, and how ----------------------------------------------------------------------
#
# A share sees each item as True (met), False (counted, not met) or None (not counted); a mean sees it as seconds or
# None; volume counts every item. The other two look at time: the backlog at the end of each day, availability at the
# time of service. Cancelled items count nowhere. Every bound is inclusive: "within 20 s" is a wait of 20 s or less, and
# "abandoned within 5 s" a wait of 5 s or less. An item that is still open counts, as missed, once it is late: `late`
# holds the ids of those. A customer who was connected once has not abandoned, whatever came later.

SHARES = ("answered-within", "abandoned", "first-response-within", "resolved-within", "first-contact-resolution")
TICKS = {"speed-of-answer": 1_000_000}  # in a second; a mean of whole seconds has one
MEANS = ("speed-of-answer", "handled-time")
OF_TIME = ("backlog-older-than", "availability")
IN_PERCENT = (*SHARES, *OF_TIME)


def share(level: ServiceLevel, item: Outcome, late: Container[int], now: datetime | None = None) -> bool | None:
    """Return whether the item met the level, None where the level does not count it.

    `now` says which resolutions have lasted long enough to be judged; without it all have.
    """
    if item.cancelled_at:
        return None
    if level.measure == "first-contact-resolution":
        return _resolved_at_first(level, item, now)
    return {
        "answered-within": _answered_within,
        "abandoned": _abandoned,
        "first-response-within": _replied_within,
        "resolved-within": _resolved_within,
    }[level.measure](level, item, late)


def _answered_within(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.connected_at:
        return item.waited(item.connected_at) <= timedelta(seconds=level.threshold_seconds or 0)
    if level.per == "answered" or is_apart(level, item):
        return None
    return False if item.abandoned_at or item.item_id in late else None


def _abandoned(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.connected_at:
        return False
    return True if item.abandoned_at and not is_apart(level, item) else None


def _resolved_within(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.abandoned_at:
        return None
    if item.working_seconds is not None:
        return item.working_seconds <= (level.threshold_seconds or 0)
    return False if item.item_id in late and not item.done else None


def _replied_within(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.abandoned_at:
        return None
    if item.reply_seconds is not None:
        return item.reply_seconds <= (level.threshold_seconds or 0)
    return False if item.item_id in late and not item.done else None


def _resolved_at_first(level: ServiceLevel, item: Outcome, now: datetime | None) -> bool | None:
    """Judge a case by its first item, once the days are over in which it must not come back."""
    days = timedelta(seconds=level.threshold_seconds or 0)
    if not (item.is_first_of_case and item.done and item.ended_at) or (now and item.ended_at + days > now):
        return None
    came_back = item.came_back_seconds is not None and timedelta(seconds=item.came_back_seconds) <= days
    return not came_back and (item.next_of_case_at is None or item.next_of_case_at > item.ended_at + days)


def is_apart(level: ServiceLevel, item: Outcome) -> bool:
    """Return whether the item is a short abandon that the level leaves out."""
    if level.per != "offered-less-short-abandons" or item.cancelled_at or item.connected_at:
        return False
    return item.abandoned_at is not None and item.waited(item.abandoned_at) <= timedelta(
        seconds=level.short_abandon_seconds or 0
    )


def is_late(level: ServiceLevel, item: Outcome, now: datetime, working: Callable[[datetime, datetime], int]) -> bool:
    """Return whether an open item can no longer meet the level; `working` counts its calendar's working seconds."""
    threshold = level.threshold_seconds or 0
    if level.measure == "answered-within":
        return not item.connected_at and item.waited(now) > timedelta(seconds=threshold)
    if level.measure not in ("first-response-within", "resolved-within"):
        return False
    if level.measure == "first-response-within" and (item.reply_seconds is not None or item.in_conversation):
        return False
    pauses = item.paused_seconds + (working(item.awaiting_since, now) if item.awaiting_since else 0)
    begun = max(item.received_at, item.queued_at or item.received_at)  # scheduled work begins when it is due
    return working(begun, now) - pauses > threshold


def seconds(level: ServiceLevel, item: Outcome) -> Decimal | None:
    """Return the item's seconds for a mean, None where the level does not count it."""
    if item.cancelled_at:
        return None
    if level.measure == "speed-of-answer":
        return _exact_seconds(item.waited(item.connected_at)) if item.connected_at else None
    return Decimal(item.handled_seconds) if item.done and item.connected_at else None


def _exact_seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)


# --- Figures ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """What a measure came to: attained in percent for a share, in seconds for a mean, None where nothing counted.

    `met` is None for a mean; `apart` are the short abandons, `excluded` the items that an exclusion leaves out;
    `percentiles` are nearest-rank seconds. Of the backlog `counted` are the open items of each day's end, added up, and
    `met` those past the age; of availability `counted` are the seconds of service, and `met` those without an outage.
    """

    counted: int
    met: int | None = None
    attained: Decimal | None = None
    apart: int = 0
    percentiles: tuple[Decimal, ...] = ()
    excluded: int = 0


def figure(
    level: ServiceLevel,
    items: Iterable[Outcome],
    late: Container[int] = (),
    out: Mapping[int, str] | None = None,
    now: datetime | None = None,
) -> Figure:
    """Measure the items that the level is about, a share, a mean or a volume.

    `late` are the ids of open items that can no longer meet it, `out` those that exclusions leave out.
    """
    own = [item for item in items if item.queue in level.of and not item.cancelled_at]
    left = [item for item in own if item.item_id not in (out or {})]
    less = len(own) - len(left)
    if level.measure in SHARES:
        verdicts = [share(level, item, late, now) for item in left]
        counted, apart = len(verdicts) - verdicts.count(None), sum(is_apart(level, item) for item in left)
        return share_figure(counted, verdicts.count(True), apart, less)
    if level.measure in MEANS:
        return spans_figure(sorted(span for item in left if (span := seconds(level, item)) is not None), less)
    return Figure(len(left), excluded=less)


def nothing(level: ServiceLevel) -> Figure:
    """Return what a level comes to where there was nothing."""
    return share_figure(0, 0) if level.measure in IN_PERCENT else figure(level, [])


Figures = Mapping[str | None, Figure]  # by queue; None: all of them together


def windows(contract: Contract, level: ServiceLevel, period: str, now: datetime) -> list[Window]:
    """Return the level's windows that end in a month, as far as they have begun; else the one that is running."""
    found = calendars.windows(level.window, period, contract.zone, contract.starts_on, contract.ends_on)
    return [window for window in found if window.starts_at <= now]


def judged(level: ServiceLevel, found: Sequence[tuple[Window, Figures]]) -> tuple[Window | None, Figures]:
    """Return what a month is judged by: of several windows the worst, all queues together, the earliest of equals."""
    counted = [each for each in found if each[1][None].attained is not None] or found[:1]
    return worst(level, counted) if counted else (None, {None: nothing(level)})


def worst(level: ServiceLevel, found: Sequence[tuple[Where, Figures]]) -> tuple[Where, Figures]:
    """Return the window whose figure of all queues (None) is worst, the earliest of equals; each has counted some."""

    def badness(each: tuple[Where, Figures]) -> Decimal:
        attained = each[1][None].attained or Decimal(0)
        return attained if level.lower_is_better else -attained

    return max(found, key=badness)


def share_figure(counted: int, met: int, apart: int = 0, excluded: int = 0) -> Figure:
    """Return a share in percent, to four decimals, half-even."""
    attained = Fraction(100 * met, counted) if counted else None
    return Figure(counted, met, None if attained is None else four_places(attained), apart, (), excluded)


def spans_figure(ordered: Sequence[Decimal], excluded: int = 0) -> Figure:
    """Return the mean and percentiles of some seconds."""
    percentiles = [nearest_rank(ordered, percent) for percent in PERCENTILES if ordered]
    return mean_figure(len(ordered), sum(ordered, Decimal(0)), percentiles, excluded)


def mean_figure(counted: int, total: Decimal, percentiles: Sequence[Decimal] = (), excluded: int = 0) -> Figure:
    """Return a mean in seconds, to four decimals, half-even."""
    attained = Fraction(total) / counted if counted else None
    return Figure(
        counted,
        attained=None if attained is None else four_places(attained),
        percentiles=tuple(value.quantize(FOUR_PLACES) for value in percentiles),
        excluded=excluded,
    )


def nearest_rank(ordered: Sequence[Decimal], percent: int) -> Decimal:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


# --- What looks at time -----------------------------------------------------------------------------------------

Spans = Sequence[tuple[datetime, datetime]]  # in order, not overlapping


def backlog(level: ServiceLevel, items: Iterable[Outcome], day_ends: Sequence[datetime]) -> Figure:
    """Count the items that were open at each day's end, and those of them that were older than the level's age.

    Age is the time by the clock since an item came in; what was reopened was open all the while.
    """
    ages = [age for item in items if item.queue in level.of for age in open_ages(item, day_ends)]
    return share_figure(len(ages), sum(age > timedelta(seconds=level.threshold_seconds or 0) for age in ages))


def open_ages(item: Outcome, day_ends: Iterable[datetime]) -> list[timedelta]:
    """Return how old the item was at the end of each day on which it was open."""
    if item.cancelled_at:
        return []
    over = item.ended_at or item.abandoned_at
    return [end - item.received_at for end in day_ends if item.received_at < end and (over is None or over > end)]


def availability(served: Spans, excluded: Iterable[Event], outages: Iterable[Event]) -> tuple[int, int]:
    """Return the seconds of service, and those of them without an outage; time under an exclusion is neither."""
    service = without(served, [(event.starts_at, event.ends_at) for event in excluded])
    return length(service), length(without(service, [(event.starts_at, event.ends_at) for event in outages]))


def availability_figures(
    contract: Contract, level: ServiceLevel, window: Window, events: Sequence[Event], now: datetime
) -> Figures:
    """Measure the availability of each of the level's queues, and of all together, as far as the window has run."""
    each = {queue: availability(*service(contract, level, window, events, queue, now)) for queue in level.of}
    found: dict[str | None, Figure] = {queue: share_figure(*seconds) for queue, seconds in each.items()}
    served, up = (sum(part) for part in zip(*each.values(), strict=True))
    return found | {None: share_figure(served, up)}


def service(
    contract: Contract, level: ServiceLevel, window: Window, events: Iterable[Event], queue: str, now: datetime
) -> tuple[Spans, list[Event], list[Event]]:
    """Return the time of service of a queue so far, the events that are excluded from it, and its outages."""
    served = calendars.open_spans(hours_of(contract, level, queue), window.starts_at, min(window.ends_at, now))
    own = [event for event in events if not event.queues or queue in event.queues]
    excluded = [event for event in own if event.kind in level.exclude]
    return served, excluded, [event for event in own if event.kind == "outage"]


def hours_of(contract: Contract, level: ServiceLevel, queue: str) -> calendars.Calendar:
    """Return the calendar of a level's hours; where it has none, that of a queue."""
    return (
        contracts_terms.calendar(contract.calendars[level.hours])
        if level.hours
        else contracts_terms.calendar_of(contract, queue)
    )


def without(spans: Spans, cuts: Iterable[tuple[datetime, datetime]]) -> Spans:
    """Return what is left of spans when others are taken out of them."""
    for starts_at, ends_at in cuts:
        pieces = [((a, min(z, starts_at)), (max(a, ends_at), z)) for a, z in spans]
        spans = [piece for pair in pieces for piece in pair if piece[0] < piece[1]]
    return spans


def length(spans: Spans) -> int:
    """Return the whole seconds of spans."""
    return sum((z - a for a, z in spans), timedelta()) // timedelta(seconds=1)


# --- What a statement says of a level ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """What one service level came to, over all its queues (`queue` None, judged) or in one of them (only reported)."""

    id: str
    level: ServiceLevel
    queue: str | None
    figure: Figure
    verdict: Verdict | None = None
    window: Window | None = None  # that was judged, or is still running


@dataclass(frozen=True, slots=True)
class Excluded:
    """How many items a service level leaves out by its exclusions."""

    id: str
    level: ServiceLevel
    window: Window
    count: int


# --- What a price counts ---------------------------------------------------------------------------------------


def quantity(price: Price, item: Outcome) -> int | None:
    """Return what the item adds to the price's quantity, in items or seconds; None where it does not count."""
    if item.cancelled_at or item.queue not in price.of:
        return None
    if price.counts == "received":
        return 1
    if price.counts == "answered":
        return 1 if item.connected_at else None
    if not item.done:
        return None
    if price.counts == "disposed":
        return 1 if item.disposition in price.dispositions else None
    return {"done": 1, "talk": item.talk_seconds, "handled": item.handled_seconds}[price.counts or "done"]


# --- What is excluded ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Band:
    """How many items may come in to some queues together within a time; the latest beyond it are excluded."""

    queues: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    allowed: int


class Item(Protocol):
    """What an exclusion needs of an item."""

    @property
    def item_id(self) -> int: ...
    @property
    def queue(self) -> str: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def cancelled_at(self) -> datetime | None: ...


def excluded(
    level: ServiceLevel, items: Iterable[Item], events: Sequence[Event], bands: Iterable[Band]
) -> dict[int, str]:
    """Return the ids of the items that the level leaves out, with the kind of exclusion.

    An item that came in while an excluded event lasted, its first instant included and its last not, is excluded by
    that event: by the earliest, where it was in several. `items` are all that came in to the queues of the bands, also
    those that the level does not count: the latest by the time at which they came in, then by id, are beyond a band.
    """
    every = sorted((item for item in items if not item.cancelled_at), key=lambda each: (each.received_at, each.item_id))
    found: dict[int, str] = {each.item_id: event.kind for each in every if (event := _event_of(level, each, events))}
    for band in bands:
        inside = [e for e in every if e.queue in band.queues and band.starts_at <= e.received_at < band.ends_at]
        for item in inside[band.allowed :]:
            found.setdefault(item.item_id, BEYOND)
    own = {item.item_id for item in every if item.queue in level.of}
    return {number: kind for number, kind in found.items() if number in own}


BEYOND = "volume-above-forecast"


def bands(level: ServiceLevel, forecasts: Sequence[Forecast], first: date, last: date, zone: str) -> list[Band]:
    """Return the bands of the days, or of the months, between two days of a zone, both included.

    A day is under the forecast of its queues that holds on it, a month under the one of its first day. A queue takes
    so many items as the level's percent of the forecast has whole ones.
    """
    agreed = [one for one in forecasts if level.above_forecast is not None and set(one.of) & set(level.of)]
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = []
    for queues in dict.fromkeys(one.of for one in agreed):
        own = [one for one in agreed if one.of == queues]
        for day in dict.fromkeys([*days, *(day.replace(day=1) for day in days)]):
            held = next((one for one in reversed(own) if one.starts_on <= day), None)
            if held and day.day == 1 and held.month is not None:
                found.append(_band(level, queues, held.month, day, (day + timedelta(days=31)).replace(day=1), zone))
            elif held and day >= first and day.weekday() in held.week:
                found.append(_band(level, queues, held.week[day.weekday()], day, day + timedelta(days=1), zone))
    return found


def _band(level: ServiceLevel, queues: tuple[str, ...], count: int, first: date, after: date, zone: str) -> Band:
    allowed = int(count * Fraction(level.above_forecast or 100) / 100)
    starts_at, ends_at = (calendars.instant(day, time(0), zone) for day in (first, after))
    return Band(queues, starts_at, ends_at, allowed)


def _event_of(level: ServiceLevel, item: Item, events: Iterable[Event]) -> Event | None:
    covering = (one for one in events if one.kind in level.exclude and one.covers(item.queue, item.received_at))
    return next(covering, None)
