"""Transfer rate: the share of answered contacts that were passed on to another queue."""

from workfloor.core.catalogue.declaring import Level, Measure, Need, Seen, Sums, Without
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    return item.transfers > 0 if item.connected_at else None


MEASURE = Measure(
    name="transfer-rate",
    title="transfer rate",
    definition="The share of the answered contacts that were passed on to another queue or a colleague at least "
    "once. A contact counts once, in the queue in which it came to be.",
    source="Contacts transferred divided by contacts answered.",
    shape="share",
    better="lower",
    item=_counted,
    sql="CASE WHEN item.connected_at IS NOT NULL THEN item.transfers > 0 END",
    rollup=Sums("bucket.answered", "bucket.transferred"),
    simulation=Without("counts transfers, and nothing is passed on in a simulation"),
    needs=Need("transfers", "counts transfers"),
)
