"""Pictures and shares of the leader's page, as plain arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

QUARTER_SECONDS = 900
QUARTERS = 32  # eight hours: a shift


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a small chart, in the chart's own units; a quarter of an hour is one unit wide."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many items came in each quarter of an hour, the latest last."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)

    @property
    def most(self) -> int:
        """The fullest quarter."""
        return max(self.counts, default=0)

    def bars(self, height: float = 10.0) -> list[Bar]:
        """Draw them: the fullest quarter as high as the chart, an empty one not at all."""
        heights = [height * count / max(self.most, 1) for count in self.counts]
        return [Bar(x, height - tall, tall) for x, tall in enumerate(heights) if tall]


def arrivals(by_quarter: Mapping[int, int], last: int, quarters: int = QUARTERS) -> Arrivals:
    """Put counts by quarter (whole quarters of an hour since 1970) in a row that ends with `last`, gaps as zero."""
    return Arrivals(tuple(by_quarter.get(quarter, 0) for quarter in range(last - quarters + 1, last + 1)))


def quarter(at: datetime) -> int:
    """Return the quarter of an hour that an instant lies in, counted since 1970."""
    return int(at.timestamp()) // QUARTER_SECONDS


def percent(part: int, whole: int) -> int | None:
    """Return a share in whole percent, rounded down so that 100 means all of them; None of nothing."""
    return part * 100 // whole if whole else None


def promise_seconds(queued_at: datetime | None, promised_at: datetime | None) -> float | None:
    """Return how long the promise gives from queueing, at least a second; None where nothing is promised or waits."""
    if queued_at is None or promised_at is None:
        return None
    return max(1.0, (promised_at - queued_at).total_seconds())
