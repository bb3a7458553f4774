"""The catalogue: every measure that there is, each declared in a module of its own."""

from collections.abc import Mapping

from workfloor.core.catalogue import (
    abandoned,
    answered_within,
    availability,
    backlog_older_than,
    first_contact_resolution,
    first_response_within,
    handled_time,
    resolved_within,
    speed_of_answer,
    volume,
)
from workfloor.core.catalogue.declaring import Measure, Shape

EVERY: tuple[Measure, ...] = (
    answered_within.MEASURE,
    abandoned.MEASURE,
    speed_of_answer.MEASURE,
    handled_time.MEASURE,
    first_response_within.MEASURE,
    resolved_within.MEASURE,
    first_contact_resolution.MEASURE,
    backlog_older_than.MEASURE,
    availability.MEASURE,
    volume.MEASURE,
)
BY_NAME: Mapping[str, Measure] = {each.name: each for each in EVERY}
AGREED: tuple[Measure, ...] = tuple(each for each in EVERY if each.not_agreed is None)  # that contracts can have


def of_shape(*shapes: Shape) -> tuple[str, ...]:
    """Return the names of the measures of some shapes, in the catalogue's order."""
    return tuple(each.name for each in EVERY if each.shape in shapes)
