"""Abandon rate: the share of contacts whose customer left before anybody answered."""

from workfloor.core.catalogue import fates, population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Sums
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    if item.connected_at:
        return False
    return True if item.abandoned_at and not population.is_apart(level, item) else None


def _simulated(level: Level) -> fates.Fates:
    return fates.Fates(left=fates.SKIPPED, answered=fates.MISSED, abandoned=fates.MET)


_SQL = f"""CASE WHEN item.connected_at IS NOT NULL THEN false
    WHEN item.abandoned_at IS NOT NULL AND NOT {population.SHORT} THEN true END"""

MEASURE = Measure(
    name="abandoned",
    title="abandon rate",
    definition="The share of contacts whose customer left before anybody answered: of all offered, or of those "
    "less who left within so few seconds that the contract does not count them (short abandons), who then stand "
    "apart. Whoever was connected once has not abandoned, whatever came later.",
    source="Contacts abandoned divided by contacts offered.",
    shape="share",
    better="lower",
    item=_counted,
    sql=_SQL,
    rollup=Sums(
        f"bucket.answered + bucket.abandoned - {population.SHORT_IN_BUCKET}",
        f"bucket.abandoned - {population.SHORT_IN_BUCKET}",
    ),
    simulation=_simulated,
)
