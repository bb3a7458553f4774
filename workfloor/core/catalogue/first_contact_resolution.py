"""First-contact resolution (FCR): the share of cases that one contact resolved, and that stayed so."""

from datetime import timedelta

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Need, Seen, Without
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    """Judge a case by its first item, once the days are over in which it must not come back."""
    days = population.threshold(level)
    if not (item.is_first_of_case and item.done and item.ended_at) or (seen.now and item.ended_at + days > seen.now):
        return None
    came_back = item.came_back_seconds is not None and timedelta(seconds=item.came_back_seconds) <= days
    return not came_back and (item.next_of_case_at is None or item.next_of_case_at > item.ended_at + days)


_SQL = f"""CASE WHEN item.state = 'done' AND item.case_id IS NOT NULL
        AND item.ended_at + make_interval(secs => %(threshold)s) <= %(now)s AND NOT EXISTS (
            SELECT FROM work_item AS before WHERE before.case_id = item.case_id AND before.cancelled_at IS NULL
            AND {population.is_contact("before")}
            AND (before.received_at, before.id) < (item.received_at, item.id))
    THEN coalesce(item.came_back_seconds > %(threshold)s, true) AND NOT EXISTS (
        SELECT FROM work_item AS later WHERE later.case_id = item.case_id AND later.cancelled_at IS NULL
        AND {population.is_contact("later")}
        AND later.id <> item.id AND later.received_at <= item.ended_at + make_interval(secs => %(threshold)s))
    END"""

MEASURE = Measure(
    name="first-contact-resolution",
    title="first-contact resolution (FCR)",
    definition="The share of cases that their first item resolved: once the threshold has passed since it ended, "
    "it was neither reopened nor followed by another item of the case within it. A case that is younger is not "
    "counted yet, and an item without a case is of none.",
    source="Cases resolved at the first contact divided by cases, told by what customers did and not by what they "
    "were asked.",
    shape="share",
    better="higher",
    item=_counted,
    sql=_SQL,
    rollup=Without("looks at other items of the case, and a rollup adds up items that each stand alone"),
    simulation=Without("counts cases, and a simulation has contacts alone"),
    needs=Need("cases", "counts cases"),
)
