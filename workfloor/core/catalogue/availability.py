"""Availability: the share of the time of service without an outage."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from workfloor.core.catalogue.declaring import Measure, Need, Without

Span = tuple[datetime, datetime]  # from an instant up to another one, which is not in it
Spans = Sequence[Span]  # in order, not overlapping


def without(spans: Spans, cuts: Iterable[Span]) -> Spans:
    """Return what is left of spans when others are taken out of them."""
    for starts_at, ends_at in cuts:
        pieces = [((a, min(z, starts_at)), (max(a, ends_at), z)) for a, z in spans]
        spans = [piece for pair in pieces for piece in pair if piece[0] < piece[1]]
    return spans


def seconds_of_service(served: Spans, excluded: Iterable[Span], outages: Iterable[Span]) -> tuple[int, int]:
    """Return the seconds of service, and those of them without an outage; time under an exclusion is neither."""
    service = without(served, excluded)
    return _length(service), _length(without(service, outages))


def _length(spans: Spans) -> int:
    return sum((z - a for a, z in spans), timedelta()) // timedelta(seconds=1)


_NO_ITEMS = Without("counts time, and no items")

MEASURE = Measure(
    name="availability",
    title="availability",
    definition="The share of the time of service (the level's hours, or the calendar of each queue's process) in "
    "which there was no outage. Time under an excluded event is no time of service; outages that overlap count "
    "once. An outage counts as soon as somebody claims it, until it is refused.",
    source="Agreed service time less downtime, divided by agreed service time, as in ITIL.",
    shape="share-of-time",
    better="higher",
    item=_NO_ITEMS,
    sql=_NO_ITEMS,
    rollup=_NO_ITEMS,
    simulation=Without("counts outages, and nothing fails in a simulation"),
    needs=Need("events", "counts outages"),
)
