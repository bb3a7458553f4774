"""Leading a pool: one router at a time, told apart by its epoch; a silent one is cut off."""

from datetime import datetime

from django.db import connection

from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.kit.database import locks
from workfloor.ops.routing import actions as routing
from workfloor.ops.routing import events as routing_events
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import queries as routing_queries
from workfloor.ops.routing import state

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
        cursor.execute("SELECT set_config('application_name', %s, false)", [routing_queries.BEGINS])
    event_log.record(routing_events.TookOver(pool, epoch, process), at=now, by=routing.ROUTER)
    return epoch


def lead_on() -> None:
    """Say that everything is taken in: from now on, silence counts as a stall."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", [routing_queries.LEADS])


_NEXT_EPOCH = f"""
INSERT INTO {routing_models.Leader._meta.db_table} AS leader (pool, epoch, since, process) VALUES (%s, 1, %s, %s)
ON CONFLICT (pool) DO UPDATE SET epoch = leader.epoch + 1, since = excluded.since, process = excluded.process
RETURNING epoch
"""


def cut_off_a_silent_leader(*, pool: str) -> int:
    """End the connections of a leader that hangs, which frees its place; returns how many."""
    found = routing_queries.stalled(f"router/{pool}", SILENT_SECONDS, SILENT_SECONDS_AT_FIRST)
    with connection.cursor() as cursor:
        for pid in found:
            cursor.execute("SELECT pg_terminate_backend(%s::int)", [pid])
    return len(found)


def fence(*, pool: str, epoch: int) -> int:
    """Make sure that the pool is led under this epoch until the transaction ends, and return the transaction's id.

    Raises Deposed.
    """
    leader = routing_models.Leader._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_current_xact_id()::text::bigint FROM {leader} WHERE pool = %s AND epoch = %s FOR SHARE",
            [pool, epoch],
        )
        found = cursor.fetchone()
    if found is None:
        raise Deposed(f"another router leads {pool}")
    return int(found[0])


def pulse(*, now: datetime, pool: str = routing_models.MAIN) -> int:
    """Do once, in the caller's transaction, what a router does all the time; returns the number of offers made.

    For tests and tools, while no router runs: where one leads the pool, nothing happens.
    """
    if not locks.hold_if_free("router", pool):
        return 0
    routing.lapse_offers(queue_ids=[queue.id for queue in routing_queries.queues(pool)], now=now)
    routing.resume_preempted(now=now)
    offers = state.Mind().hear(routing_queries.everything(pool, now))
    if offers:
        work.offer_all(offers=offers, by=routing.ROUTER, now=now)
    return len(offers)
