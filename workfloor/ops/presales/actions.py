"""Imports past work from an export: all of a file or nothing, and never twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.event_log import actions as event_log
from workfloor.core.work.models import Item
from workfloor.kit import apart
from workfloor.kit.database import bulk, locks, partitions
from workfloor.ops.presales import events as presales_events
from workfloor.ops.presales import export_reading, export_rows, map_file
from workfloor.ops.presales import gateway as presales_gateway
from workfloor.ops.presales import models as presales_models
from workfloor.ops.presales import queries as presales_queries

BATCH: Final = 2_000
SECONDS: Final = 60  # of the processor, that a batch may take to be read
MEMORY: Final = 1 << 40  # bytes; all identities of a file are kept, which its size bounds

MakeRoom = Callable[[datetime, datetime], None]


def make_room(first_at: datetime, last_at: datetime) -> None:
    """Make the event log's months from one instant to another; in a transaction of its own, for others wait."""
    first, last = partitions.month_of(first_at), partitions.month_of(last_at)
    event_log.make_partitions(first=first, count=(last.year - first.year) * 12 + last.month - first.month + 1)


def import_calls(
    *,
    export: presales_gateway.Export,
    map_: map_file.Form,
    place: presales_queries.Place,
    expected_rows: int | None = None,
    by: Actor,
    now: datetime,
    progress: presales_gateway.Progress,
    make_room: MakeRoom,
) -> tuple[presales_models.Import, bool]:
    """Store a file's calls as facts; the import, and whether it is new.

    Raises Refused if any of it may not be imported, with every finding: the caller rolls back what was stored until
    then. Imports of one client wait for one another, so that of two at once the second finds what the first stored.
    `make_room` makes the event log's months between two instants, beside this transaction.
    """
    permissions.admit(by, "history.import", client_id=place.client.id)
    locks.hold("history", place.client.id)
    sha256, how = export.sha256(), map_.map
    if known := presales_queries.same_file(place.client, sha256):
        return known, False
    if strange := sorted(set(how.queues.values()) - place.queues.keys()):
        names = ", ".join(sorted(place.queues))
        raise export_rows.Refused(f"the contract has no queue {', '.join(strange)}: [queues] may name {names}")
    unused = export.unused_columns(how)
    stored = _Stored(place, make_room)
    _check_at_once()
    with _read_apart(export, presales_queries.plan(place, how)) as batches:
        for batch in batches:
            stored.take(batch)
            progress(batch.done)
    stored.check(expected_rows)
    if export.sha256() != sha256:
        raise export_rows.Refused("the file changed while it was being read: import it again when it is complete")
    return _keep(export, map_, place, sha256, unused, stored.tally, by, now), True


def _check_at_once() -> None:
    """Let references be checked with each batch: put off, a million rows would wait for it in the server's memory."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@contextmanager
def _read_apart(export: presales_gateway.Export, plan: export_reading.Plan) -> Iterator[Iterator[export_reading.Batch]]:
    """The batches of a file, read by a process of its own: the next while the database stores one. Raises Refused."""
    process = apart.Apart("workfloor.ops.presales.export_reading:answer", MEMORY, [export.number])

    def ask(*asked: Any) -> Any:
        try:
            answer = process.ask(*asked, seconds=SECONDS)
        except apart.NotComputed as fault:
            raise export_rows.Refused(f"it could not be read: {fault}") from fault
        if isinstance(answer, export_rows.Refused):
            raise answer
        return answer

    def batches() -> Iterator[export_reading.Batch]:
        coming = ahead.submit(ask, _free_ids())
        while not (batch := coming.result()).is_last:
            coming = ahead.submit(ask, _free_ids())
            yield batch
        yield batch

    with ThreadPoolExecutor(1) as ahead:
        try:
            ask(export.number, export.name, plan)
            yield batches()
        finally:
            ahead.shutdown()
            process.end()


def _free_ids() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(the.sequence) FROM "
            "(SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) AS the, generate_series(1, %s)",
            [Item._meta.db_table, BATCH],
        )
        return [row[0] for row in cursor.fetchall()]


@dataclass
class _Stored:
    """What is stored of a file so far, telling nobody, for none of it waits; and what speaks against it."""

    place: presales_queries.Place
    make_room: MakeRoom
    tally: export_rows.Tally = field(default_factory=export_rows.Tally)
    room: tuple[datetime, datetime] | None = None
    known_count: int = 0
    known_lines: list[int] = field(default_factory=list)

    def take(self, batch: export_reading.Batch) -> None:
        """Store a batch of calls; only count those that are there, once one is, for the file is refused then."""
        self.tally = batch.tally
        if not batch.calls:
            return
        self._make_room()
        if not self.known_count and bulk.insert(
            Item._meta.db_table, export_reading.COLUMNS, batch.items, export_reading.SAME, once="client_id, key"
        ) == len(batch.calls):
            event_log.insert_past(batch.facts)
            return
        ids = [int(line.partition(b"\t")[0]) for line in batch.items.splitlines()]
        known = presales_queries.known_keys(self.place.client, (key for _, key in batch.calls), ids)
        self.known_count += len(known)
        lines = [line for line, key in batch.calls if key in known]
        self.known_lines += lines[: export_rows.LINES_KEPT - len(self.known_lines)]

    def _make_room(self) -> None:
        assert self.tally.first_at
        assert self.tally.last_at
        needed = (self.tally.first_at, self.tally.last_at)
        if self.room is None or tuple(map(partitions.month_of, needed)) != tuple(map(partitions.month_of, self.room)):
            self.make_room(*needed)
        self.room = needed

    def check(self, expected_rows: int | None) -> None:
        """Raise Refused if a file that was read through may not be imported."""
        tally = self.tally
        if tally.refused_count:
            raise export_rows.Refused("rows that the map does not allow for", None, tally.refused, tally.refused_count)
        if tally.first_at is None:
            raise export_rows.Refused("no row of the file is a call")
        if expected_rows is not None and tally.rows != expected_rows:
            raise export_rows.Refused(
                f"{tally.rows:,} rows where {expected_rows:,} were expected: export the file again"
            )
        if self.known_count:
            more = ", …" if self.known_count > len(self.known_lines) else ""
            raise export_rows.Refused(
                f"{self.known_count:,} of its calls are here already (lines {', '.join(map(str, self.known_lines))}"
                f"{more}), yet it is not the file that brought them: a cut, changed or overlapping export. Export only "
                "what is missing"
            )


def _keep(
    export: presales_gateway.Export,
    map_: map_file.Form,
    place: presales_queries.Place,
    sha256: str,
    unused_columns: list[str],
    tally: export_rows.Tally,
    by: Actor,
    now: datetime,
) -> presales_models.Import:
    how = map_.map
    assert tally.first_at
    assert tally.last_at
    fact = presales_events.HistoryImported(
        source=how.source,
        file=export.name,
        sha256=sha256,
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
        first_at=tally.first_at,
        last_at=tally.last_at,
        dirt=tally.report(how),
        unused_columns=unused_columns,
        imported_at=now,
        **asdict(fact),
    )
