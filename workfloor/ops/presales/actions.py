"""Imports past work from an export: all of a file or nothing, and never twice."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Entry, Event
from workfloor.core.work import events as work_events
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item
from workfloor.kit.database import locks, partitions
from workfloor.kit.time import calendars
from workfloor.ops.presales import events as presales_events
from workfloor.ops.presales import export_rows, map_file
from workfloor.ops.presales import gateway as presales_gateway
from workfloor.ops.presales import models as presales_models
from workfloor.ops.presales import queries as presales_queries

BATCH = 1_000


@dataclass(frozen=True)
class Survey:
    """What a first reading of a file showed."""

    sha256: str
    unused_columns: list[str]
    tally: export_rows.Tally
    first_at: datetime
    last_at: datetime


def survey(
    *,
    export: presales_gateway.Export,
    how: export_rows.Map,
    place: presales_queries.Place,
    expected_rows: int | None,
    progress: presales_gateway.Progress,
) -> Survey:
    """Read a file through and write nothing. Raises Refused if any of it may not be imported, with every finding."""
    if strange := sorted(set(how.queues.values()) - place.queues.keys()):
        known = ", ".join(sorted(place.queues))
        raise export_rows.Refused(f"the contract has no queue {', '.join(strange)}: [queues] may name {known}")
    sha256, unused, tally = export.sha256(), export.unused_columns(how), export_rows.Tally()
    for _ in export_rows.read_all(export.records(how, progress), export_rows.Reader(how, place.window), tally):
        pass
    if tally.refused_count:
        raise export_rows.Refused("rows that the map does not allow for", None, tally.refused, tally.refused_count)
    if tally.first_at is None or tally.last_at is None:
        raise export_rows.Refused("no row of the file is a call")
    if expected_rows is not None and tally.rows != expected_rows:
        raise export_rows.Refused(f"{tally.rows:,} rows where {expected_rows:,} were expected: export the file again")
    return Survey(sha256, unused, tally, tally.first_at, tally.last_at)


def make_room(*, surveyed: Survey) -> None:
    """Make the event log's months for a file; in a transaction of its own, for it holds up everybody's facts."""
    first, last = partitions.month_of(surveyed.first_at), partitions.month_of(surveyed.last_at)
    event_log.make_partitions(first=first, count=(last.year - first.year) * 12 + last.month - first.month + 1)


def import_calls(
    *,
    export: presales_gateway.Export,
    map_: map_file.Form,
    place: presales_queries.Place,
    surveyed: Survey,
    now: datetime,
    progress: presales_gateway.Progress,
) -> tuple[presales_models.Import, bool]:
    """Store a surveyed file's calls as facts; the import, and whether it is new. Raises Refused.

    Imports of one client wait for one another, so that of two at once the second finds what the first stored.
    """
    locks.hold("history", place.client.id)
    if known := presales_queries.same_file(place.client, surveyed.sha256):
        return known, False
    tally, how = export_rows.Tally(), map_.map
    calls = export_rows.read_all(export.records(how, progress), export_rows.Reader(how, place.window), tally)
    _store(place, calls)
    if tally != surveyed.tally or export.sha256() != surveyed.sha256:
        raise export_rows.Refused("the file changed while it was being read: import it again when it is complete")
    return _keep(export, map_, place, surveyed, now), True


def _store(place: presales_queries.Place, calls: Iterator[export_rows.Call]) -> None:
    terms = presales_queries.Terms(place)
    known_count, known_lines = 0, list[int]()
    while batch := list(islice(calls, BATCH)):
        known = presales_queries.known_keys(place.client, (call.key for call in batch))
        known_count += len(known)
        known_lines += [call.line for call in batch if call.key in known][: export_rows.LINES_KEPT - len(known_lines)]
        if not known_count:  # otherwise the file is refused anyway, and is read on only to count
            _record_past(client_id=place.client.id, past=[_past(call, place, terms) for call in batch])
    if known_count:
        lines = ", ".join(map(str, known_lines)) + (", …" if known_count > len(known_lines) else "")
        raise export_rows.Refused(
            f"{known_count:,} of its calls are here already (lines {lines}), yet it is not the file that brought them: "
            "a cut, changed or overlapping export. Export only what is missing"
        )


# --- past work ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Past:
    """Work that is over: what happened to it and when, in order."""

    payload: Mapping[str, Any]
    happened: Sequence[tuple[datetime, Event]]


_PAST_COLUMNS = ", ".join(("id", "client_id", "title", "payload", "digest", *lifecycle.COLUMNS))
_PAST = f"""
INSERT INTO {Item._meta.db_table} ({_PAST_COLUMNS})
SELECT {_PAST_COLUMNS} FROM json_populate_recordset(NULL::{Item._meta.db_table}, %s)
"""


def _record_past(*, client_id: int, past: Sequence[Past]) -> None:
    """Store finished work and its facts in bulk, telling nobody: none of it waits for anyone.

    Raises Refused if a piece of it is not finished, work's NotNow if its facts cannot follow one another.
    """
    states = [_past_state(each) for each in past]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [Item._meta.db_table, len(past)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        rows = [
            {"id": item_id, "client_id": client_id, "title": "", "payload": each.payload, "digest": "", **vars(state)}
            for item_id, each, state in zip(ids, past, states, strict=True)
        ]
        cursor.execute(_PAST, [json.dumps(rows, default=datetime.isoformat)])
    event_log.insert_past(
        Entry(event, at, client_id, item_id)
        for item_id, each in zip(ids, past, strict=True)
        for at, event in each.happened
    )


def _past_state(past: Past) -> lifecycle.Item:
    state = lifecycle.Item()
    for at, event in past.happened:
        lifecycle.follow(state, event, at, None)
    if state.state not in lifecycle.FINISHED:
        raise export_rows.Refused(f"past work must be finished; {state.key} is {state.state}")
    return state


# --- what a call came to ----------------------------------------------------------------------------------------


def _past(call: export_rows.Call, place: presales_queries.Place, terms: presales_queries.Terms) -> Past:
    queue = place.queues[call.queue]
    said = terms.of(call)
    kind = lifecycle.KIND_OF_PROCESS[said.process_kind]
    happened: list[tuple[datetime, Event]] = [
        (call.received_at, work_events.Received(call.key, kind, queue.process_id)),
        (call.queued_at, work_events.Queued(queue.id)),
        *_outcome(call, said),
    ]
    customer = {"customer": call.customer} if call.customer else {}
    return Past({**customer, **call.payload}, happened)


def _outcome(call: export_rows.Call, said: contracts_queries.QueueTerms) -> list[tuple[datetime, Event]]:
    left = call.left_queue_at
    if call.outcome == "abandoned":
        return [(left, work_events.Abandoned())]
    if call.outcome == "phantom":
        return [(left, work_events.Cancelled("phantom"))]
    assert call.ended_at
    assert call.wrapped_up_at
    spent, replied = (
        calendars.working_seconds(said.calendar, call.received_at, until) for until in (call.ended_at, left)
    )
    return [
        (left, work_events.Accepted(call.agent or None)),
        (left, work_events.Connected()),
        (call.ended_at, work_events.Ended(spent, said.version, replied)),
        (call.wrapped_up_at, work_events.WrappedUp()),
    ]


def _keep(
    export: presales_gateway.Export, map_: map_file.Form, place: presales_queries.Place, surveyed: Survey, now: datetime
) -> presales_models.Import:
    tally, how = surveyed.tally, map_.map
    fact = presales_events.HistoryImported(
        source=how.source,
        file=export.name,
        sha256=surveyed.sha256,
        map_sha256=map_.sha256,
        rows=tally.rows,
        answered=tally.outcomes["answered"],
        abandoned=tally.outcomes["abandoned"],
        phantom=tally.outcomes["phantom"],
        left_out=tally.left_out,
    )
    event_log.record(fact, at=now, client_id=place.client.id)
    return presales_models.Import.objects.create(
        client=place.client,
        map_text=map_.text,
        first_at=surveyed.first_at,
        last_at=surveyed.last_at,
        dirt=tally.report(how),
        unused_columns=surveyed.unused_columns,
        imported_at=now,
        **asdict(fact),
    )
