"""How urgent work is: what a second of waiting scores, what one more contact within the target is worth."""

import math

from workfloor.core.catalogue import occupancy
from workfloor.core.contracts.levels import Credits, ServiceLevel
from workfloor.core.measures import catalogue

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


def handicap(busy_seconds: float, present_seconds: float, of_all: float, fairness_seconds: float) -> float:
    """How much later somebody stands in line than by idle time alone: `fairness_seconds` x occupancy above the others'.

    `of_all` is the occupancy of all together, 0 to 1; the result is negative for who has done less.
    """
    own = occupancy.occupancy(busy_seconds, present_seconds)
    return fairness_seconds * ((of_all if own is None else own) - of_all)


# --- What a target costs when it is missed ---------------------------------------------------------------------------

# A window of which less has passed is taken for one in which as much will come as by then.
LEAST_PASSED = 1 / 30
# In percent of the month's charges: a target that costs nothing when it is missed still counts a little, and one whose
# cost hangs on other months, other levels or an amount of money counts as much as a usual one.
COSTS_NOTHING, COSTS_AS_USUAL = 0.1, 1.0


def bound(level: ServiceLevel) -> float | None:
    """The share of contacts, 0 to 1, below which the month owes a credit; None for a target that is no share."""
    agreed = level.expected if level.minimum is None else level.minimum
    if level.measure not in catalogue.SHARES or agreed is None:
        return None
    return 1 - float(agreed) / 100 if level.lower_is_better else float(agreed) / 100


def kept(level: ServiceLevel, counted: int, met: int) -> int:
    """How many of those counted met the target: of a measure that counts what is bad, all the others."""
    return counted - met if level.lower_is_better else met


def to_come(counted: int, passed: float) -> float:
    """How many more will be counted, if they go on as in the part of the window that has passed (0 to 1)."""
    return counted * (1 - passed) / max(passed, LEAST_PASSED)


def cost(level: ServiceLevel, terms: Credits | None) -> float:
    """What a miss takes off the month's charges, in percent, as far as the contract's rule says so plainly.

    By the point (linear): what one percentage point costs.
    """
    if terms is None:
        return COSTS_NOTHING
    if terms.rule == "at-risk":
        found = None if level.weight is None else terms.at_risk * terms.pool * level.weight / 10_000
    elif terms.rule == "fixed":
        found = None if level.credit_amount is not None else level.credit
    else:
        found = terms.per_point if terms.rule == "linear" else None
    if terms.rule == "points" or (terms.rule == "fixed" and level.credit_amount is not None):
        return COSTS_AS_USUAL
    return COSTS_NOTHING if found is None else float(min(found, terms.cap))


def exposure(level: ServiceLevel, terms: Credits | None, met: int, counted: int, to_come: float) -> float:
    """What one more contact within a target is worth, in percent of the month's charges; 0 for no target share.

    `met` of `counted` contacts so far and `to_come` more. Where each point below costs, every contact is a part of a
    point once the month is likely to end below; otherwise only the one that decides is worth anything.
    """
    target = bound(level)
    if target is None:
        return 0.0
    if terms is not None and terms.rule == "linear":
        points = 100 / max(counted + to_come, 1.0)
        return cost(level, terms) * points * falls_short(target, met, counted, to_come)
    return stake(cost(level, terms), target, met, counted, to_come)
