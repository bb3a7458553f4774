"""Aged backlog: the share of what is open at each day's end that is older than a threshold."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from workfloor.core.catalogue.declaring import Measure, Without
from workfloor.core.catalogue.outcomes import Outcome

# On an item: at how many of the days' ends it was open, of `day_ends`; and at how many of these it was older.
IS_OPEN = "item.received_at < day_end AND coalesce(item.ended_at, item.abandoned_at, 'infinity') > day_end"
OPEN_ON = f"(SELECT count(*) FROM unnest(%(day_ends)s::timestamptz[]) AS day_end WHERE {IS_OPEN})"
_SQL = f"""(SELECT CASE WHEN count(*) > 0 THEN
        count(*) FILTER (WHERE day_end - item.received_at > make_interval(secs => %(threshold)s)) END
    FROM unnest(%(day_ends)s::timestamptz[]) AS day_end WHERE {IS_OPEN})"""


def open_ages(item: Outcome, day_ends: Iterable[datetime]) -> list[timedelta]:
    """Return how old the item was at the end of each day on which it was open."""
    if item.cancelled_at:
        return []
    over = item.ended_at or item.abandoned_at
    return [end - item.received_at for end in day_ends if item.received_at < end and (over is None or over > end)]


MEASURE = Measure(
    name="backlog-older-than",
    title="aged backlog",
    definition="Of the items that are open at the end of each day of the contract's zone, added up over the days, "
    "the share that is older than the threshold by the clock since its receipt. It looks at all that is open, "
    "whenever it came in; what was reopened was open all the while.",
    source="Open items past the age divided by open items.",
    shape="share-at-ends",
    better="lower",
    item=Without("counts an item once for each day at whose end it is open"),
    sql=_SQL,
    rollup=Without("looks at what is open, and rollups hold finished work"),
    simulation=Without("looks at the ends of days, and a simulation counts contacts as they come"),
)
