"""Average handle time (AHT): the mean of talk, hold and wrap-up."""

from decimal import Decimal

from workfloor.core.catalogue import fates, population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Values
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return Decimal(item.handled_seconds) if population.is_handled(item) else None


def _simulated(level: Level) -> fates.Fates:
    return fates.Fates(left=fates.SKIPPED, answered=fates.HANDLING, abandoned=fates.SKIPPED)


MEASURE = Measure(
    name="handled-time",
    title="average handle time (AHT)",
    definition="The mean of talk, hold and wrap-up of the contacts that were connected and are wrapped up; with "
    "the times that 50, 90 and 95 % of them did not exceed. What lay preempted is not in it.",
    source="Talk, hold and wrap-up together divided by the contacts handled.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=f"CASE WHEN {population.HANDLED} THEN item.talk_seconds + item.hold_seconds + item.wrap_seconds END",
    rollup=Values("bucket.handled"),
    simulation=_simulated,
)
