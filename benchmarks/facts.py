"""Recording facts, against a bare COPY of the same rows into a plain table."""

import json
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection, transaction

from benchmarks import databases
from benchmarks.figures import Figure, seconds
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Entry
from workfloor.core.work import events as work_events
from workfloor.kit.database import rls

AT = datetime(2026, 3, 4, 9, tzinfo=UTC)
COLUMNS = ("at", "client_id", "item_id", "case_id", "person_id", "by_id", "event", "details")
PLAIN = """CREATE TABLE plain (at timestamptz, client_id bigint, item_id bigint, case_id bigint, person_id bigint,
    by_id bigint, event text, details jsonb)"""


def measure(template: str, rows: int = 20_000, runs: int = 5) -> list[Figure]:
    """Write facts and commit, `runs` times each way, with the event log's triggers, walls, indexes, partitions."""
    entries = [
        Entry(work_events.Queued(number % 7, AT), AT + timedelta(seconds=number), 1, number, by=actors.CUSTOMER)
        for number in range(rows)
    ]
    with databases.copy(template):
        with transaction.atomic():
            event_log.make_partitions(first=AT, count=2)
        with connection.cursor() as cursor:
            cursor.execute(PLAIN)
        written = median(seconds(lambda: _record(entries)) for _ in range(runs))
        copied = median(seconds(lambda: _copy(entries)) for _ in range(runs))
    return [Figure("Facts recorded", rows / written, "a second", "bare COPY of the same rows", rows / copied)]


def _record(entries: list[Entry]) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        event_log.insert(entries)


def _copy(entries: list[Entry]) -> None:
    into = f"COPY plain ({', '.join(COLUMNS)}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(into) as copying:
        for entry in entries:
            copying.write_row(_row(entry))


def _row(entry: Entry) -> tuple[Any, ...]:
    numbers = (entry.client_id, entry.item_id, entry.case_id, entry.person_id, entry.by.person_id)
    return (entry.at.isoformat(), *numbers, entry.event.name, json.dumps(entry.event.details()))
