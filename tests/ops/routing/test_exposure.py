"""What a miss costs by each rule of credits, and what a contact is worth."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.contracts.levels import Credits, ServiceLevel
from workfloor.ops.routing import urgency


def level(measure="answered-within", expected="80", **more):
    terms = {name: Decimal(value) if isinstance(value, str) else value for name, value in more.items()}
    return ServiceLevel("Target", measure, ("calls",), threshold_seconds=20, expected=Decimal(expected), **terms)


def credits(rule, **terms):
    return Credits(rule, **{name: Decimal(value) for name, value in terms.items()})


@pytest.mark.parametrize(
    ("target", "bound"),
    [
        (level(), 0.8),
        (level(minimum="75"), 0.75),
        (level("resolved-within", "95"), 0.95),
        (level("abandoned", "5"), 0.95),
        (level("abandoned", "5", minimum="8"), 0.92),
        (level("speed-of-answer", "25"), None),
        (level("handled-time", "300"), None),
    ],
)
def test_a_month_owes_a_credit_below_the_minimum_or_else_the_expected_share(target, bound):
    assert urgency.bound(target) == (bound if bound is None else pytest.approx(bound))


@pytest.mark.parametrize(
    ("target", "terms", "percent"),
    [
        # 10 % at risk, times a pool of 150 %, times a weight of 40 %: 6 % of the charges.
        (level(weight="40"), credits("at-risk", at_risk="10", pool="150", cap="10"), 6.0),
        (level(weight="100"), credits("at-risk", at_risk="10", pool="150", cap="10"), 10.0),  # capped
        (level(), credits("at-risk", at_risk="10", pool="150", cap="10"), 0.1),  # without a weight nothing is owed
        (level(credit="4"), credits("fixed", cap="10"), 4.0),
        (level(credit_amount="500.00"), credits("fixed", cap="10"), 1.0),
        (level(), credits("fixed", cap="10"), 0.1),
        (level(), credits("linear", per_point="0.5", cap="10"), 0.5),
        (level(), credits("points", cap="10"), 1.0),
        (level(), None, 0.1),
    ],
)
def test_a_miss_costs_what_the_contract_s_own_rule_says_where_that_is_plain(target, terms, percent):
    assert urgency.cost(target, terms) == pytest.approx(percent)


def test_what_decides_alone_is_worth_the_credit_times_the_chance_that_it_decides():
    terms = credits("at-risk", at_risk="10", pool="100", cap="10")

    assert urgency.exposure(level(weight="50"), terms, 800, 1000, 100) == urgency.stake(5.0, 0.8, 800, 1000, 100)


def test_by_the_point_each_contact_is_worth_its_part_of_a_point_once_the_month_is_lost_and_nothing_while_it_is_safe():
    terms = credits("linear", per_point="0.5", cap="10")

    # One of 2000 contacts is a twentieth of a point, and a point costs 0.5 %.
    assert urgency.exposure(level(), terms, 500, 1000, 1000) == pytest.approx(0.025)
    assert urgency.exposure(level(), terms, 950, 1000, 1000) < 0.001
    assert urgency.exposure(level(), terms, 800, 1000, 1000) == pytest.approx(0.0125, rel=0.2)


@given(st.floats(0, 1), st.integers(0, 10**5), st.floats(0, 1), st.integers(0, 10**5))
def test_the_chance_to_fall_short_is_one_and_falls_with_each_contact_met(target, counted, attained, to_come):
    met = round(attained * counted)
    chance = urgency.falls_short(target, met, counted, to_come)

    assert 0 <= chance <= 1
    assert urgency.falls_short(target, min(met + 1, counted), counted, to_come) <= chance + 1e-9
