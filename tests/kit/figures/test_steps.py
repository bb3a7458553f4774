"""Arithmetic that says itself: its results, what is kept of it, and its words."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workfloor.kit.figures import money, steps
from workfloor.kit.figures.money import Money
from workfloor.kit.figures.steps import Row, Step

CHARGES = steps.given("charges", Money(Decimal("1234.50"), "EUR"), figure="charges", period="2026-03")
numbers = some.fractions(max_denominator=1000) | some.decimals(-(10**6), 10**6, places=4)


def percent(words: str, value: str) -> Step:
    return steps.given(words, Decimal(value), "%")


@some.composite
def trees(draw: some.DrawFn) -> Step:
    """A few numbers, put together in some way, and perhaps rounded."""
    parts = [
        steps.given(f"part {n}", value, draw(some.sampled_from(["", "%", "EUR"])), figure="m1")
        for n, value in enumerate(draw(some.lists(numbers, min_size=2, max_size=4)))
    ]
    made = draw(
        some.sampled_from(
            [
                steps.total("sum", parts, "EUR"),
                steps.less("rest", *parts),
                steps.product("product", *parts, unit="EUR"),
                steps.least("least", *parts),
                steps.negated("the other way", parts[0]),
                steps.looked_up("found", parts[0], [Row("below", Fraction(0), parts[1]), Row("else", None, parts[0])]),
                steps.compared("compared", parts[0], parts[1]),
            ]
        )
    )
    if draw(some.booleans()):
        return steps.rounded(
            "rounded", made, draw(some.sampled_from(sorted(money.ROUNDINGS))), draw(some.integers(0, 6))
        )
    return made


@given(trees())
def test_what_is_kept_of_a_step_is_the_whole_of_it(step: Step):
    kept = steps.plain(step)
    read = steps.read(kept)

    assert steps.plain(read) == kept
    assert (read.result, read.operation, read.unit) == (step.result, step.operation, step.unit)
    assert steps.worksheet(read) == steps.worksheet(step)


def test_percents_of_a_product_are_hundredths_and_it_is_exact_until_it_is_rounded():
    exact = steps.product("credit", CHARGES, percent("at risk", "10"), percent("weight", "3.33"), unit="EUR")
    rounded = steps.rounded_money("credit", exact, "half-up")

    assert exact.result == Fraction("4.110885")  # 1,234.50 x 0.1 x 0.0333
    assert str(steps.amount(rounded)) == "4.11 EUR"
    assert steps.worksheet(rounded, "2026-03") == [
        "credit: 1,234.50 EUR (charges) × 10 % (at risk) × 3.33 % (weight) = 4.110885 EUR, rounded half-up to 4.11 EUR"
    ]


@pytest.mark.parametrize(
    ("mode", "whole"), [("half-even", "2"), ("half-up", "3"), ("half-down", "2"), ("up", "3"), ("down", "2")]
)
def test_a_half_goes_where_its_rounding_says(mode: str, whole: str):
    assert steps.plain(steps.rounded("", steps.given("", Decimal("2.5")), mode, 0))["result"] == whole


def test_what_no_decimal_says_is_kept_as_a_fraction():
    third = steps.quotient("minutes", steps.given("talk", 20, "s"), steps.given("seconds of a minute", 60), "minutes")

    assert steps.plain(third)["result"] == "1/3"
    assert steps.worksheet(third) == ["minutes: 20 s (talk) ÷ 60 (seconds of a minute) = 0.333333… minutes"]


def test_the_first_row_that_holds_is_meant():
    rows = [Row("at-most", Fraction(10), steps.given("rate", Decimal("2.00"), "EUR"))]
    rows.append(Row("else", None, steps.given("rate", Decimal("1.50"), "EUR")))

    found = [steps.looked_up("rate", steps.given("calls", count), rows) for count in (10, 11)]
    assert [str(steps.decimal(each)) for each in found] == ["2.00", "1.50"]
    assert steps.worksheet(found[0]) == ["rate: for 10 (calls), up to 10: 2.00 EUR"]


def test_signs_are_those_that_count_in_the_end():
    back = steps.given("gap", Decimal("-20.00"), "EUR")
    off = steps.negated("credits", steps.given("credits", Decimal("5.00"), "EUR"))

    assert steps.worksheet(steps.total("Net", [CHARGES, back, off], "EUR"), "2026-03") == [
        "Net: 1,234.50 EUR (charges) − 20.00 EUR (gap) − 5.00 EUR (credits) = 1,209.50 EUR"
    ]
    assert steps.worksheet(steps.less("Left", CHARGES, back)) == [
        "Left: 1,234.50 EUR (charges of 2026-03) + 20.00 EUR (gap) = 1,254.50 EUR"
    ]


def test_a_step_that_is_unlinked_names_no_figure_any_more():
    assert "figure" in str(steps.plain(CHARGES)) and steps.unlinked(CHARGES).figure == ""
    assert steps.unlinked(steps.total("", [CHARGES], "EUR")).operands[0].period == ""
