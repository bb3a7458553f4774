"""Volume: how many items came in."""

from workfloor.core.catalogue import fates
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Sums
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> int:
    return 1


def _simulated(level: Level) -> fates.Fates:
    return fates.Fates(left=fates.MET, answered=fates.MET, abandoned=fates.MET)


MEASURE = Measure(
    name="volume",
    title="volume",
    definition="How many items came in, whatever became of them; what was cancelled is not among them. It is "
    "reported and has no target.",
    source="A plain count.",
    shape="count",
    better=None,
    item=_counted,
    sql="1",
    rollup=Sums("bucket.received - bucket.cancelled", "0"),
    simulation=_simulated,
)
