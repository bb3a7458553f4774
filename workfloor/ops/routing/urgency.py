"""How urgent work is: what a second of waiting scores, and what one more contact within the target is worth."""

import math

FIRST_GUESS = 20  # contacts' worth of trust that a target is met before any is counted


def slope(within_seconds: float, priority: int = 0, stake: float = 0.0) -> float:
    """Score a second of waiting: work that waited as long as was agreed scores 1 + priority, and more with a stake.

    `stake`: what is at stake in the queue, 0 to 1 of the largest in the pool (see `stake`); it can double the slope.
    """
    return (1 + priority) * (1 + stake) / max(within_seconds, 1.0)


def stake(credit: float, target: float, met: float, counted: float, to_come: float) -> float:
    """What one more contact within the target is worth: the credit, times the chance that this very one decides.

    `met` of `counted` contacts so far in the period and `to_come` more; `target` is a share, 0 to 1. The number of
    those to come that will be met is taken as normal (de Moivre and Laplace), each as likely as before, drawn towards
    the target while few are counted. So a target that is safe, or lost, weighs next to nothing.
    """
    if to_come <= 0:
        return 0.0
    short, variance = _short(target, met, counted, to_come)
    return credit * math.exp(-(short**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def falls_short(target: float, met: float, counted: float, to_come: float) -> float:
    """The chance that the period ends below the target, as `stake` reckons it; 0 once nothing is to come."""
    if to_come <= 0:
        return 0.0
    short, variance = _short(target, met, counted, to_come)
    return 0.5 * (1 + math.erf(short / math.sqrt(2 * variance)))


def _short(target: float, met: float, counted: float, to_come: float) -> tuple[float, float]:
    """How many of those to come are needed beyond those likely to be met, and how far these may differ (variance)."""
    likely = (met + target * FIRST_GUESS) / (counted + FIRST_GUESS)
    needed = target * (counted + to_come) - met
    return needed - to_come * likely, max(to_come * likely * (1 - likely), 0.25)


def handicap(busy_seconds: float, present_seconds: float, occupancy: float, fairness_seconds: float) -> float:
    """How much later somebody stands in line than by idle time alone: `fairness_seconds` x occupancy above the others'.

    `occupancy` is that of all together, 0 to 1; the result is negative for who has done less.
    """
    own = busy_seconds / present_seconds if present_seconds > 0 else occupancy
    return fairness_seconds * (own - occupancy)
