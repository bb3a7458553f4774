"""Average speed of answer (ASA): the mean wait of those who were answered."""

from decimal import Decimal

from workfloor.core.catalogue import fates, population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Values
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return population.exact_seconds(item.waited(item.connected_at)) if item.connected_at else None


def _simulated(level: Level) -> fates.Fates:
    return fates.Fates(left=fates.SKIPPED, answered=fates.WAIT, abandoned=fates.SKIPPED)


MEASURE = Measure(
    name="speed-of-answer",
    title="average speed of answer (ASA)",
    definition="The mean wait, from queueing to the answer, of the contacts that were answered, to the "
    "microsecond; with the waits that 50, 90 and 95 % of them did not exceed, by nearest rank.",
    source="Total wait of the answered divided by their number.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=f"extract(epoch FROM {population.WAIT})",
    rollup=Values("bucket.waits"),
    simulation=_simulated,
    ticks=population.MICROSECONDS,
)
