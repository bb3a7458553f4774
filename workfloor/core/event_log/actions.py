"""Writing facts, placing them in the order in which they became visible, and letting followers catch up with them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Annotated

from django.db import connection, models
from django.db.models import F

from workfloor.core.access import actors, permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import attempts, bulk, jobs, partitions, rls
from workfloor.kit.declarations import field
from workfloor.kit.web import live as web_live

MONTHS_AHEAD = 3
BATCH = 500
PLACED_AT_ONCE = 5000
CHANNEL = "workfloor_event_log"

# Whatever statement writes facts puts them in the queue as well: the rest of a statement whose CTE `told` returns them.
QUEUE_TOLD = f"INSERT INTO {event_log_models.QUEUE} (fact_id, at, event) SELECT id, at, event FROM told ORDER BY id"
# As JSON, for psycopg takes three times as long to write arrays.
_WRITE = f"""
WITH told AS (
    INSERT INTO {event_log_models.TABLE} (at, client_id, item_id, case_id, person_id, by_id, acted_as, event,
                                          details)
    SELECT * FROM json_to_recordset(%s) AS fact(at timestamptz, client_id bigint, item_id bigint, case_id bigint,
                                                person_id bigint, by_id bigint, acted_as text, event text,
                                                details jsonb)
    RETURNING id, at, event
)
"""
# With the last of them what is announced, which listeners are told at commit.
_INSERT = f"{_WRITE}{QUEUE_TOLD}"
_INSERT_AND_ANNOUNCE = f"{_WRITE}, queued AS ({QUEUE_TOLD}) SELECT pg_notify(%s, %s), pg_notify(%s, %s)"
AT_ONCE = 5000  # facts of one statement


def record(
    event: event_log_events.Event,
    *,
    at: datetime,
    client_id: int | None = None,
    item_id: int | None = None,
    case_id: int | None = None,
    person_id: int | None = None,
    by: Actor,
) -> None:
    """Write one fact, in the transaction that changes the state it tells of."""
    record_all([event_log_events.Entry(event, at, client_id, item_id, case_id, person_id, by=by)])


def record_all(entries: Sequence[event_log_events.Entry]) -> None:
    """Write facts in their order, and announce them."""
    record_under(set().union(*(entry.topics() for entry in entries)), entries)


def record_under(topics: set[str], entries: Sequence[event_log_events.Entry]) -> None:
    """Write facts in their order, and announce them under these topics; the last of them by the same statement."""
    names = {entry.event.name for entry in entries}
    if not entries:
        announce(topics, names)
        return
    last = (len(entries) - 1) // AT_ONCE * AT_ONCE
    insert(entries[:last])
    make_room(*{entry.at for entry in entries[last:]})
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_AND_ANNOUNCE, [_as_json(entries[last:]), *_notices(topics, names)])


def decide(entries: Sequence[event_log_events.Entry], *, now: datetime) -> set[int]:
    """Let all that decides at once do so about facts that have just been recorded; returns the items that changed.

    Work is taken in whatever becomes of that: a decider that fails is undone, and a fact says so.
    """
    changed: set[int] = set()
    for decider in event_log_events.register.deciders.values():
        some = [entry for entry in entries if entry.event.name in decider.events]
        if not some or not decider.may_decide({entry.client_id for entry in some if entry.client_id}):
            continue
        done, error = attempts.attempt(partial(decider.decide, some, now), decider.name)
        changed |= done or set()
        if error:
            failed = event_log_events.DecisionFailed(decider.name, error)
            record_all([replace(entry, event=failed, at=now, by=actors.engine(decider.name)) for entry in some])
    return changed


def announce(topics: set[str], names: set[str]) -> None:
    """Name what facts have changed to the open pages, and their events to whoever follows some, at commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s), pg_notify(%s, %s)", _notices(topics, names))


def _notices(topics: set[str], names: set[str]) -> list[str]:
    return [web_live.CHANNEL, web_live.payload(topics | {"floor"}), CHANNEL, event_log_events.notice(names)]


def insert(entries: Iterable[event_log_events.Entry]) -> None:
    """Write facts in groups; no page hears of them, and followers at their next look."""
    entries = list(entries)
    make_room(*{entry.at for entry in entries})
    remaining = iter(entries)
    with connection.cursor() as cursor:
        while group := list(islice(remaining, AT_ONCE)):
            cursor.execute(_INSERT, [_as_json(group)])


def _as_json(entries: Sequence[event_log_events.Entry]) -> str:
    return json.dumps([_row(entry) for entry in entries])


_FIRST_XID = "3"
_PAST_COLUMNS = ("at", "client_id", "item_id", "event", "details")


def insert_past(lines: bytes) -> None:
    """Write facts of long ago (events.past), by the million, that nobody reacts to: no follower, no router sees them.

    They are told as if by the first transaction that there was, which is news to nobody.
    """
    bulk.insert(event_log_models.TABLE, _PAST_COLUMNS, lines, {"xid": _FIRST_XID})


def _row(entry: event_log_events.Entry) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "client_id": entry.client_id,
        "item_id": entry.item_id,
        "case_id": entry.case_id,
        "person_id": entry.person_id,
        "by_id": entry.by.person_id,
        "acted_as": entry.by.acts_as,
        "event": entry.event.name,
        "details": entry.event.details(),
    }


def record_change(
    of: str,
    row: models.Model,
    changes: Mapping[str, object],
    *,
    at: datetime,
    by: Actor,
    client_id: int | None = None,
    person_id: int | None = None,
) -> bool:
    """Change fields of a row in place and say what was before and after; False, and nothing, where all is as it was.

    What names another row is told by what people call it.
    """
    before = {name: getattr(row, name) for name in changes}
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return False
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    told = event_log_events.Changed(
        of,
        row.pk,
        str(row),
        {name: _worded(before[name]) for name in changed},
        {name: _worded(value) for name, value in changed.items()},
    )
    record(told, at=at, client_id=client_id, person_id=person_id, by=by)
    return True


def _worded(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, models.Model) else value


def enter_every_client(*, engine: str, now: datetime) -> None:
    """Enter every client for an engine that works across the walls, and let the event log say that it did.

    An engine does so once when it begins; its further transactions enter with rls.enter_every_client() alone.
    """
    rls.enter_every_client()
    record(event_log_events.EveryClientEntered(engine), at=now, by=actors.engine(engine))


def make_room(*instants: datetime) -> None:
    """Make the partitions of these instants' months where nobody has made them ahead, so that no fact is refused."""
    partitions.make_room(event_log_models.TABLE, instants, shared=True)


def make_partitions(*, first: date | datetime, count: int = MONTHS_AHEAD) -> int:
    """Make the partitions of `count` months from `first` on where they are missing; returns how many were made."""
    return sum(
        partitions.ensure(event_log_models.TABLE, month, shared=True)
        for month in partitions.months(partitions.month_of(first), count)
    )


# --- The order of following -----------------------------------------------------------------------------------------
# A fact's number is drawn before its transaction commits, so a reader of "number greater than the last" would step over
# one that commits late. So one process at a time gives positions to facts that have become visible: whoever reads on
# from a position misses none, whatever transactions are open elsewhere, and in whichever cluster the log was restored.

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('workfloor event log: positions', 0))"
# By their places in the table, for a search by number would read again and again over those that are gone.
_PLACE = f"""
WITH told AS (
    DELETE FROM {event_log_models.QUEUE}
    WHERE ctid = ANY (ARRAY (SELECT ctid FROM {event_log_models.QUEUE} ORDER BY fact_id LIMIT %s))
    RETURNING fact_id, at, recorded_at, event
)
INSERT INTO {event_log_models.POSITIONS} (fact_id, at, recorded_at, event)
SELECT fact_id, at, recorded_at, event FROM told ORDER BY fact_id ON CONFLICT (fact_id) DO NOTHING
"""


def place(most: int = PLACED_AT_ONCE) -> int:
    """Give positions to facts that became visible, in their order; returns to how many.

    0 too where another process is at it. It holds the lock until its transaction ends, so positions become visible in
    their order: the transaction is short, and nothing else is done in it. The lock is a statement of its own: one that
    saw the queue before it had the lock could overtake.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_PLACE, [most])
        return int(cursor.rowcount)


def advance(follower: event_log_events.Follower, *, now: datetime, batch: int = BATCH) -> int | None:
    """Give a follower its next facts and move its place; returns how many facts it dealt with.

    Two processes never advance the same follower at once: the second finds its row locked and leaves it alone: None.
    """
    cursor = _cursor(follower.name)
    if cursor is None:
        return None
    last = event_log_queries.last_position()  # before the facts are read: what is placed after that is not passed over
    facts = event_log_queries.after(cursor.position, follower.events, batch)
    if facts:
        follower.react(facts, now)
        last = facts[-1].position if len(facts) == batch else max(last, facts[-1].position)
    _move(cursor, last)
    return len(facts)


def _move(cursor: event_log_models.Cursor, position: int) -> None:
    if position > cursor.position:
        cursor.position = position
        cursor.save(update_fields=["position"])


def park(follower: event_log_events.Follower, *, error: str, now: datetime) -> event_log_models.Parked | None:
    """Leave out the next fact of a follower, over which it fails, so that the rest goes on; None if it has none."""
    cursor = _cursor(follower.name)
    facts = event_log_queries.after(cursor.position, follower.events, 1) if cursor else []
    if cursor is None or not facts:
        return None
    left_out = event_log_models.Parked.objects.create(
        follower=follower.name,
        position=facts[0].position,
        event=facts[0].event,
        client_id=facts[0].client_id,
        error=error,
        parked_at=now,
    )
    _move(cursor, facts[0].position)
    return left_out


RUN_PARKED = "event_log.run_parked"


def ask_to_run_parked(parked: event_log_models.Parked) -> None:
    """Let a worker try a parked fact again."""
    jobs.ask_for(RUN_PARKED, once=f"{RUN_PARKED}/{parked.id}", parked_id=parked.id)


class NoFollower(LookupError):
    """The follower that a fact was parked for is no more."""


def run_parked(parked: event_log_models.Parked, *, now: datetime) -> None:
    """Let a follower try a parked fact again, and forget that it was parked; raises what the follower raises."""
    locked = event_log_models.Parked.objects.select_for_update().filter(id=parked.id).first()
    if locked is None:
        return  # somebody else was quicker
    follower = event_log_events.register.followers.get(locked.follower)
    if follower is None:
        raise NoFollower(f"nothing is called {locked.follower} any more")
    follower.react(event_log_queries.after(locked.position - 1, [locked.event], 1), now)
    locked.delete()


def mark_failed_again(parked: event_log_models.Parked, *, error: str) -> None:
    """Keep what a parked fact failed over this time."""
    event_log_models.Parked.objects.filter(id=parked.id).update(error=error, tries=F("tries") + 1)


@action(
    "Run again what failed",
    permission="failures.handle",
    command="admin failed run-again",
    says="{failures}: tried again in a moment.",
    example="workfloor admin failed run-again fact-12 job-7",
)
def run_again(
    *,
    failures: Annotated[Sequence[event_log_queries.Failure], field("What failed", "Such as fact-12 or job-7.")],
    by: Actor,
    now: datetime,
) -> None:
    """Let a worker try what failed once more; what fails again is listed again, with what it failed over."""
    for each in failures:
        _admit_to(each, by)
        again = event_log_events.RunAgain(each.name, each.what)
        if isinstance(each.of, jobs.Failed):
            jobs.run_again(each.of.id)
            record(again, at=now, by=by)
        else:
            ask_to_run_parked(each.of)
            record(again, at=now, client_id=each.of.client_id, by=by)


@action(
    "Drop what failed",
    permission="failures.handle",
    command="admin failed drop",
    says="{failure} is dropped.",
    confirm="It will never be tried again. Drop it?",
    example="workfloor admin failed drop fact-12",
)
def drop(
    *,
    failure: Annotated[event_log_queries.Failure, field("What failed", "Such as fact-12 or job-7.")],
    by: Actor,
    now: datetime,
) -> None:
    """Never try it again: what should have followed from it will not."""
    _admit_to(failure, by)
    of = failure.of
    if isinstance(of, jobs.Failed):
        jobs.drop(of.id)
        record(event_log_events.JobDropped(of.id, of.task), at=now, by=by)
    elif event_log_models.Parked.objects.filter(id=of.id).delete()[0]:
        dropped = event_log_events.Dropped(of.follower, of.position, of.event, of.error)
        record(dropped, at=now, client_id=of.client_id, by=by)


def _admit_to(failure: event_log_queries.Failure, by: Actor) -> None:
    """Jobs belong to no client, and are for whoever runs the installation."""
    if isinstance(failure.of, jobs.Failed):
        permissions.admit(by, "jobs.handle")


def _cursor(name: str) -> event_log_models.Cursor | None:
    free = event_log_models.Cursor.objects.select_for_update(skip_locked=True).filter(follower=name)
    if found := free.first():
        return found
    _, is_new = event_log_models.Cursor.objects.get_or_create(follower=name)
    return free.first() if is_new else None


def advance_all(*, now: datetime) -> int:
    """Place what waits and advance every follower by one batch; returns how many facts were dealt with."""
    place()
    return sum(advance(follower, now=now) or 0 for follower in event_log_events.register.followers.values())
