"""What work does when people change: nothing stays with somebody who may not go on with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from workfloor.core.access import actors
from workfloor.core.event_log import events as event_log_events
from workfloor.core.work import actions as work
from workfloor.core.work import joining
from workfloor.core.work import queries as work_queries

TAKES_BACK: Final = actors.engine("taking back")


@event_log_events.follows(
    "work.take-back", "person.left", "person.clearance-withdrawn", "person.away", "person.signed-out"
)
def take_back(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Put back in line what is with somebody who has left or lost its clearance, and offers to whoever went away."""
    people = {fact.person_id for fact in facts if fact.person_id is not None}
    for item_id, person_id in work_queries.parts_out_of_bounds(people):
        joining.drop(item_id=item_id, person_id=person_id, by=TAKES_BACK, now=now)
    for item in work_queries.out_of_bounds(people):
        work.take_back(item=item, by=TAKES_BACK, now=now)
