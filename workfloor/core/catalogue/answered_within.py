"""Service level: the share of contacts that were answered within a threshold."""

from datetime import datetime

from workfloor.core.catalogue import fates, population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Sums, Working
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    if item.connected_at:
        return item.waited(item.connected_at) <= population.threshold(level)
    if level.per == "answered" or population.is_apart(level, item):
        return None
    return False if item.abandoned_at or item.item_id in seen.late else None


def _is_late(level: Level, item: Outcome, now: datetime, working: Working) -> bool:
    return not item.connected_at and item.waited(now) > population.threshold(level)


def _simulated(level: Level) -> fates.Fates:
    others = fates.SKIPPED if level.per == "answered" else fates.MISSED
    return fates.Fates(left=others, answered=fates.IS_WITHIN, abandoned=others)


_SQL = f"""CASE WHEN item.connected_at IS NOT NULL THEN {population.WAIT} <= make_interval(secs => %(threshold)s)
    WHEN %(per_answered)s OR {population.SHORT} THEN NULL
    WHEN item.abandoned_at IS NOT NULL OR item.id = ANY(%(late)s::bigint[]) THEN false END"""

_OTHERS = f"CASE WHEN %(per_answered)s THEN 0 ELSE bucket.abandoned - {population.SHORT_IN_BUCKET} END"

MEASURE = Measure(
    name="answered-within",
    title="service level",
    definition="The share of contacts that somebody answered within the threshold, from queueing on. Of all "
    "answered, of all offered, or of those offered less who left within so few seconds that the contract does not "
    "count them. A contact that still waits counts, as missed, once it is past the threshold.",
    source="Contacts answered within the threshold divided by contacts; which contacts, the agreement says.",
    shape="share",
    better="higher",
    item=_counted,
    sql=_SQL,
    rollup=Sums(f"bucket.answered + {_OTHERS}", population.WAITS_WITHIN),
    simulation=_simulated,
    late=_is_late,
)
