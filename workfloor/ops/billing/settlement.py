"""What a period comes to: its lines and credits, months settled one after the other, those before in sight."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from workfloor.core.contracts import pricing
from workfloor.core.contracts.levels import (
    IN_SECONDS,
    PLACES,
    Credits,
    EarnBack,
    Reached,
    ServiceLevel,
    Termination,
    Verdict,
    is_better,
    months_of,
    owes_credit,
    reset,
    unit_of,
    verdict,
)
from workfloor.core.contracts.pricing import Line, Tax, TaxLine
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures.catalogue import Excluded, Measured
from workfloor.kit.figures import money, steps
from workfloor.kit.figures.money import Money
from workfloor.kit.figures.steps import Step
from workfloor.kit.text.translation import gettext_noop
from workfloor.kit.time import calendars

EVERY = 10**6  # more months than any term has


# --- Months, settled one after the other --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Month:
    """What a month came to before credits; `of_levels` are the charges for each level's own queues."""

    name: str  # 2026-03
    contract_year: int
    levels: tuple[ServiceLevel, ...]
    attained: tuple[Decimal | None, ...]
    charges: Money
    of_levels: tuple[Step, ...]
    terms: Credits | None
    rounding: str
    terminations: tuple[Termination, ...] = ()
    running: frozenset[str] = frozenset()  # names of the levels whose window has not ended in this month


@dataclass(frozen=True, slots=True)
class Credit:
    """What a miss takes off; `computed` is before the caps; `level` counts the contract's levels, None: all of them.

    Credits that were earned back are negative. `how` is what the amount was computed from.
    """

    level: int | None
    name: str
    computed: Money
    amount: Money
    note: str = ""
    from_bank: Money | None = None  # what the bonus bank met
    how: Step | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """A month judged: the levels as they were agreed by then, verdicts, credits, and what it lets the client do."""

    month: Month
    levels: tuple[ServiceLevel, ...]
    verdicts: tuple[Verdict | None, ...]
    points: tuple[Step, ...] = ()
    credits: tuple[Credit, ...] = ()
    notices: tuple[str, ...] = ()
    missed: frozenset[str] = field(default=frozenset())  # names of the levels that owe a credit
    bank: Money | None = None  # what bonuses have saved by the end of the month
    saved: Step | None = field(default=None, compare=False, repr=False)  # how the bank came to that
    targets: Mapping[str, Step] = field(default_factory=dict, compare=False, repr=False)  # what a ratchet has moved
    spared: tuple[str, ...] = ()  # why levels that were missed owe no credit


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
    targets = {level.name: moved for level in month.levels if (moved := _moved_target(level, earlier))}
    levels = tuple(
        replace(level, expected=steps.decimal(targets[level.name])) if level.name in targets else level
        for level in month.levels
    )
    verdicts = tuple(verdict(level, figure) for level, figure in zip(levels, month.attained, strict=True))
    missed = frozenset(level.name for level, judged in zip(levels, verdicts, strict=True) if owes_credit(level, judged))
    points = tuple(_points(month, number, earlier) for number in range(len(levels)))
    found = Settled(month, levels, verdicts, points, missed=missed, targets=targets, spared=_spared(levels, missed))
    found = replace(found, credits=tuple(credits_of(found, earlier)))
    saved = _bank(found, earlier)
    bank = steps.amount(saved) if saved else None
    return replace(found, notices=tuple(_notices(found, earlier)), bank=bank, saved=saved)


def _spared(levels: Sequence[ServiceLevel], missed: frozenset[str]) -> tuple[str, ...]:
    """Say which missed levels owe nothing because of others that were missed too."""
    both = ((level, [name for name in level.not_with if name in missed]) for level in levels if level.name in missed)
    spared = gettext_noop("{level}: no credit, since {other} was missed too")
    return tuple(spared.format(level=level.name, other=names[0]) for level, names in both if names)


def _by_name(settled: Settled, name: str) -> int | None:
    return next((number for number, level in enumerate(settled.levels) if level.name == name), None)


def _moved_target(level: ServiceLevel, earlier: Sequence[Settled]) -> Step | None:
    """Return the target as earlier months have moved it; an amendment that changes the target begins anew."""
    number = _by_name(earlier[-1], level.name) if level.ratchet and earlier else None
    if level.ratchet is None or number is None or level.expected is None:
        return None
    if earlier[-1].month.levels[number].expected != level.expected:
        return None
    now = earlier[-1].targets.get(level.name) or _target(level, "expected")
    run = _run_above(replace(level, expected=steps.decimal(now)), earlier[-level.ratchet.after_months :])
    if len(run) < level.ratchet.after_months:
        return earlier[-1].targets.get(level.name)
    return reset(level, level.ratchet, now, run)


def _target(level: ServiceLevel, side: Literal["expected", "minimum"]) -> Step:
    agreed = level.expected if side == "expected" else level.minimum
    assert agreed is not None
    return steps.given(f"{side} of {level.name}", agreed, unit_of(level))


def _attained(month: Month, number: int) -> Step:
    """Return a level's figure, which must be there, as the figure of its own month's statement."""
    level, attained = month.levels[number], month.attained[number]
    assert attained is not None
    words = f"attained in {level.name}"
    return steps.given(words, attained, unit_of(level), figure=f"m{number + 1}", period=month.name)


def _run_above(level: ServiceLevel, earlier: Sequence[Settled]) -> list[Step]:
    """Return the figures of the months in a row that were better than this very target."""
    run: list[Step] = []
    for settled in reversed(earlier):
        number = _by_name(settled, level.name)
        figure = None if number is None else settled.month.attained[number]
        if number is None or figure is None or level.expected is None:
            break
        if settled.levels[number].expected != level.expected or not is_better(level, figure, level.expected):
            break
        run.append(_attained(settled.month, number))
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
        if terms is None or level.name not in settled.missed or month.attained[number] is None:
            continue
        if settled.missed.intersection(level.not_with):
            continue
        run = _misses_in_a_row(level.name, earlier) + 1
        repeated = _repeated(terms, run)
        factor = repeated.result if repeated else Fraction(1)
        in_a_row = gettext_noop("month {number} in a row, times {factor:f}")
        note = in_a_row.format(number=run, factor=steps.decimal(repeated).normalize()) if repeated else ""
        if parts := _parts(settled, terms, number):
            parts += (repeated,) if repeated and factor != 1 else ()
            exact = steps.product(f"{level.name}, exactly", *parts, unit=month.charges.currency)
            owed = steps.rounded_money(f"Credit for {level.name}", exact, month.rounding)
            owed = replace(owed, because=(_missed(settled, number),))
            yield Credit(number, level.name, steps.amount(owed), steps.amount(owed), note, how=owed)


def _parts(settled: Settled, terms: Credits, number: int) -> tuple[Step, ...]:
    """Return what is multiplied to what a miss costs; nothing where the level carries no credit."""
    level, charges = settled.levels[number], _charges(settled.month)
    if terms.rule == "at-risk":
        if level.weight is None:
            return ()
        shares = {"at risk": terms.at_risk, "pool": terms.pool, f"weight of {level.name}": level.weight}
        return (charges, *(steps.given(words, share, "%") for words, share in shares.items()))
    if terms.rule == "fixed":
        if level.credit_amount is not None:
            return (steps.given("agreed amount", level.credit_amount, charges.unit),)
        return () if level.credit is None else (charges, steps.given(f"credit of {level.name}", level.credit, "%"))
    if level.expected is None or terms.per_point is None or level.measure in IN_SECONDS:
        return ()
    target, attained = _expected(settled, number), _attained(settled.month, number)
    sides = (target, attained) if target.result > attained.result else (attained, target)
    missed = steps.less("percentage points missed", *sides, unit="percentage points")
    return charges, steps.given("for each percentage point", terms.per_point, "%"), missed


def _charges(month: Month) -> Step:
    return steps.given("charges", month.charges, figure="charges", period=month.name)


def _expected(settled: Settled, number: int) -> Step:
    level = settled.levels[number]
    return settled.targets.get(level.name) or _target(level, "expected")


def _missed(settled: Settled, number: int) -> Step:
    """Say that a level was missed: below the minimum, or below what is expected where there is no minimum."""
    level = settled.levels[number]
    target = _expected(settled, number) if level.minimum is None else _target(level, "minimum")
    return steps.compared(f"{level.name} was missed", _attained(settled.month, number), target)


def _repeated(terms: Credits, run: int) -> Step | None:
    """Return what a miss is multiplied by in the so-manyth month in a row, None where that is nothing."""
    rows = [
        steps.Row("at-least", Fraction(each.months), steps.given("times", each.factor))
        for each in sorted(terms.repeat, key=lambda each: -each.factor)
    ]
    rows.append(steps.Row("else", None, steps.given("times", 1)))
    factor = steps.looked_up("factor for repeated misses", steps.given("months missed in a row", run), rows)
    return None if factor.result == 1 else factor


def _misses_in_a_row(name: str, earlier: Sequence[Settled]) -> int:
    run = 0
    for settled in reversed(earlier):
        if name in settled.month.running:
            continue
        if name not in settled.missed:
            break
        run += 1
    return run


def _points(month: Month, number: int, earlier: Sequence[Settled]) -> Step:
    """Score a level's figure, averaged with those of the months before where that is agreed."""
    level, words = month.levels[number], f"points of {month.levels[number].name} in {month.name}"
    if month.attained[number] is None or month.terms is None or not level.points:
        return steps.given(words, 0)
    figures = [_attained(month, number)]
    for settled in _last(earlier, month.terms.average_months - 1):
        before = _by_name(settled, level.name)
        if before is not None and settled.month.attained[before] is not None:
            figures.append(_attained(settled.month, before))
    mean = figures[0]
    if len(figures) > 1:
        count = steps.given("months", len(figures))
        mean = steps.quotient("mean", steps.total("all months", figures, mean.unit), count, mean.unit)
    scored = steps.rounded("figure that is scored", mean, "half-even", PLACES)
    scored = figures[0] if scored.result == figures[0].result and len(figures) == 1 else scored
    side: steps.When = "above" if level.lower_is_better else "below"
    rows = [
        steps.Row(side, Fraction(one.worse_than), steps.given("points", one.points))
        for one in sorted(level.points, key=lambda one: -one.points)
    ]
    rows.append(steps.Row("else", None, steps.given("points", 0)))
    return steps.looked_up(words, scored, rows)


def _last(earlier: Sequence[Settled], months: int) -> Sequence[Settled]:
    return earlier[len(earlier) - min(months, len(earlier)) :]


def table_credit(table: Sequence[Reached], points: Step) -> Step:
    """Return the percent that so many points reach, 0 below the first row."""
    rows = [
        steps.Row("at-least", Fraction(row.points), steps.given("of the charges", row.credit, "%"))
        for row in sorted(table, key=lambda row: -row.credit)
    ]
    rows.append(steps.Row("else", None, steps.given("of the charges", 0, "%")))
    return steps.looked_up("credit by the table", points, rows)


def _by_points(settled: Settled, earlier: Sequence[Settled]) -> Iterator[Credit]:
    month, terms = settled.month, settled.month.terms
    assert terms
    window = [*_last(earlier, terms.over_months - 1), settled]
    gathered = [_gathered(window, level.name) for level in settled.levels]
    if terms.table:
        points = _beyond(steps.total("points of all levels", gathered, ""), terms)
        percent = table_credit(terms.table, points)
        owed = _rounded("Credit for points", month, _charges(month), percent)
        if owed.result:
            yield Credit(
                None,
                "points",
                steps.amount(owed),
                steps.amount(owed),
                gettext_noop("{points} points").format(points=points.result),
                how=owed,
            )
        return
    for number, (level, points) in enumerate(zip(settled.levels, gathered, strict=True)):
        beyond, charges = _beyond(points, terms), month.of_levels[number]
        if beyond.result <= 0 or terms.per_point is None:
            continue
        each = steps.given("for each point", terms.per_point, "%")
        computed = amount = _rounded(f"Credit for {level.name}", month, charges, each, beyond)
        if terms.cap_each is not None:
            most = _rounded("most of one level", month, charges, steps.given("cap of one level", terms.cap_each, "%"))
            amount = steps.least(f"Credit for {level.name}, within its own cap", computed, most)
        note = gettext_noop("{points} points, {beyond} beyond the allowance")
        note = note.format(points=points.result, beyond=beyond.result)
        yield Credit(number, level.name, steps.amount(computed), steps.amount(amount), note, how=amount)


def _gathered(window: Sequence[Settled], name: str) -> Step:
    numbers = [(settled, _by_name(settled, name)) for settled in window]
    found = [settled.points[number] for settled, number in numbers if number is not None]
    return found[0] if len(found) == 1 else steps.total(f"points of {name}", found, "")


def _beyond(points: Step, terms: Credits) -> Step:
    if not terms.allowance:
        return points
    left = steps.less("points less the allowance", points, steps.given("allowance", terms.allowance))
    return steps.greatest("points beyond the allowance", left, steps.given("none", 0))


def _left(settled: Settled, earlier: Sequence[Settled]) -> Step:
    """Return how much the caps leave: of the month's charges, and of the contract year's so far."""
    month = settled.month
    assert month.terms
    left = _rounded("cap of the month", month, _charges(month), steps.given("cap", month.terms.cap, "%"))
    if month.terms.cap_year is None:
        return left
    year = [each for each in earlier if each.month.contract_year == month.contract_year]
    charges = steps.total("charges of the year so far", [_charges(each.month) for each in (*year, settled)], left.unit)
    of_year = _rounded("cap of the year", month, charges, steps.given("cap of the year", month.terms.cap_year, "%"))
    given = [
        steps.given(f"credit for {one.name}", one.amount, figure=f"c{number}", period=each.month.name)
        for each in year
        for number, one in enumerate(each.credits, 1)
    ]
    of_year = steps.less("left of the year's cap", of_year, *given) if given else of_year
    return steps.greatest("left by the caps", steps.least("left", left, of_year), steps.given("nothing", 0, left.unit))


def _capped(owed: Iterable[Credit], left: Step) -> Iterator[Credit]:
    """Stop at the cap: in the contract's order, the later ones give way."""
    taken: list[Step] = []
    for credit in owed:
        assert credit.how
        remaining = steps.less("left by the caps for it", left, *taken) if taken else left
        how = steps.least(f"Credit for {credit.name}, within the caps", credit.how, remaining)
        amount = steps.amount(how)
        taken.append(steps.given(f"credit for {credit.name}, within the caps", amount))
        yield replace(credit, amount=amount, how=how)


def _saved(settled: Settled, earlier: Sequence[Settled]) -> Step:
    """Return what the bonus bank holds when the month is settled."""
    if earlier and earlier[-1].bank:
        before = earlier[-1]
        return steps.given("saved in the bonus bank", earlier[-1].bank, figure="bank", period=before.month.name)
    return steps.given("saved in the bonus bank", 0, settled.month.charges.currency)


def _met(owed: Iterable[Credit], bank: Step) -> Iterator[Credit]:
    """Let the bonus bank meet credits first, in the contract's order."""
    used: list[Step] = []
    for credit in owed:
        assert credit.how
        left = steps.less("left in the bonus bank", bank, *used) if used else bank
        met = steps.least("met by the bonus bank", credit.how, left)
        if not met.result:
            yield credit
            continue
        how = steps.less(f"Credit for {credit.name}, less what the bonus bank met", credit.how, met)
        used.append(steps.given(f"met of {credit.name}", steps.amount(met)))
        yield replace(credit, amount=steps.amount(how), from_bank=steps.amount(met), how=how)


def _bank(settled: Settled, earlier: Sequence[Settled]) -> Step | None:
    """Return what is left in the bank, and what the month pays into it up to the most that it saves."""
    month, terms = settled.month, settled.month.terms
    if terms is None or terms.bank is None:
        return None
    used = [steps.given(f"met of {each.name}", each.from_bank) for each in settled.credits if each.from_bank]
    saved = _saved(settled, earlier)
    left = steps.less("left after what it met", saved, *used) if used else saved
    earned = [left]
    for number, (level, attained) in enumerate(zip(settled.levels, month.attained, strict=True)):
        if level.bonus and attained is not None and is_better(level, attained, level.bonus.better_than):
            earns = steps.given(f"bonus of {level.name}", level.bonus.earns, "%")
            bonus = _rounded(f"bonus for {level.name}", month, _charges(month), earns)
            bound = steps.given("bound of the bonus", level.bonus.better_than, unit_of(level))
            better = steps.compared(f"{level.name} earned its bonus", _attained(month, number), bound)
            earned.append(replace(bonus, because=(better,)))
    full = steps.total("with this month's bonuses", earned, left.unit)
    most = _rounded("most that it saves", month, _charges(month), steps.given("of the charges", terms.bank, "%"))
    return steps.greatest("Bonus bank", left, steps.least("saved at most", full, most))


def _earned_back(settled: Settled, earlier: Sequence[Settled], terms: EarnBack, months: int) -> Iterator[Credit]:
    if len(earlier) < months or int(earlier[-months].month.name[5:]) in terms.except_months:
        return
    since, of = [*_last(earlier, months - 1), settled], earlier[-months]
    for number, credit in enumerate(of.credits, 1):
        if credit.level is None or credit.amount.amount <= 0:
            continue
        due = [each for each in since if credit.name not in each.month.running]
        kept = [_by_name(each, credit.name) for each in due]
        if due and all(n is not None and each.verdicts[n] == "met" for each, n in zip(due, kept, strict=True)):
            given = steps.given("credit", credit.amount, figure=f"c{number}", period=of.month.name)
            met = " and ".join(each.month.name for each in due)
            how = steps.negated(f"Earned back, since {credit.name} was met in {met}", given)
            note, amount = gettext_noop("earned back, of {month}").format(month=of.month.name), steps.amount(how)
            yield Credit(_by_name(settled, credit.name), credit.name, amount, amount, note, how=how)


def _rounded(words: str, month: Month, *parts: Step) -> Step:
    exact = steps.product(f"{words}, exactly", *parts, unit=month.charges.currency)
    return steps.rounded_money(words, exact, month.rounding)


# --- What the client may do ---------------------------------------------------------------------------------------


def _notices(settled: Settled, earlier: Sequence[Settled]) -> Iterator[str]:
    for terms in settled.month.terminations:
        window = [*_last(earlier, terms.within_months - 1), settled]
        for name in terms.of:
            misses = sum(_is_short(each, name, terms.short_of) for each in window)
            if misses >= terms.misses:
                short = gettext_noop("{title}: {name} was short of {limit} in {misses} of the last {window} months.")
                said = {"title": terms.title, "name": name, "limit": terms.short_of}
                yield short.format(**said, misses=misses, window=len(window))


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
    how: Step | None = field(default=None, compare=False, repr=False)


# --- Invoice ----------------------------------------------------------------------------------------------------
def lines(contract: Contract, counted: Sequence[int | Fraction], on: date) -> list[Line]:
    """Charge each price, as it stands on a day, for what it counted."""
    return pricing.lines(contract.book, contract.prices, counted, on)


def charges(made: Iterable[Line], currency: str) -> Step:
    """Return the sum of the lines."""
    parts = [steps.given(line.title, line.amount, figure=f"l{number}") for number, line in enumerate(made, 1)]
    return steps.total("Charges", parts, currency)


def due(made: Iterable[Line], owed: Iterable[Credit], currency: str) -> Money:
    """Return the lines less the credits, before taxes."""
    charged = money.total((line.amount for line in made), currency)
    return charged - money.total((credit.amount for credit in owed), currency)


def taxes(contract: Contract, made: Iterable[Line], credited: Money, adjusted: Iterable[Adjusted]) -> list[TaxLine]:
    """Tax the lines less the credits; adjustments join the tax of the line that they correct, as it was then."""
    credits_tax = contract.credits.tax if contract.credits else None
    others = [(each.tax, steps.given(each.title, each.amount, figure=each.id)) for each in adjusted if each.tax]
    return pricing.taxes(contract.book, made, credited, credits_tax, others)


def months_behind(contract: Contract) -> int:
    """Return how many months before a month its credits may depend on."""
    return months_needed(contract.service_levels, contract.credits, contract.terminations)


def month(contract: Contract, name: str, made: Sequence[Line], attained: Sequence[Decimal | None]) -> Month:
    """Put together what a month (such as `1999-02`) is settled by; a level's own charges are those of its queues.

    The figure of a level whose window goes on is of no month yet: None.
    """
    year, number = int(name[:4]), int(name[5:])
    since = (year - contract.starts_on.year) * 12 + number - contract.starts_on.month
    lines = [
        (line, steps.given(line.title, line.amount, figure=f"l{n}", period=name)) for n, line in enumerate(made, 1)
    ]
    own = [
        [said for line, said in lines if set(contract.prices[line.price].of).intersection(level.of)]
        for level in contract.service_levels
    ]
    return Month(
        name=name,
        contract_year=since // 12,
        levels=contract.service_levels,
        attained=tuple(attained),
        charges=steps.amount(charges(made, contract.currency)),
        of_levels=tuple(steps.total("charges of its own queues", each, contract.currency) for each in own),
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
# `levels`: no items of its own, for it follows from service levels; `amounts`: it is computed from other amounts.
Opens = Literal["items", "outages", "levels", "amounts"]


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
    how: Step | None = None  # of an amount: what it was computed from


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
