"""Leading a pool, and making the offers that the policy decides."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from workfloor.core.contracts.models import Queue
from workfloor.core.journal import actions as journal
from workfloor.core.offers import actions as offering
from workfloor.core.people import actions as people
from workfloor.core.people import rules as people_rules
from workfloor.core.people.models import Presence
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.kit import locks
from workfloor.ops.dispatch import events, models, queries, rules

# A leader asks for something four times a second; one that has been silent so long hangs, or its machine does.
SILENT_SECONDS = 1.2
# One that begins has a whole floor to take in, and says so by the name of its connection.
SILENT_SECONDS_AT_FIRST = 60.0


class Deposed(Exception):
    """Another router leads the pool by now."""


# --- leading ---------------------------------------------------------------------------------------------------------


def take_over(*, pool: str, process: str, now: datetime) -> int | None:
    """Lead a pool if nobody does, for as long as this connection lives; the epoch, None if somebody leads.

    From this moment on an earlier leader, wherever it hangs, can write nothing more.
    """
    if not locks.lead("router", pool):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_EPOCH, [pool, now, process])
        epoch = int(cursor.fetchone()[0])
        cursor.execute("SELECT set_config('application_name', %s, false)", [queries.BEGINS])
    journal.record(events.TookOver(pool, epoch, process), at=now)
    return epoch


def lead_on() -> None:
    """Say that everything is taken in: from now on, silence counts as a stall."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", [queries.LEADS])


_NEXT_EPOCH = f"""
INSERT INTO {models.Leader._meta.db_table} AS leader (pool, epoch, since, process) VALUES (%s, 1, %s, %s)
ON CONFLICT (pool) DO UPDATE SET epoch = leader.epoch + 1, since = excluded.since, process = excluded.process
RETURNING epoch
"""


def cut_off_a_silent_leader(*, pool: str) -> int:
    """End the connections of a leader that hangs, which frees its place; returns how many."""
    found = queries.stalled(f"router/{pool}", SILENT_SECONDS, SILENT_SECONDS_AT_FIRST)
    with connection.cursor() as cursor:
        for pid in found:
            cursor.execute("SELECT pg_terminate_backend(%s::int)", [pid])
    return len(found)


def fence(*, pool: str, epoch: int) -> int:
    """Make sure that the pool is led under this epoch until the transaction ends, and return the transaction's id.

    Raises Deposed.
    """
    leader = models.Leader._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_current_xact_id()::text::bigint FROM {leader} WHERE pool = %s AND epoch = %s FOR SHARE",
            [pool, epoch],
        )
        found = cursor.fetchone()
    if found is None:
        raise Deposed(f"another router leads {pool}")
    return int(found[0])


# --- offering --------------------------------------------------------------------------------------------------------


def lapse_offers(*, queue_ids: Sequence[int], now: datetime) -> int:
    """Take back the offers that were not answered in time and set the people away; returns how many."""
    count = 0
    for item in queries.unanswered(now, queue_ids):
        person = work.lapse(item=item, now=now)
        if person is not None:
            count += 1
            if Presence.objects.filter(person=person, state="available").exists():  # or is away already
                people.go_away(person=person, reason=people_rules.LAPSED, now=now)
    return count


def take_up_again(*, now: datetime) -> int:
    """Let go on whatever lies aside with nothing over it any more; returns for how many people."""
    people_ids = work_queries.left_aside()
    for person_id in people_ids:
        work.take_up_again(person_id=person_id, now=now)
    return len(people_ids)


def pulse(*, now: datetime, pool: str = models.MAIN) -> int:
    """Do once, in the caller's transaction, what a router does all the time; returns the number of offers made.

    For tests and tools, while no router runs: where one leads the pool, nothing happens.
    """
    if not locks.hold_if_free("router", pool):
        return 0
    lapse_offers(queue_ids=[queue.id for queue in queries.queues(pool)], now=now)
    take_up_again(now=now)
    offers = rules.Mind().hear(queries.everything(pool, now))
    if offers:
        offering.offer_all(offers=offers, now=now)
    return len(offers)


# --- pools -----------------------------------------------------------------------------------------------------------


def put_into_pool(*, queue: Queue, pool: str, now: datetime) -> None:
    """Let another router serve a queue. Raises ValueError for what is no name of a pool."""
    _check_name(pool)
    if pool == models.MAIN:
        models.Pooled.objects.filter(queue=queue).delete()
    else:
        models.Pooled.objects.update_or_create(queue=queue, client_id=queue.client_id, defaults={"pool": pool})
    journal.record(events.PutIntoPool(queue.id, pool), at=now, client_id=queue.client_id)


def even_out(*, pool: str, seconds: int, now: datetime) -> None:
    """Let a pool's people stand back for what they did more than the others; 0 for not at all. Raises ValueError."""
    _check_name(pool)
    models.Fairness.objects.update_or_create(pool=pool, defaults={"seconds": seconds})
    journal.record(events.EvensOut(pool, seconds), at=now)


def _check_name(pool: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", pool):
        raise ValueError(f"“{pool}” is no name of a pool; use small letters, digits and hyphens, as in night-shift")
