"""Working time and periods: real elapsed seconds while the wall clock of a zone says that work is done."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

Span = tuple[time, time]
DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MIDNIGHT = time(0)
# Longer than any closure that a contract would mean; beyond it the calendar is taken for closed for good.
_LONGEST_CLOSUREDAYS = 3 * 366
_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class NeverOpen(ValueError):
    """The calendar has no working time from some day on."""


@dataclass(frozen=True)
class Calendar:
    """Working hours in a zone.

    `week` maps a weekday (Monday is 0) to its spans of local time; an end not after its start lies on the
    next day, so 00:00 is also the midnight that ends a day. A span belongs to the day that it starts on: on a
    holiday or a day of `closed_on` none starts. A day of `open_on` is worked although it is a holiday.
    `holidays` is a country of the `holidays` package, or country-subdivision.
    """

    zone: str
    week: Mapping[int, tuple[Span, ...]]
    holidays: str | None = None
    closed_on: frozenset[date] = field(default_factory=frozenset)
    open_on: frozenset[date] = field(default_factory=frozenset)

    def __hash__(self) -> int:
        return hash((self.zone, self.holidays, self.closed_on, self.open_on))


def working_seconds(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Return the whole working seconds between two aware instants; negative where end is before start."""
    start, end = _utc(start), _utc(end)
    if end < start:
        return -working_seconds(calendar, end, start)
    if any(opens <= start and end <= closes for opens, closes in _day(calendar, day_of(start, calendar.zone))):
        return (end - start) // _SECOND  # as most of what is measured is: within one opening
    total = timedelta()
    for opens, closes in _intervals(calendar, start):
        if opens >= end:
            break
        total += min(closes, end) - max(opens, start)
    return total // _SECOND


def opening(calendar: Calendar, at: datetime) -> tuple[datetime, datetime] | None:
    """Return the opening (UTC) that holds an instant, of those of its day; None where none does."""
    return next((span for span in _day(calendar, day_of(at, calendar.zone)) if span[0] <= at < span[1]), None)


def add_working(calendar: Calendar, start: datetime, seconds: int) -> datetime:
    """Return the first instant (UTC) at which so many working seconds have passed since `start`.

    Raises NeverOpen where that never comes, ValueError for a negative number.
    """
    if seconds < 0:
        raise ValueError("Working time is only added forwards.")
    start, left = _utc(start), timedelta(seconds=seconds)
    if not left:
        return start
    for opens, closes in _intervals(calendar, start):
        opens = max(opens, start)
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise NeverOpen(f"No working time is left after {start:%Y-%m-%d}.")


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Say whether an instant is in working time."""
    return open_from(calendar, at) == _utc(at)


def open_from(calendar: Calendar, at: datetime) -> datetime | None:
    """Return the first working instant (UTC) at or after an instant; None where that never comes."""
    at = _utc(at)
    opens, _ = next(_intervals(calendar, at), (None, None))
    return max(opens, at) if opens else None


@lru_cache(maxsize=4096)
def period_bounds(period: str, zone: str) -> tuple[datetime, datetime]:
    """Return the instants (UTC) at which a month such as `1999-02` begins and ends; raises ValueError."""
    match = _PERIOD.fullmatch(period)
    if not match or not 1 < int(match[1]) < 9999:
        raise ValueError(f"{period!r} is no period; write a month, such as 1999-02.")
    year, month = int(match[1]), int(match[2])
    after = date(year + month // 12, month % 12 + 1, 1)
    return instant(date(year, month, 1), _MIDNIGHT, zone), instant(after, _MIDNIGHT, zone)


def period_of(at: datetime, zone: str) -> str:
    """Return the month of the zone that holds the instant, by the same bounds as `period_bounds`."""
    local = _utc(at).astimezone(_zone(zone))
    period = f"{local:%Y-%m}"
    if at < period_bounds(period, zone)[1]:
        return period
    # A clock set back over midnight shows the old month again after the new one has begun.
    return f"{local + DAY:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Window:
    """A time over which something is counted; `is_due` where it ends in the month that was asked for."""

    name: str
    starts_at: datetime
    ends_at: datetime  # the first instant after it
    is_due: bool = True

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        return self.starts_at, self.ends_at


def windows(length: str, period: str, zone: str, starts_on: date, ends_on: date) -> list[Window]:
    """Return the windows of a length that end in a month, such as `1999-02`, of a term (its first and last day).

    A length is `day`, `week` (Monday to Sunday), `month`, `quarter` or `year` (counted from the month in which the term
    starts), or `3 months` up to this one. Windows are cut to the term; the one in which the term ends, ends there. Of
    those longer than a month, where none ends in it, the one that is running is returned, up to the month's end and
    not due.
    """
    first, last = _days(period)
    first, last = max(first, starts_on), min(last, ends_on)
    if length == "day":
        return [_window(f"{day}", day, day, zone) for day in _every(first, last)]
    if length == "week":
        ends = [day for day in _every(first, last) if day.weekday() == 6 or day == ends_on]
        begun = [(max(day - timedelta(days=day.weekday()), starts_on), day) for day in ends]
        return [_window(f"{a} to {z}", a, z, zone) for a, z in begun]
    return [_long_window(length, first, last, zone, starts_on, ends_on)]


def _long_window(length: str, first: date, last: date, zone: str, starts_on: date, ends_on: date) -> Window:
    since = (first.year - starts_on.year) * 12 + first.month - starts_on.month
    named = {"month": 1, "quarter": 3, "year": 12}
    months = named.get(length) or int(length.split()[0])
    behind = since % months if length in named else min(since, months - 1)
    year, month = divmod(first.year * 12 + first.month - 1 - behind, 12)
    begins = max(date(year, month + 1, 1), starts_on)
    is_due = behind == months - 1 or (length in named and last == ends_on)
    name = f"{last:%Y-%m}" if months == 1 else f"{begins:%Y-%m} to {last:%Y-%m}"
    return _window(name, begins, last, zone, is_due)


def _window(name: str, first: date, last: date, zone: str, is_due: bool = True) -> Window:
    return Window(name, instant(first, _MIDNIGHT, zone), instant(last + DAY, _MIDNIGHT, zone), is_due)


def _days(period: str) -> tuple[date, date]:
    year, month = map(int, period.split("-"))
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1) - DAY


def _every(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def day_ends(window: Window, zone: str, now: datetime) -> list[datetime]:
    """Return the instants at which the days of a window end, as far as they have."""
    first = day_of(window.starts_at, zone)
    ends = [instant(day + DAY, _MIDNIGHT, zone) for day in _every(first, day_of(window.ends_at, zone))]
    return [end for end in ends if end <= min(window.ends_at, now)]


def open_spans(calendar: Calendar, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return the working time between two instants as spans, in order, not overlapping."""
    found = []
    for opens, closes in _intervals(calendar, _utc(start)):
        if opens >= end:
            break
        found.append((max(opens, start), min(closes, end)))
    return found


def day_of(at: datetime, zone: str | tzinfo) -> date:
    """Return the day on which an instant falls in a zone; no other place asks an instant for its day."""
    return _utc(at).astimezone(_zone(zone) if isinstance(zone, str) else zone).date()


def instant(day: date, clock: time, zone: str) -> datetime:
    """Return when (UTC) a zone's clock first shows a time on a day, or passes it where it is skipped."""
    local = datetime.combine(day, clock, tzinfo=_zone(zone))
    at = local.astimezone(UTC)
    if at.astimezone(_zone(zone)).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None):
        return at
    return _jump(local.replace(fold=1).astimezone(UTC), at, _zone(zone))


def zones() -> frozenset[str]:
    """Return the names of all time zones, such as `Europe/Madrid`."""
    return _zones()


def holiday_calendar_exists(code: str) -> bool:
    """Say whether the `holidays` package knows a country, or country-subdivision, such as `IL` or `US-CA`."""
    country, _, subdivision = code.partition("-")
    known = _holiday_countries().get(country)
    return known is not None and (not subdivision or subdivision in known)


@cache
def countries() -> frozenset[str]:
    """Return the two-letter codes of ISO 3166, from the table that comes with the time zones."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and not line.startswith("#"))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _holiday_countries() -> dict[str, list[str]]:
    import holidays

    return dict(holidays.list_supported_countries(include_aliases=False))


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError("An instant needs a zone.")
    return at.astimezone(UTC)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between two at which the zone's clock jumps, to the second."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) // 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _intervals(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open intervals (UTC) that end after `start`, in order, not overlapping."""
    day = day_of(start, calendar.zone) - DAY
    done, closed_days = start, 0
    while closed_days < _LONGEST_CLOSUREDAYS and day.year < 9998:
        spans = _day(calendar, day)
        closed_days = 0 if spans else closed_days + 1
        for opens, closes in spans:
            if closes > done:
                yield (opens if done == start else max(opens, done)), closes
                done = closes
        day += DAY


@lru_cache(maxsize=16384)
def _day(calendar: Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    if _is_closed(calendar, day):
        return ()
    spans = sorted(calendar.week.get(day.weekday(), ()))
    return tuple(
        (
            instant(day, opens, calendar.zone),
            instant(day if closes > opens else day + DAY, closes, calendar.zone),
        )
        for opens, closes in spans
    )


def _is_closed(calendar: Calendar, day: date) -> bool:
    if day in calendar.closed_on:
        return True
    return day not in calendar.open_on and day in _holidays(calendar.holidays, day.year)


@lru_cache(maxsize=1024)
def _holidays(code: str | None, year: int) -> frozenset[date]:
    if code is None:
        return frozenset()
    # Loaded here because it is slow to load, and most commands ask for no holiday.
    import holidays

    country, _, subdivision = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
