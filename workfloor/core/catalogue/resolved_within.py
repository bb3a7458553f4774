"""Resolved within: the share of items that were resolved within so much working time."""

from datetime import datetime

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Sums, Without, Working
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    if item.abandoned_at:
        return None
    if item.working_seconds is not None:
        return item.working_seconds <= (level.threshold_seconds or 0)
    return False if item.item_id in seen.late and not item.done else None


def _is_late(level: Level, item: Outcome, now: datetime, working: Working) -> bool:
    return population.is_over_time(level, item, now, working)


MEASURE = Measure(
    name="resolved-within",
    title="resolved within",
    definition="The share of items that were resolved within the threshold, in working time of the process's "
    "calendar from their receipt, less the time in which the customer owed an answer or it lay resolved. An open "
    "item counts, as missed, once its clock is past the threshold; who left counts nowhere.",
    source="Items resolved within the target divided by items.",
    shape="share",
    better="higher",
    item=_counted,
    sql=population.clock_within("working_seconds"),
    rollup=Sums(
        "coalesce(cardinality(bucket.resolved_in), 0)", population.within("%(threshold)s::integer", "resolved_in")
    ),
    simulation=Without("runs in working time, with pauses that customers cause, and a simulation has neither"),
    late=_is_late,
    runs_in_working_time=True,
)
