"""What work does when people change: nothing stays with somebody who may not go on with it."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.journal import rules as journal
from workfloor.core.work import actions, queries


@journal.follows(
    "work.take-back", "person.left", "person.clearance-withdrawn", "person.away", "person.signed-out"
)  # fmt: skip
def take_back(facts: Sequence[journal.Followed], now: datetime) -> None:
    """Put back in line what is with somebody who has left or lost its clearance, and offers to whoever went away."""
    people = {fact.person_id for fact in facts if fact.person_id is not None}
    for item in queries.out_of_bounds(people):
        actions.take_back(item=item, now=now)
