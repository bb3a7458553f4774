"""What queues demand, who may serve them and how well, and how urgent they are."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from workfloor.core.people.rules import qualifies

GRADES = 6  # how well a person fits a queue: 0 (just) to 5
FIRST_GUESS = 20  # contacts' worth of trust that a promise is kept before any is counted


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
    """A queue's rings: (seconds waited, what is required from then on), the innermost first, none asking for more."""
    levels = dict(queue.requires)
    found = [(0.0, dict(levels))]
    for after, lowered in queue.relax:
        levels = {skill: min(level, lowered.get(skill, level)) for skill, level in levels.items()}
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


def missing(skills: Mapping[str, int], clients: Collection[int], queue: Queue, ring: int = 0) -> list[str]:
    """What somebody lacks to serve a queue in a ring, in words: the clearance, and skills with their levels."""
    lacking = [] if queue.client_id in clients else ["clearance"]
    levels = rings(queue)[ring][1]
    return lacking + [f"{skill} {level}" for skill, level in sorted(levels.items()) if skills.get(skill, 0) < level]


def slope(within_seconds: float, priority: int = 0, stake: float = 0.0) -> float:
    """Score a second of waiting: work that waited as long as was promised scores 1 + priority, and more with a stake.

    `stake`: what is at stake in the queue, 0 to 1 of the largest in the pool (see `stake`); it can double the slope.
    """
    return (1 + priority) * (1 + stake) / max(within_seconds, 1.0)


def stake(credit: float, promised: float, met: float, counted: float, to_come: float) -> float:
    """What one more contact within the promise is worth: the credit, times the chance that this very one decides.

    `met` of `counted` contacts so far in the period and `to_come` more; `promised` is a share, 0 to 1. The number of
    those to come that will be met is taken as normal (de Moivre and Laplace), each as likely as before, drawn towards
    the promise while few are counted. So a promise that is safe, or lost, weighs next to nothing.
    """
    if to_come <= 0:
        return 0.0
    short, variance = _short(promised, met, counted, to_come)
    return credit * math.exp(-(short**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def falls_short(promised: float, met: float, counted: float, to_come: float) -> float:
    """The chance that the period ends below the promise, as `stake` reckons it; 0 once nothing is to come."""
    if to_come <= 0:
        return 0.0
    short, variance = _short(promised, met, counted, to_come)
    return 0.5 * (1 + math.erf(short / math.sqrt(2 * variance)))


def _short(promised: float, met: float, counted: float, to_come: float) -> tuple[float, float]:
    """How many of those to come are needed beyond those likely to be met, and how far these may differ (variance)."""
    likely = (met + promised * FIRST_GUESS) / (counted + FIRST_GUESS)
    needed = promised * (counted + to_come) - met
    return needed - to_come * likely, max(to_come * likely * (1 - likely), 0.25)


def handicap(busy_seconds: float, present_seconds: float, occupancy: float, fairness_seconds: float) -> float:
    """How much later somebody stands in line than by idle time alone: `fairness_seconds` x occupancy above the others'.

    `occupancy` is that of all together, 0 to 1; the result is negative for who has done less.
    """
    own = busy_seconds / present_seconds if present_seconds > 0 else occupancy
    return fairness_seconds * (own - occupancy)
