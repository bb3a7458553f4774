"""Arithmetic that says itself: a tree of steps, exact until a step rounds, whose last result is the amount."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Literal, cast

from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money
from workfloor.kit.text.translation import gettext_noop

Operation = Literal[
    "given",
    "sum",
    "difference",
    "product",
    "quotient",
    "negated",
    "least",
    "greatest",
    "looked-up",
    "rounded",
    "is-below",
    "is-above",
]
When = Literal["at-most", "at-least", "below", "above", "else"]
# Wide enough that a quotient never looks like an exact half of a minor unit unless it is one.
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_SHOWN = 6  # decimals of a number that no decimal says exactly, in words


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: what is looked up must be `when` the bound; of several rows the first that holds counts."""

    when: When
    bound: Fraction | None
    value: "Step"


@dataclass(frozen=True, slots=True)
class Step:
    """A number, what it is in words, and what it was computed from.

    In a product an operand in `%` counts as so many hundredths, and so does the result. A difference is the first
    operand less all others. `rounding` and `decimals` say how a rounded step was rounded. A given number may be another
    figure: `figure` is its id, of the statement of `period`, or of the same one where that is empty. `because` are
    comparisons that had to hold.
    """

    words: str
    operation: Operation
    result: Fraction
    unit: str = ""
    operands: tuple["Step", ...] = ()
    decimals: int | None = None  # it is written with so many; None: as many as it needs
    rounding: str = ""  # a name of money.ROUNDINGS
    table: tuple[Row, ...] = ()
    figure: str = ""
    period: str = ""
    because: tuple["Step", ...] = ()

    @property
    def factor(self) -> Fraction:
        """What it multiplies by."""
        return self.result / 100 if self.unit == "%" else self.result


# --- Computed ---------------------------------------------------------------------------------------------------


def given(
    words: str, value: Decimal | Fraction | int | Money, unit: str = "", *, figure: str = "", period: str = ""
) -> Step:
    """Return a number that comes from elsewhere: the contract, a count, or another figure."""
    if isinstance(value, Money):
        return given(words, value.amount, value.currency, figure=figure, period=period)
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else None
    decimals = max(-exponent, 0) if isinstance(exponent, int) else None
    return Step(words, "given", Fraction(value), unit, decimals=decimals, figure=figure, period=period)


def total(words: str, parts: Sequence[Step], unit: str) -> Step:
    """Return the sum."""
    return Step(words, "sum", sum((each.result for each in parts), Fraction(0)), unit, tuple(parts))


def less(words: str, whole: Step, *parts: Step, unit: str | None = None) -> Step:
    """Return what is left of the first, in its unit unless another is named."""
    left = whole.result - sum((each.result for each in parts), Fraction(0))
    return Step(words, "difference", left, whole.unit if unit is None else unit, (whole, *parts))


def product(words: str, *parts: Step, unit: str) -> Step:
    """Multiply; what is in percent counts as hundredths."""
    exact = Fraction(1)
    for each in parts:
        exact *= each.factor
    return Step(words, "product", exact * 100 if unit == "%" else exact, unit, parts)


def quotient(words: str, whole: Step, by: Step, unit: str) -> Step:
    """Divide."""
    return Step(words, "quotient", whole.result / by.result, unit, (whole, by))


def negated(words: str, part: Step) -> Step:
    """Return the same with the other sign."""
    return Step(words, "negated", -part.result, part.unit, (part,), part.decimals)


def least(words: str, *parts: Step) -> Step:
    """Return the least of them, in the unit of the first."""
    return Step(words, "least", min(each.result for each in parts), parts[0].unit, parts)


def greatest(words: str, *parts: Step) -> Step:
    """Return the greatest of them, in the unit of the first."""
    return Step(words, "greatest", max(each.result for each in parts), parts[0].unit, parts)


def rounded(words: str, exact: Step, mode: str, decimals: int) -> Step:
    """Round to so many decimals in a mode of money.ROUNDINGS."""
    unit = Decimal(1).scaleb(-decimals)
    found = Fraction(_quotient(exact.result).quantize(unit, money.ROUNDINGS[mode], _WIDE))
    return Step(words, "rounded", found, exact.unit, (exact,), decimals, mode, because=exact.because)


def rounded_money(words: str, exact: Step, mode: str) -> Step:
    """Round to the minor unit of the currency that the step is in."""
    return rounded(words, exact, mode, money.MINOR_UNITS[exact.unit])


def looked_up(words: str, key: Step, rows: Sequence[Row]) -> Step:
    """Return the value of the first row that holds; raises StopIteration where none does."""
    found = next(row for row in rows if holds(row, key.result)).value
    return Step(words, "looked-up", found.result, found.unit, (key,), found.decimals, table=tuple(rows))


def holds(row: Row, key: Fraction) -> bool:
    """Say whether a row of a table is meant."""
    if row.bound is None:
        return True
    return {
        "at-most": key <= row.bound,
        "at-least": key >= row.bound,
        "below": key < row.bound,
        "above": key > row.bound,
    }[row.when]


def compared(words: str, one: Step, than: Step) -> Step:
    """Say on which side of another number one is: it is above, or else below."""
    operation: Operation = "is-above" if one.result > than.result else "is-below"
    return Step(words, operation, Fraction(one.result != than.result), "", (one, than))


def unlinked(step: Step) -> Step:
    """Return the step with its numbers as such, not as figures of any statement."""
    return replace(
        step,
        figure="",
        period="",
        operands=tuple(map(unlinked, step.operands)),
        table=tuple(replace(row, value=unlinked(row.value)) for row in step.table),
        because=tuple(map(unlinked, step.because)),
    )


def _quotient(exact: Fraction) -> Decimal:
    return _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def decimal(step: Step) -> Decimal:
    """Return the result as a Decimal with as many decimals as it is written with."""
    found = _quotient(step.result)
    if step.decimals is None:
        return Decimal(f"{found.normalize(_WIDE):f}")
    return found.quantize(Decimal(1).scaleb(-step.decimals), context=_WIDE)


def amount(step: Step) -> Money:
    """Return the result of a step whose unit is a currency as money."""
    return Money(decimal(step), step.unit).rounded()


# --- For programs -----------------------------------------------------------------------------------------------


def written(exact: Fraction, unit: str, decimals: int | None = None) -> str:
    """Write a number exactly: as a decimal, or where no decimal says it as `numerator/denominator`."""
    if not _is_decimal(exact):
        return f"{exact.numerator}/{exact.denominator}"
    found = _quotient(exact)
    least = max(money.MINOR_UNITS.get(unit, 0), decimals or 0)
    shortest = f"{found.normalize(_WIDE):f}" if found else "0"
    needed = len(shortest.partition(".")[2])
    return f"{found.quantize(Decimal(1).scaleb(-max(least, needed)), context=_WIDE):f}"


def _is_decimal(exact: Fraction) -> bool:
    rest = exact.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def plain(step: Step) -> dict[str, Any]:
    """Return a step as JSON values, numbers as text; what does not apply is left out."""
    found: dict[str, Any] = {
        "words": step.words,
        "operation": step.operation,
        "result": written(step.result, step.unit, step.decimals),
    }
    if step.operation == "rounded":
        found |= {"rounding": step.rounding, "decimals": step.decimals}
    said = {"unit": step.unit, "figure": step.figure, "period": step.period}
    found |= {name: value for name, value in said.items() if value}
    lists = {
        "operands": [plain(each) for each in step.operands],
        "table": [_plain_row(row, step.operands[0].unit) for row in step.table],
        "because": [plain(each) for each in step.because],
    }
    return found | {name: each for name, each in lists.items() if each}


def _plain_row(row: Row, unit: str) -> dict[str, Any]:
    bound = None if row.bound is None else written(row.bound, unit)
    return {"when": row.when, "bound": bound, "value": plain(row.value)}


def read(kept: Mapping[str, Any]) -> Step:
    """Return the step that was kept as plain values."""
    result = str(kept["result"])
    return Step(
        kept["words"],
        cast(Operation, kept["operation"]),
        Fraction(result),
        kept.get("unit", ""),
        tuple(map(read, kept.get("operands", ()))),
        kept["decimals"] if "decimals" in kept else None if "/" in result else len(result.partition(".")[2]),
        kept.get("rounding", ""),
        tuple(_read_row(row) for row in kept.get("table", ())),
        kept.get("figure", ""),
        kept.get("period", ""),
        tuple(map(read, kept.get("because", ()))),
    )


def _read_row(kept: Mapping[str, Any]) -> Row:
    return Row(kept["when"], None if kept["bound"] is None else Fraction(kept["bound"]), read(kept["value"]))


# --- For people -------------------------------------------------------------------------------------------------

_BETWEEN = {"product": " × ", "quotient": " ÷ "}
_BEFORE = {"least": "the lesser of ", "greatest": "the greater of "}
_IN_ONE_LINE = ("sum", "difference", *_BETWEEN, *_BEFORE)  # with their rounding
_WHEN = {"at-most": "up to {}", "at-least": "from {} on", "below": "below {}", "above": "above {}", "else": "else"}


def worksheet(step: Step, here: str = "") -> list[str]:
    """Word a step as the lines of a worksheet: what it is computed from first, its own result last.

    What leads to the same line twice has it once. Figures of the statement of `here` do not say its period.
    """
    return list(dict.fromkeys(_lines(step, here)))


def _lines(step: Step, here: str) -> Iterator[str]:
    for each in step.because:
        yield from _lines(each, here)
    for each in _shown(step):
        yield from _lines(each, here)
    if step.operation == "looked-up":
        yield from _lines(_chosen(step).value, here)
    is_as_given = step.operation == "rounded" and step.operands[0].operation == "given"
    if step.operation != "given" and not (is_as_given and step.result == step.operands[0].result):
        yield f"{step.words}: {_said(step, here)}"


def _shown(step: Step) -> tuple[Step, ...]:
    """The steps that come before it in lines of their own."""
    if step.operation == "rounded" and step.operands[0].operation in _IN_ONE_LINE:
        return _shown(step.operands[0])
    if step.operation != "sum":
        return step.operands
    return tuple(each.operands[0] if each.operation == "negated" else each for each in step.operands)


def _chosen(step: Step) -> Row:
    return next(row for row in step.table if holds(row, step.operands[0].result))


def _said(step: Step, here: str) -> str:
    """Word how a step comes to its result."""
    if step.operation in ("is-below", "is-above"):
        one, than = (_named(each, here) for each in step.operands)
        return f"{one} {'is' if step.result else 'is not'} {step.operation[3:]} {than}"
    if step.operation == "looked-up":
        row = _chosen(step)
        bound = "" if row.bound is None else number(row.bound, step.operands[0].unit)
        return f"for {_named(step.operands[0], here)}, {_WHEN[row.when].format(bound)}: {_number(step)}"
    if step.operation == "rounded":
        return _rounded(step, here)
    return f"{_formula(step, here)} = {_number(step)}"


def _rounded(step: Step, here: str) -> str:
    (exact,) = step.operands
    said = f"{_formula(exact, here)} = " if exact.operation in _IN_ONE_LINE else ""
    if exact.result == step.result:
        return f"{said}{_number(step)}"
    rounded_so = gettext_noop("rounded {mode} to {result}").format(mode=step.rounding, result=_number(step))
    return f"{said or 'of '}{number(exact.result, exact.unit)}, {rounded_so}"


def _formula(step: Step, here: str) -> str:
    if step.operation in ("sum", "difference"):
        return _signed(step, here)
    named = [_named(each, here) for each in step.operands]
    if step.operation in _BEFORE:
        return _BEFORE[step.operation] + " and ".join(named)
    return f"less {named[0]}" if step.operation == "negated" else _BETWEEN[step.operation].join(named)


def _signed(step: Step, here: str) -> str:
    """Word what is added and taken off, each with the sign that it has in the end."""
    said = ""
    for place, each in enumerate(step.operands):
        part, adds = (each.operands[0], False) if each.operation == "negated" else (each, True)
        if part.result < 0:
            part, adds = replace(part, result=-part.result), not adds
        if step.operation == "difference" and place:
            adds = not adds
        said += f" {'+' if adds else '−'} {_named(part, here)}"
    return said.removeprefix(" + ").lstrip() or "nothing"


def _named(step: Step, here: str) -> str:
    figure = "" if step.figure == step.words else step.figure
    period = "" if step.period == here else step.period
    of = " of ".join(each for each in (figure, period) if each)
    return f"{_number(step)} ({step.words}{', ' if figure else ' of ' if of else ''}{of})"


def _number(step: Step) -> str:
    return number(step.result, step.unit, step.decimals)


def number(exact: Fraction, unit: str, decimals: int | None = None) -> str:
    """Word a number with its unit, grouped by thousands; what no decimal says ends in dots."""
    digits = (decimals or 0) if unit in money.MINOR_UNITS else 0
    if _is_decimal(exact):
        found = f"{Decimal(written(exact, unit, digits)):,f}"
    else:
        found = f"{_quotient(exact).quantize(Decimal(1).scaleb(-max(_SHOWN, digits)), context=_WIDE):,f}…"
    return f"{found} {unit}".rstrip()
