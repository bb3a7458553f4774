"""What items come to: the figures of each measure of the catalogue, what prices count, and what is excluded."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol, TypeVar

from workfloor.core.catalogue import availability, backlog_older_than, entries, population
from workfloor.core.catalogue.availability import Spans
from workfloor.core.catalogue.declaring import Counted, Measure, Seen, Without, Working
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.levels import FOUR_PLACES, Forecast, ServiceLevel, Verdict, four_places
from workfloor.core.contracts.pricing import Price
from workfloor.core.contracts.terms import Contract
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window

PERCENTILES = (50, 90, 95)
Where = TypeVar("Where")

# --- Measures: does an item count, and how ----------------------------------------------------------------------
# Each is declared in a module of its own in core/catalogue; cancelled items count nowhere.

SHARES = entries.of_shape("share")
MEANS = entries.of_shape("mean")
OF_TIME = entries.of_shape("share-at-ends", "share-of-time")
IN_PERCENT = (*SHARES, *OF_TIME)


def counted(level: ServiceLevel, item: Outcome, seen: Seen) -> Counted:
    """Return what the item adds to the level's figure: met or not, seconds, or 1; None where it does not count."""
    rule = entries.BY_NAME[level.measure].item
    return None if item.cancelled_at or isinstance(rule, Without) else rule(level, item, seen)


def is_late(level: ServiceLevel, item: Outcome, now: datetime, working: Working) -> bool:
    """Return whether an open item can no longer meet the level; `working` counts its calendar's working seconds."""
    late = entries.BY_NAME[level.measure].late
    return late is not None and late(level, item, now, working)


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
    less, seen = len(own) - len(left), Seen(late, now)
    values = [value for item in left if (value := counted(level, item, seen)) is not None]
    measure = entries.BY_NAME[level.measure]
    if measure.shape == "share":
        apart = sum(population.is_apart(level, item) for item in left)
        return share_figure(len(values), values.count(True), apart, less)
    if measure.unit == "seconds":
        return seconds_figure(measure, sorted(map(Decimal, values)), less)
    return Figure(len(values), excluded=less)


def nothing(level: ServiceLevel) -> Figure:
    """Return what a level comes to where there was nothing."""
    return share_figure(0, 0) if entries.BY_NAME[level.measure].unit == "percent" else figure(level, [])


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


def seconds_figure(measure: Measure, ordered: Sequence[Decimal], excluded: int = 0) -> Figure:
    """Return what a measure makes of some seconds, shortest first, with their percentiles where it shows these."""
    percentiles = [nearest_rank(ordered, percent) for percent in PERCENTILES if ordered and measure.has_spread]
    total = sum(ordered, Decimal(0))
    return of_seconds(measure, len(ordered), total, max(ordered, default=Decimal(0)), percentiles, excluded)


def of_seconds(
    measure: Measure,
    counted: int,
    total: Decimal,
    longest: Decimal,
    percentiles: Sequence[Decimal] = (),
    excluded: int = 0,
) -> Figure:
    """Return a measure of seconds, their mean or the longest, from what they add up to."""
    if measure.shape == "longest":
        total = longest * counted
    return mean_figure(counted, total, percentiles, excluded)


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


def ends_of(contract: Contract, level: ServiceLevel, window: Window, now: datetime) -> list[datetime]:
    """Return when a level looks at what is open: at each day's end so far, or at the window's end or now."""
    if entries.BY_NAME[level.measure].shape == "count-at-end":
        return [min(window.ends_at, now)]
    return calendars.day_ends(window, contract.zone, now)


def backlog(level: ServiceLevel, items: Iterable[Outcome], ends: Sequence[datetime]) -> Figure:
    """Count the items that were open at each of some ends, and those of them that were older than the level's age.

    Age is the time by the clock since an item came in; what was reopened was open all the while.
    """
    ages = [age for item in items if item.queue in level.of for age in backlog_older_than.open_ages(item, ends)]
    if entries.BY_NAME[level.measure].shape == "count-at-end":
        return Figure(len(ages))
    return share_figure(len(ages), sum(age > population.threshold(level) for age in ages))


def available(served: Spans, excluded: Iterable[Event], outages: Iterable[Event]) -> tuple[int, int]:
    """Return the seconds of service, and those of them without an outage; time under an exclusion is neither."""
    out, down = ([(event.starts_at, event.ends_at) for event in events] for events in (excluded, outages))
    return availability.seconds_of_service(served, out, down)


def availability_figures(
    contract: Contract, level: ServiceLevel, window: Window, events: Sequence[Event], now: datetime
) -> Figures:
    """Measure the availability of each of the level's queues, and of all together, as far as the window has run."""
    each = {queue: available(*service(contract, level, window, events, queue, now)) for queue in level.of}
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
