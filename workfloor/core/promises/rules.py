"""What is promised and what a miss costs, as agreed: service levels, credits, verdicts, and what contradicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

Measure = Literal[
    "answered-within", "abandoned", "speed-of-answer", "handled-time", "first-response-within", "resolved-within",
    "first-contact-resolution", "backlog-older-than", "availability", "volume",
]  # fmt: skip
Per = Literal["answered", "offered", "offered-less-short-abandons"]
Rule = Literal["at-risk", "points", "linear", "fixed"]
Wrong = tuple[str, str, tuple[str, ...]]  # place, what is wrong, the other places that it follows from
Verdict = Literal["met", "below-expected", "below-minimum"]

IN_SECONDS = ("speed-of-answer", "handled-time")  # promised as a time; the others as a percent
FOUR_PLACES = Decimal("0.0001")
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Score:
    """A month worse than this (percent, or seconds) scores so many points; the worst score that applies counts."""

    worse_than: Decimal
    points: int


@dataclass(frozen=True, slots=True)
class Ratchet:
    """After so many months in a row above the promise, it moves half-way to their mean; at most `max_step` percent.

    `max_step` is of what is left to perfection: of 100 % less the promise, or of the promise where less is better.
    """

    after_months: int
    max_step: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised from a day on, in place of what was before; without a minimum there is none."""

    starts_on: date
    expected: Decimal
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bonus:
    """A month better than this (percent, or seconds) pays so many percent of its charges into the bonus bank."""

    better_than: Decimal
    earns: Decimal


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A promise; expected and minimum are percent, or seconds for speed-of-answer and handled-time.

    A level without `expected` is only reported. `weight` is its share of the credit pool in percent. `credit` (percent
    of the charges) and `credit_amount` belong to fixed credits, `points` to those by points.
    """

    name: str
    measure: Measure
    of: tuple[str, ...]
    threshold_seconds: int | None = None
    per: Per | None = None
    short_abandon_seconds: int | None = None
    expected: Decimal | None = None
    minimum: Decimal | None = None
    window: str = "month"  # day, week, month, quarter, year, or so many months such as `3 months`
    hours: str | None = None  # the calendar in whose hours an item must come in to be counted
    exclude: tuple[str, ...] = ()  # kinds of events; what came in during one is left out
    above_forecast: Decimal | None = None  # percent of the forecast; what came in beyond it is left out
    weight: Decimal | None = None
    credit: Decimal | None = None
    credit_amount: Decimal | None = None
    not_with: tuple[str, ...] = ()  # no credit in a month in which one of these levels owes one
    points: tuple[Score, ...] = ()
    ratchet: Ratchet | None = None
    bonus: Bonus | None = None
    targets: tuple[Target, ...] = ()

    @property
    def lower_is_better(self) -> bool:
        return self.measure in ("abandoned", "backlog-older-than", *IN_SECONDS)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How much is expected in some queues together from a day on: each month, or on each weekday (Monday is 0)."""

    of: tuple[str, ...]
    starts_on: date
    month: int | None = None
    week: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reached:
    """From so many points on, this percent of the charges."""

    points: int
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Repeat:
    """From the so-manyth month in a row on, a level's credit is multiplied."""

    months: int
    factor: Decimal


@dataclass(frozen=True, slots=True)
class EarnBack:
    """A credit is given back when its level is kept in each of the months that follow; never those of some months."""

    within_months: int | None
    except_months: tuple[int, ...] = ()  # 1 is January


@dataclass(frozen=True, slots=True)
class Credits:
    """Percents of the period's charges: at_risk, times pool, times weight; cap; cap_year of the contract year's.

    `per_point` is what a percentage point missed (linear) or a point beyond the allowance (points) costs.
    """

    rule: Rule
    at_risk: Decimal = Decimal(0)
    pool: Decimal = Decimal(0)
    cap: Decimal = Decimal(100)
    cap_year: Decimal | None = None
    cap_each: Decimal | None = None  # of what the level's own queues were charged
    per_point: Decimal | None = None
    table: tuple[Reached, ...] = ()
    allowance: int = 0  # points that cost nothing
    average_months: int = 1  # a figure is averaged with the months before it, then scored
    over_months: int = 1  # points are added up over so many months
    repeat: tuple[Repeat, ...] = ()
    earn_back: EarnBack | None = None
    tax: str | None = None  # the tax whose base credits lessen
    bank: Decimal | None = None  # bonuses are saved up to this percent of the charges, and meet later credits


@dataclass(frozen=True, slots=True)
class Termination:
    """What lets the client leave: one of the levels missed in so many of so many months."""

    title: str
    of: tuple[str, ...]
    misses: int
    within_months: int
    short_of: Literal["expected", "minimum"]


# --- Promises ---------------------------------------------------------------------------------------------------


def verdict(level: ServiceLevel, attained: Decimal | None) -> Verdict | None:
    """Judge a figure as printed, to four decimals, so that both sides can check it.

    None where nothing was promised or nothing counted.
    """
    if level.expected is None or attained is None:
        return None
    if level.minimum is not None and falls_short(level, attained, level.minimum):
        return "below-minimum"
    return "below-expected" if falls_short(level, attained, level.expected) else "met"


def falls_short(level: ServiceLevel, attained: Decimal, promised: Decimal) -> bool:
    """Return whether a figure is worse than a promise; exactly the promise keeps it."""
    return attained > promised if level.lower_is_better else attained < promised


def owes_credit(level: ServiceLevel, judged: Verdict | None) -> bool:
    """Return whether a miss is paid for: below the minimum, or below expected where there is no minimum."""
    return judged == "below-minimum" or (judged == "below-expected" and level.minimum is None)


def on(level: ServiceLevel, day: date) -> ServiceLevel:
    """Return the level with the promise that holds on a day."""
    begun = [target for target in level.targets if target.starts_on <= day]
    return replace(level, expected=begun[-1].expected, minimum=begun[-1].minimum) if begun else level


def months_of(level: ServiceLevel) -> int:
    """Return from one judgement of the level to the next how many months it is."""
    return {"quarter": 3, "year": 12}.get(level.window, 1)


def is_better(level: ServiceLevel, attained: Decimal, than: Decimal) -> bool:
    """Return whether a figure is better than a bound; exactly the bound is not."""
    return attained != than and not falls_short(level, attained, than)


def reset(level: ServiceLevel, terms: Ratchet, attained: Sequence[Decimal]) -> Decimal:
    """Return the promise after a ratchet: half-way to the mean of the months, no further than the agreed step."""
    assert level.expected is not None
    now = Fraction(level.expected)
    step = (sum(map(Fraction, attained), Fraction(0)) / len(attained) - now) / 2
    if terms.max_step is not None:
        left = now if level.lower_is_better else 100 - now
        step = max(min(step, left * Fraction(terms.max_step) / 100), -left * Fraction(terms.max_step) / 100)
    return four_places(now + step)


def four_places(exact: Fraction) -> Decimal:
    """Round to the four decimals that figures are printed and judged with, half-even."""
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator)).quantize(FOUR_PLACES, context=_WIDE)


# --- Checks across clauses --------------------------------------------------------------------------------------

Places = Mapping[str, tuple[str, ServiceLevel]]  # name -> place, level


def check(levels: Sequence[ServiceLevel], terms: Credits | None, ends: Sequence[Termination]) -> Iterator[Wrong]:
    """Yield what contradicts in promises, credits and grounds for termination that are each well-formed."""
    places = {level.name: (f"service_levels[{i}]", level) for i, level in enumerate(levels)}
    for place, level in places.values():
        yield from _check_promise(place, level)
        yield from _check_targets(place, level)
        yield from _check_carried(place, level, terms)
        yield from _check_stacking(place, level, places)
    yield from _check_bonuses(places, terms)
    yield from _check_weights(levels, terms)
    if terms:
        yield from _check_credits(terms, levels)
    for number, end in enumerate(ends):
        yield from _check_termination(f"termination[{number}]", end, places)


def _check_promise(place: str, level: ServiceLevel) -> Iterator[Wrong]:
    unit = "s" if level.measure in IN_SECONDS else "%"
    for key, number in (("expected", level.expected), ("minimum", level.minimum), ("weight", level.weight)):
        if number is not None and number > 100 and (unit == "%" or key == "weight"):
            yield f"{place}.{key}", f"{number} % is more than all.", ()
        if number is not None and level.expected is None:
            message = "needs expected: what promises nothing cannot be missed."
            yield f"{place}.{key}", message, (f"{place}.expected",)
    if level.measure == "availability" and level.above_forecast is not None:
        message = "volume-above-forecast leaves out items; availability counts time."
        yield f"{place}.exclude", message, (f"{place}.measure",)
    if level.ratchet and level.window != "month":
        message = "counts months; take it out, or make the window a month."
        yield f"{place}.ratchet", message, (f"{place}.window",)
    if level.ratchet and level.expected is None:
        yield f"{place}.ratchet", "needs expected: there is no promise to move.", (f"{place}.expected",)
    if level.expected is None or level.minimum is None:
        return
    better = level.minimum < level.expected if level.lower_is_better else level.minimum > level.expected
    if better:
        message = f"the minimum ({level.minimum:f} {unit}) promises more than expected ({level.expected:f} {unit})."
        yield f"{place}.minimum", message, (f"{place}.expected", f"{place}.measure")


def _check_targets(place: str, level: ServiceLevel) -> Iterator[Wrong]:
    if level.targets and level.expected is None:
        yield (
            f"{place}.targets",
            f"needs {place}.expected, which holds until the first of them.",
            (f"{place}.expected",),
        )
    for index, target in enumerate(level.targets):
        here = f"{place}.targets[{index}]"
        before = f"{place}.targets[{index - 1}].from"
        if index and target.starts_on <= level.targets[index - 1].starts_on:
            yield f"{here}.from", f"must be later than {before}.", (before,)
        promised = replace(level, expected=target.expected, minimum=target.minimum, weight=None, ratchet=None)
        for _, message, _ in _check_promise(here, promised):
            yield here, message, (f"{place}.measure",)


_CARRIED: Mapping[str, Rule] = {"weight": "at-risk", "credit": "fixed", "credit_amount": "fixed", "points": "points"}


def _check_carried(place: str, level: ServiceLevel, terms: Credits | None) -> Iterator[Wrong]:
    """Look for what only means something under another rule of credits."""
    for key, rule in _CARRIED.items():
        if terms and terms.rule != rule and getattr(level, key):
            message = f"means nothing where credits.rule is {terms.rule}; it belongs to {rule}."
            yield f"{place}.{key}", message, ("credits.rule",)
        elif terms is None and getattr(level, key) and key != "weight":
            yield f"{place}.{key}", "means nothing without [credits].", ("credits",)
    if level.credit is not None and level.credit_amount is not None:
        yield f"{place}.credit_amount", f"there is {place}.credit too; take one of them out.", (f"{place}.credit",)
    if level.credit is not None and terms and level.credit > terms.cap:
        message = f"{level.credit:f} % is more than credits.cap ({terms.cap:f} %) ever lets through."
        yield f"{place}.credit", message, ("credits.cap", "credits.rule")
    if (level.credit or level.credit_amount) and level.expected is None:
        yield f"{place}.expected", f"is missing: nothing can be missed, so {place}.credit is never owed.", ()


def _check_stacking(place: str, level: ServiceLevel, places: Places) -> Iterator[Wrong]:
    for index, name in enumerate(level.not_with):
        here = f"{place}.not_with[{index}]"
        if name == level.name or name not in places:
            yield here, f"there is no other service level {name}.", ("service_levels",)
        elif level.name in places[name][1].not_with:
            message = f"{places[name][0]}.not_with names this one too: if both were missed, neither would be owed."
            yield here, message, (f"{places[name][0]}.not_with",)


def _check_bonuses(places: Places, terms: Credits | None) -> Iterator[Wrong]:
    paying = {f"{place}.bonus": level for place, level in places.values() if level.bonus}
    for here, level in paying.items():
        if level.expected is None or not level.bonus or falls_short(level, level.bonus.better_than, level.expected):
            where = here.replace(".bonus", ".expected")
            yield f"{here}.better_than", f"must promise no less than {where}; see there.", (where,)
    if paying and (terms is None or terms.bank is None):
        yield "credits.bank", f"is missing: {next(iter(paying))} pays into it.", tuple(paying)
    if terms and terms.bank is not None and not paying:
        yield "credits.bank", "no service level has a bonus that pays into it.", ("service_levels",)


def _check_weights(levels: Sequence[ServiceLevel], terms: Credits | None) -> Iterator[Wrong]:
    weights = {f"service_levels[{i}].weight": level.weight for i, level in enumerate(levels)}
    given = {place: weight for place, weight in weights.items() if weight is not None}
    if not terms:
        if given:
            yield next(iter(given)), "a weight means nothing without [credits].", ("credits",)
    elif terms.rule == "at-risk" and sum(given.values()) != 100:
        found = f"the weights add up to {sum(given.values()):f} %, not 100 %."
        yield next(iter(given), "credits"), found, (*weights, "credits.rule")


def _check_credits(terms: Credits, levels: Sequence[ServiceLevel]) -> Iterator[Wrong]:
    for name in ("at_risk", "cap") if terms.rule == "at-risk" else ("cap",):
        if not 0 < getattr(terms, name) <= 100:
            yield f"credits.{name}", "must be above 0 % and at most 100 % of the charges.", ("credits.rule",)
    if terms.rule == "at-risk" and not terms.pool:
        message = "is 0 %: no credit would ever be due. Take [credits] out instead."
        yield "credits.pool", message, ("credits.rule",)
    if terms.rule == "fixed" and not any(level.credit or level.credit_amount for level in levels):
        yield "credits.rule", "no service level has a credit, so nothing would ever be due.", ("service_levels",)
    if terms.rule == "points":
        yield from _check_points(terms, levels)
    for earlier, later in pairwise(enumerate(terms.repeat)):
        if later[1].months <= earlier[1].months:
            message = f"must be more than {earlier[1].months}, of the row before it."
            yield f"credits.repeat[{later[0]}].months", message, (f"credits.repeat[{earlier[0]}].months",)
    if terms.earn_back:
        yield from _check_earn_back(terms.earn_back.within_months, levels)


def _check_earn_back(within: int | None, levels: Sequence[ServiceLevel]) -> Iterator[Wrong]:
    here = "credits.earn_back.within"
    if within is None:
        message = 'is missing: credits.earn_back has no window; write one, such as within = "3 months".'
        yield here, message, ("credits.earn_back",)
    for number, level in enumerate(levels):
        if within is not None and within < months_of(level):
            message = f"is shorter than the {level.window} of service_levels[{number}].window: nothing ever comes back."
            yield here, message, (f"service_levels[{number}].window",)


def _check_points(terms: Credits, levels: Sequence[ServiceLevel]) -> Iterator[Wrong]:
    if bool(terms.table) == (terms.per_point is not None):
        yield "credits.table", "needs either table or per_point.", ("credits.rule", "credits.per_point")
    if terms.table and terms.cap_each is not None:
        yield (
            "credits.cap_each",
            "credits.table is of all levels together; it has no share of each.",
            ("credits.table",),
        )
    if not any(level.points for level in levels):
        yield "credits.rule", "no service level has points, so nothing would ever be due.", ("service_levels",)
    for index, (row, following) in enumerate(pairwise(terms.table)):
        if following.points <= row.points or following.credit < row.credit:
            message = "must ask for more points, and give no less, than the row before it."
            yield f"credits.table[{index + 1}]", message, (f"credits.table[{index}]",)
    if terms.table and terms.table[-1].credit > terms.cap:
        message = f"{terms.table[-1].credit:f} % is more than credits.cap ({terms.cap:f} %) ever lets through."
        yield f"credits.table[{len(terms.table) - 1}].credit", message, ("credits.cap",)


def _check_termination(place: str, end: Termination, places: Places) -> Iterator[Wrong]:
    if end.misses > end.within_months:
        message = f"{end.misses} months do not fit into {place}.within ({end.within_months} months)."
        yield f"{place}.misses", message, (f"{place}.within",)
    for index, name in enumerate(end.of):
        here = f"{place}.of[{index}]"
        if name not in places:
            yield here, f"there is no service level {name}.", ("service_levels",)
        elif end.misses * months_of(places[name][1]) > end.within_months + months_of(places[name][1]) - 1:
            where = f"{places[name][0]}.window"
            message = f"{name} is judged by the {places[name][1].window}: {end.misses} do not fit into {place}.within."
            yield here, message, (where, f"{place}.within", f"{place}.misses")
        elif getattr(places[name][1], end.short_of) is None:
            where = f"{places[name][0]}.{end.short_of}"
            yield here, f"{name} has no {end.short_of} to be short of; see {where}.", (where, f"{place}.short_of")
