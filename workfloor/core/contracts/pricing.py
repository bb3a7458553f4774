"""What work costs: prices as agreed, the invoice lines that they make, indexation, currencies, ramp-up and taxes."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Literal

from workfloor.kit.figures import steps
from workfloor.kit.figures.money import Money
from workfloor.kit.figures.steps import Step
from workfloor.kit.text.translation import gettext_noop


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
    return _exchange(agreed, on).rate


def _exchange(agreed: Sequence[Exchange], on: date) -> Exchange:
    for one in reversed(agreed):
        if one.starts_on <= on:
            return one
    raise ValueError(f"No rate is agreed for {on}.")


def index_factor(terms: Indexation, on: date) -> Fraction:
    """Return what a rate is multiplied by on a day: yearly percentages compound from `starts_on` on."""
    factor = Fraction(1)
    for step in index_steps(terms, on):
        factor *= step.factor
    return factor


def index_steps(terms: Indexation, on: date) -> tuple[Step, ...]:
    """Return what a rate is multiplied by on a day, one after the other; nothing before the first rise."""
    if terms.yearly is not None and terms.starts_on is not None:
        begun = on.year - terms.starts_on.year + ((on.month, on.day) >= (terms.starts_on.month, terms.starts_on.day))
        parts = [steps.given("what it was", 100, "%"), steps.given("a year's rise", terms.yearly, "%")]
        return (steps.total(f"A year's rise by {terms.name}", parts, "%"),) * max(begun, 0)
    known = [each for each in terms.values if each.starts_on <= on]
    if not known or not terms.base:
        return ()
    value = steps.given(f"{terms.name} from {known[-1].starts_on} on", known[-1].value)
    return (steps.quotient(f"Change of {terms.name}", value, steps.given("its base", terms.base), ""),)


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
class RampUp:
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
    ramp_up: tuple[RampUp, ...] = ()
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
    """A line of the invoice; `rate` is None where slices have several; `price` counts the contract's prices from 0.

    `how` is what the amount was computed from; None of a line that was read from what a closed month kept.
    """

    price: int
    title: str
    unit: str
    quantity: Fraction
    rate: Decimal | None
    slices: tuple[Slice, ...]
    amount: Money
    tax: str | None = None
    how: Step | None = field(default=None, compare=False, repr=False)


def lines(book: Book, prices: Sequence[Price], counted: Sequence[int | Fraction], on: date) -> list[Line]:
    """Charge each price, as it stands on a day, for what it counted, in the order of the prices.

    Items and seconds are counted, hours that both sides approved, or costs in the price's own currency. Each line is
    rounded once. A price below its minimum gets a second line that trues it up, one off its baseline a second line
    for the gap.
    """
    made: list[Line] = []
    for number, (price, count) in enumerate(zip(prices, counted, strict=True)):
        made.extend(_lines(_Charge(book, number, price, on), count, len(made) + 1))
    return made


@dataclass(frozen=True, slots=True)
class _Charge:
    """A price on a day; `number` counts the contract's prices from 0."""

    book: Book
    number: int
    price: Price
    on: date

    def title(self, share: Step | None) -> str:
        price = self.price
        title = f"{price.title} ({price.currency} at {self._exchange().rate:f})" if self._is_foreign() else price.title
        return f"{title} (ramp-up: {_said(share.result)} %)" if share else title

    def rate(self, words: str, signed: Decimal) -> Step:
        """Return a signed rate as it stands on the day: indexed, then in the contract's currency.

        An indexed rate is a new rate that both sides can read: it is rounded, to four decimals or as many as were
        signed. It is converted exactly, so that the line alone is rounded.
        """
        return self._stands(words, steps.given(f"{words}, as signed", signed, self._currency()))

    def _stands(self, words: str, rate: Step) -> Step:
        if rises := self._rises():
            digits = max(_DECIMALS_OF_A_RATE, len(f"{steps.decimal(rate):f}".partition(".")[2]))
            exact = steps.product("indexed, exactly", rate, *rises, unit=rate.unit)
            rate = steps.rounded(f"{words}, indexed", exact, self.book.rounding, digits)
        return self._converted(words, rate)

    def rate_of_costs(self) -> Step:
        """Return what each unit of costs that are passed through is charged with: itself and the mark-up."""
        parts = [steps.given("costs", 100, "%"), steps.given("mark-up", self.price.mark_up or Decimal(0), "%")]
        rate = steps.product("rate", steps.total("costs with their mark-up", parts, "%"), unit=self._currency())
        return self._stands("rate", rate)

    def minimum(self, signed: Decimal) -> Step:
        """Return a signed minimum as it stands on the day."""
        minimum = steps.given("minimum, as signed", signed, self._currency())
        if signed and (rises := self._rises()):
            exact = steps.product("indexed, exactly", minimum, *rises, unit=minimum.unit)
            minimum = steps.rounded_money("minimum, indexed", exact, self.book.rounding)
        return self._converted("minimum", minimum)

    def _rises(self) -> tuple[Step, ...]:
        if not self.price.indexed_by:
            return ()
        found = index_steps(self.book.indexation[self.price.indexed_by], self.on)
        return () if math.prod(each.factor for each in found) == 1 else found

    def _converted(self, words: str, rate: Step) -> Step:
        if not self._is_foreign():
            return rate
        agreed = self._exchange()
        factor = steps.given(f"{self.price.currency} from {agreed.starts_on} on", agreed.rate)
        return steps.product(f"{words}, in {self.book.currency}", rate, factor, unit=self.book.currency)

    def _is_foreign(self) -> bool:
        return self.price.currency not in (None, self.book.currency)

    def _exchange(self) -> Exchange:
        return _exchange(self.book.currencies[self.price.currency or ""], self.on)

    def _currency(self) -> str:
        return self.price.currency or self.book.currency


def _lines(charge: _Charge, count: int | Fraction, first: int) -> Iterator[Line]:
    """Charge a price; `first` is the number of its first line on the invoice."""
    price, share = charge.price, ramp_share(charge.price, charge.book, charge.on)
    units = counted_units(price, count)
    if price.counts is None:
        units = _ramped("agreed for the month", units, share)
    if price.baseline:
        base = _ramped("baseline of the month", steps.given("baseline", price.baseline.quantity, units.unit), share)
        yield _line(charge, _slices(charge, base), charge.title(share))
        yield from _gap(charge, price.baseline, units, base)
        return
    line = _line(charge, _slices(charge, units), charge.title(None if price.counts else share))
    yield line
    if price.minimum is not None:
        yield from _true_up(charge, line, first, _ramped("minimum of the month", charge.minimum(price.minimum), share))


def _ramped(words: str, committed: Step, share: Step | None) -> Step:
    return steps.product(words, committed, share, unit=committed.unit) if share else committed


def _said(exact: Fraction) -> str:
    return f"{_WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator)).quantize(_FOUR).normalize():f}"


_Part = tuple[Step, Step]  # a quantity and its rate


def _line(charge: _Charge, parts: Sequence[_Part], title: str, because: tuple[Step, ...] = ()) -> Line:
    book, price = charge.book, charge.price
    charged = [steps.product("quantity × rate", units, rate, unit=book.currency) for units, rate in parts]
    exact = charged[0] if len(charged) == 1 else steps.total("all slices", charged, book.currency)
    how = replace(steps.rounded_money(title, exact, book.rounding), because=because)
    slices = tuple(Slice(units.result, steps.decimal(rate)) for units, rate in parts)
    units = sum((part.quantity for part in slices), Fraction(0))
    rate = slices[0].rate if len(slices) == 1 else None
    return Line(charge.number, title, price.unit, units, rate, slices, steps.amount(how), price.tax, how)


def _gap(charge: _Charge, agreed: Baseline, units: Step, base: Step) -> Iterator[Line]:
    """Charge the gap to the baseline, or give it back, where it is outside the dead band."""
    gap = steps.less("gap to the baseline", units, base)
    size = steps.negated("the gap's size", gap) if gap.result < 0 else gap
    band = steps.product("dead band", base, steps.given("of the baseline", agreed.dead_band, "%"), unit=base.unit)
    if size.result <= band.result:
        return
    outside = steps.compared("Outside the dead band", size, band)
    rate, words = charge.rate("additional rate", agreed.additional), gettext_noop("additional, above the baseline")
    if gap.result < 0:
        reduced = charge.rate("reduced rate", agreed.reduced)
        factor = steps.given("its factor", agreed.reduced_factor)
        rate, words = (
            steps.product("rate given back", reduced, factor, unit=reduced.unit),
            gettext_noop("reduced, below the baseline"),
        )
    yield _line(charge, [(gap, rate)], f"{charge.title(None)}: {words}", (outside,))


def _true_up(charge: _Charge, line: Line, number: int, exact: Step) -> Iterator[Line]:
    minimum = steps.rounded_money("minimum of the month", exact, charge.book.rounding)
    if line.amount < steps.amount(minimum):
        title = f"{charge.title(None)}: {gettext_noop('up to the minimum')}"
        how = steps.less(title, minimum, steps.given(line.title, line.amount, figure=f"l{number}"))
        missing = steps.amount(how)
        yield Line(line.price, title, "fixed", Fraction(1), missing.amount, (), missing, charge.price.tax, how)


def charged(price: Price, counted: int | Fraction) -> Fraction:
    """Turn the counted items or seconds into the price's unit: a minute is 60 exact seconds, never rounded up."""
    return counted_units(price, counted).result


def counted_units(price: Price, counted: int | Fraction) -> Step:
    """Return the quantity in the price's unit, from the counted items or seconds, or as it was agreed."""
    unit = f"{price.unit}s"
    if price.counts is None:
        return steps.given("a month", 1) if price.quantity is None else steps.given("agreed", price.quantity, unit)
    found = steps.given(
        _COUNTED[price.counts], counted, "s" if price.unit == "minute" else _UNITS.get(price.unit, unit)
    )
    if price.unit != "minute":
        return found
    return steps.quotient("minutes", found, steps.given("seconds of a minute", 60), unit)


_COUNTED = {
    "answered": "answered",
    "received": "received",
    "done": "done",
    "talk": "talk",
    "handled": gettext_noop("talk, hold and wrap-up"),
    "disposed": gettext_noop("ended so"),
    "delivered": gettext_noop("approved by both sides"),
}
_UNITS = {"pass-through": ""}  # costs in the price's currency; whose, its rate says


def _slices(charge: _Charge, units: Step) -> list[_Part]:
    """Split a quantity over the price's rates; raises ValueError where it exceeds the last tier."""
    price = charge.price
    if price.unit == "pass-through":
        return [(units, charge.rate_of_costs())]
    if not price.tiers:
        return [(units, charge.rate("rate", price.rate or Decimal(0)))]
    _check_tiers(price.tiers, units.result)
    rates = [charge.rate(_tier(tier), tier.rate) for tier in price.tiers]
    if price.tiering == "volume":
        rows = [_row(tier, rate) for tier, rate in zip(price.tiers, rates, strict=True)]
        return [(units, steps.looked_up("rate of the tier", units, rows))]
    return list(_graduated(price.tiers, rates, units))


def _tier(tier: Tier) -> str:
    if tier.up_to is None:
        return gettext_noop("rate of the last tier")
    return gettext_noop("rate up to {quantity:,}").format(quantity=tier.up_to)


def _row(tier: Tier, rate: Step) -> steps.Row:
    if tier.up_to is None:
        return steps.Row("else", None, rate)
    return steps.Row("at-most", Fraction(tier.up_to), rate)


def _check_tiers(tiers: Sequence[Tier], units: Fraction) -> None:
    last = tiers[-1].up_to
    if last is not None and units > last:
        raise ValueError(f"No tier holds {_said(units)}; the last ends at {last}.")


def _graduated(tiers: Sequence[Tier], rates: Sequence[Step], units: Step) -> Iterator[_Part]:
    below: Step | None = None
    for tier, rate in zip(tiers, rates, strict=True):
        is_last = tier.up_to is None or units.result <= tier.up_to
        upper = units if is_last else steps.given("end of the tier", tier.up_to or 0, units.unit)
        yield (steps.less("in this tier", upper, below) if below else upper), rate
        if is_last:
            return
        below = upper


def rounded(exact: Fraction, book: Book) -> Money:
    """Round to the currency's minor unit in the contract's mode."""
    return steps.amount(steps.rounded_money("", steps.given("", exact, book.currency), book.rounding))


def ramp_share(price: Price, book: Book, on: date) -> Step | None:
    """Return which percent of the price's commitment holds in the month of a day; None once it is all of it."""
    begun = (on.year - book.starts_on.year) * 12 + on.month - book.starts_on.month
    rows, until = [], 0
    for each in price.ramp_up:
        until += each.months
        rows.append(steps.Row("below", Fraction(until), steps.given("share", each.share, "%")))
    rows.append(steps.Row("else", None, steps.given("all of it", 100, "%")))
    found = steps.looked_up("ramp-up", steps.given("months since the start", begun), rows)
    return None if found.result == 100 else found


# --- Taxes ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax of the invoice: what it is on, and what it comes to; `how` is what that was computed from."""

    tax: Tax
    base: Money
    amount: Money
    how: Step | None = field(default=None, compare=False, repr=False)


def taxes(
    book: Book, made: Iterable[Line], credited: Money, credits_tax: str | None, others: Iterable[tuple[Tax, Step]] = ()
) -> list[TaxLine]:
    """Tax the lines, each tax once on their sum and rounded once; credits lessen the base of their own tax.

    `others` are further amounts, each with its own tax, which may be one that the contract has no more.
    """
    bases: dict[Tax, list[Step]] = {}
    of_names: dict[str, list[Step]] = {}
    for number, line in enumerate(made, 1):
        if line.tax:
            of_names.setdefault(line.tax, []).append(steps.given(line.title, line.amount, figure=f"l{number}"))
    if credits_tax and credited:
        off = steps.negated("credits", steps.given("credits", credited, figure="credits"))
        of_names.setdefault(credits_tax, []).append(off)
    for name, tax in book.taxes.items():
        if name in of_names:
            bases.setdefault(tax, []).extend(of_names[name])
    for tax, part in others:
        bases.setdefault(tax, []).append(part)
    return [_taxed(book, tax, parts) for tax, parts in bases.items()]


def _taxed(book: Book, tax: Tax, parts: Sequence[Step]) -> TaxLine:
    base = steps.total(f"what {tax.title} is on", parts, book.currency)
    rate = steps.given("its rate", tax.rate, "%")
    exact = steps.product(f"{tax.title}, exactly", base, rate, unit=book.currency)
    how = steps.rounded_money(tax.title, exact, book.rounding)
    return TaxLine(tax, steps.amount(base), steps.amount(how), how)
