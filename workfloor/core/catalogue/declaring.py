"""What a measure is declared with: its words, and the same count in each of its forms.

A form is how a figure is made: by a rule over one item's outcome, in SQL over the items, from rollups by 15-minute
bucket, by the counters of a simulation. A test holds those that a measure has equal, whatever items live through; of
one that it cannot have it says why, and whoever would need it says so to the user.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from workfloor.core.catalogue.fates import Fates
from workfloor.core.catalogue.outcomes import Outcome


class Level(Protocol):
    """What a measure asks of a service level."""

    @property
    def threshold_seconds(self) -> int | None: ...
    @property
    def per(self) -> str | None: ...
    @property
    def short_abandon_seconds(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known beside an item: the ids of the open ones that are late, and when it is; None: late enough."""

    late: Container[int] = ()
    now: datetime | None = None


Counted = bool | Decimal | int | None  # a share: met or not; a time: seconds; a count: 1; None: not counted
Rule = Callable[[Level, Outcome, Seen], Counted]
# Whether an open item can no longer meet a level, by the working seconds between two instants.
Working = Callable[[datetime, datetime], int]
Late = Callable[[Level, Outcome, datetime, Working], bool]


@dataclass(frozen=True, slots=True)
class Without:
    """A form that a measure cannot have, and why: the end of a sentence that names the measure before."""

    because: str


@dataclass(frozen=True, slots=True)
class Sums:
    """A rollup that is added up: how many count, and how many met it or how many seconds they have (SQL)."""

    counted: str
    met: str


@dataclass(frozen=True, slots=True)
class Values:
    """A rollup that is read value by value: the list of one bucket that holds each (SQL)."""

    of: str


# A share is met in percent of those counted. A mean and the longest are seconds. A count is items, and has no target.
# What looks at ends counts what is open at that of each day, or of the window; a share of time is of seconds.
Shape = Literal["share", "mean", "longest", "count", "share-at-ends", "count-at-end", "share-of-time"]
Unit = Literal["percent", "seconds", "items"]
_UNITS: dict[Shape, Unit] = {"mean": "seconds", "longest": "seconds", "count": "items", "count-at-end": "items"}


@dataclass(frozen=True, slots=True)
class Need:
    """What past work has to tell for a measure to be counted: cases, customers, transfers, holds or events."""

    fact: Literal["cases", "customers", "transfers", "holds", "events"]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure of the catalogue; `name` is its key in a contract."""

    name: str
    title: str  # what the trade calls it
    definition: str
    source: str
    shape: Shape
    better: Literal["higher", "lower"] | None
    item: Rule | Without
    sql: str | Without  # over `item`, a row of work_item; NULL: not counted
    rollup: Sums | Values | Without  # over `bucket`, a row of measures_bucket
    simulation: Callable[[Level], Fates] | Without
    late: Late | None = None
    ticks: int = 1  # of its values in SQL and rollups, in a second
    needs: Need | None = None
    runs_in_working_time: bool = False  # on an item's clocks, with their pauses
    not_agreed: str | None = None  # why no contract can have it

    @property
    def unit(self) -> Unit:
        return _UNITS.get(self.shape, "percent")

    @property
    def looks_at_ends(self) -> bool:
        """Whether it counts what is open at an end, whenever that came in."""
        return self.shape in ("share-at-ends", "count-at-end")

    @property
    def has_spread(self) -> bool:
        """Whether its percentiles are shown: where each of its seconds is at hand in every form."""
        return self.unit == "seconds" and not isinstance(self.rollup, Sums)
