"""Service levels, credits and grounds for termination as agreed, and when a level is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Literal

from workfloor.core.catalogue import entries
from workfloor.kit.figures import steps
from workfloor.kit.figures.steps import Step

Measure = Literal[
    "answered-within",
    "abandoned",
    "speed-of-answer",
    "longest-wait",
    "handled-time",
    "talk-time",
    "hold-time",
    "wrap-up-time",
    "transfer-rate",
    "first-response-within",
    "first-response-time",
    "resolved-within",
    "resolution-time",
    "first-contact-resolution",
    "repeat-contact-within",
    "backlog",
    "backlog-older-than",
    "availability",
    "volume",
]

Per = Literal["answered", "offered", "offered-less-short-abandons"]
Rule = Literal["at-risk", "points", "linear", "fixed"]
Verdict = Literal["met", "below-expected", "below-minimum"]
IN_SECONDS = tuple(each.name for each in entries.AGREED if each.unit == "seconds")  # the others are a percent
FOUR_PLACES = Decimal("0.0001")
PLACES = 4  # so many decimals
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Score:
    """A month worse than this (percent, or seconds) scores so many points; the worst score that applies counts."""

    worse_than: Decimal
    points: int


@dataclass(frozen=True, slots=True)
class Ratchet:
    """After so many months in a row above the target, it moves half-way to their mean; at most `max_step` percent.

    `max_step` is of what is left to perfection: of 100 % less the target, or of the target where less is better.
    """

    after_months: int
    max_step: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What is agreed from a day on, in place of what was before; without a minimum there is none."""

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
    """A target; expected and minimum are percent, or seconds for what is measured IN_SECONDS.

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
    exclude: tuple[str, ...] = ()  # kinds of events; what came in during one is excluded
    above_forecast: Decimal | None = None  # percent of the forecast; what came in beyond it is excluded
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
        return entries.BY_NAME[self.measure].better == "lower"


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


# --- Targets ---------------------------------------------------------------------------------------------------
def verdict(level: ServiceLevel, attained: Decimal | None) -> Verdict | None:
    """Judge a figure as printed, to four decimals, so that both sides can check it.

    None where nothing was agreed or nothing counted.
    """
    if level.expected is None or attained is None:
        return None
    if level.minimum is not None and falls_short(level, attained, level.minimum):
        return "below-minimum"
    return "below-expected" if falls_short(level, attained, level.expected) else "met"


def falls_short(level: ServiceLevel, attained: Decimal, target: Decimal) -> bool:
    """Return whether a figure is worse than a target; exactly the target meets it."""
    return attained > target if level.lower_is_better else attained < target


def owes_credit(level: ServiceLevel, judged: Verdict | None) -> bool:
    """Return whether a miss is paid for: below the minimum, or below expected where there is no minimum."""
    return judged == "below-minimum" or (judged == "below-expected" and level.minimum is None)


def on(level: ServiceLevel, day: date) -> ServiceLevel:
    """Return the level with the target that holds on a day."""
    begun = [target for target in level.targets if target.starts_on <= day]
    return replace(level, expected=begun[-1].expected, minimum=begun[-1].minimum) if begun else level


def months_of(level: ServiceLevel) -> int:
    """Return from one judgement of the level to the next how many months it is."""
    return {"quarter": 3, "year": 12}.get(level.window, 1)


def is_better(level: ServiceLevel, attained: Decimal, than: Decimal) -> bool:
    """Return whether a figure is better than a bound; exactly the bound is not."""
    return attained != than and not falls_short(level, attained, than)


def unit_of(level: ServiceLevel) -> str:
    """Return what its figures are in."""
    return "s" if level.measure in IN_SECONDS else "%"


def reset(level: ServiceLevel, terms: Ratchet, now: Step, attained: Sequence[Step]) -> Step:
    """Return the target after a ratchet: half-way to the mean of the months, no further than the agreed step."""
    unit = now.unit
    count = steps.given("months", len(attained))
    mean = steps.quotient("mean", steps.total("all months", attained, unit), count, unit)
    gap = steps.less("from the target to the mean", mean, now)
    step = steps.quotient("half of the way", gap, steps.given("half", 2), unit)
    if terms.max_step is not None:
        left = now if level.lower_is_better else steps.less("left to perfection", steps.given("all", 100, unit), now)
        most = steps.product("longest step", left, steps.given("of what is left", terms.max_step, "%"), unit=unit)
        step = steps.greatest("step", steps.least("step", step, most), steps.negated("longest step back", most))
    moved = steps.total("target after the step", [now, step], unit)
    return steps.rounded(f"Target of {level.name} after {len(attained)} months above it", moved, "half-even", PLACES)


def four_places(exact: Fraction) -> Decimal:
    """Round to the four decimals that figures are printed and judged with, half-even."""
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator)).quantize(FOUR_PLACES, context=_WIDE)
