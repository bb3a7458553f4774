"""Average wrap-up time (after-call work, ACW): the mean time from the end of the contact to its disposition."""

from decimal import Decimal

from workfloor.core.catalogue import fates, population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Sums
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return Decimal(item.wrap_seconds) if population.is_handled(item) else None


def _simulated(level: Level) -> fates.Fates:
    return fates.Fates(left=fates.SKIPPED, answered=fates.WRAP_UP, abandoned=fates.SKIPPED)


MEASURE = Measure(
    name="wrap-up-time",
    title="average wrap-up time (ACW)",
    definition="The mean time from the end of the contact to its disposition, of the contacts that were connected "
    "and are wrapped up; what lay preempted meanwhile is not in it.",
    source="Total wrap-up time divided by the contacts handled.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=f"CASE WHEN {population.HANDLED} THEN item.wrap_seconds END",
    rollup=Sums(population.HANDLED_IN_BUCKET, "bucket.handled_wrap_seconds"),
    simulation=_simulated,
)
