"""First response time (FRT): the mean working time to the first reply."""

from decimal import Decimal

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Without
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return None if item.abandoned_at or item.reply_seconds is None else Decimal(item.reply_seconds)


MEASURE = Measure(
    name="first-response-time",
    title="first response time (FRT)",
    definition="The mean working time, in the process's calendar, from the receipt of an item to its first reply, "
    "of those that have had one; what a first reply is, first-response-within says. What still waits for one is "
    "in no mean: it is seen in the backlog.",
    source="Total time to the first reply divided by the items replied to.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=population.clock_seconds("reply_seconds"),
    rollup=Without("counts replies to work that may still be open, and rollups hold finished work"),
    simulation=Without("runs in working time, with pauses that customers cause, and a simulation has neither"),
    runs_in_working_time=True,
)
