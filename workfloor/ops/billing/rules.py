"""What a period came to: measures over outcomes, promises kept or missed, invoice lines and credits."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Literal

from workfloor.core.contracts.rules import Contract, Credits, Price, ServiceLevel, Tier
from workfloor.kit import money
from workfloor.kit.money import Money

Verdict = Literal["met", "below-expected", "below-minimum"]

FOUR_PLACES = Decimal("0.0001")
PERCENTILES = (50, 90, 95)
# Wide enough that a quotient never looks like an exact half of a minor unit unless it is one.
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


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

    @property
    def handled_seconds(self) -> int:
        return self.talk_seconds + self.hold_seconds + self.wrap_seconds

    def waited(self, until: datetime) -> timedelta:
        """Return how long the item had been queueing at that instant."""
        return until - (self.queued_at or self.received_at)


@dataclass(frozen=True, slots=True)
class Period:
    """A month of the contract's zone, cut to the contract's term; `ends_at` is the first instant after it."""

    name: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    state: Literal["open", "over"]


@dataclass(frozen=True, slots=True)
class Totals:
    """All items received in the period, or those of one queue: answered, abandoned, excluded and open ones add up."""

    queue: str | None
    received: int = 0
    answered: int = 0
    abandoned: int = 0
    excluded: int = 0
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0

    @property
    def open(self) -> int:
        return self.received - self.answered - self.abandoned - self.excluded


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
    return Figure(counted, met, None if attained is None else _decimal(attained, FOUR_PLACES), apart)


def mean_figure(counted: int, total: Decimal, percentiles: Sequence[Decimal] = ()) -> Figure:
    """Return a mean in seconds, to four decimals, half-even."""
    attained = Fraction(total) / counted if counted else None
    return Figure(
        counted,
        attained=None if attained is None else _decimal(attained, FOUR_PLACES),
        percentiles=tuple(value.quantize(FOUR_PLACES) for value in percentiles),
    )


def nearest_rank(ordered: Sequence[Decimal], percent: int) -> Decimal:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


def _decimal(exact: Fraction, unit: Decimal) -> Decimal:
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator)).quantize(unit, context=_WIDE)


# --- Promises ---------------------------------------------------------------------------------------------------


def verdict(level: ServiceLevel, attained: Decimal | None) -> Verdict | None:
    """Judge a figure as printed, to four decimals, so that both sides can check it.

    None where nothing was promised or nothing counted.
    """
    if level.expected is None or attained is None:
        return None
    if level.minimum is not None and _falls_short(level, attained, level.minimum):
        return "below-minimum"
    return "below-expected" if _falls_short(level, attained, level.expected) else "met"


def _falls_short(level: ServiceLevel, attained: Decimal, promised: Decimal) -> bool:
    return attained > promised if level.lower_is_better else attained < promised


def owes_credit(level: ServiceLevel, judged: Verdict | None) -> bool:
    """Return whether a miss is paid for: below the minimum, or below expected where there is no minimum."""
    return judged == "below-minimum" or (judged == "below-expected" and level.minimum is None)


# --- Invoice ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a quantity, charged at one rate."""

    quantity: Fraction
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the invoice; `rate` is None where slices have several; `price` counts the contract's prices from 0."""

    price: int
    title: str
    unit: str
    quantity: Fraction
    rate: Decimal | None
    slices: tuple[Slice, ...]
    amount: Money


@dataclass(frozen=True, slots=True)
class Credit:
    """What one missed level takes off; `computed` is before the cap; `level` counts the contract's levels from 0."""

    level: int
    name: str
    computed: Money
    amount: Money


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
    return {"done": 1, "talk": item.talk_seconds, "handled": item.handled_seconds}[price.counts or "done"]


def charged(price: Price, counted: int) -> Fraction:
    """Turn the counted items or seconds into the price's unit: a minute is 60 exact seconds, never rounded up."""
    if price.unit == "fixed":
        return Fraction(1)
    return Fraction(counted, 60) if price.unit == "minute" else Fraction(counted)


def slices(price: Price, units: Fraction) -> tuple[Slice, ...]:
    """Split a quantity over the price's rates; raises ValueError where it exceeds the last tier."""
    if not price.tiers:
        return (Slice(units, price.rate or Decimal(0)),)
    if price.tiering == "volume":
        return (Slice(units, _tier_of(price.tiers, units).rate),)
    return tuple(_graduated(price.tiers, units))


def _tier_of(tiers: Sequence[Tier], units: Fraction) -> Tier:
    for tier in tiers:
        if tier.up_to is None or units <= tier.up_to:
            return tier
    raise ValueError(f"No tier holds {float(units):g}; the last ends at {tiers[-1].up_to}.")


def _graduated(tiers: Sequence[Tier], units: Fraction) -> Iterable[Slice]:
    last, below = _tier_of(tiers, units), Fraction(0)
    for tier in tiers:
        upper = units if tier is last else Fraction(tier.up_to or 0)
        yield Slice(upper - below, tier.rate)
        below = upper
        if tier is last:
            return


def lines(contract: Contract, counted: Sequence[int]) -> list[Line]:
    """Charge each price for what it counted (items or seconds, in the order of the prices); rounded once, at the line.

    A price below its minimum gets a second line that trues it up.
    """
    made: list[Line] = []
    for number, (price, count) in enumerate(zip(contract.prices, counted, strict=True)):
        line = _line(contract, number, price, count)
        made.append(line)
        if price.minimum is not None and line.amount.amount < price.minimum:
            made.append(_true_up(contract, line, price.minimum))
    return made


def _line(contract: Contract, number: int, price: Price, count: int) -> Line:
    units = charged(price, count)
    parts = slices(price, units)
    exact = sum((part.quantity * Fraction(part.rate) for part in parts), Fraction(0))
    rate = parts[0].rate if len(parts) == 1 else None
    return Line(number, price.title, price.unit, units, rate, parts, rounded(exact, contract))


def _true_up(contract: Contract, line: Line, minimum: Decimal) -> Line:
    missing = rounded(Fraction(minimum), contract) - line.amount
    return Line(line.price, f"{line.title}: up to the minimum", "fixed", Fraction(1), missing.amount, (), missing)


def rounded(exact: Fraction, contract: Contract) -> Money:
    """Round to the currency's minor unit in the contract's mode."""
    amount = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return Money(amount, contract.currency).rounded(contract.rounding)


def credits_owed(contract: Contract, charges: Money, missed: Sequence[int]) -> list[Credit]:
    """Credit each missed level (by its place in the contract): charges times at-risk times pool times weight.

    Each is rounded once; together they stop at the cap, the later ones giving way. A level without weight owes nothing.
    """
    terms, owed = contract.credits, []
    left = rounded(_of(charges, terms.cap), contract) if terms else None
    for number in missed:
        level = contract.service_levels[number]
        if terms is None or left is None or level.weight is None:
            continue
        computed = at_risk_credit(contract, terms, charges, level.weight)
        amount = min(computed, left)
        left -= amount
        owed.append(Credit(number, level.name, computed, amount))
    return owed


def at_risk_credit(contract: Contract, terms: Credits, charges: Money, weight: Decimal) -> Money:
    """Return charges x at-risk x pool x weight, rounded; the last three in percent."""
    return rounded(_of(charges, terms.at_risk, terms.pool, weight), contract)


def _of(charges: Money, *percents: Decimal) -> Fraction:
    exact = Fraction(charges.amount)
    for percent in percents:
        exact *= Fraction(percent) / 100
    return exact


def due(made: Iterable[Line], owed: Iterable[Credit], currency: str) -> Money:
    """Return what the client pays: the lines less the credits."""
    charges = money.total((line.amount for line in made), currency)
    return charges - money.total((credit.amount for credit in owed), currency)
