"""What items come to: each measure as a pure function of an item's outcome, and the figures that they add up to."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from workfloor.core.charges.rules import Price
from workfloor.core.promises.rules import FOUR_PLACES, ServiceLevel, four_places

PERCENTILES = (50, 90, 95)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item, as far as a measure looks; a None time has not happened."""

    item_id: int
    queue: str
    received_at: datetime
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    abandoned_at: datetime | None = None
    cancelled_at: datetime | None = None
    done: bool = False  # ended and wrapped up
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0
    working_seconds: int | None = None  # working time from received to resolved, pauses taken out
    paused_seconds: int = 0  # working time in which the customer owed an answer
    awaiting_since: datetime | None = None  # the customer owes one now
    disposition: str = ""  # how it ended

    @property
    def handled_seconds(self) -> int:
        return self.talk_seconds + self.hold_seconds + self.wrap_seconds

    def waited(self, until: datetime) -> timedelta:
        """Return how long the item had been queueing at that instant."""
        return until - (self.queued_at or self.received_at)


# --- Measures: does an item count, and how ----------------------------------------------------------------------
#
# A share (answered-within, abandoned, resolved-within) sees each item as True (met), False (counted, not met) or None
# (not counted); a mean (speed-of-answer, handled-time) sees it as seconds or None; volume counts every item.
# Cancelled items count nowhere. Every bound is inclusive: "within 20 s" is a wait of 20 s or less, and "abandoned
# within 5 s" a wait of 5 s or less. An item that is still open counts, as missed, once it is late: `late` holds the
# ids of those. A customer who was connected once has not abandoned, whatever came later.

SHARES = ("answered-within", "abandoned", "resolved-within")
MEANS = ("speed-of-answer", "handled-time")


def share(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    """Return whether the item met the level, None where the level does not count it."""
    if item.cancelled_at:
        return None
    return {
        "answered-within": _answered_within,
        "abandoned": _abandoned,
        "resolved-within": _resolved_within,
    }[level.measure](level, item, late)


def _answered_within(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.connected_at:
        return item.waited(item.connected_at) <= timedelta(seconds=level.threshold_seconds or 0)
    if level.per == "answered" or is_apart(level, item):
        return None
    return False if item.abandoned_at or item.item_id in late else None


def _abandoned(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.connected_at:
        return False
    return True if item.abandoned_at and not is_apart(level, item) else None


def _resolved_within(level: ServiceLevel, item: Outcome, late: Container[int]) -> bool | None:
    if item.abandoned_at:
        return None
    if item.working_seconds is not None:
        return item.working_seconds <= (level.threshold_seconds or 0)
    return False if item.item_id in late and not item.done else None


def is_apart(level: ServiceLevel, item: Outcome) -> bool:
    """Return whether the item is a short abandon that the level leaves out."""
    if level.per != "offered-less-short-abandons" or item.cancelled_at or item.connected_at:
        return False
    return item.abandoned_at is not None and item.waited(item.abandoned_at) <= timedelta(
        seconds=level.short_abandon_seconds or 0
    )


def is_late(level: ServiceLevel, item: Outcome, now: datetime, working: Callable[[datetime, datetime], int]) -> bool:
    """Return whether an open item can no longer meet the level; `working` counts its calendar's working seconds."""
    threshold = level.threshold_seconds or 0
    if level.measure == "answered-within":
        return not item.connected_at and item.waited(now) > timedelta(seconds=threshold)
    pauses = item.paused_seconds + (working(item.awaiting_since, now) if item.awaiting_since else 0)
    return level.measure == "resolved-within" and working(item.received_at, now) - pauses > threshold


def seconds(level: ServiceLevel, item: Outcome) -> Decimal | None:
    """Return the item's seconds for a mean, None where the level does not count it."""
    if item.cancelled_at:
        return None
    if level.measure == "speed-of-answer":
        return _exact_seconds(item.waited(item.connected_at)) if item.connected_at else None
    return Decimal(item.handled_seconds) if item.done and item.connected_at else None


def _exact_seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)


# --- Figures ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """What a measure came to: attained in percent for a share, in seconds for a mean, None where nothing counted.

    `met` is None for a mean; `apart` are the short abandons left out; `percentiles` are nearest-rank seconds.
    """

    counted: int
    met: int | None = None
    attained: Decimal | None = None
    apart: int = 0
    percentiles: tuple[Decimal, ...] = ()


def figure(level: ServiceLevel, items: Iterable[Outcome], late: Container[int] = ()) -> Figure:
    """Measure the items that the level is about; `late` are the ids of open items that can no longer meet it."""
    own = [item for item in items if item.queue in level.of]
    if level.measure in SHARES:
        verdicts = [share(level, item, late) for item in own]
        return share_figure(
            verdicts.count(True) + verdicts.count(False),
            verdicts.count(True),
            sum(is_apart(level, item) for item in own),
        )
    if level.measure in MEANS:
        spans = sorted(span for item in own if (span := seconds(level, item)) is not None)
        return mean_figure(len(spans), sum(spans, Decimal(0)), [nearest_rank(spans, p) for p in PERCENTILES if spans])
    return Figure(sum(not item.cancelled_at for item in own))


def share_figure(counted: int, met: int, apart: int = 0) -> Figure:
    """Return a share in percent, to four decimals, half-even."""
    attained = Fraction(100 * met, counted) if counted else None
    return Figure(counted, met, None if attained is None else four_places(attained), apart)


def mean_figure(counted: int, total: Decimal, percentiles: Sequence[Decimal] = ()) -> Figure:
    """Return a mean in seconds, to four decimals, half-even."""
    attained = Fraction(total) / counted if counted else None
    return Figure(
        counted,
        attained=None if attained is None else four_places(attained),
        percentiles=tuple(value.quantize(FOUR_PLACES) for value in percentiles),
    )


def nearest_rank(ordered: Sequence[Decimal], percent: int) -> Decimal:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


# --- What a price counts ---------------------------------------------------------------------------------------


def quantity(price: Price, item: Outcome) -> int | None:
    """Return what the item adds to the price's quantity, in items or seconds; None where it does not count."""
    if item.cancelled_at or item.queue not in price.of:
        return None
    if price.counts == "received":
        return 1
    if price.counts == "answered":
        return 1 if item.connected_at else None
    if not item.done:
        return None
    if price.counts == "disposed":
        return 1 if item.disposition in price.dispositions else None
    return {"done": 1, "talk": item.talk_seconds, "handled": item.handled_seconds}[price.counts or "done"]
