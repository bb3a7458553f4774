"""Imports past work from an export: all of a file or nothing, and never twice."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import Any

from django.db import connection

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event, Past
from workfloor.core.work import events as work_events
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item
from workfloor.kit.database import bulk, locks, partitions
from workfloor.kit.time import calendars
from workfloor.ops.presales import events as presales_events
from workfloor.ops.presales import export_rows, map_file
from workfloor.ops.presales import gateway as presales_gateway
from workfloor.ops.presales import models as presales_models
from workfloor.ops.presales import queries as presales_queries

BATCH = 2_000


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
    by: Actor,
    now: datetime,
    progress: presales_gateway.Progress,
) -> tuple[presales_models.Import, bool]:
    """Store a surveyed file's calls as facts; the import, and whether it is new. Raises Refused.

    Imports of one client wait for one another, so that of two at once the second finds what the first stored.
    """
    permissions.admit(by, "history.import", client_id=place.client.id)
    locks.hold("history", place.client.id)
    if known := presales_queries.same_file(place.client, surveyed.sha256):
        return known, False
    tally, how = export_rows.Tally(), map_.map
    calls = export_rows.read_all(export.records(how, progress), export_rows.Reader(how, place.window), tally)
    _store(place, calls, presales_queries.Terms(place, set(how.queues.values()), surveyed.first_at))
    if tally != surveyed.tally or export.sha256() != surveyed.sha256:
        raise export_rows.Refused("the file changed while it was being read: import it again when it is complete")
    return _keep(export, map_, place, surveyed, by, now), True


def _store(place: presales_queries.Place, calls: Iterator[export_rows.Call], terms: presales_queries.Terms) -> None:
    """Store calls batch by batch; the next one is read while the database stores one."""
    known_count, known_lines = 0, list[int]()
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(_read, calls, _free_ids(), place, terms)
        while (batch := coming.result()).calls:
            coming = ahead.submit(_read, calls, _free_ids(), place, terms)
            # Once a call is known the file is refused anyway, and is read on only to count.
            if known_count or not _record_past(batch):
                known = presales_queries.known_keys(place.client, (call.key for call in batch.calls), batch.ids)
                known_count += len(known)
                lines = [call.line for call in batch.calls if call.key in known]
                known_lines += lines[: export_rows.LINES_KEPT - len(known_lines)]
    if known_count:
        lines_told = ", ".join(map(str, known_lines)) + (", …" if known_count > len(known_lines) else "")
        raise export_rows.Refused(
            f"{known_count:,} of its calls are here already (lines {lines_told}), yet it is not the file that brought "
            "them: a cut, changed or overlapping export. Export only what is missing"
        )


# --- past work ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Batch:
    """Calls that are over, their items and facts as the database takes them in bulk."""

    calls: Sequence[export_rows.Call]
    ids: Sequence[int]
    items: Sequence[str]
    facts: Sequence[str]


# What the past can bring an item to; the other columns are as those of an item to which nothing has happened yet.
_MOVED = (
    *("state", "key", "kind", "process_id", "queue_id", "agent_label", "received_at", "queued_at", "connected_at"),
    *("ended_at", "wrapped_up_at", "abandoned_at", "cancelled_at", "cancelled_as", "talk_seconds", "wrap_seconds"),
    *("working_seconds", "reply_seconds"),
)
_SAME = {"title": "", "digest": ""} | {
    name: value for name, value in vars(lifecycle.Item()).items() if name not in _MOVED
}
_moved = attrgetter(*_MOVED)


def _free_ids() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [Item._meta.db_table, BATCH],
        )
        return [row[0] for row in cursor.fetchall()]


def _read(
    calls: Iterator[export_rows.Call], ids: Sequence[int], place: presales_queries.Place, terms: presales_queries.Terms
) -> _Batch:
    """The next calls, with what they came to. Raises Refused if one is not finished, work's NotNow if its facts clash.

    It does not ask the database, for it runs beside the thread that does.
    """
    client_id, batch = place.client.id, list(islice(calls, len(ids)))
    items, facts = list[str](), list[str]()
    for item_id, call in zip(ids, batch, strict=False):
        past = _past(call, place.queues[call.queue], terms.of(call))
        state = lifecycle.replay(fact for fact, _ in past)
        if state.state not in lifecycle.FINISHED:
            raise export_rows.Refused(f"past work must be finished; {state.key} is {state.state}")
        items.append(bulk.line((item_id, client_id, json.dumps(_payload(call)), *_moved(state))))
        facts += [event_log.past_line(fact, client_id, item_id, details) for fact, details in past]
    return _Batch(batch, ids[: len(batch)], items, facts)


def _record_past(batch: _Batch) -> bool:
    """Store finished work and its facts, telling nobody, for none of it waits; False if some of it is there already."""
    columns = ("id", "client_id", "payload", *_MOVED)
    stored = bulk.insert(Item._meta.db_table, columns, batch.items, _SAME, once="client_id, key")
    event_log.insert_past(batch.facts)
    return stored == len(batch.items)


# --- what a call came to ----------------------------------------------------------------------------------------


def _payload(call: export_rows.Call) -> dict[str, Any]:
    return {"customer": call.customer, **call.payload} if call.customer else dict(call.payload)


_Told = tuple[Past, str]  # a fact, and its details as they are stored


def _past(call: export_rows.Call, queue: Queue, said: contracts_queries.QueueTerms) -> list[_Told]:
    kind = work_kinds.OF_PROCESS[said.process_kind]
    return [
        _told(call.received_at, work_events.Received(call.key, kind, queue.process_id)),
        _told_often(call.queued_at, work_events.Queued(queue.id)),
        *_outcome(call, said),
    ]


def _told(at: datetime, event: Event) -> _Told:
    details = event.details()
    return Past(event.name, at, details), event_log.past_details(details)


def _told_often(at: datetime, event: Event) -> _Told:
    """The same of an event that many calls have alike."""
    details, written = _details(event)
    return Past(event.name, at, details), written


@lru_cache(maxsize=4096)
def _details(event: Event) -> tuple[Mapping[str, Any], str]:
    details = event.details()
    return details, event_log.past_details(details)


_ABANDONED, _PHANTOM = work_events.Abandoned(), work_events.Cancelled("phantom")
_CONNECTED, _WRAPPED_UP = work_events.Connected(), work_events.WrappedUp()


def _outcome(call: export_rows.Call, said: contracts_queries.QueueTerms) -> list[_Told]:
    left = call.left_queue_at
    if call.outcome == "abandoned":
        return [_told_often(left, _ABANDONED)]
    if call.outcome == "phantom":
        return [_told_often(left, _PHANTOM)]
    assert call.ended_at
    assert call.wrapped_up_at
    spent, replied = (
        calendars.working_seconds(said.calendar, call.received_at, until) for until in (call.ended_at, left)
    )
    return [
        _told_often(left, work_events.Accepted(call.agent or None)),
        _told_often(left, _CONNECTED),
        _told(call.ended_at, work_events.Ended(spent, said.version, replied)),
        _told_often(call.wrapped_up_at, _WRAPPED_UP),
    ]


def _keep(
    export: presales_gateway.Export,
    map_: map_file.Form,
    place: presales_queries.Place,
    surveyed: Survey,
    by: Actor,
    now: datetime,
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
    event_log.record(fact, at=now, client_id=place.client.id, by=by)
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
