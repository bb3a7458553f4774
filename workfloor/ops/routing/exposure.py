"""What missing a target costs, and what one more contact within it is worth now."""

from workfloor.core.contracts.levels import Credits, ServiceLevel
from workfloor.core.measures import catalogue
from workfloor.ops.routing import urgency

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


def stake(level: ServiceLevel, terms: Credits | None, met: int, counted: int, to_come: float) -> float:
    """What one more contact within a target is worth, in percent of the month's charges; 0 for no target share.

    `met` of `counted` contacts so far and `to_come` more. Where each point below costs, every contact is a part of a
    point once the month is likely to end below; otherwise only the one that decides is worth anything.
    """
    target = bound(level)
    if target is None:
        return 0.0
    if terms is not None and terms.rule == "linear":
        points = 100 / max(counted + to_come, 1.0)
        return cost(level, terms) * points * urgency.falls_short(target, met, counted, to_come)
    return urgency.stake(cost(level, terms), target, met, counted, to_come)
