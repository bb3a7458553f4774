"""What queues demand, who may serve them and how well, and how urgent they are."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from workfloor.core.people.rules import qualifies

GRADES = 6  # how well a person fits a queue: 0 (just) to 5


class Queue(NamedTuple):
    """What the work of a queue demands, and how it is to be given out; times in seconds.

    `relax`: (seconds waited, levels from then on), in order; level 0 lifts a requirement. `at_once` divides 60.
    Work of a queue that `yields` may be put aside for work of one that `interrupts`, which itself never yields.
    """

    queue_id: int
    client_id: int
    requires: Mapping[str, int]
    relax: Sequence[tuple[float, Mapping[str, int]]] = ()
    at_once: int = 1
    yields: bool = False
    interrupts: bool = False
    slope: float = 1.0


class Serving(NamedTuple):
    """One queue that a person may serve: its number, from which ring on, and how well they fit (0 to GRADES - 1)."""

    queue: int
    ring: int
    grade: int


Profile = tuple[Serving, ...]


def profile(skills: Mapping[str, int], clients: Collection[int], queues: Sequence[Queue]) -> Profile:
    """All that a person with these skills and clearances may serve, by number of the queue; () for nothing."""
    found = []
    for number, queue in enumerate(queues):
        ring = ring_for(skills, queue) if queue.client_id in clients else -1
        if ring >= 0:
            found.append(Serving(number, ring, grade(skills, queue.requires)))
    return tuple(found)


def rings(queue: Queue) -> list[tuple[float, dict[str, int]]]:
    """The rings of a queue: (seconds waited, what is required from then on), the innermost first."""
    levels = dict(queue.requires)
    found = [(0.0, dict(levels))]
    for after, lowered in queue.relax:
        levels |= lowered
        found.append((float(after), dict(levels)))
    return found


def ring_for(skills: Mapping[str, int], queue: Queue) -> int:
    """The innermost ring of a queue that skills suffice for; -1 when none."""
    for number, (_, levels) in enumerate(rings(queue)):
        if qualifies(skills, levels):
            return number
    return -1


def grade(skills: Mapping[str, int], requires: Mapping[str, int]) -> int:
    """How well skills fit: the weakest one's surplus over the required level, 0 to GRADES - 1; less is none."""
    surplus = min((skills.get(skill, 0) - level for skill, level in requires.items()), default=0)
    return max(0, min(GRADES - 1, surplus))


def numbered(profiles: Iterable[Profile]) -> list[Profile]:
    """Distinct profiles in the order in which they are chosen: those that serve fewer queues first."""
    return sorted(set(profiles), key=lambda each: (len(each), each))
