"""What is left of a contract after its people, and what it risks, over many simulated months."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workfloor.core.promises.rules import ServiceLevel
from workfloor.ops.estimates.rules import EVERY, Figures
from workfloor.ops.workloads import rules as workloads


@dataclass(frozen=True, slots=True)
class Risk:
    """What credits may come to over the replications: how often any are owed, and the most in 19 of 20."""

    any_percent: float
    worst_of_twenty: float


def risk(credits: Sequence[float]) -> Risk:
    """Return the risk in credits, by nearest rank; raises ValueError for none."""
    ordered = sorted(credits)
    if not ordered:
        raise ValueError("there is no replication")
    owed = 100 * sum(each > 0 for each in ordered) / len(ordered)
    return Risk(owed, ordered[-(-95 * len(ordered) // 100) - 1])


def without_what_is_not_simulated(level: ServiceLevel) -> bool:
    """Say whether a level is promised and the twin does not simulate its measure: it is taken as kept."""
    return level.expected is not None and level.measure not in (*workloads.STAFFED, "handled-time", "volume")


def margin(figures: Figures) -> Figures:
    """Add to the figures of a replication what is left of what is paid after the people have been."""
    due, cost = figures.get(("money", EVERY, "due")), figures.get(("money", EVERY, "cost"))
    if due is None or cost is None:
        return figures
    share = 100 * (due - cost) / due if due else math.nan
    return figures | {("money", EVERY, "margin"): due - cost, ("money", EVERY, "margin_percent"): share}
