"""The twin in SQL of what is left out: the kind of exclusion over `work_item`, NULL where the item stays in."""

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from workfloor.core.claims.rules import Event
from workfloor.core.contracts.rules import Contract
from workfloor.core.exclusions import rules
from workfloor.core.promises.rules import ServiceLevel
from workfloor.kit import calendars
from workfloor.kit.calendars import Window

# The kind of exclusion by which an item is left out.
LEFT_OUT = """coalesce(
    (SELECT event.kind FROM unnest(%(event_kinds)s::text[], %(event_queues)s::bigint[], %(event_starts)s::timestamptz[],
        %(event_ends)s::timestamptz[]) WITH ORDINALITY AS event(kind, queue_id, starts_at, ends_at, place)
    WHERE event.queue_id = item.queue_id AND item.received_at >= event.starts_at AND item.received_at < event.ends_at
    ORDER BY event.place LIMIT 1),
    CASE WHEN item.id = ANY(%(beyond)s::bigint[]) THEN 'volume-above-forecast' END)"""
_BEYOND = """SELECT id FROM (
        SELECT item.id, band.allowed,
            row_number() OVER (PARTITION BY band.place ORDER BY item.received_at, item.id) AS nth
        FROM work_item AS item
        JOIN unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(allowed)s::bigint[])
            WITH ORDINALITY AS band(starts_at, ends_at, allowed, place)
            ON item.received_at >= band.starts_at AND item.received_at < band.ends_at
        WHERE item.client_id = %(client)s AND item.cancelled_at IS NULL AND item.queue_id = ANY(%(queues)s::bigint[])
    ) AS each WHERE nth > allowed"""


def values(level: ServiceLevel, events: Iterable[Event], queues: Mapping[str, int]) -> dict[str, Any]:
    """The values of LEFT_OUT but for `beyond`; `queues` are ids by name."""
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
    first, last = window.starts_at.astimezone(zone).date(), (window.ends_at.astimezone(zone) - calendars.DAY).date()
    found: list[int] = []
    bands = rules.bands(level, contract.forecasts, first, last, contract.zone)
    for of in dict.fromkeys(band.queues for band in bands):
        own = [band for band in bands if band.queues == of]
        asked = {"client": client_id, "queues": [queues[name] for name in of]}
        asked |= {name: [getattr(band, part) for band in own] for name, part in _BAND.items()}
        found += [number for (number,) in _rows(_BEYOND, asked)]
    return found


_BAND = {"starts": "starts_at", "ends": "ends_at", "allowed": "allowed"}


def _rows(asked: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(asked, values)
        return list(cursor.fetchall())
