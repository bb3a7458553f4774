"""Many lanes in which things stand in order, over flat sequences: lists, or arrays for compiled code.

Each thing is a node, and stands in one lane at most. A lane is sorted by (key, name), the smallest first. Things mostly
join near an end of their lane, at the back as they arrive or at the front as they come back, so that a doubly linked
list searched from both ends is faster than a heap, and leaving from the middle costs nothing and leaves nothing behind.
"""

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Lanes:
    """Lanes of nodes; -1 stands for none."""

    key: MutableSequence[float]  # by node; kept after it has left
    name: MutableSequence[int]  # by node: breaks ties
    lane: MutableSequence[int]  # by node: where it stands, -1 when nowhere
    before: MutableSequence[int]  # by node
    after: MutableSequence[int]  # by node
    first: MutableSequence[int]  # by lane
    last: MutableSequence[int]  # by lane


def lanes(count: int, nodes: int, names: Sequence[int] = ()) -> Lanes:
    """Give empty lanes as lists; nodes without names have none yet."""
    none = [-1] * nodes
    return Lanes([0.0] * nodes, list(names) or none[:], none[:], none[:], none[:], [-1] * count, [-1] * count)


def precedes(some: Lanes, node: int, other: int) -> bool:
    """Whether a node goes before another."""
    if some.key[node] != some.key[other]:
        return some.key[node] < some.key[other]
    return some.name[node] < some.name[other]


def join(some: Lanes, lane: int, node: int, key: float) -> None:
    """Put a node that stands nowhere at its place in a lane; in steps of its distance from the nearer end."""
    some.key[node] = key
    some.lane[node] = lane
    before = some.last[lane]
    after = -1
    if before >= 0 and key <= some.key[before] and precedes(some, node, before):
        before = _place(some, lane, node)
        after = some.after[before] if before >= 0 else some.first[lane]
    some.before[node] = before
    some.after[node] = after
    if before >= 0:
        some.after[before] = node
    else:
        some.first[lane] = node
    if after >= 0:
        some.before[after] = node
    else:
        some.last[lane] = node


def _place(some: Lanes, lane: int, node: int) -> int:
    """Find the node behind which one comes, which is not the last; -1 for the front."""
    back = some.last[lane]
    front = some.first[lane]
    while precedes(some, node, back):
        if precedes(some, node, front):
            return some.before[front]
        back = some.before[back]
        front = some.after[front]
    return back


def leave(some: Lanes, node: int) -> None:
    """Take a node out of the lane in which it stands."""
    lane = some.lane[node]
    before = some.before[node]
    after = some.after[node]
    if before >= 0:
        some.after[before] = after
    else:
        some.first[lane] = after
    if after >= 0:
        some.before[after] = before
    else:
        some.last[lane] = before
    some.lane[node] = -1
