"""Average hold time: the mean time for which customers were asked to wait, with the agent still theirs."""

from decimal import Decimal

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Need, Seen, Sums, Without
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return Decimal(item.hold_seconds) if population.is_handled(item) else None


MEASURE = Measure(
    name="hold-time",
    title="average hold time",
    definition="The mean time on hold of the contacts that were connected and are wrapped up, those never put on "
    "hold included.",
    source="Total hold time divided by the contacts handled.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=f"CASE WHEN {population.HANDLED} THEN item.hold_seconds END",
    rollup=Sums(population.HANDLED_IN_BUCKET, "bucket.handled_hold_seconds"),
    simulation=Without("is a part of the conversation, and a simulated one is talk and hold in one"),
    needs=Need("holds", "counts holds"),
)
