"""What a period comes to: its lines and credits, months settled one after the other, those before in sight."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Literal

from workfloor.core.contracts import pricing
from workfloor.core.contracts.levels import (
    IN_SECONDS,
    Credits,
    EarnBack,
    Reached,
    ServiceLevel,
    Termination,
    Verdict,
    falls_short,
    four_places,
    is_better,
    months_of,
    owes_credit,
    reset,
    verdict,
)
from workfloor.core.contracts.pricing import Line, Tax, TaxLine
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures.catalogue import Excluded, Measured
from workfloor.core.periods.months import Correction
from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money
from workfloor.kit.time import calendars

EVERY = 10**6  # more months than any term has
# Wide enough that a quotient never looks like an exact half of a minor unit unless it is one.
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


# --- Months, settled one after the other --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Month:
    """What a month came to before credits; `of_levels` are the charges for each level's own queues."""

    name: str  # 2026-03
    contract_year: int
    levels: tuple[ServiceLevel, ...]
    attained: tuple[Decimal | None, ...]
    charges: Money
    of_levels: tuple[Money, ...]
    terms: Credits | None
    rounding: str
    terminations: tuple[Termination, ...] = ()
    running: frozenset[str] = frozenset()  # names of the levels whose window has not ended in this month


@dataclass(frozen=True, slots=True)
class Credit:
    """What a miss takes off; `computed` is before the caps; `level` counts the contract's levels, None: all of them.

    Credits that were earned back are negative.
    """

    level: int | None
    name: str
    computed: Money
    amount: Money
    note: str = ""
    from_bank: Money | None = None  # what the bonus bank met


@dataclass(frozen=True, slots=True)
class Settled:
    """A month judged: the levels as they were agreed by then, verdicts, credits, and what it lets the client do."""

    month: Month
    levels: tuple[ServiceLevel, ...]
    verdicts: tuple[Verdict | None, ...]
    points: tuple[int, ...] = ()
    credits: tuple[Credit, ...] = ()
    notices: tuple[str, ...] = ()
    missed: frozenset[str] = field(default=frozenset())  # names of the levels that owe a credit
    bank: Money | None = None  # what bonuses have saved by the end of the month


def settle(months: Iterable[Month]) -> list[Settled]:
    """Judge months in their order; each sees those before it: resets, repeats, averages, yearly caps, earn-backs."""
    done: list[Settled] = []
    for month in months:
        done.append(_settled(month, done))
    return done


def months_needed(levels: Iterable[ServiceLevel], terms: Credits | None, ends: Iterable[Termination]) -> int:
    """Return how many months before a month its credits depend on; EVERY for all since the contract began."""
    levels = tuple(levels)
    if any(level.ratchet for level in levels) or (terms and (terms.cap_year or terms.bank) is not None):
        return EVERY
    reach = max((each.within_months - 1 for each in ends), default=0)
    if terms:
        reach += terms.average_months - 1 + terms.over_months - 1
        longest = max(map(months_of, levels), default=1)
        reach += max(((each.months - 1) * longest for each in terms.repeat), default=0)
        reach += (terms.earn_back.within_months or 0) if terms.earn_back else 0
    return reach


def _settled(month: Month, earlier: Sequence[Settled]) -> Settled:
    levels = tuple(_target_of(level, earlier) for level in month.levels)
    verdicts = tuple(verdict(level, figure) for level, figure in zip(levels, month.attained, strict=True))
    missed = frozenset(level.name for level, judged in zip(levels, verdicts, strict=True) if owes_credit(level, judged))
    points = tuple(_points(month, number, earlier) for number in range(len(levels)))
    found = Settled(month, levels, verdicts, points, (), (), missed)
    found = replace(found, credits=tuple(credits_of(found, earlier)))
    return replace(found, notices=tuple(_notices(found, earlier)), bank=_bank(found, earlier))


def _by_name(settled: Settled, name: str) -> int | None:
    return next((number for number, level in enumerate(settled.levels) if level.name == name), None)


def _target_of(level: ServiceLevel, earlier: Sequence[Settled]) -> ServiceLevel:
    """Return the level as earlier months have moved it; an amendment that changes the target begins anew."""
    number = _by_name(earlier[-1], level.name) if level.ratchet and earlier else None
    if level.ratchet is None or number is None:
        return level
    if earlier[-1].month.levels[number].expected != level.expected:
        return level
    now = replace(level, expected=earlier[-1].levels[number].expected)
    run = _run_above(now, earlier[-level.ratchet.after_months :])
    if now.expected is None or len(run) < level.ratchet.after_months:
        return now
    return replace(now, expected=reset(now, level.ratchet, run))


def _run_above(level: ServiceLevel, earlier: Sequence[Settled]) -> list[Decimal]:
    """Return the figures of the months in a row that were better than this very target."""
    run: list[Decimal] = []
    for settled in reversed(earlier):
        number = _by_name(settled, level.name)
        figure = None if number is None else settled.month.attained[number]
        same = number is not None and settled.levels[number].expected == level.expected
        if not same or figure is None or level.expected is None:
            break
        if not is_better(level, figure, level.expected):
            break
        run.append(figure)
    return run


# --- Credits ----------------------------------------------------------------------------------------------------


def credits_of(settled: Settled, earlier: Sequence[Settled]) -> Iterator[Credit]:
    """Yield what a judged month owes, within the caps, and what it earns back of an earlier one."""
    month = settled.month
    if month.terms is None:
        return
    owed = _by_points(settled, earlier) if month.terms.rule == "points" else _by_level(settled, earlier)
    yield from _met(_capped(owed, _left(settled, earlier)), _saved(settled, earlier))
    if month.terms.earn_back and month.terms.earn_back.within_months:
        yield from _earned_back(settled, earlier, month.terms.earn_back, month.terms.earn_back.within_months)


def _by_level(settled: Settled, earlier: Sequence[Settled]) -> Iterator[Credit]:
    month, terms = settled.month, settled.month.terms
    for number, level in enumerate(settled.levels):
        attained = month.attained[number]
        if terms is None or level.name not in settled.missed or attained is None:
            continue
        if settled.missed.intersection(level.not_with):
            continue
        owed = _exactly(month.charges, terms, level, attained)
        run = _misses_in_a_row(level.name, earlier) + 1
        factor = max((each.factor for each in terms.repeat if each.months <= run), default=Decimal(1))
        note = "" if factor == 1 else f"month {run} in a row, times {factor.normalize():f}"
        if owed is not None:
            amount = _rounded(owed * Fraction(factor), month)
            yield Credit(number, level.name, amount, amount, note)


def _exactly(charges: Money, terms: Credits, level: ServiceLevel, attained: Decimal) -> Fraction | None:
    """Return what a miss costs, None where the level carries no credit."""
    if terms.rule == "at-risk":
        return None if level.weight is None else _of(charges, terms.at_risk, terms.pool, level.weight)
    if terms.rule == "fixed":
        if level.credit_amount is not None:
            return Fraction(level.credit_amount)
        return None if level.credit is None else _of(charges, level.credit)
    if level.expected is None or terms.per_point is None or level.measure in IN_SECONDS:
        return None
    return _of(charges, terms.per_point) * abs(Fraction(level.expected) - Fraction(attained))


def _misses_in_a_row(name: str, earlier: Sequence[Settled]) -> int:
    run = 0
    for settled in reversed(earlier):
        if name in settled.month.running:
            continue
        if name not in settled.missed:
            break
        run += 1
    return run


def _points(month: Month, number: int, earlier: Sequence[Settled]) -> int:
    """Score a level's figure, averaged with those of the months before where that is agreed."""
    level, attained = month.levels[number], month.attained[number]
    if attained is None or month.terms is None:
        return 0
    figures = [Fraction(attained)]
    for settled in _last(earlier, month.terms.average_months - 1):
        before = _by_name(settled, level.name)
        figure = None if before is None else settled.month.attained[before]
        figures += [] if figure is None else [Fraction(figure)]
    mean = four_places(sum(figures, Fraction(0)) / len(figures))
    return max((one.points for one in level.points if falls_short(level, mean, one.worse_than)), default=0)


def _last(earlier: Sequence[Settled], months: int) -> Sequence[Settled]:
    return earlier[len(earlier) - min(months, len(earlier)) :]


def table_credit(table: Sequence[Reached], points: int) -> Decimal:
    """Return the percent that so many points reach, 0 below the first row."""
    return max((row.credit for row in table if row.points <= points), default=Decimal(0))


def _by_points(settled: Settled, earlier: Sequence[Settled]) -> Iterator[Credit]:
    month, terms = settled.month, settled.month.terms
    assert terms
    window = [*_last(earlier, terms.over_months - 1), settled]
    gathered = [_gathered(window, level.name) for level in settled.levels]
    if terms.table:
        points = max(sum(gathered) - terms.allowance, 0)
        amount = _rounded(_of(month.charges, table_credit(terms.table, points)), month)
        if amount:
            yield Credit(None, "points", amount, amount, f"{points} points")
        return
    for number, (level, points) in enumerate(zip(settled.levels, gathered, strict=True)):
        beyond = points - terms.allowance
        if beyond <= 0 or terms.per_point is None:
            continue
        charges = month.of_levels[number]
        computed = amount = _rounded(_of(charges, terms.per_point) * beyond, month)
        if terms.cap_each is not None:
            amount = min(computed, _rounded(_of(charges, terms.cap_each), month))
        yield Credit(number, level.name, computed, amount, f"{points} points, {beyond} beyond the allowance")


def _gathered(window: Iterable[Settled], name: str) -> int:
    numbers = [(settled, _by_name(settled, name)) for settled in window]
    return sum(settled.points[number] for settled, number in numbers if number is not None)


def _left(settled: Settled, earlier: Sequence[Settled]) -> Money:
    """Return how much the caps leave: of the month's charges, and of the contract year's so far."""
    month = settled.month
    assert month.terms
    left = _rounded(_of(month.charges, month.terms.cap), month)
    if month.terms.cap_year is None:
        return left
    year = [each for each in earlier if each.month.contract_year == month.contract_year]
    charges = money.total((each.month.charges for each in [*year, settled]), month.charges.currency)
    given = money.total((one.amount for each in year for one in each.credits), month.charges.currency)
    of_year = _rounded(_of(charges, month.terms.cap_year), month) - given
    return max(min(left, of_year), Money(Decimal(0), month.charges.currency))


def _capped(owed: Iterable[Credit], left: Money) -> Iterator[Credit]:
    """Stop at the cap: in the contract's order, the later ones give way."""
    for credit in owed:
        amount = min(credit.amount, left)
        left -= amount
        yield replace(credit, amount=amount)


def _saved(settled: Settled, earlier: Sequence[Settled]) -> Money:
    """Return what the bonus bank holds when the month is settled."""
    return (earlier[-1].bank if earlier else None) or _rounded(Fraction(0), settled.month)


def _met(owed: Iterable[Credit], bank: Money) -> Iterator[Credit]:
    """Let the bonus bank meet credits first, in the contract's order."""
    for credit in owed:
        met = min(credit.amount, bank)
        bank -= met
        yield replace(credit, amount=credit.amount - met, from_bank=met) if met else credit


def _bank(settled: Settled, earlier: Sequence[Settled]) -> Money | None:
    """Return what is left in the bank, and what the month pays into it up to the most that it saves."""
    month, terms = settled.month, settled.month.terms
    if terms is None or terms.bank is None:
        return None
    left = _saved(settled, earlier)
    for credit in settled.credits:
        left -= credit.from_bank or Money(Decimal(0), left.currency)
    full = left
    for level, attained in zip(settled.levels, month.attained, strict=True):
        if level.bonus and attained is not None and is_better(level, attained, level.bonus.better_than):
            full += _rounded(_of(month.charges, level.bonus.earns), month)
    return max(left, min(full, _rounded(_of(month.charges, terms.bank), month)))


def _earned_back(settled: Settled, earlier: Sequence[Settled], terms: EarnBack, months: int) -> Iterator[Credit]:
    if len(earlier) < months or int(earlier[-months].month.name[5:]) in terms.except_months:
        return
    since = [*_last(earlier, months - 1), settled]
    for credit in earlier[-months].credits:
        if credit.level is None or credit.amount.amount <= 0:
            continue
        due = [each for each in since if credit.name not in each.month.running]
        kept = [_by_name(each, credit.name) for each in due]
        if due and all(n is not None and each.verdicts[n] == "met" for each, n in zip(due, kept, strict=True)):
            note = f"earned back, of {earlier[-months].month.name}"
            yield Credit(_by_name(settled, credit.name), credit.name, -credit.amount, -credit.amount, note)


def _of(charges: Money, *percents: Decimal) -> Fraction:
    exact = Fraction(charges.amount)
    for percent in percents:
        exact *= Fraction(percent) / 100
    return exact


def _rounded(exact: Fraction, month: Month) -> Money:
    amount = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return Money(amount, month.charges.currency).rounded(month.rounding)


# --- What the client may do ---------------------------------------------------------------------------------------


def _notices(settled: Settled, earlier: Sequence[Settled]) -> Iterator[str]:
    for terms in settled.month.terminations:
        window = [*_last(earlier, terms.within_months - 1), settled]
        for name in terms.of:
            misses = sum(_is_short(each, name, terms.short_of) for each in window)
            if misses >= terms.misses:
                yield (
                    f"{terms.title}: {name} was short of {terms.short_of} in {misses} of the last {len(window)} months."
                )


def _is_short(settled: Settled, name: str, of: str) -> bool:
    number = _by_name(settled, name)
    judged = None if number is None else settled.verdicts[number]
    return judged == "below-minimum" or (judged == "below-expected" and of == "expected")


# --- What a period came to -------------------------------------------------------------------------------------------


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
    return months_needed(contract.service_levels, contract.credits, contract.terminations)


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
Opens = Literal["items", "outages", "levels"]  # the last: none of its own, for it follows from service levels


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
    opens: Opens = "items"


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
