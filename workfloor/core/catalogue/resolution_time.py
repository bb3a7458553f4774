"""Resolution time (turnaround time, TAT): the mean working time to the resolution."""

from decimal import Decimal

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Values, Without
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return None if item.abandoned_at or item.working_seconds is None else Decimal(item.working_seconds)


MEASURE = Measure(
    name="resolution-time",
    title="turnaround time (TAT)",
    definition="The mean working time, in the process's calendar, from the receipt of an item to its resolution, "
    "less the time in which the customer owed an answer or it lay resolved; of the items that are resolved. What "
    "is still open is in no mean: it is seen in the backlog.",
    source="Total time to the resolution divided by the items resolved.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=population.clock_seconds("working_seconds"),
    rollup=Values("bucket.resolved_in"),
    simulation=Without("runs in working time, with pauses that customers cause, and a simulation has neither"),
    runs_in_working_time=True,
)
