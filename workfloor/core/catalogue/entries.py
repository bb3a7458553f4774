"""The catalogue: every measure that there is, each declared in a module of its own; and what is not measured."""

from collections.abc import Mapping

from workfloor.core.catalogue import (
    abandoned,
    adherence,
    answered_within,
    availability,
    backlog,
    backlog_older_than,
    first_contact_resolution,
    first_response_time,
    first_response_within,
    handled_time,
    hold_time,
    longest_wait,
    occupancy,
    repeat_contact_within,
    resolution_time,
    resolved_within,
    shrinkage,
    speed_of_answer,
    talk_time,
    transfer_rate,
    volume,
    wrap_up_time,
)
from workfloor.core.catalogue.declaring import Measure, Shape

EVERY: tuple[Measure, ...] = (
    answered_within.MEASURE,
    abandoned.MEASURE,
    speed_of_answer.MEASURE,
    longest_wait.MEASURE,
    handled_time.MEASURE,
    talk_time.MEASURE,
    hold_time.MEASURE,
    wrap_up_time.MEASURE,
    transfer_rate.MEASURE,
    first_response_within.MEASURE,
    first_response_time.MEASURE,
    resolved_within.MEASURE,
    resolution_time.MEASURE,
    first_contact_resolution.MEASURE,
    repeat_contact_within.MEASURE,
    backlog.MEASURE,
    backlog_older_than.MEASURE,
    availability.MEASURE,
    volume.MEASURE,
    occupancy.MEASURE,
    adherence.MEASURE,
    shrinkage.MEASURE,
)
BY_NAME: Mapping[str, Measure] = {each.name: each for each in EVERY}
AGREED: tuple[Measure, ...] = tuple(each for each in EVERY if each.not_agreed is None)  # that contracts can have

# What the trade measures and nobody can here, and why.
NOT_MEASURED: Mapping[str, str] = {
    "accuracy": "waits for quality checks, of which there are no facts",
    "satisfaction": "waits for customers' answers: visitors answer after chats, but items do not know it",
}


def of_shape(*shapes: Shape) -> tuple[str, ...]:
    """Return the names of the measures of some shapes, in the catalogue's order."""
    return tuple(each.name for each in EVERY if each.shape in shapes)
