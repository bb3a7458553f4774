"""Shrinkage: the share of the time planned and paid in which people are not available for work."""

from workfloor.core.catalogue.declaring import Measure, Without


def shrinkage(available_seconds: float, planned_seconds: float) -> float | None:
    """Return the share, 0 to 1, of the planned seconds that were not available; None where nothing was planned."""
    return 1 - available_seconds / planned_seconds if planned_seconds > 0 else None


_OF_PEOPLE = Without("is of people and their shifts, of which no item tells")

MEASURE = Measure(
    name="shrinkage",
    title="shrinkage",
    definition="The share of the time of people's shifts in which they were not available for work: breaks, lunch, "
    "training, meetings, technical problems, unanswered offers, and being signed out, late or absent. The whole of a "
    "shift is paid, and leave for which no shift was planned is not in it.",
    source="Hours paid and not available for contacts, divided by the hours paid.",
    shape="share-of-time",
    better="lower",
    item=_OF_PEOPLE,
    sql=_OF_PEOPLE,
    rollup=_OF_PEOPLE,
    simulation=Without("is given to a simulation, for each group of agents, and not found by it"),
    not_agreed="is of people, who serve several clients at once: no client's queue has one of its own. It stands "
    "in `workfloor routing utilisation`",
)
