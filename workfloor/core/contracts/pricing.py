"""What work costs: prices as agreed, the invoice lines that they make, indexation, currencies, ramp-up and taxes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from fractions import Fraction
from typing import Literal

from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money

_EXACT = Context(prec=200, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Exchange:
    """From a day on, what one unit of another currency is worth in the contract's."""

    starts_on: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class IndexValue:
    starts_on: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Indexation:
    """Rates follow a yearly percentage from a day on, or a published index against its base."""

    name: str
    yearly: Decimal | None = None
    starts_on: date | None = None
    base: Decimal | None = None
    values: tuple[IndexValue, ...] = ()


def exchange_rate(agreed: Sequence[Exchange], on: date) -> Decimal:
    """Return what one unit of another currency is worth on a day; raises ValueError where nothing is agreed."""
    for one in reversed(agreed):
        if one.starts_on <= on:
            return one.rate
    raise ValueError(f"No rate is agreed for {on}.")


def index_factor(terms: Indexation, on: date) -> Fraction:
    """Return what a rate is multiplied by on a day: yearly percentages compound from `starts_on` on."""
    if terms.yearly is not None and terms.starts_on is not None:
        begun = on.year - terms.starts_on.year + ((on.month, on.day) >= (terms.starts_on.month, terms.starts_on.day))
        return (1 + Fraction(terms.yearly) / 100) ** max(begun, 0)
    known = [each.value for each in terms.values if each.starts_on <= on]
    return Fraction(known[-1]) / Fraction(terms.base) if known and terms.base else Fraction(1)


def times(one: Decimal, other: Decimal) -> Decimal:
    """Multiply two rates exactly, which the usual context of Decimal would round at 28 digits; no zeros at the end."""
    return Decimal(f"{_EXACT.multiply(one, other).normalize(_EXACT):f}")


Unit = Literal["contact", "minute", "transaction", "outcome", "agent-hour", "fte-month", "pass-through", "fixed"]
Counts = Literal["answered", "received", "done", "talk", "handled", "disposed", "delivered"]
DELIVERED = ("agent-hour", "pass-through")  # charged by what both sides approved, not by items
Tiering = Literal["volume", "graduated"]

# Wide enough that a quotient never looks like an exact half of a minor unit unless it is one.
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_DECIMALS_OF_A_RATE = 4
_FOUR = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Tier:
    up_to: int | None  # last quantity at this rate; None: no end
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Baseline:
    """So much is charged whatever comes; outside the dead band the whole gap counts, with a factor on the way down."""

    quantity: int
    additional: Decimal  # rate
    reduced: Decimal  # rate
    dead_band: Decimal = Decimal(0)  # percent of the quantity, both ways
    reduced_factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Step:
    """For so many months, this percent of what is committed."""

    months: int
    share: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the invoice: either a rate or tiers; `counts` says which quantity, None where it is agreed."""

    title: str
    unit: Unit
    of: tuple[str, ...]
    counts: Counts | None = None
    rate: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    tiering: Tiering | None = None
    minimum: Decimal | None = None  # the line is trued up to this amount
    dispositions: tuple[str, ...] = ()  # of outcomes
    quantity: Decimal | None = None  # agreed, of fte-month
    baseline: Baseline | None = None
    ramp_up: tuple[Step, ...] = ()
    indexed_by: str | None = None
    tax: str | None = None
    currency: str | None = None  # of its amounts, where that is not the contract's
    mark_up: Decimal | None = None  # percent on costs that are passed through


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax on lines; `category` is the code of EN 16931 (UNCL 5305), `rate` is in percent."""

    name: str
    title: str
    category: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """What all prices of a contract share."""

    currency: str
    rounding: str  # a name of kit.money.ROUNDINGS
    starts_on: date
    indexation: Mapping[str, Indexation] = field(default_factory=dict)
    taxes: Mapping[str, Tax] = field(default_factory=dict)
    currencies: Mapping[str, tuple[Exchange, ...]] = field(default_factory=dict)


# --- Lines ------------------------------------------------------------------------------------------------------
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
    tax: str | None = None


def lines(book: Book, prices: Sequence[Price], counted: Sequence[int | Fraction], on: date) -> list[Line]:
    """Charge each price, as it stands on a day, for what it counted, in the order of the prices.

    Items and seconds are counted, hours that both sides approved, or costs in the price's own currency. Each line is
    rounded once. A price below its minimum gets a second line that trues it up, one off its baseline a second line
    for the gap.
    """
    made: list[Line] = []
    for number, (price, count) in enumerate(zip(prices, counted, strict=True)):
        made.extend(_lines(book, number, on_day(price, book, on), count, ramp_share(price, book, on)))
    return made


def _lines(book: Book, number: int, price: Price, count: int | Fraction, share: Fraction) -> Iterator[Line]:
    units = charged(price, count) * (share if price.counts is None else 1)
    if price.baseline:
        base = Fraction(price.baseline.quantity) * share
        yield _line(book, number, price, slices(price, base), _ramped(price.title, share))
        yield from _gap(book, number, price, price.baseline, units - base, base)
        return
    line = _line(book, number, price, slices(price, units), _ramped(price.title, 1 if price.counts else share))
    yield line
    if price.minimum is not None:
        yield from _true_up(book, line, price, rounded(Fraction(price.minimum) * share, book))


def _ramped(title: str, share: Fraction | int) -> str:
    return title if share == 1 else f"{title} (ramp-up: {_said(100 * Fraction(share))} %)"


def _said(exact: Fraction) -> str:
    return f"{_WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator)).quantize(_FOUR).normalize():f}"


def _line(book: Book, number: int, price: Price, parts: tuple[Slice, ...], title: str) -> Line:
    exact = sum((part.quantity * Fraction(part.rate) for part in parts), Fraction(0))
    units = sum((part.quantity for part in parts), Fraction(0))
    rate = parts[0].rate if len(parts) == 1 else None
    return Line(number, title, price.unit, units, rate, parts, rounded(exact, book), price.tax)


def _gap(book: Book, number: int, price: Price, agreed: Baseline, gap: Fraction, base: Fraction) -> Iterator[Line]:
    if abs(gap) <= base * Fraction(agreed.dead_band) / 100:
        return
    rate, words = agreed.additional, "additional, above the baseline"
    if gap < 0:
        rate, words = times(agreed.reduced, agreed.reduced_factor), "reduced, below the baseline"
    yield _line(book, number, price, (Slice(gap, rate),), f"{price.title}: {words}")


def _true_up(book: Book, line: Line, price: Price, minimum: Money) -> Iterator[Line]:
    if line.amount < minimum:
        missing, title = minimum - line.amount, f"{price.title}: up to the minimum"
        yield Line(line.price, title, "fixed", Fraction(1), missing.amount, (), missing, price.tax)


def charged(price: Price, counted: int | Fraction) -> Fraction:
    """Turn the counted items or seconds into the price's unit: a minute is 60 exact seconds, never rounded up."""
    if price.counts is None:
        return Fraction(1) if price.quantity is None else Fraction(price.quantity)
    return Fraction(counted) / 60 if price.unit == "minute" else Fraction(counted)


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
    raise ValueError(f"No tier holds {_said(units)}; the last ends at {tiers[-1].up_to}.")


def _graduated(tiers: Sequence[Tier], units: Fraction) -> Iterable[Slice]:
    last, below = _tier_of(tiers, units), Fraction(0)
    for tier in tiers:
        upper = units if tier is last else Fraction(tier.up_to or 0)
        yield Slice(upper - below, tier.rate)
        below = upper
        if tier is last:
            return


def rounded(exact: Fraction, book: Book) -> Money:
    """Round to the currency's minor unit in the contract's mode."""
    amount = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return Money(amount, book.currency).rounded(book.rounding)


# --- Prices on a day --------------------------------------------------------------------------------------------
def on_day(price: Price, book: Book, on: date) -> Price:
    """Return the price as it stands on a day: indexed, then in the contract's currency; costs with their mark-up."""
    if price.unit == "pass-through":
        price = replace(price, rate=1 + times(price.mark_up or Decimal(0), Decimal("0.01")))
    return converted(indexed(price, book, on), book, on)


def converted(price: Price, book: Book, on: date) -> Price:
    """Return the price in the contract's currency: rate times rate, exactly, so that the line alone is rounded."""
    if price.currency is None or price.currency == book.currency:
        return price
    factor = exchange_rate(book.currencies[price.currency], on)
    title, minimum = f"{price.title} ({price.currency} at {factor:f})", price.minimum
    minimum = None if minimum is None else times(minimum, factor)
    return replace(_with_rates(price, lambda rate: times(rate, factor), minimum), title=title)


def _with_rates(price: Price, new: Callable[[Decimal], Decimal], minimum: Decimal | None) -> Price:
    return replace(
        price,
        rate=None if price.rate is None else new(price.rate),
        tiers=tuple(Tier(tier.up_to, new(tier.rate)) for tier in price.tiers),
        minimum=minimum,
        baseline=price.baseline
        and replace(price.baseline, additional=new(price.baseline.additional), reduced=new(price.baseline.reduced)),
    )


def ramp_share(price: Price, book: Book, on: date) -> Fraction:
    """Return which part of the price's commitment holds in the month of a day, 1 once the ramp-up is over."""
    left = (on.year - book.starts_on.year) * 12 + on.month - book.starts_on.month
    for step in price.ramp_up:
        if left < step.months:
            return Fraction(step.share) / 100
        left -= step.months
    return Fraction(1)


def indexed(price: Price, book: Book, on: date) -> Price:
    """Return the price with its rates as they stand on a day.

    An indexed rate is a new rate that both sides can read: it is rounded, to four decimals or as many as were signed.
    """
    factor = index_factor(book.indexation[price.indexed_by], on) if price.indexed_by else Fraction(1)
    if factor == 1:
        return price

    def new(rate: Decimal) -> Decimal:
        exponent = rate.as_tuple().exponent
        unit = Decimal(1).scaleb(min(-_DECIMALS_OF_A_RATE, exponent if isinstance(exponent, int) else 0))
        exact = Fraction(rate) * factor
        quotient = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
        return quotient.quantize(unit, money.ROUNDINGS[book.rounding], _WIDE)

    minimum = (
        price.minimum
        and rounded(Fraction(price.minimum) * factor, replace(book, currency=price.currency or book.currency)).amount
    )
    return _with_rates(price, new, minimum)


# --- Taxes ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax of the invoice: what it is on, and what it comes to."""

    tax: Tax
    base: Money
    amount: Money


def taxes(book: Book, made: Iterable[Line], credited: Money, credits_tax: str | None) -> list[TaxLine]:
    """Tax the lines, each tax once on their sum and rounded once; credits lessen the base of their own tax."""
    bases: dict[str, Money] = {}
    for line in made:
        if line.tax:
            bases[line.tax] = bases.get(line.tax, Money(Decimal(0), book.currency)) + line.amount
    if credits_tax and credited:
        bases[credits_tax] = bases.get(credits_tax, Money(Decimal(0), book.currency)) - credited
    return [
        TaxLine(tax, bases[name], rounded(Fraction(bases[name].amount) * Fraction(tax.rate) / 100, book))
        for name, tax in book.taxes.items()
        if name in bases
    ]
