"""The measures and exclusions in SQL: each one expression over `work_item`, NULL where the item does not count.

Whole 15-minute buckets are read where there are some, and the items that no bucket holds besides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from workfloor.core.catalogue import backlog_older_than, entries, population
from workfloor.core.catalogue.availability import Spans
from workfloor.core.catalogue.declaring import Measure, Sums, Values
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims import queries as claims_queries
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import levels, pricing
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.models import Queue
from workfloor.core.contracts.terms import Contract
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import buckets, catalogue
from workfloor.core.measures import models as measures_models
from workfloor.core.measures.buckets import Span
from workfloor.core.work import lifecycle
from workfloor.core.work.kinds import BEGUN_BY_US, CONVERSATIONS
from workfloor.core.work.lifecycle import WITH_SOMEBODY
from workfloor.core.work.models import Item
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window

# --- Over 15-minute buckets ------------------------------------------------------------------------------------------
# The twins of measures and prices: each an expression over `bucket`, a row of what is added up. A figure adds it up
# over the whole buckets of a window, and over the items that no bucket holds (`divided`).


_BUCKET_QUANTITIES = {
    "received": "bucket.received - bucket.cancelled",
    "answered": "bucket.answered",
    "done": "bucket.done",
    "talk": "bucket.done_talk_seconds",
    "handled": "bucket.done_handled_seconds",
    "disposed": """(SELECT count(*) FROM unnest(bucket.dispositions) AS said
        WHERE said = ANY(%(dispositions)s::text[]))""",
}
TOTALLED = ("received", "answered", "abandoned", "cancelled", "talk_seconds", "hold_seconds", "wrap_seconds")

_BUCKETS_OF_WINDOW = f"""FROM {measures_models.TABLE} AS bucket
    WHERE bucket.client_id = %(client)s AND bucket.starts_at >= %(whole_from)s AND bucket.starts_at < %(whole_to)s
    AND (%(is_one)s OR bucket.starts_at <@ %(whole)s::tstzmultirange)"""
_BUCKETS_OF_QUEUES = f"{_BUCKETS_OF_WINDOW} AND bucket.queue_id = ANY(%(queues)s::bigint[])"


def _of_buckets(measure: Measure) -> str | None:
    """What the whole buckets of a window add to a measure, by queue: counts and sums, or each value."""
    if isinstance(measure.rollup, Sums):
        return f"""SELECT bucket.queue_id, sum({measure.rollup.counted}) AS counted, sum({measure.rollup.met}) AS met,
            sum({population.SHORT_IN_BUCKET}) AS apart, 0 AS excluded {_BUCKETS_OF_QUEUES} GROUP BY bucket.queue_id"""
    if isinstance(measure.rollup, Values):
        return f"""SELECT bucket.queue_id, unnest({measure.rollup.of}) AS spent, NULL::text AS excluded
            {_BUCKETS_OF_QUEUES}"""
    return None


_BUCKET_MEASURES = {each.name: _of_buckets(each) for each in entries.EVERY}
_BUCKET_TOTALS = f"""SELECT bucket.queue_id, {", ".join(f"sum(bucket.{name}) AS {name}" for name in TOTALLED)}
    {_BUCKETS_OF_WINDOW} GROUP BY bucket.queue_id"""

_CONTACT = population.is_contact(Item._meta.db_table)
_ITEMS_OF = f"SELECT * FROM {Item._meta.db_table} WHERE client_id = %(client)s AND {_CONTACT} AND state"
# Each finds its few by an index.
_OPEN = (
    f"{_ITEMS_OF} = 'waiting' AND queue_id = ANY(%(every_queue)s::bigint[])",
    f"{_ITEMS_OF} = ANY(ARRAY{list(lifecycle.WITH_SOMEBODY)}) AND person_id IS NOT NULL",
)
_LEFT = f"""{_ITEMS_OF} = ANY(ARRAY{list(lifecycle.FINISHED)})
    AND received_at >= %(left{{0}}_from)s AND received_at < %(left{{0}}_to)s"""


def divided(spans: Iterable[Span], apart: Iterable[Span], every_queue: Iterable[int]) -> tuple[str, dict[str, Any]]:
    """The items that no whole bucket of some spans holds, to stand in the place of their table; and all values.

    These are the items that are not finished, and those received in what is kept apart or left of the spans.
    """
    full, left = buckets.divide(spans, apart)
    first, past = (full[0][0], full[-1][1]) if full else (_NEVER, _NEVER)
    values: dict[str, Any] = {"whole": _ranges(full), "whole_from": first, "whole_to": past, "is_one": len(full) < 2}
    values["every_queue"] = list(every_queue)
    for place, (first, past) in enumerate(left):
        values |= {f"left{place}_from": first, f"left{place}_to": past}
    return f"({' UNION ALL '.join([*_OPEN, *(_LEFT.format(place) for place in range(len(left)))])})", values


_NEVER = datetime.min.replace(tzinfo=UTC)


def _ranges(spans: Iterable[Span]) -> str:
    return "{" + ",".join(f"[{first.isoformat()},{past.isoformat()})" for first, past in spans) + "}"


# --- All of it, to be held against the facts ---------------------------------------------------------------------


def is_loose(client_id: int) -> bool:
    """Say whether something was appended and is not folded yet."""
    return measures_models.Bucket.objects.filter(client_id=client_id, loose=True).exists()


def added_up(client_id: int, starts_at: datetime, ends_at: datetime) -> dict[buckets.Key, buckets.Sums]:
    """What the rows of each queue and bucket that begins between two instants add up to."""
    found: dict[buckets.Key, buckets.Sums] = {}
    rows = measures_models.Bucket.objects.filter(client_id=client_id, starts_at__gte=starts_at, starts_at__lt=ends_at)
    for queue, bucket, *row in rows.values_list("queue_id", "starts_at", *buckets.COLUMNS).iterator(2000):
        found.setdefault((queue, bucket), buckets.Sums()).merge(row)
    return found


MARGIN = timedelta(days=1)  # by which the clocks of two machines never disagree
READ_AT_ONCE = 2000
MOST_KEPT = 1000


@dataclass
class Recount:
    """What a recount has read and found; of the differences the first MOST_KEPT are kept, and all are counted."""

    items: int = 0
    facts: int = 0
    buckets_read: int = 0
    count: int = 0
    differences: list[buckets.Difference] = field(default_factory=list)

    def add(self, found: Iterable[buckets.Difference]) -> None:
        """Count differences, and keep them while there is room."""
        for each in found:
            self.count += 1
            if self.count <= MOST_KEPT:
                self.differences.append(each)


def recount(client_id: int, starts_at: datetime, ends_at: datetime, *, progress: Callable[[int, int], None]) -> Recount:
    """Replay the facts of all items received between two instants, and compare items and rollups with what they say.

    Read it in a transaction that sees one snapshot. `progress` takes how many items of how many were replayed.
    """
    made, first_past = Recount(), buckets.whole(starts_at, ends_at)
    kept: list[lifecycle.Item] = []
    numbers = _received(client_id, starts_at, ends_at)
    for start in range(0, len(numbers), READ_AT_ONCE):
        for item in _replayed(made, numbers[start : start + READ_AT_ONCE], starts_at):
            if item.received_at and first_past[0] <= item.received_at < first_past[1]:
                kept.append(item)
        progress(made.items, len(numbers))
    by_facts, stored = buckets.added_up(kept), added_up(client_id, *first_past)
    names = dict(Queue.objects.filter(client=client_id).values_list("id", "name"))
    made.buckets_read = len(by_facts.keys() | stored.keys())
    made.add(buckets.of_buckets(by_facts, stored, names))
    return made


def _received(client_id: int, starts_at: datetime, ends_at: datetime) -> list[int]:
    """The items that came in between two instants: as the table says, or as the facts do."""
    items = Item.objects.filter(client=client_id, received_at__gte=starts_at, received_at__lt=ends_at)
    told = Fact.objects.filter(client_id=client_id, event="work.received", at__gte=starts_at, at__lt=ends_at)
    facts = (number for number in told.values_list("item_id", flat=True) if number is not None)
    return sorted({*items.values_list("id", flat=True), *facts})


def _replayed(made: Recount, numbers: Sequence[int], since: datetime) -> Iterator[lifecycle.Item]:
    """Replay some items' facts, noting where the table differs."""
    facts = Fact.objects.filter(item_id__in=numbers, at__gte=since - MARGIN).order_by("item_id", "id")
    read = facts.values_list("item_id", "event", "at", "person_id", "details", named=True).iterator(READ_AT_ONCE)
    of_item = {number: list(own) for number, own in groupby(read, key=attrgetter("item_id"))}
    stored = {row[0]: row[1:] for row in Item.objects.filter(id__in=numbers).values_list("id", *lifecycle.COLUMNS)}
    for number in numbers:
        own = of_item.get(number, [])
        made.items, made.facts = made.items + 1, made.facts + len(own)
        state = lifecycle.Item(*stored[number]) if number in stored else None
        try:
            item = lifecycle.replay(own)
        except (lifecycle.NotNow, KeyError, ValueError) as fault:
            made.add(
                [
                    buckets.Difference(
                        f"item {number}", "facts", f"do not follow one another: {fault}", state and state.state
                    )
                ]
            )
            continue
        made.add(buckets.of_item(number, item, state))
        yield item


# The kind of exclusion by which an item is excluded.
EXCLUDED = """coalesce(
    (SELECT event.kind FROM unnest(%(event_kinds)s::text[], %(event_queues)s::bigint[], %(event_starts)s::timestamptz[],
        %(event_ends)s::timestamptz[]) WITH ORDINALITY AS event(kind, queue_id, starts_at, ends_at, place)
    WHERE event.queue_id = item.queue_id AND item.received_at >= event.starts_at AND item.received_at < event.ends_at
    ORDER BY event.place LIMIT 1),
    CASE WHEN item.id = ANY(%(beyond)s::bigint[]) THEN 'volume-above-forecast' END)"""

_BEYOND = f"""SELECT id FROM (
        SELECT item.id, band.allowed,
            row_number() OVER (PARTITION BY band.place ORDER BY item.received_at, item.id) AS nth
        FROM work_item AS item
        JOIN unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(allowed)s::bigint[])
            WITH ORDINALITY AS band(starts_at, ends_at, allowed, place)
            ON item.received_at >= band.starts_at AND item.received_at < band.ends_at
        WHERE item.client_id = %(client)s AND item.cancelled_at IS NULL AND item.queue_id = ANY(%(queues)s::bigint[])
            AND {population.is_contact("item")}
    ) AS each WHERE nth > allowed"""


def exclusion_values(level: ServiceLevel, events: Iterable[Event], queues: Mapping[str, int]) -> dict[str, Any]:
    """The values of EXCLUDED but for `beyond`; `queues` are ids by name."""
    found = [
        (event.kind, queues[queue], event.starts_at, event.ends_at)
        for event in events
        if event.kind in level.exclude
        for queue in event.queues or level.of
        if queue in queues
    ]
    columns = zip(*found, strict=True) if found else ((), (), (), ())
    names = ("event_kinds", "event_queues", "event_starts", "event_ends")
    return dict(zip(names, map(list, columns), strict=True))


def beyond(
    client_id: int, contract: Contract, level: ServiceLevel, window: Window, queues: Mapping[str, int]
) -> list[int]:
    """The items of a window's days and months that came in beyond the level's part of the forecast."""
    zone = ZoneInfo(contract.zone)
    first, last = (
        calendars.day_of(window.starts_at, zone),
        calendars.day_of(window.ends_at.astimezone(zone) - calendars.DAY, zone),
    )
    found: list[int] = []
    found_bands = catalogue.bands(level, contract.forecasts, first, last, contract.zone)
    for of in dict.fromkeys(band.queues for band in found_bands):
        own = [band for band in found_bands if band.queues == of]
        asked = {"client": client_id, "queues": [queues[name] for name in of]}
        asked |= {name: [getattr(band, part) for band in own] for name, part in _BAND.items()}
        found += [number for (number,) in _rows(_BEYOND, asked)]
    return found


_BAND = {"starts": "starts_at", "ends": "ends_at", "allowed": "allowed"}


def _rows(asked: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(asked, values)
        return list(cursor.fetchall())


EXPRESSIONS = {each.name: each.sql for each in entries.EVERY if isinstance(each.sql, str)}

QUANTITIES = {
    None: "NULL::integer",
    "received": "1",
    "answered": "CASE WHEN item.connected_at IS NOT NULL THEN 1 END",
    "done": "CASE WHEN item.state = 'done' THEN 1 END",
    "talk": "CASE WHEN item.state = 'done' THEN item.talk_seconds END",
    "handled": "CASE WHEN item.state = 'done' THEN item.talk_seconds + item.hold_seconds + item.wrap_seconds END",
    "disposed": "CASE WHEN item.state = 'done' AND item.disposition = ANY(%(dispositions)s::text[]) THEN 1 END",
}

COUNTS = {
    "received": "true",
    "cancelled": "item.cancelled_at IS NOT NULL",
    "answered": "item.cancelled_at IS NULL AND item.connected_at IS NOT NULL",
    "abandoned": "item.cancelled_at IS NULL AND item.connected_at IS NULL AND item.abandoned_at IS NOT NULL",
    "open": "item.cancelled_at IS NULL AND item.connected_at IS NULL AND item.abandoned_at IS NULL",
}

_TABLE = "FROM work_item AS item"

OF_PERIOD = f"""{_TABLE}
    WHERE item.client_id = %(client)s AND item.received_at >= %(starts_at)s AND item.received_at < %(ends_at)s
    AND {population.is_contact("item")}"""

COUNTED = f"{OF_PERIOD} AND item.cancelled_at IS NULL AND item.queue_id = ANY(%(queues)s::bigint[])"
NOTHING = "NULL::text"
IN_HOURS = " AND item.received_at <@ %(hours)s::tstzmultirange"

_OPEN_IN = f"""FROM work_item AS item
    WHERE item.client_id = %(client)s AND item.received_at < %(ends_at)s AND item.cancelled_at IS NULL
    AND item.queue_id = ANY(%(queues)s::bigint[]) AND {population.is_contact("item")}
    AND coalesce(item.ended_at, item.abandoned_at, 'infinity') > %(starts_at)s"""

# In each, the row whose queue is NULL is all queues together; the last column is what was excluded.
_MARKED = "(SELECT item.*, {excluded} AS excluded {chosen}) AS item"
_KEPT = "CASE WHEN item.excluded IS NULL THEN {expression} END"

_SHARES = f"""SELECT queue_id, count(met) AS counted, count(*) FILTER (WHERE met) AS met,
        count(*) FILTER (WHERE short AND excluded IS NULL) AS apart, count(excluded) AS excluded
    FROM (SELECT item.queue_id, item.excluded, ({_KEPT})::boolean AS met, {{short}} AS short FROM {_MARKED}) AS each
    GROUP BY queue_id"""

_OF_SHARES = """SELECT queue_id, coalesce(sum(counted), 0), coalesce(sum(met), 0), coalesce(sum(apart), 0),
        coalesce(sum(excluded), 0)
    FROM ({parts}) AS part GROUP BY GROUPING SETS ((queue_id), ())"""

_SPANS = f"SELECT item.queue_id, (%(ticks)s * {_KEPT})::bigint AS spent, item.excluded FROM {_MARKED}"

_SUMS_OF_SECONDS = f"""SELECT queue_id, count(spent) AS counted, coalesce(sum(spent), 0) AS met, 0 AS apart,
        count(excluded) AS excluded
    FROM (SELECT item.queue_id, item.excluded, ({_KEPT})::bigint AS spent FROM {_MARKED}) AS each GROUP BY queue_id"""

# The last of what is read of an order is the longest.
_OF_SPANS = """SELECT queue_id, count(spent), coalesce(sum(spent), 0),
        percentile_disc(%(percentiles)s::float8[]) WITHIN GROUP (ORDER BY spent), count(excluded)
    FROM ({parts}) AS part GROUP BY GROUPING SETS ((queue_id), ())"""

_BACKLOG = f"""SELECT queue_id, coalesce(sum(days), 0), coalesce(sum(past), 0), 0, 0
    FROM (SELECT item.queue_id, {backlog_older_than.OPEN_ON} AS days, {{past}} AS past {_OPEN_IN}) AS each
    GROUP BY GROUPING SETS ((queue_id), ())"""

_OUTAGES = """SELECT claim.id, claim.reason, down.queue, claim.starts_at, claim.state, person.name, down.seconds
    FROM unnest(%(claims)s::bigint[], %(names)s::text[], %(seconds)s::bigint[]) AS down(id, queue, seconds)
    JOIN claims_claim AS claim ON claim.id = down.id JOIN people_person AS person ON person.id = claim.claimed_by_id
    ORDER BY claim.starts_at, claim.id, down.queue"""

_COUNTED = {"received": "received", "answered": "answered", "abandoned": "abandoned", "cancelled": "cancelled"}

_SUMS = [f"count(*) FILTER (WHERE {COUNTS[count]}) AS {name}" for name, count in _COUNTED.items()] + [
    f"sum(item.{name}) FILTER (WHERE {COUNTS['answered']}) AS {name}" for name in TOTALLED[len(_COUNTED) :]
]

_TOTALS = f"SELECT item.queue_id, {', '.join(_SUMS)} {{chosen}} GROUP BY item.queue_id"
_ADDED = ", ".join(f"coalesce(sum({name}), 0)" for name in TOTALLED)
_OF_TOTALS = f"SELECT queue_id, {_ADDED} FROM ({{parts}}) AS part GROUP BY GROUPING SETS ((queue_id), ())"

_ITEMS = """SELECT id, key, queue, received_at, state, agent, value FROM (
        SELECT item.id, item.key, queue.name AS queue, item.received_at, item.state,
            coalesce(nullif(item.agent_label, ''), person.name, '') AS agent, {expression} AS value
        FROM (SELECT item.*, {excluded} AS excluded {chosen}) AS item
        JOIN contracts_queue AS queue ON queue.id = item.queue_id
        LEFT JOIN people_person AS person ON person.id = item.done_by_id) AS each
    WHERE value IS NOT NULL ORDER BY received_at, id"""

Figures = Mapping[str | None, catalogue.Figure]  # by queue; None: all of them together
Asked = tuple[str, Mapping[str, Any]]  # a question in SQL, and its values


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work is counted, under which terms, as seen at an instant; `queues` are ids by name."""

    client_id: int
    contract: contracts_terms.Contract
    queues: Mapping[str, int]
    now: datetime
    by_items: bool = False  # without the rollups
    _unfinished: dict[Window, list[Outcome]] = field(default_factory=dict)
    _events: dict[Window, list[Event]] = field(default_factory=dict)

    def names(self) -> dict[int, str]:
        return {number: name for name, number in self.queues.items()}

    def unfinished(self, window: Window) -> list[Outcome]:
        """What came in within a window and is not over; read once."""
        if window not in self._unfinished:
            self._unfinished[window] = _unfinished(self, window)
        return self._unfinished[window]

    def events(self, window: Window) -> list[Event]:
        """What lasted into a window and counts; read once."""
        if window not in self._events:
            self._events[window] = claims_queries.events(self.client_id, window.starts_at, window.ends_at)
        return self._events[window]


def rows(asked: Asked) -> list[tuple[Any, ...]]:
    """Read all rows of a question."""
    with connection.cursor() as cursor:
        cursor.execute(*asked)
        return list(cursor.fetchall())


# --- Figures ----------------------------------------------------------------------------------------------------
def judged(scope: Scope, level: levels.ServiceLevel, period: str) -> tuple[Window | None, Figures]:
    """Measure a level for a month: of several windows the worst, by all queues together, the earliest of equals."""
    windows = catalogue.windows(scope.contract, level, period, scope.now)
    return catalogue.judged(level, [(window, figures(scope, level, window)) for window in windows])


def figures(scope: Scope, level: levels.ServiceLevel, window: Window) -> Figures:
    """Measure a level in a window: all its queues together, and each that had something."""
    if level.measure == "availability":
        return _availability(scope, level, window)
    names = scope.names()
    return {names.get(row[0]): _figure(level, *row[1:]) for row in rows(_adding(scope, level, window))}


def _adding(scope: Scope, level: levels.ServiceLevel, window: Window) -> Asked:
    if entries.BY_NAME[level.measure].looks_at_ends:
        return _BACKLOG.format(past=EXPRESSIONS[level.measure]), values_of(scope, level, window, level.of)
    chosen, excluded, values = _chosen(scope, level, window, level.of)
    measure = entries.BY_NAME[level.measure]
    of_items, adding = (_SPANS, _OF_SPANS) if measure.has_spread else (_SHARES, _OF_SHARES)
    if measure.unit == "seconds" and not measure.has_spread:
        of_items = _SUMS_OF_SECONDS
    of_items = of_items.format(
        expression=EXPRESSIONS[level.measure], short=population.SHORT, excluded=excluded, chosen="{chosen}"
    )
    of_buckets = _BUCKET_MEASURES[level.measure] if level.above_forecast is None else None
    spans = (
        calendars.open_spans(catalogue.hours_of(scope.contract, level, ""), *window.bounds)
        if level.hours
        else [window.bounds]
    )
    events = scope.events(window) if level.exclude else []
    apart = [(event.starts_at, event.ends_at) for event in events if event.kind in level.exclude]
    return _added(scope, adding, of_items, of_buckets, chosen, values, spans, apart)


def _added(
    scope: Scope,
    adding: str,
    of_items: str,
    of_buckets: str | None,
    chosen: str,
    values: Mapping[str, Any],
    spans: Spans,
    apart: Spans = (),
) -> Asked:
    """Add up the chosen items: by whole buckets of the spans what is finished, one by one what no bucket holds."""
    if of_buckets is None or scope.by_items:
        return adding.format(parts=of_items.format(chosen=chosen)), values
    held, own = divided(spans, apart, scope.queues.values())
    others = of_items.format(chosen=chosen.replace(_TABLE, f"FROM {held} AS item"))
    return adding.format(parts=f"{of_buckets} UNION ALL {others}"), {**values, **own}


def _figure(level: levels.ServiceLevel, counted: int, met: Any, more: Any, excluded: int) -> catalogue.Figure:
    measure = entries.BY_NAME[level.measure]
    if measure.unit == "seconds":
        total, *ordered = (Decimal(each) / measure.ticks for each in (met, *(more or ())))
        *percentiles, longest = ordered or [Decimal(0)]
        return catalogue.of_seconds(measure, int(counted), total, longest, percentiles, int(excluded))
    if measure.unit == "items":
        return catalogue.Figure(int(counted), excluded=int(excluded))
    return catalogue.share_figure(int(counted), int(met), int(more), int(excluded))


def _availability(scope: Scope, level: levels.ServiceLevel, window: Window) -> Figures:
    return catalogue.availability_figures(scope.contract, level, window, scope.events(window), scope.now)


def charged(scope: Scope, prices: Sequence[pricing.Price], window: Window) -> list[int]:
    """Count each price's items or seconds, all in one question; 0 for those that count none."""
    if not prices:
        return []
    found = values(scope, window, list(scope.queues))
    for number, price in enumerate(prices):
        found[f"queues{number}"] = [scope.queues[name] for name in price.of]
        found[f"dispositions{number}"] = list(price.dispositions)
    summed = ", ".join(f"coalesce(sum(n{number}), 0)" for number in range(len(prices)))
    adding = f"SELECT {summed} FROM ({{parts}}) AS part"
    of_items = f"SELECT {_quantities(prices, QUANTITIES, 'item')} {{chosen}}"
    of_buckets = f"SELECT {_quantities(prices, _BUCKET_QUANTITIES, 'bucket')} {_BUCKETS_OF_WINDOW}"
    [counted] = rows(_added(scope, adding, of_items, of_buckets, COUNTED, found, [window.bounds]))
    return list(map(int, counted))


def _quantities(prices: Sequence[pricing.Price], of: Mapping[Any, str], table: str) -> str:
    """A column for each price, whose values carry its number; 0 where it counts no work."""
    return ", ".join(
        f"sum({of.get(price.counts, '0').replace('%(dispositions)s', f'%(dispositions{number})s')}) "
        f"FILTER (WHERE {table}.queue_id = ANY(%(queues{number})s::bigint[])) AS n{number}"
        for number, price in enumerate(prices)
    )


def totals(scope: Scope, window: Window) -> list[tuple[str | None, list[int]]]:
    """Count all items of a window (None), and those of each queue that had some; each of rollups.TOTALLED."""
    found = values(scope, window, ())
    names, asked = (
        scope.names(),
        _added(scope, _OF_TOTALS, _TOTALS, _BUCKET_TOTALS, OF_PERIOD, found, [window.bounds]),
    )
    return [(names.get(queue), [int(each) for each in counts]) for queue, *counts in rows(asked)]


# --- The items behind a figure ----------------------------------------------------------------------------------
def items_of_level(scope: Scope, level: levels.ServiceLevel, window: Window, queues: Sequence[str]) -> Asked:
    """Ask for the items that a level counts, each with whether it met it, or the seconds or days that it adds."""
    if level.measure == "availability":
        return _outages(scope, level, window, queues)
    if entries.BY_NAME[level.measure].looks_at_ends:
        values = values_of(scope, level, window, queues)
        return _ITEMS.format(expression=EXPRESSIONS[level.measure], chosen=_OPEN_IN, excluded=NOTHING), values
    chosen, excluded, values = _chosen(scope, level, window, queues)
    expression = _KEPT.format(expression=EXPRESSIONS[level.measure])
    return _ITEMS.format(expression=expression, chosen=chosen, excluded=excluded), values


def items_excluded(scope: Scope, level: levels.ServiceLevel, window: Window) -> Asked:
    """Ask for the items that a level leaves out, each with the kind of exclusion."""
    chosen, excluded, values = _chosen(scope, level, window, level.of)
    return _ITEMS.format(expression="item.excluded", chosen=chosen, excluded=excluded), values


def items(expression: str, chosen: str, values: Mapping[str, Any]) -> Asked:
    """Ask for the items of which an expression is not NULL."""
    return _ITEMS.format(expression=expression, chosen=chosen, excluded=NOTHING), values


def _outages(scope: Scope, level: levels.ServiceLevel, window: Window, queues: Sequence[str]) -> Asked:
    down = []
    for queue in queues:
        served, excluded, outages = catalogue.service(
            scope.contract, level, window, scope.events(window), queue, scope.now
        )
        for outage in outages:
            counted, met = catalogue.available(served, excluded, [outage])
            down.append((outage.claim_id, queue, counted - met))
    columns = zip(*down, strict=True) if down else ((), (), ())
    return _OUTAGES, dict(zip(("claims", "names", "seconds"), map(list, columns), strict=True))


# --- What is asked with -----------------------------------------------------------------------------------------
def values(scope: Scope, window: Window, queues: Sequence[str]) -> dict[str, Any]:
    """The values of every question about a window."""
    return {
        "client": scope.client_id,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "queues": [scope.queues[name] for name in queues],
    }


def price_values(scope: Scope, price: pricing.Price, window: Window) -> dict[str, Any]:
    """The values of a question about what a price counts."""
    return values(scope, window, price.of) | {"dispositions": list(price.dispositions)}


def values_of(scope: Scope, level: levels.ServiceLevel, window: Window, queues: Sequence[str]) -> dict[str, Any]:
    """The values of a question about what a level counts."""
    return values(scope, window, queues) | {
        "now": scope.now,
        "threshold": level.threshold_seconds or 0,
        "short": level.short_abandon_seconds or 0,
        "per_answered": level.per == "answered",
        "per_patient": level.per == "offered-less-short-abandons",
        "late": late(scope, level, window),
        "ticks": entries.BY_NAME[level.measure].ticks,
        "percentiles": [*(percent / 100 for percent in catalogue.PERCENTILES), 1.0],
        "day_ends": catalogue.ends_of(scope.contract, level, window, scope.now),
    }


def _chosen(
    scope: Scope, level: levels.ServiceLevel, window: Window, queues: Sequence[str]
) -> tuple[str, str, dict[str, Any]]:
    """The items that a level looks at, the expression that leaves some out, and the values of both."""
    found, chosen, excluded = values_of(scope, level, window, queues), COUNTED, NOTHING
    if level.hours:
        chosen += IN_HOURS
        opened = calendars.open_spans(catalogue.hours_of(scope.contract, level, ""), window.starts_at, window.ends_at)
        found["hours"] = "{" + ",".join(f"[{a.isoformat()},{z.isoformat()})" for a, z in opened) + "}"
    if level.exclude or level.above_forecast is not None:
        excluded = EXCLUDED
        found |= exclusion_values(level, scope.events(window), scope.queues)
        found["beyond"] = beyond(scope.client_id, scope.contract, level, window, scope.queues)
    return chosen, excluded, found


def late(scope: Scope, level: levels.ServiceLevel, window: Window) -> list[int]:
    """The open items of a window that can no longer meet a level."""
    if entries.BY_NAME[level.measure].late is None:
        return []
    working = {
        queue: partial(calendars.working_seconds, contracts_terms.calendar_of(scope.contract, queue))
        for queue in level.of
    }
    return [
        item.item_id
        for item in scope.unfinished(window)
        if item.queue in level.of and catalogue.is_late(level, item, scope.now, working[item.queue])
    ]


_UNFINISHED = (
    "id",
    "queue_id",
    "received_at",
    "queued_at",
    "connected_at",
    "paused_seconds",
    "pending_customer_since",
    "reply_seconds",
    "kind",
)


def _unfinished(scope: Scope, window: Window) -> list[Outcome]:
    names = scope.names()
    inside = (
        Item.objects.filter(client=scope.client_id, received_at__gte=window.starts_at, received_at__lt=window.ends_at)
        .exclude(kind__in=BEGUN_BY_US)
        .values_list(*_UNFINISHED)
    )
    # Each of the two finds its few by an index.
    waiting = inside.filter(state="waiting", queue__in=scope.queues.values())
    found = waiting.union(inside.filter(state__in=WITH_SOMEBODY, person__isnull=False), all=True)
    return [
        Outcome(
            number,
            names[queue],
            received,
            queued,
            connected,
            paused_seconds=paused,
            awaiting_since=since,
            reply_seconds=replied,
            in_conversation=bool(connected) and kind in CONVERSATIONS,
        )
        for number, queue, received, queued, connected, paused, since, replied, kind in found
    ]
