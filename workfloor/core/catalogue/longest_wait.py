"""Longest wait: how long the contact waited that waited longest."""

from datetime import timedelta
from decimal import Decimal

from workfloor.core.catalogue import fates, population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Values
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    until = item.connected_at or item.abandoned_at
    if until is None and not item.done and seen.now and item.waited(seen.now) >= timedelta():
        until = seen.now
    return None if until is None else population.exact_seconds(item.waited(until))


def _simulated(level: Level) -> fates.Fates:
    # What nobody ever takes waits without end; it is counted as left.
    return fates.Fates(left=fates.SKIPPED, answered=fates.WAIT, abandoned=fates.WAIT)


_SQL = f"""CASE WHEN item.connected_at IS NOT NULL THEN extract(epoch FROM {population.WAIT})
    WHEN item.abandoned_at IS NOT NULL THEN extract(epoch FROM {population.WAIT_IN_VAIN})
    WHEN item.state <> 'done' AND item.queued_at <= %(now)s THEN extract(epoch FROM %(now)s - item.queued_at) END"""

MEASURE = Measure(
    name="longest-wait",
    title="longest wait",
    definition="The longest time from queueing to the answer, or to the abandonment, of the contacts that came in; "
    "one that still waits counts with the time until now, and scheduled work from when it is due. Shown with the "
    "waits that 50, 90 and 95 % of them did not exceed.",
    source="The maximum of all waits, also known as longest delay in queue.",
    shape="longest",
    better="lower",
    item=_counted,
    sql=_SQL,
    rollup=Values("bucket.waits || bucket.left_after"),
    simulation=_simulated,
    ticks=population.MICROSECONDS,
)
