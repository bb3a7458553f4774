"""What a service level leaves out: what came in during an approved event, or beyond a band above the forecast."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Protocol

from workfloor.core.claims.rules import Event
from workfloor.core.contracts.levels import Forecast, ServiceLevel
from workfloor.kit.time import calendars


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
