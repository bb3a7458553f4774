"""Writing facts, and letting followers catch up with them."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice

from django.db import connection

from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import partitions, rls
from workfloor.kit.web import live as web_live

MONTHS_AHEAD = 3
BATCH = 500
CHANNEL = "workfloor_event_log"

# As JSON, for psycopg takes three times as long to write arrays.
_INSERT = f"""
INSERT INTO {event_log_models.TABLE} (at, client_id, item_id, case_id, person_id, by_id, event, details)
SELECT * FROM json_to_recordset(%s) AS fact(at timestamptz, client_id bigint, item_id bigint, case_id bigint,
                                            person_id bigint, by_id bigint, event text, details jsonb)
"""


def record(
    event: event_log_events.Event,
    *,
    at: datetime,
    client_id: int | None = None,
    item_id: int | None = None,
    case_id: int | None = None,
    person_id: int | None = None,
    by_id: int | None = None,
) -> None:
    """Write one fact, in the transaction that changes the state it tells of."""
    record_all([event_log_events.Entry(event, at, client_id, item_id, case_id, person_id, by_id)])


def record_all(entries: Sequence[event_log_events.Entry]) -> None:
    """Write facts in their order, and announce them."""
    insert(entries)
    announce(set().union(*(entry.topics() for entry in entries)), {entry.event.name for entry in entries})


def announce(topics: set[str], names: set[str]) -> None:
    """Name what facts have changed to the open pages, and their events to whoever follows some, at commit."""
    told = [web_live.CHANNEL, web_live.payload(topics | {"floor"}), CHANNEL, event_log_events.notice(names)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s), pg_notify(%s, %s)", told)


def insert(entries: Iterable[event_log_events.Entry]) -> int:
    """Write facts without telling anybody, in groups, for past work in bulk; returns how many."""
    remaining, count = iter(entries), 0
    with connection.cursor() as cursor:
        while group := list(islice(remaining, 5000)):
            cursor.execute(_INSERT, [json.dumps([_row(entry) for entry in group])])
            count += len(group)
    return count


def _row(entry: event_log_events.Entry) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "client_id": entry.client_id,
        "item_id": entry.item_id,
        "case_id": entry.case_id,
        "person_id": entry.person_id,
        "by_id": entry.by_id,
        "event": entry.event.name,
        "details": entry.event.details(),
    }


def enter_every_client(*, engine: str, now: datetime) -> None:
    """Enter every client for an engine that works across the walls, and let the event log say that it did.

    An engine does so once when it begins; its further transactions enter with rls.enter_every_client() alone.
    """
    rls.enter_every_client()
    record(event_log_events.EveryClientEntered(engine), at=now)


def make_partitions(*, first: date | datetime, count: int = MONTHS_AHEAD) -> int:
    """Make the partitions of `count` months from `first` on where they are missing; returns how many were made."""
    return sum(
        partitions.ensure(event_log_models.TABLE, month, shared=True)
        for month in partitions.months(partitions.month_of(first), count)
    )


def advance(follower: event_log_events.Follower, *, now: datetime, batch: int = BATCH) -> int | None:
    """Give a follower its next facts and move its place; returns how many facts it moved past.

    Two processes never advance the same follower at once: the second finds its row locked and leaves it alone: None.
    """
    cursor = _place(follower.name)
    if cursor is None:
        return None
    facts = event_log_queries.settled_after(cursor.xid, cursor.fact_id, follower.events, batch)
    if not facts:
        return 0
    follower.react(facts, now)
    cursor.xid, cursor.fact_id = facts[-1].xid, facts[-1].id
    cursor.save()
    return len(facts)


def _place(name: str) -> event_log_models.Cursor | None:
    free = event_log_models.Cursor.objects.select_for_update(skip_locked=True).filter(follower=name)
    if found := free.first():
        return found
    _, is_new = event_log_models.Cursor.objects.get_or_create(follower=name)
    return free.first() if is_new else None


def advance_all(*, now: datetime) -> int:
    """Advance every follower by one batch; returns how many facts were dealt with."""
    return sum(advance(follower, now=now) or 0 for follower in event_log_events.register.followers.values())
