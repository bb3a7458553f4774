"""Working time between two instants, against a walk minute by minute and against a bare subtraction."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import holidays

from benchmarks.figures import Figure, median_seconds
from workfloor.kit.time import calendars

MINUTE = timedelta(minutes=1)
ZONE = "Asia/Jerusalem"
DAY = ((time(7), time(0)),)
CALENDAR = calendars.Calendar(
    ZONE, {6: DAY, 0: DAY, 1: DAY, 2: DAY, 3: DAY, 4: ((time(7), time(14)),), 5: ((time(19), time(0)),)}, "IL"
)
FIRST = datetime(1999, 3, 1, tzinfo=UTC)  # the clocks change in the weeks after it
CLOSED: frozenset[date] = frozenset(holidays.country_holidays("IL", years=1999))

Span = tuple[datetime, datetime]


def measure(pairs: int = 40, runs: int = 5) -> list[Figure]:
    """Measure spans of up to ten days; the walk must come to the same seconds."""
    spans = list(_spans(pairs))
    assert [calendars.working_seconds(CALENDAR, *span) for span in spans] == [_walk(*span) for span in spans]
    counted = median_seconds(lambda: [calendars.working_seconds(CALENDAR, *span) for span in spans], runs)
    walked = median_seconds(lambda: [_walk(*span) for span in spans], runs)
    subtracted = median_seconds(lambda: [end - start for start, end in spans], runs)
    what, unit = "Working seconds of a span", "µs"
    each = 1e6 / pairs
    return [
        Figure(what, counted * each, unit, "walk minute by minute", walked * each),
        Figure(what, counted * each, unit, "bare subtraction", subtracted * each),
    ]


def _spans(pairs: int) -> list[Span]:
    random = Random(pairs)
    starts = [FIRST + MINUTE * random.randrange(60 * 24 * 60) for _ in range(pairs)]
    return [(start, start + MINUTE * random.randrange(10 * 24 * 60)) for start in starts]


def _walk(start: datetime, end: datetime) -> int:
    zone, total = ZoneInfo(ZONE), 0
    while start < end:
        local = start.astimezone(zone)
        total += 60 * _is_open(local)
        start += MINUTE
    return total


def _is_open(local: datetime) -> bool:
    if local.date() in CLOSED:
        return False
    spans = CALENDAR.week.get(local.weekday(), ())
    return any(opens <= local.time() and (closes == time(0) or local.time() < closes) for opens, closes in spans)
