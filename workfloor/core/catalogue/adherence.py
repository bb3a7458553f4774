"""Adherence: the share of the time of people's shifts in which they were at work."""

from workfloor.core.catalogue.declaring import Measure, Without


def adherence(as_planned_seconds: float, planned_seconds: float) -> float | None:
    """Return the share, 0 to 1, of the planned seconds that went as planned; None where nothing was planned."""
    return as_planned_seconds / planned_seconds if planned_seconds > 0 else None


_OF_PEOPLE = Without("is of people and their shifts, of which no item tells")

MEASURE = Measure(
    name="adherence",
    title="schedule adherence",
    definition="The share of the time of people's shifts in which they were signed in to work: available, or not ready "
    "for a reason of their own. A shift plans that somebody is there and no breaks within it, so a break counts as "
    "planned; being set to not ready over an offer that was not answered (RONA) does not. Time outside shifts, and "
    "people without any, count nowhere.",
    source="Time in adherence divided by the time scheduled.",
    shape="share-of-time",
    better="higher",
    item=_OF_PEOPLE,
    sql=_OF_PEOPLE,
    rollup=_OF_PEOPLE,
    simulation=Without("has nothing to differ from: simulated people work as they are planned"),
    not_agreed="is of people, who serve several clients at once: no client's queue has one of its own. It stands "
    "in `workfloor routing utilisation`",
)
