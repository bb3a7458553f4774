"""What a period came to: levels met or missed, invoice lines and credits, and what makes up for a difference."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from workfloor.core.contracts import pricing
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.pricing import Line, Tax, TaxLine
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures.catalogue import Excluded, Measured
from workfloor.core.periods.months import Correction
from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money
from workfloor.kit.time import calendars
from workfloor.ops.billing import settlement
from workfloor.ops.billing.settlement import Credit, Month


@dataclass(frozen=True, slots=True)
class Period:
    """A month of the contract's zone, cut to the contract's term; `ends_at` is the first instant after it."""

    name: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    state: Literal["open", "over", "closed"]


@dataclass(frozen=True, slots=True)
class Totals:
    """All items received in the period, or those of one queue: answered, abandoned, cancelled and open ones add up."""

    queue: str | None
    received: int = 0
    answered: int = 0
    abandoned: int = 0
    cancelled: int = 0
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0

    @property
    def open(self) -> int:
        return self.received - self.answered - self.abandoned - self.cancelled


@dataclass(frozen=True, slots=True)
class Supposed:
    """What to take instead of what the facts say: the quantity of a price, or what a level attained, by its place."""

    counts: Mapping[int, int] = field(default_factory=dict)
    attained: Mapping[int, Decimal] = field(default_factory=dict)


AS_IT_WAS = Supposed()


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A line that corrects a figure of an earlier, closed month; positive is owed by the client."""

    id: str
    period: str
    figure: str
    title: str
    amount: Money
    tax: Tax | None
    because: str
    dispute: int | None


# --- Invoice ----------------------------------------------------------------------------------------------------
def lines(contract: Contract, counted: Sequence[int | Fraction], on: date) -> list[Line]:
    """Charge each price, as it stands on a day, for what it counted."""
    return pricing.lines(contract.book, contract.prices, counted, on)


def due(made: Iterable[Line], owed: Iterable[Credit], currency: str) -> Money:
    """Return the lines less the credits, before taxes."""
    charged = money.total((line.amount for line in made), currency)
    return charged - money.total((credit.amount for credit in owed), currency)


def taxes(contract: Contract, made: Iterable[Line], credited: Money, adjusted: Iterable[Adjusted]) -> list[TaxLine]:
    """Tax the lines less the credits; adjustments join the tax of the line that they correct, as it was then."""
    credits_tax = contract.credits.tax if contract.credits else None
    bases = {line.tax: line.base for line in pricing.taxes(contract.book, made, credited, credits_tax)}
    for each in adjusted:
        if each.tax:
            bases[each.tax] = bases.get(each.tax, Money(Decimal(0), contract.currency)) + each.amount
    return [
        TaxLine(tax, base, pricing.rounded(Fraction(base.amount) * Fraction(tax.rate) / 100, contract.book))
        for tax, base in bases.items()
    ]


def months_behind(contract: Contract) -> int:
    """Return how many months before a month its credits may depend on."""
    return settlement.months_needed(contract.service_levels, contract.credits, contract.terminations)


def month(contract: Contract, name: str, made: Sequence[Line], attained: Sequence[Decimal | None]) -> Month:
    """Put together what a month (such as `1999-02`) is settled by; a level's own charges are those of its queues.

    The figure of a level whose window goes on is of no month yet: None.
    """
    year, number = int(name[:4]), int(name[5:])
    since = (year - contract.starts_on.year) * 12 + number - contract.starts_on.month
    own = [
        [line for line in made if set(contract.prices[line.price].of).intersection(level.of)]
        for level in contract.service_levels
    ]
    return Month(
        name=name,
        contract_year=since // 12,
        levels=contract.service_levels,
        attained=tuple(attained),
        charges=due(made, [], contract.currency),
        of_levels=tuple(due(each, [], contract.currency) for each in own),
        terms=contract.credits,
        rounding=contract.rounding,
        terminations=contract.terminations,
        running=frozenset(level.name for level in contract.service_levels if _goes_on(contract, level, name)),
    )


def _goes_on(contract: Contract, level: ServiceLevel, name: str) -> bool:
    found = calendars.windows(level.window, name, contract.zone, contract.starts_on, contract.ends_on)
    return not all(window.is_due for window in found)


def kept_month(contract: Contract, name: str, basis: Mapping[str, Any]) -> Month:
    """Put a closed month together from what was kept of it, as `basis` kept it."""
    kept = [
        Line(each["price"], "", "fixed", Fraction(1), None, (), Money(Decimal(each["amount"]), contract.currency))
        for each in basis["lines"]
    ]
    return month(contract, name, kept, [None if value is None else Decimal(value) for value in basis["attained"]])


def basis(
    zone: str, contract: Contract, made: Sequence[Line], measured: "Iterable[Measured]", adjusted: Iterable[Adjusted]
) -> dict[str, Any]:
    """Return what the invoice and later months must know exactly of a month that closes, as JSON values."""
    own = [row for row in measured if row.queue is None]
    attained = [row.figure.attained if row.window and row.window.is_due else None for row in own]
    return {
        "zone": zone,
        "lines": [_kept_line(line) for line in made],
        "attained": [None if value is None else str(value) for value in attained],
        "credits_tax": contract.credits.tax if contract.credits else None,
        "adjustments": [each.tax and _kept_tax(each.tax) for each in adjusted],
    }


def _kept_line(line: Line) -> dict[str, Any]:
    return {
        "price": line.price,
        "amount": str(line.amount.amount),
        "quantity": str(line.quantity),
        "slices": [[str(part.quantity), str(part.rate)] for part in line.slices],
    }


def _kept_tax(tax: Tax) -> dict[str, str]:
    return {"name": tax.name, "title": tax.title, "category": tax.category, "rate": str(tax.rate)}


def kept_value(value: bool | int | str) -> bool | int | Decimal | str:
    """Return what an item added to a figure, as it was kept: exact numbers as text, and words."""
    return Decimal(value) if isinstance(value, str) and not value[0].isalpha() else value


# --- What a statement holds ---------------------------------------------------------------------------------------
Row = Measured | Excluded | Line | Credit | Totals | Mapping[str, Any]  # the last as it was frozen


@dataclass(frozen=True, slots=True)
class Subject:
    """A figure of a statement that can be opened: its id and title, its row, and the question that finds its items."""

    id: str
    title: str
    row: Row
    version: int
    zone: str
    sql: str
    values: Mapping[str, Any]
    kept: Sequence["Counted"] | None = None  # of a closed month: what it counted then; there is no question to ask
    opens: Literal["items", "outages"] = "items"


@dataclass(frozen=True, slots=True)
class Counted:
    """One item that a figure counts; `value` says whether it met a share, else the seconds or quantity that it adds.

    Of what is excluded it is the kind of exclusion. Of availability each row is an outage: `item_id` is its claim's
    number, `key` the reason, `agent` who claimed it, and `value` the seconds of service that it took.
    """

    item_id: int
    key: str
    queue: str
    received_at: datetime
    state: str
    agent: str
    value: bool | int | Decimal | str


PROPOSERS = frozenset({"leader", "manager"})
APPROVERS = frozenset({"manager"})
RAISERS = frozenset({"client", "leader", "manager"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What one subject of a statement (a line by its title, a credit by its name) came to, and under which tax."""

    figure: str
    amount: Decimal  # what the client owes for it; a credit is negative
    tax: str | None


def entries(plain: Mapping[str, Any], credits_tax: str | None) -> dict[str, Entry]:
    """Return what a statement, as programs read it, charges and credits, by subject."""
    found = {each["title"]: Entry(each["id"], Decimal(each["amount"]), each["tax"]) for each in plain["lines"]}
    for each in plain["credits"]:
        subject = f"Credit: {each['name']}"
        owed = found[subject].amount if subject in found else Decimal(0)
        found[subject] = Entry(each["id"], owed - Decimal(each["amount"]), credits_tax)
    return found


def corrections(
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    *,
    known: Iterable[tuple[str, Decimal]] = (),
    currency: str,
    taxes: Mapping[str, Mapping[str, str]],
    title: Callable[[str], str],
) -> list[Correction]:
    """Return a correction for each subject whose amount has changed, less what `known` corrections made up already.

    `taxes` are the months' taxes by name; `title` words the line for a subject.
    """
    missing = Entry("", Decimal(0), None)
    made_up: dict[str, Decimal] = {}
    for subject, amount in known:
        made_up[subject] = made_up.get(subject, Decimal(0)) + amount
    found: list[Correction] = []
    for subject in dict.fromkeys([*before, *after, *made_up]):
        was, now = before.get(subject, missing), after.get(subject, missing)
        if amount := now.amount - was.amount - made_up.get(subject, Decimal(0)):
            tax = taxes.get(was.tax or now.tax or "")
            figure = was.figure or now.figure
            found.append(Correction(figure, subject, title(subject), Money(amount, currency), tax))
    return found
