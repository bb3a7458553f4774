"""Reading rollups: the twins of measures and prices over 15-minute buckets, and the items that no bucket holds.

Each is an expression over `bucket`, a row of the rollups. A figure adds it up over the whole buckets of a window,
and over the items that no bucket holds (`divided`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from workfloor.core.contracts.models import Queue
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import buckets
from workfloor.core.measures import models as measures_models
from workfloor.core.measures.buckets import Span
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item


def _within(limit: str, values: str) -> str:
    """How many of a list are at most so much: by halving where it is sorted, one by one where it was just appended."""
    return f"""coalesce(CASE WHEN bucket.loose
        THEN (SELECT count(*) FROM unnest(bucket.{values}) AS value WHERE value <= {limit})
        ELSE width_bucket({limit}, bucket.{values}) END, 0)"""


_SHORT = f"""CASE WHEN %(per_patient)s THEN {_within("%(short)s * 1000000::bigint", "left_after")} ELSE 0 END"""
# Of a share: how many count, and how many met it.
_SHARES = {
    "answered-within": (
        f"bucket.answered + CASE WHEN %(per_answered)s THEN 0 ELSE bucket.abandoned - {_SHORT} END",
        _within("%(threshold)s * 1000000::bigint", "waits"),
    ),
    "abandoned": (f"bucket.answered + bucket.abandoned - {_SHORT}", f"bucket.abandoned - {_SHORT}"),
    "resolved-within": (
        "coalesce(cardinality(bucket.resolved_in), 0)",
        _within("%(threshold)s::integer", "resolved_in"),
    ),
    "volume": ("bucket.received - bucket.cancelled", "0"),
}
_MEANS = {"speed-of-answer": "waits", "handled-time": "handled"}
QUANTITIES = {
    "received": "bucket.received - bucket.cancelled",
    "answered": "bucket.answered",
    "done": "bucket.done",
    "talk": "bucket.done_talk_seconds",
    "handled": "bucket.done_handled_seconds",
    "disposed": """(SELECT count(*) FROM unnest(bucket.dispositions) AS said
        WHERE said = ANY(%(dispositions)s::text[]))""",
}
TOTALLED = ("received", "answered", "abandoned", "cancelled", "talk_seconds", "hold_seconds", "wrap_seconds")

OF_WINDOW = f"""FROM {measures_models.TABLE} AS bucket
    WHERE bucket.client_id = %(client)s AND bucket.starts_at >= %(whole_from)s AND bucket.starts_at < %(whole_to)s
    AND (%(is_one)s OR bucket.starts_at <@ %(whole)s::tstzmultirange)"""
_OF_QUEUES = f"{OF_WINDOW} AND bucket.queue_id = ANY(%(queues)s::bigint[])"

# What the whole buckets of a window add to a measure, by queue: a share's counts, or each wait or time of a mean.
MEASURES = {
    measure: f"""SELECT bucket.queue_id, sum({counted}) AS counted, sum({met}) AS met, sum({_SHORT}) AS apart,
        0 AS excluded {_OF_QUEUES} GROUP BY bucket.queue_id"""
    for measure, (counted, met) in _SHARES.items()
} | {
    measure: f"SELECT bucket.queue_id, unnest(bucket.{values}) AS spent, NULL::text AS excluded {_OF_QUEUES}"
    for measure, values in _MEANS.items()
}
TOTALS = f"""SELECT bucket.queue_id, {", ".join(f"sum(bucket.{name}) AS {name}" for name in TOTALLED)}
    {OF_WINDOW} GROUP BY bucket.queue_id"""

_ITEMS = f"SELECT * FROM {Item._meta.db_table} WHERE client_id = %(client)s AND state"
# Each finds its few by an index.
_OPEN = (
    f"{_ITEMS} = 'waiting' AND queue_id = ANY(%(every_queue)s::bigint[])",
    f"{_ITEMS} = ANY(ARRAY{list(lifecycle.WITH_SOMEBODY)}) AND person_id IS NOT NULL",
)
_LEFT = f"""{_ITEMS} = ANY(ARRAY{list(lifecycle.FINISHED)})
    AND received_at >= %(left{{0}}_from)s AND received_at < %(left{{0}}_to)s"""


def divided(spans: Iterable[Span], apart: Iterable[Span], every_queue: Iterable[int]) -> tuple[str, dict[str, Any]]:
    """The items that no whole bucket of some spans holds, to stand in the place of their table; and all values.

    These are the items that are not finished, and those received in what is kept apart or left of the spans.
    """
    full, left = buckets.divide(spans, apart)
    first, past = (full[0][0], full[-1][1]) if full else (_NEVER, _NEVER)
    values: dict[str, Any] = {"whole": _ranges(full), "whole_from": first, "whole_to": past, "is_one": len(full) < 2}
    values["every_queue"] = list(every_queue)
    for place, (first, past) in enumerate(left):
        values |= {f"left{place}_from": first, f"left{place}_to": past}
    return f"({' UNION ALL '.join([*_OPEN, *(_LEFT.format(place) for place in range(len(left)))])})", values


_NEVER = datetime.min.replace(tzinfo=UTC)


def _ranges(spans: Iterable[Span]) -> str:
    return "{" + ",".join(f"[{first.isoformat()},{past.isoformat()})" for first, past in spans) + "}"


# --- All of it, to be held against the facts ---------------------------------------------------------------------


def is_loose(client_id: int) -> bool:
    """Say whether something was appended and is not folded yet."""
    return measures_models.Bucket.objects.filter(client_id=client_id, loose=True).exists()


def added_up(client_id: int, starts_at: datetime, ends_at: datetime) -> dict[buckets.Key, buckets.Sums]:
    """What the rows of each queue and bucket that begins between two instants add up to."""
    found: dict[buckets.Key, buckets.Sums] = {}
    rows = measures_models.Bucket.objects.filter(client_id=client_id, starts_at__gte=starts_at, starts_at__lt=ends_at)
    for queue, bucket, *row in rows.values_list("queue_id", "starts_at", *buckets.COLUMNS).iterator(2000):
        found.setdefault((queue, bucket), buckets.Sums()).merge(row)
    return found


MARGIN = timedelta(days=1)  # by which the clocks of two machines never disagree
READ_AT_ONCE = 2000
MOST_KEPT = 1000


@dataclass
class Recount:
    """What a recount has read and found; of the differences the first MOST_KEPT are kept, and all are counted."""

    items: int = 0
    facts: int = 0
    buckets_read: int = 0
    count: int = 0
    differences: list[buckets.Difference] = field(default_factory=list)

    def add(self, found: Iterable[buckets.Difference]) -> None:
        """Count differences, and keep them while there is room."""
        for each in found:
            self.count += 1
            if self.count <= MOST_KEPT:
                self.differences.append(each)


def recount(client_id: int, starts_at: datetime, ends_at: datetime, *, progress: Callable[[int, int], None]) -> Recount:
    """Replay the facts of all items received between two instants, and compare items and rollups with what they say.

    Read it in a transaction that sees one snapshot. `progress` takes how many items of how many were replayed.
    """
    made, first_past = Recount(), buckets.whole(starts_at, ends_at)
    kept: list[lifecycle.Item] = []
    numbers = _received(client_id, starts_at, ends_at)
    for start in range(0, len(numbers), READ_AT_ONCE):
        for item in _replayed(made, numbers[start : start + READ_AT_ONCE], starts_at):
            if item.received_at and first_past[0] <= item.received_at < first_past[1]:
                kept.append(item)
        progress(made.items, len(numbers))
    by_facts, stored = buckets.added_up(kept), added_up(client_id, *first_past)
    names = dict(Queue.objects.filter(client=client_id).values_list("id", "name"))
    made.buckets_read = len(by_facts.keys() | stored.keys())
    made.add(buckets.of_buckets(by_facts, stored, names))
    return made


def _received(client_id: int, starts_at: datetime, ends_at: datetime) -> list[int]:
    """The items that came in between two instants: as the table says, or as the facts do."""
    items = Item.objects.filter(client=client_id, received_at__gte=starts_at, received_at__lt=ends_at)
    told = Fact.objects.filter(client_id=client_id, event="work.received", at__gte=starts_at, at__lt=ends_at)
    facts = (number for number in told.values_list("item_id", flat=True) if number is not None)
    return sorted({*items.values_list("id", flat=True), *facts})


def _replayed(made: Recount, numbers: Sequence[int], since: datetime) -> Iterator[lifecycle.Item]:
    """Replay some items' facts, noting where the table differs."""
    facts = Fact.objects.filter(item_id__in=numbers, at__gte=since - MARGIN).order_by("item_id", "id")
    read = facts.values_list("item_id", "event", "at", "person_id", "details", named=True).iterator(READ_AT_ONCE)
    of_item = {number: list(own) for number, own in groupby(read, key=attrgetter("item_id"))}
    stored = {row[0]: row[1:] for row in Item.objects.filter(id__in=numbers).values_list("id", *lifecycle.COLUMNS)}
    for number in numbers:
        own = of_item.get(number, [])
        made.items, made.facts = made.items + 1, made.facts + len(own)
        state = lifecycle.Item(*stored[number]) if number in stored else None
        try:
            item = lifecycle.replay(own)
        except (lifecycle.NotNow, KeyError, ValueError) as fault:
            made.add(
                [
                    buckets.Difference(
                        f"item {number}", "facts", f"do not follow one another: {fault}", state and state.state
                    )
                ]
            )
            continue
        made.add(buckets.of_item(number, item, state))
        yield item
