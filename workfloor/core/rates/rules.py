"""How signed rates follow the years, an index, and what other currencies are worth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from itertools import pairwise

from workfloor.kit import money

Wrong = tuple[str, str, tuple[str, ...]]  # place, what is wrong, the other places that it follows from
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


# --- Checks ---


def check_currency(name: str, rates: Sequence[Exchange], own: str, starts_on: date) -> Iterator[Wrong]:
    """Yield what is wrong with the rates of another currency than the contract's `own`, from its first day on."""
    place = f"currencies.{name}"
    if name not in money.MINOR_UNITS:
        yield place, f"{name} is no currency of ISO 4217.", ()
    if name == own:
        yield place, f"{name} is the contract's own currency; take it out.", ("contract.currency",)
    if rates[0].starts_on > starts_on:
        message = f"the contract starts on {starts_on}, before the first rate holds."
        yield f"{place}.rates[0].from", message, ("contract.starts_on",)
    for index, (one, following) in enumerate(pairwise(rates)):
        if following.starts_on <= one.starts_on:
            here = f"{place}.rates[{index + 1}].from"
            yield here, f"must be later than {one.starts_on}.", (f"{place}.rates[{index}].from",)
    for index, one in enumerate(rates):
        if not one.rate:
            yield f"{place}.rates[{index}].rate", "is 0: nothing would be charged.", ()


def check_indexation(place: str, terms: Indexation) -> Iterator[Wrong]:
    """Yield what is wrong with an indexation."""
    if (terms.yearly is None) == (terms.base is None):
        yield place, "needs either yearly and from, or base and values.", (f"{place}.yearly", f"{place}.base")
    for index, (one, following) in enumerate(pairwise(terms.values)):
        if following.starts_on <= one.starts_on:
            here = f"{place}.values[{index + 1}].from"
            yield here, f"must be later than {one.starts_on}.", (f"{place}.values[{index}].from",)
    if terms.base == 0:
        yield f"{place}.base", "is 0; no index can be compared with it.", ()
