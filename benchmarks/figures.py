"""A measured figure, and how runs are timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside the peer or the limit that it is measured against, both in the same unit."""

    what: str
    value: float
    unit: str
    beside: str
    peer: float
    each: tuple[float, ...] = ()  # what it is the median or the sum of, where that is worth a look

    @property
    def ratio(self) -> float:
        """How many times the peer, or what part of the limit."""
        return self.value / self.peer


def seconds(run: Callable[[], object]) -> float:
    """Return how long one run takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def median_seconds(run: Callable[[], object], runs: int) -> float:
    """Return the median of several runs."""
    return median(seconds(run) for _ in range(runs))
