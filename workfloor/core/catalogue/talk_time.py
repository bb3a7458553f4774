"""Average talk time (ATT): the mean time in conversation."""

from decimal import Decimal

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Sums, Without
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> Decimal | None:
    return Decimal(item.talk_seconds) if population.is_handled(item) else None


MEASURE = Measure(
    name="talk-time",
    title="average talk time (ATT)",
    definition="The mean time in conversation, hold left out, of the contacts that were connected and are wrapped "
    "up. With hold and wrap-up it makes the average handle time.",
    source="Total talk time divided by the contacts handled.",
    shape="mean",
    better="lower",
    item=_counted,
    sql=f"CASE WHEN {population.HANDLED} THEN item.talk_seconds END",
    rollup=Sums(population.HANDLED_IN_BUCKET, "bucket.handled_talk_seconds"),
    simulation=Without("is a part of the conversation, and a simulated one is talk and hold in one"),
)
