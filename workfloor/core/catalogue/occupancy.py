"""Occupancy: the share of people's capacity that is in use while they are there."""

from workfloor.core.catalogue.declaring import Measure, Without


def occupancy(busy_seconds: float, present_seconds: float) -> float | None:
    """Return the share, 0 to 1, of the seconds of some presence that were busy; None where nobody was there."""
    return busy_seconds / present_seconds if present_seconds > 0 else None


_OF_PEOPLE = Without("is of people, whose time no single item tells")

MEASURE = Measure(
    name="occupancy",
    title="occupancy",
    definition="The share of the time in which people were there to take work that their capacity was in use: "
    "talk, hold and wrap-up divided by the time from going available to not ready. Where somebody may have three "
    "chats at once, one of them is a third.",
    source="Handling time divided by handling time and time available.",
    shape="share-of-time",
    better="higher",
    item=_OF_PEOPLE,
    sql=_OF_PEOPLE,
    rollup=_OF_PEOPLE,
    simulation=Without("is estimated for each group of agents, and for no service level"),
    not_agreed="is of people, who serve several clients at once: no client's queue has one of its own. It stands "
    "in `workfloor routing utilisation` and in a simulation",
)
