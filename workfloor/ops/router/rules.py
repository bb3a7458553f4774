"""The policy: which waiting work is offered to which free person. Pure; the same inputs give the same offers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workfloor.core.people.rules import qualifies


@dataclass(frozen=True, slots=True)
class Line:
    """What a queue demands of whoever serves it: skills by level, relaxed in rings of (seconds waited, levels)."""

    queue_id: int
    client_id: int
    requires: Mapping[str, int]
    priority: int = 1
    relax: Sequence[tuple[int, Mapping[str, int]]] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that waits in a line; `refused_by` let it go by a moment ago."""

    item_id: int
    line: Line
    queued_at: datetime
    due_at: datetime
    refused_by: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Free:
    """A person who takes work: what they can, whose work they may touch, and in which lines they have room."""

    person_id: int
    skills: Mapping[str, int]
    clients: frozenset[int]
    idle_since: datetime
    room_for: frozenset[int]  # queue ids


def requirement(line: Line, waited: timedelta) -> dict[str, int]:
    """What a line demands after a wait: each ring reached lowers the levels that it names; level 0 lifts them."""
    levels = dict(line.requires)
    for after_seconds, lowered in line.relax:
        if waited >= timedelta(seconds=after_seconds):
            levels |= lowered
    return {skill: level for skill, level in levels.items() if level > 0}


def match(waiting: Iterable[Waiting], free: Iterable[Free], now: datetime) -> dict[int, int]:
    """Pair work with people: item id -> person id, each person at most once.

    Lines are served by the urgency of their oldest item: due soonest, then priority, then oldest, then by id. Within
    a line strictly the oldest goes first: while nobody may take it, younger work of the line waits behind it, so that
    nothing is ever passed over. Among those who may take an item, the least versatile goes first, which spares the
    versatile for work that only they can do; between equals, whoever has been idle longest, then by id.
    """
    bench = sorted(free, key=lambda person: (len(person.skills), person.idle_since, person.person_id))
    lines = _lines(waiting)
    pairs: dict[int, int] = {}
    while lines and bench:
        urgent = min(lines, key=lambda line: _urgency(lines[line][-1]))
        item = lines[urgent][-1]
        person = next((each for each in bench if may_take(each, item, now)), None)
        if person is None:
            del lines[urgent]
            continue
        pairs[item.item_id] = person.person_id
        bench.remove(person)
        lines[urgent].pop()
        if not lines[urgent]:
            del lines[urgent]
    return pairs


def may_take(person: Free, item: Waiting, now: datetime) -> bool:
    """Whether an item may be offered to a person: cleared, with room, not just refused, and skilled enough by now."""
    return (
        item.line.client_id in person.clients
        and item.line.queue_id in person.room_for
        and person.person_id not in item.refused_by
        and qualifies(person.skills, requirement(item.line, now - item.queued_at))
    )


def _lines(waiting: Iterable[Waiting]) -> dict[int, list[Waiting]]:
    """Each line's items, the oldest last."""
    lines: dict[int, list[Waiting]] = {}
    for item in sorted(waiting, key=lambda each: (each.queued_at, each.item_id), reverse=True):
        lines.setdefault(item.line.queue_id, []).append(item)
    return lines


def _urgency(item: Waiting) -> tuple[datetime, int, datetime, int]:
    return (item.due_at, -item.line.priority, item.queued_at, item.item_id)
