"""What finished items add up to by 15-minute bucket: the definition in Python, the twin of the database's own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from workfloor.core.work import lifecycle
from workfloor.core.work.kinds import BEGUN_BY_US

LENGTH = timedelta(minutes=15)
_ORIGIN = datetime(1, 1, 1, tzinfo=UTC)
Key = tuple[int, datetime]  # the queue, and when its bucket begins


@dataclass(slots=True)
class Sums:
    """What the items of one queue add up to; models.Bucket says what each number means."""

    received: int = 0
    cancelled: int = 0
    answered: int = 0
    abandoned: int = 0
    done: int = 0
    waited: int = 0
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0
    done_talk_seconds: int = 0
    done_handled_seconds: int = 0
    transferred: int = 0
    handled_talk_seconds: int = 0
    handled_hold_seconds: int = 0
    handled_wrap_seconds: int = 0
    waits: list[int] = field(default_factory=list)
    left_after: list[int] = field(default_factory=list)
    resolved_in: list[int] = field(default_factory=list)
    handled: list[int] = field(default_factory=list)
    dispositions: list[str] = field(default_factory=list)

    def add(self, item: lifecycle.Item) -> None:
        """Count one finished item; `added_up` sorts the lists."""
        self.received += 1
        if item.state == "cancelled":
            self.cancelled += 1
            return
        if item.connected_at:
            self._add_answered(item, item.connected_at)
        elif item.abandoned_at:
            self.abandoned += 1
            self.left_after.append(_microseconds(item, item.abandoned_at))
        if item.state == "done":
            self._add_done(item)

    def _add_answered(self, item: lifecycle.Item, at: datetime) -> None:
        self.answered += 1
        self.talk_seconds += item.talk_seconds
        self.hold_seconds += item.hold_seconds
        self.wrap_seconds += item.wrap_seconds
        self.waits.append(_microseconds(item, at))
        self.waited += self.waits[-1]
        self.transferred += item.transfers > 0

    def _add_done(self, item: lifecycle.Item) -> None:
        spent = item.talk_seconds + item.hold_seconds + item.wrap_seconds
        self.done += 1
        self.done_talk_seconds += item.talk_seconds
        self.done_handled_seconds += spent
        self.dispositions.append(item.disposition)
        if item.connected_at:
            self.handled.append(spent)
            self.handled_talk_seconds += item.talk_seconds
            self.handled_hold_seconds += item.hold_seconds
            self.handled_wrap_seconds += item.wrap_seconds
        if item.working_seconds is not None:
            self.resolved_in.append(item.working_seconds)

    def merge(self, row: Sequence[Any]) -> None:
        """Add another row of the same bucket, in the order of COLUMNS; None is an empty list."""
        for name, value in zip(COLUMNS, row, strict=True):
            if name in LISTS:
                setattr(self, name, sorted(getattr(self, name) + (value or [])))
            else:
                setattr(self, name, getattr(self, name) + value)


COLUMNS = tuple(each.name for each in fields(Sums))
LISTS = ("waits", "left_after", "resolved_in", "handled", "dispositions")


def added_up(items: Iterable[lifecycle.Item]) -> dict[Key, Sums]:
    """Add finished contacts up by queue and bucket; what is not finished is excluded, and what we began ourselves."""
    found: dict[Key, Sums] = defaultdict(Sums)
    for item in items:
        if item.kind in BEGUN_BY_US:
            continue
        if item.state in lifecycle.FINISHED and item.queue_id is not None and item.received_at is not None:
            found[item.queue_id, bucket_of(item.received_at)].add(item)
    for sums in found.values():
        for name in LISTS:
            getattr(sums, name).sort()
    return dict(found)


def bucket_of(at: datetime) -> datetime:
    """Return when (UTC) the 15-minute bucket begins that holds an instant."""
    return at.astimezone(UTC) - (at - _ORIGIN) % LENGTH


def whole(starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime]:
    """Return the bounds of the whole buckets between two instants; equal bounds where there are none."""
    first = bucket_of(starts_at)
    first += LENGTH if first < starts_at else timedelta()
    return first, max(first, bucket_of(ends_at))


Span = tuple[datetime, datetime]  # from an instant up to another one, which is not in it


def divide(spans: Iterable[Span], apart: Iterable[Span] = ()) -> tuple[list[Span], list[Span]]:
    """Divide spans into whole buckets that nothing of `apart` touches, and what is left of them."""
    holes = [(bucket_of(first), bucket_of(past + LENGTH - _INSTANT)) for first, past in apart]
    full: list[Span] = []
    left: list[Span] = []
    for span in spans:
        pieces = _without(whole(*span), holes)
        full += pieces
        left += _without(span, pieces)
    return full, left


_INSTANT = timedelta(microseconds=1)


def _without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """What is left of a span outside the holes, in order."""
    found, (begins, ends) = [], span
    for first, past in sorted(holes):
        if begins < min(first, ends):
            found.append((begins, min(first, ends)))
        begins = max(begins, past)
    return [*found, (begins, ends)] if begins < ends else found


def _microseconds(item: lifecycle.Item, until: datetime) -> int:
    assert item.queued_at is not None
    return (until - item.queued_at) // timedelta(microseconds=1)


# --- Facts against tables ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a table or a statement says something else than the facts: what it is about, and what each of them says."""

    place: str
    what: str
    facts: Any
    stored: Any


def of_item(number: int, facts: lifecycle.Item, stored: lifecycle.Item | None) -> Iterator[Difference]:
    """Yield each column of an item that is not what its facts add up to."""
    place = f"item {number}"
    if stored is None or facts.state == "new":
        yield Difference(place, "state", facts.state, stored.state if stored else "no such item")
        return
    for column in lifecycle.COLUMNS:
        if getattr(facts, column) != getattr(stored, column):
            yield Difference(place, column, getattr(facts, column), getattr(stored, column))


def of_buckets(facts: Mapping[Key, Sums], stored: Mapping[Key, Sums], names: Mapping[int, str]) -> Iterator[Difference]:
    """Yield each number and list of a bucket that is not what its items' facts add up to."""
    for queue, starts_at in sorted(facts.keys() | stored.keys()):
        place = f"bucket {starts_at:%Y-%m-%d %H:%M} UTC of {names.get(queue, queue)}"
        ours, theirs = (each.get((queue, starts_at), Sums()) for each in (facts, stored))
        for column in COLUMNS:
            if getattr(ours, column) != getattr(theirs, column):
                yield Difference(place, column, getattr(ours, column), getattr(theirs, column))


def of_values(place: str, facts: Any, stored: Any) -> Iterator[Difference]:
    """Yield where two plain values, such as statements as JSON, are not the same; rows with an id go by it."""
    if isinstance(facts, dict) and isinstance(stored, dict):
        for key in [*facts, *(key for key in stored if key not in facts)]:
            yield from of_values(f"{place}, {key}", facts.get(key), stored.get(key))
    elif isinstance(facts, list) and isinstance(stored, list):
        yield from of_values(place, _by_id(facts), _by_id(stored))
    elif facts != stored:
        where, _, what = place.rpartition(", ")
        yield Difference(where, what, facts, stored)


def _by_id(rows: list[Any]) -> dict[str, Any]:
    return {
        str(row.get("id", place)) if isinstance(row, dict) else str(place): row for place, row in enumerate(rows, 1)
    }
