"""What work costs: prices as agreed, the invoice lines that they make, indexation, ramp-up and taxes."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from workfloor.core.rates import rules as rates
from workfloor.core.rates.rules import Exchange as Exchange
from workfloor.core.rates.rules import Indexation as Indexation
from workfloor.core.rates.rules import IndexValue as IndexValue
from workfloor.kit import money
from workfloor.kit.money import Money

Unit = Literal["contact", "minute", "transaction", "outcome", "agent-hour", "fte-month", "pass-through", "fixed"]
Counts = Literal["answered", "received", "done", "talk", "handled", "disposed", "delivered"]
DELIVERED = ("agent-hour", "pass-through")  # charged by what both sides approved, not by items
Tiering = Literal["volume", "graduated"]
Wrong = tuple[str, str, tuple[str, ...]]  # place, what is wrong, the other places that it follows from

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
        rate, words = rates.times(agreed.reduced, agreed.reduced_factor), "reduced, below the baseline"
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
        price = replace(price, rate=1 + rates.times(price.mark_up or Decimal(0), Decimal("0.01")))
    return converted(indexed(price, book, on), book, on)


def converted(price: Price, book: Book, on: date) -> Price:
    """Return the price in the contract's currency: rate times rate, exactly, so that the line alone is rounded."""
    if price.currency is None or price.currency == book.currency:
        return price
    factor = rates.exchange_rate(book.currencies[price.currency], on)
    title, minimum = f"{price.title} ({price.currency} at {factor:f})", price.minimum
    minimum = None if minimum is None else rates.times(minimum, factor)
    return replace(_with_rates(price, lambda rate: rates.times(rate, factor), minimum), title=title)


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
    factor = rates.index_factor(book.indexation[price.indexed_by], on) if price.indexed_by else Fraction(1)
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


# --- Checks across clauses --------------------------------------------------------------------------------------


def check(book: Book, prices: Sequence[Price], dispositions: Mapping[str, Container[str]]) -> Iterator[Wrong]:
    """Yield what is wrong with prices, taxes and indexation that are each well-formed; `dispositions` go by queue."""
    for name, tax in book.taxes.items():
        if tax.rate and tax.category not in ("S", "L", "M"):
            message = f"category {tax.category} is never charged; its rate is 0 %."
            yield f"taxes.{name}.rate", message, (f"taxes.{name}.category",)
    for name, terms in book.indexation.items():
        yield from rates.check_indexation(f"indexation.{name}", terms)
    for name, agreed in book.currencies.items():
        yield from rates.check_currency(name, agreed, book.currency, book.starts_on)
    for number, price in enumerate(prices):
        place = f"prices[{number}]"
        yield from _check_rates(book, place, price)
        yield from _check_names(book, place, price, dispositions)
        yield from _check_baseline(place, price)


def _check_rates(book: Book, place: str, price: Price) -> Iterator[Wrong]:
    if price.unit == "pass-through":
        return
    if price.baseline and price.rate is None:
        yield f"{place}.rate", f"is missing: {place}.baseline is charged at it.", (f"{place}.baseline",)
    elif (price.rate is None) == (not price.tiers):
        yield place, "needs either a rate or tiers.", (f"{place}.rate", f"{place}.tiers")
    yield from _check_tiers(place, price.tiers)
    currency = price.currency or book.currency
    digits = money.MINOR_UNITS.get(currency, 4)
    if price.minimum is not None and price.minimum != round(price.minimum, digits):
        yield f"{place}.minimum", f"{currency} has {digits} decimals.", ("contract.currency", f"{place}.currency")
    for index, step in enumerate(price.ramp_up):
        if step.share > 100:
            yield f"{place}.ramp_up[{index}].share", f"{step.share:f} % is more than is committed.", ()
    committed = price.counts is None or price.minimum is not None or price.baseline
    if price.ramp_up and not committed:
        message = (
            "nothing here is committed; a ramp-up lowers a minimum, a baseline, an agreed quantity or a fixed amount."
        )
        yield f"{place}.ramp_up", message, (f"{place}.unit", f"{place}.minimum")


def _check_names(book: Book, place: str, price: Price, dispositions: Mapping[str, Container[str]]) -> Iterator[Wrong]:
    if price.indexed_by and price.indexed_by not in book.indexation:
        message = f"there is no indexation {price.indexed_by}; there is {', '.join(book.indexation) or 'none'}."
        yield f"{place}.indexed_by", message, ("indexation",)
    if price.tax and price.tax not in book.taxes:
        yield f"{place}.tax", f"there is no tax {price.tax}; there is {', '.join(book.taxes) or 'none'}.", ("taxes",)
    if price.currency and price.currency != book.currency and price.currency not in book.currencies:
        message = f"no rate is agreed for {price.currency}: write [currencies.{price.currency}], or take it out."
        yield f"{place}.currency", message, ("contract.currency", "currencies")
    if book.taxes and not price.tax:
        yield f"{place}.tax", f"is missing: name one of {', '.join(book.taxes)}.", ("taxes",)
    for index, name in enumerate(price.dispositions):
        if not any(name in dispositions.get(queue, ()) for queue in price.of):
            message = f"no process of its queues has a disposition {name}."
            yield f"{place}.dispositions[{index}]", message, ("processes", f"{place}.of")


def _check_baseline(place: str, price: Price) -> Iterator[Wrong]:
    terms, here = price.baseline, f"{place}.baseline"
    if terms is None:
        return
    if price.minimum is not None:
        yield f"{place}.minimum", "a baseline is its own minimum; take one of them out.", (here,)
    if price.rate is not None and terms.reduced * terms.reduced_factor > price.rate:
        message = f"gives back more than the {price.rate:f} that was charged."
        yield f"{here}.reduced", message, (f"{place}.rate", f"{here}.reduced_factor")


def _check_tiers(place: str, tiers: Sequence[Tier]) -> Iterator[Wrong]:
    for index, (tier, following) in enumerate(pairwise(tiers)):
        here, after = f"{place}.tiers[{index}]", f"{place}.tiers[{index + 1}]"
        if tier.up_to is None:
            yield here, "only the last tier may leave up_to out; the tiers after it overlap it.", ()
        elif following.up_to is not None and following.up_to <= tier.up_to:
            message = f"overlaps the tier before it, which goes up to {tier.up_to}."
            yield f"{after}.up_to", message, (f"{here}.up_to",)
    if tiers and tiers[-1].up_to is not None:
        message = "the last tier must leave up_to out, or a larger quantity would have no rate."
        yield f"{place}.tiers[{len(tiers) - 1}].up_to", message, ()
