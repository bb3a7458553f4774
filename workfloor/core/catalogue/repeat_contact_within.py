"""Repeat contact rate: the share of contacts after which the same customer came again within some days."""

from datetime import timedelta

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Need, Seen, Without
from workfloor.core.catalogue.outcomes import Outcome

# Of a case, its customer's contacts; a callback that was agreed is ours.
CONTACTS = f"""work_case AS own JOIN work_case AS other USING (customer_id)
    JOIN work_item AS later ON later.case_id = other.id AND later.cancelled_at IS NULL AND later.kind <> 'callback'
    AND {population.is_contact("later")}"""


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    """Judge a contact once the days are over in which the customer may come again."""
    days = population.threshold(level)
    if not (item.is_of_customer and item.done and item.ended_at) or (seen.now and item.ended_at + days > seen.now):
        return None
    came_back = item.came_back_seconds is not None and timedelta(seconds=item.came_back_seconds) <= days
    return came_back or (item.next_of_customer_at is not None and item.next_of_customer_at <= item.ended_at + days)


_SQL = f"""CASE WHEN item.state = 'done' AND item.ended_at + make_interval(secs => %(threshold)s) <= %(now)s
        AND EXISTS (
        SELECT FROM work_case AS own WHERE own.id = item.case_id AND own.customer_id IS NOT NULL)
    THEN coalesce(item.came_back_seconds <= %(threshold)s, false) OR EXISTS (
        SELECT FROM {CONTACTS} WHERE own.id = item.case_id
        AND (later.received_at, later.id) > (item.received_at, item.id)
        AND later.received_at <= item.ended_at + make_interval(secs => %(threshold)s)) END"""

MEASURE = Measure(
    name="repeat-contact-within",
    title="repeat contact rate",
    definition="The share of finished contacts after which the same customer came in again within the threshold, "
    "in any queue and about whatever case, or had theirs reopened. A contact is counted once its threshold has "
    "passed since it ended, and only where the customer is known. A callback that was agreed is no repeat; a "
    "follow-up in writing cannot be told from a mail and is one.",
    source="Contacts followed by another of the same customer within the days agreed, divided by contacts.",
    shape="share",
    better="lower",
    item=_counted,
    sql=_SQL,
    rollup=Without("looks at the customer's other contacts, and a rollup adds up items that each stand alone"),
    simulation=Without("follows customers, and a simulated one who calls again is told from nobody"),
    needs=Need("customers", "follows customers"),
)
