"""What the running day has come to in every queue at once: read from rollups, and from the items that are still open.

What is read is bounded by the quarters of an hour of a day and by what is open, however many items the day has had. The
figures are those of the catalogue, before anything that a statement takes out: exclusions, hours, what came in beyond
the forecast.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from workfloor.core.catalogue import abandoned, answered_within, population, resolved_within
from workfloor.core.catalogue.declaring import Measure, Sums
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.terms import Contract
from workfloor.core.contracts.terms import Queue as QueueTerms
from workfloor.core.measures import buckets
from workfloor.core.measures import models as measures_models
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item

INTERVAL: Final = timedelta(minutes=30)  # two buckets; what came in within one of them says little


@dataclass(frozen=True, slots=True)
class Agreed:
    """By what one queue's service level is judged; the target is in percent, None where none was agreed."""

    threshold_seconds: int
    per_answered: bool = False
    per_patient: bool = False
    short_seconds: int = 0
    resolves: bool = False  # within so much working time, and not answered within so many seconds
    expected: Decimal | None = None
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """What a queue's day has come to; `lately` is of what came in within the running half-hour interval."""

    received: int = 0
    counted: int = 0  # for the service level
    met: int = 0
    counted_lately: int = 0
    met_lately: int = 0
    answered: int = 0
    waited: int = 0  # microseconds to the answer, of all answered
    handled: int = 0
    handled_seconds: int = 0
    offered: int = 0  # answered or abandoned, for the abandon rate
    abandoned: int = 0

    def __add__(self, other: "Day") -> "Day":
        return Day(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def service_level(self) -> float | None:
        """The share of the day that met its service level, in percent; None before anything counts."""
        return _percent(self.met, self.counted)

    @property
    def service_level_lately(self) -> float | None:
        """The same of the running interval."""
        return _percent(self.met_lately, self.counted_lately)

    @property
    def speed_of_answer(self) -> float | None:
        """ASA in seconds; None before anything is answered."""
        return self.waited / population.MICROSECONDS / self.answered if self.answered else None

    @property
    def handled_time(self) -> float | None:
        """AHT in seconds; None before anything is wrapped up."""
        return self.handled_seconds / self.handled if self.handled else None

    @property
    def abandon_rate(self) -> float | None:
        """In percent of those offered; None before anybody was answered or left."""
        return _percent(self.abandoned, self.offered)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def agreed(contract: Contract) -> dict[str, Agreed]:
    """By what each queue of a contract is judged on a floor: the first level that its rollups can tell, by name.

    A queue of which no level says anything is judged by its own target, without a share that is expected.
    """
    found = {
        queue: _by_level(level)
        for level in reversed(contract.service_levels)
        if level.measure in (answered_within.MEASURE.name, resolved_within.MEASURE.name)
        for queue in level.of
    }
    own = {name: _by_itself(queue) for name, queue in contract.queues().items()}
    return {name: each for name, each in own.items() if each} | found


def _by_level(level: ServiceLevel) -> Agreed:
    return Agreed(
        level.threshold_seconds or 0,
        level.per == "answered",
        level.per == "offered-less-short-abandons",
        level.short_abandon_seconds or 0,
        level.measure == resolved_within.MEASURE.name,
        level.expected,
        level.minimum,
    )


def _by_itself(queue: QueueTerms) -> Agreed | None:
    if queue.answer_within_seconds:
        return Agreed(queue.answer_within_seconds)
    if queue.resolve_within_seconds:
        return Agreed(queue.resolve_within_seconds, resolves=True)
    return None


def interval_of(now: datetime) -> datetime:
    """When the running interval began."""
    begun = buckets.bucket_of(now)
    return begun - (begun - datetime(1970, 1, 1, tzinfo=begun.tzinfo)) % INTERVAL


# --- In SQL ----------------------------------------------------------------------------------------------------------
# The forms of the catalogue take one level's values. Here each queue brings its own, as a row of `agreed`.
_LATE = """(CASE WHEN agreed.resolves THEN item.due_at < %(now)s ELSE item.connected_at IS NULL
    AND %(now)s - item.queued_at > make_interval(secs => agreed.threshold) END)"""
_OF_QUEUE = {
    "threshold": "agreed.threshold",
    "per_answered": "agreed.per_answered",
    "per_patient": "agreed.per_patient",
    "short": "agreed.short",
    "late": f"(CASE WHEN {_LATE} THEN ARRAY[item.id] END)",
}


def _rollup(measure: Measure) -> Sums:
    assert isinstance(measure.rollup, Sums)
    return Sums(measure.rollup.counted % _OF_QUEUE, measure.rollup.met % _OF_QUEUE)


_ANSWERED, _RESOLVED, _ABANDONED = map(_rollup, (answered_within.MEASURE, resolved_within.MEASURE, abandoned.MEASURE))
_MET = f"""CASE WHEN agreed.resolves THEN {str(resolved_within.MEASURE.sql) % _OF_QUEUE}
    ELSE {str(answered_within.MEASURE.sql) % _OF_QUEUE} END"""
_AGREED = """unnest(%(queues)s::bigint[], %(thresholds)s::integer[], %(per_answered)s::boolean[],
    %(per_patient)s::boolean[], %(shorts)s::integer[], %(resolves)s::boolean[])
    AS agreed(queue_id, threshold, per_answered, per_patient, short, resolves)"""
_BUCKETS = f"""FROM {measures_models.TABLE} AS bucket JOIN {_AGREED} ON agreed.queue_id = bucket.queue_id
    WHERE bucket.client_id = ANY(%(clients)s::bigint[]) AND bucket.starts_at >= %(since)s"""
# Each finds its few by an index.
_CONTACT = population.is_contact(Item._meta.db_table)
_ITEMS = f"SELECT * FROM {Item._meta.db_table} WHERE client_id = ANY(%(clients)s::bigint[]) AND {_CONTACT}"
_OPEN = f"""({_ITEMS} AND state = 'waiting' AND queue_id = ANY(%(queues)s::bigint[])
    UNION ALL {_ITEMS} AND state = ANY(ARRAY{list(lifecycle.WITH_SOMEBODY)}) AND person_id IS NOT NULL) AS item"""
_DAY = f"""SELECT queue_id, {", ".join(f"coalesce(sum({each.name}), 0)::bigint" for each in fields(Day))} FROM (
    SELECT queue_id, received, counted, met, CASE WHEN lately THEN counted END AS counted_lately,
        CASE WHEN lately THEN met END AS met_lately, answered, waited, handled, handled_seconds, offered, abandoned
    FROM (
        SELECT bucket.queue_id, bucket.starts_at >= %(interval)s AS lately,
            bucket.received - bucket.cancelled AS received,
            CASE WHEN agreed.resolves THEN {_RESOLVED.counted} ELSE {_ANSWERED.counted} END AS counted,
            CASE WHEN agreed.resolves THEN {_RESOLVED.met} ELSE {_ANSWERED.met} END AS met,
            bucket.answered, bucket.waited, {population.HANDLED_IN_BUCKET} AS handled,
            bucket.handled_talk_seconds + bucket.handled_hold_seconds + bucket.handled_wrap_seconds AS handled_seconds,
            {_ABANDONED.counted} AS offered, {_ABANDONED.met} AS abandoned
        {_BUCKETS}
        UNION ALL
        SELECT queue_id, received_at >= %(interval)s, 1, (met IS NOT NULL)::integer, (met IS TRUE)::integer,
            (connected_at IS NOT NULL)::integer,
            (extract(epoch FROM connected_at - queued_at) * {population.MICROSECONDS})::bigint,
            0, 0, (connected_at IS NOT NULL)::integer, 0
        FROM (SELECT item.*, {_MET} AS met FROM {_OPEN} JOIN {_AGREED} ON agreed.queue_id = item.queue_id
            WHERE item.received_at >= %(since)s) AS item
    ) AS part) AS each
GROUP BY queue_id"""
# Numbers, and a row a queue: thousands of instants take longer to read than to count.
_ARRIVALS = f"""SELECT queue_id, array_agg(bucket), array_agg(came) FROM (
    SELECT queue_id, extract(epoch FROM starts_at)::bigint / {int(buckets.LENGTH.total_seconds())} AS bucket,
        sum(received)::bigint AS came FROM (
    SELECT queue_id, starts_at, received FROM {measures_models.TABLE} AS bucket
    WHERE client_id = ANY(%(clients)s::bigint[]) AND queue_id = ANY(%(queues)s::bigint[]) AND starts_at >= %(since)s
    UNION ALL
    SELECT queue_id, date_bin('15 minutes', received_at, '0001-01-01 00:00+00'), 1 FROM {_OPEN}
    WHERE received_at >= %(since)s AND queue_id = ANY(%(queues)s::bigint[])) AS each
    GROUP BY queue_id, starts_at) AS counted
GROUP BY queue_id"""


def days(
    client_ids: Iterable[int], judged: Mapping[int, Agreed | None], since: datetime, now: datetime
) -> dict[int, Day]:
    """What came in since an instant, on a quarter of an hour, has come to by queue; those without any are left out.

    `judged` are the queues by id; what counts for the service level of one of which nothing was agreed says nothing.
    """
    each = [one or Agreed(0, per_answered=True) for one in judged.values()]
    asked = {
        "clients": list(client_ids),
        "queues": list(judged),
        "thresholds": [one.threshold_seconds for one in each],
        "per_answered": [one.per_answered for one in each],
        "per_patient": [one.per_patient for one in each],
        "shorts": [one.short_seconds for one in each],
        "resolves": [one.resolves for one in each],
        "since": since,
        "interval": interval_of(now),
        "now": now,
    }
    return {queue: Day(*counted) for queue, *counted in _rows(_DAY, asked)}


def arrivals(client_ids: Iterable[int], queue_ids: Iterable[int], since: datetime) -> dict[int, dict[int, int]]:
    """How many items each queue was sent since an instant, by 15-minute bucket, counted since 1970."""
    asked = {"clients": list(client_ids), "queues": list(queue_ids), "since": since}
    return {queue: dict(zip(bucket, came, strict=True)) for queue, bucket, came in _rows(_ARRIVALS, asked)}


def _rows(asked: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(asked, values)
        return list(cursor.fetchall())
