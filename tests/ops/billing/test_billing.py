"""Measures, targets, invoice lines and credits, by worked example and by property."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.contracts import levels
from workfloor.core.contracts.levels import Credits, ServiceLevel
from workfloor.core.contracts.pricing import Price, Tax, Tier
from workfloor.core.contracts.terms import Contract
from workfloor.kit.figures import money
from workfloor.ops.billing import settlement

JANUARY = date(2026, 1, 1)
VECTORS = Path(__file__).parents[4] / "shared/data/contracts/vectors.json"


def answered_within(per="answered", threshold=20, short=None, **kwargs) -> ServiceLevel:
    return ServiceLevel("Answered", "answered-within", ("regular",), threshold, per, short, **kwargs)


def level(measure, **kwargs) -> ServiceLevel:
    return ServiceLevel("Level", measure, ("regular",), **kwargs)


def contract(*prices, levels=(), credits=None, currency="USD", rounding="half-even") -> Contract:
    return Contract(
        client="acme",
        title="Acme",
        signed_on=date(2025, 12, 1),
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 12, 31),
        currency=currency,
        zone="UTC",
        country="US",
        rounding=rounding,
        service_levels=tuple(levels),
        credits=credits,
        prices=tuple(prices),
    )


def price(**kwargs) -> Price:
    return Price(**({"title": "Calls", "unit": "contact", "of": ("regular",), "counts": "answered"} | kwargs))


def tiers(*pairs) -> tuple[Tier, ...]:
    return tuple(Tier(up_to, Decimal(str(rate))) for up_to, rate in pairs)


# --- targets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attained", "judged", "owes"),
    [
        ("80", "met", False),
        ("79.9999", "below-expected", False),
        ("75", "below-expected", False),
        ("74.9999", "below-minimum", True),
    ],
)
def test_between_expected_and_minimum_a_miss_costs_nothing_yet(attained, judged, owes):
    target = answered_within(expected=Decimal(80), minimum=Decimal(75))

    assert levels.verdict(target, Decimal(attained)) == judged
    assert levels.owes_credit(target, judged) is owes


def test_without_a_minimum_every_miss_of_expected_is_paid_for():
    target = answered_within(expected=Decimal(80))

    assert levels.owes_credit(target, levels.verdict(target, Decimal("79.9999")))
    assert not levels.owes_credit(target, levels.verdict(target, Decimal(80)))


def test_fewer_abandons_and_shorter_waits_are_better():
    target = level("abandoned", per="offered", expected=Decimal(5), minimum=Decimal(8))

    assert [levels.verdict(target, Decimal(x)) for x in (5, 6, 9)] == [
        "met",
        "below-expected",
        "below-minimum",
    ]


def test_a_level_without_a_promise_is_only_reported():
    assert levels.verdict(answered_within(), Decimal(1)) is None


# --- invoice lines ----------------------------------------------------------------------------------------------


def amounts(agreed, *counted):
    return [str(line.amount.amount) for line in settlement.lines(agreed, counted, JANUARY)]


def test_volume_tiers_charge_the_whole_quantity_at_one_rate():
    steps = tiers((10, "1.10"), (None, "0.98"))

    assert amounts(contract(price(tiers=steps, tiering="volume")), 10) == ["11.00"]
    assert amounts(contract(price(tiers=steps, tiering="volume")), 11) == ["10.78"]


def test_graduated_tiers_charge_slice_by_slice_in_one_line():
    agreed = contract(price(tiers=tiers((10, "1.10"), (None, "0.98")), tiering="graduated"))
    (line,) = settlement.lines(agreed, [11], JANUARY)

    assert [(part.quantity, str(part.rate)) for part in line.slices] == [(10, "1.10"), (1, "0.98")]
    assert (line.rate, str(line.amount.amount)) == (None, "11.98")
    assert amounts(agreed, 0) == ["0.00"]


def test_minutes_are_exact_seconds_rounded_once_at_the_line():
    agreed = contract(price(unit="minute", counts="talk", rate=Decimal("0.10")))

    assert amounts(agreed, 90) == ["0.15"]
    assert amounts(agreed, 20) == ["0.03"]  # a third of a minute: 0.0333...


def test_a_fixed_price_ignores_what_was_counted():
    assert amounts(contract(price(unit="fixed", counts=None, rate=Decimal("950.00"))), 77) == ["950.00"]


def test_a_price_below_its_minimum_gets_a_second_line_that_trues_it_up():
    agreed = contract(price(rate=Decimal("1.00"), minimum=Decimal("20.00")))

    assert amounts(agreed, 7) == ["7.00", "13.00"]
    assert amounts(agreed, 20) == ["20.00"]
    assert [line.price for line in settlement.lines(agreed, [7], JANUARY)] == [0, 0]


def test_a_quantity_past_the_last_tier_is_refused():
    with pytest.raises(ValueError, match="No tier holds 11; the last ends at 10"):
        settlement.lines(contract(price(tiers=tiers((10, "1.10")), tiering="volume")), [11], JANUARY)


def test_rounding_is_half_even_unless_the_contract_says_otherwise():
    half = price(rate=Decimal("0.125"))

    assert amounts(contract(half), 1) == ["0.12"]
    assert amounts(contract(half, rounding="half-up"), 1) == ["0.13"]
    assert amounts(contract(half, currency="JPY"), 4) == ["0"]


@pytest.mark.parametrize("case", ["fis-volume-tier-1", "fis-volume-tier-2"])
def test_published_volume_tiers_come_out_to_the_cent(case):
    given_, out = published(case)
    steps = tiers(*given_["tiers"])
    agreed = contract(price(tiers=steps, tiering="volume"))

    assert amounts(agreed, given_["qty"]) == [str(out["volume"])]
    if "graduated_would_be" in out:
        graduated = contract(price(tiers=steps, tiering="graduated"))
        assert amounts(graduated, given_["qty"]) == [str(out["graduated_would_be"])]


rates = st.decimals(Decimal("0.0001"), Decimal(100), places=4)
priced = st.one_of(
    st.builds(lambda rate, minimum: price(rate=rate, minimum=minimum), rates, st.none() | rates),
    st.builds(lambda rate: price(unit="minute", counts="talk", rate=rate), rates),
    st.builds(
        lambda low, high, tiering: price(tiers=tiers((50, low), (1000, high), (None, low)), tiering=tiering),
        rates,
        rates,
        st.sampled_from(["volume", "graduated"]),
    ),
)
billed = st.lists(st.tuples(priced, st.integers(0, 10**6)), max_size=6)


currencies = st.sampled_from(sorted(money.MINOR_UNITS))
modes = st.sampled_from(sorted(money.ROUNDINGS))


@given(billed, currencies, modes)
def test_lines_are_whole_minor_units_and_add_up_to_the_total(bill, currency, mode):
    agreed = contract(*(each for each, _ in bill), currency=currency, rounding=mode)
    made = settlement.lines(agreed, [count for _, count in bill], JANUARY)
    total = settlement.due(made, [], currency)

    assert all(line.amount == line.amount.rounded() for line in made)
    assert total.amount == sum((line.amount.amount for line in made), Decimal(0))
    for each, line in ((agreed.prices[line.price], line) for line in made):
        assert (
            each.minimum is None or sum_of(made, line.price) >= money.Money(each.minimum, currency).rounded(mode).amount
        )


def sum_of(made, number):
    return sum((line.amount.amount for line in made if line.price == number), Decimal(0))


@given(st.integers(0, 3000), rates, rates)
def test_slices_of_a_graduated_price_add_up_to_its_quantity(count, low, high):
    (line,) = settlement.lines(
        contract(price(tiers=tiers((50, low), (1000, high), (None, low)), tiering="graduated")), [count], JANUARY
    )
    exact = sum(part.quantity * Fraction(part.rate) for part in line.slices)

    assert sum(part.quantity for part in line.slices) == count
    assert abs(Fraction(line.amount.amount) - exact) <= Fraction(1, 200)


# --- credits ----------------------------------------------------------------------------------------------------

AT_RISK = Credits("at-risk", at_risk=Decimal(10), pool=Decimal(150), cap=Decimal(10))


def usd(text):
    return money.parse(text, "USD")


def weighted(*weights):
    """Levels of 80 % with these weights, each under its own name."""
    return [
        replace(answered_within(expected=Decimal(80), weight=Decimal(weight)), name=f"Level {number}")
        for number, weight in enumerate(weights)
    ]


def owed(agreed, charges, missed):
    """The credits of a month whose charges came to so much, alone, with these levels missed."""
    figures = [Decimal(0 if number in missed else 100) for number in range(len(agreed.service_levels))]
    month = replace(settlement.month(agreed, "2026-01", [], figures), charges=charges)
    return settlement.settle([month])[-1].credits


def test_credits_stop_at_the_cap_and_the_later_ones_give_way():
    found = owed(contract(levels=weighted(40, 30, 30), credits=AT_RISK), usd("1000.00"), {0, 1, 2})

    assert [str(credit.computed.amount) for credit in found] == ["60.00", "45.00", "45.00"]
    assert [str(credit.amount.amount) for credit in found] == ["60.00", "40.00", "0.00"]


def test_a_level_without_weight_and_a_contract_without_credits_owe_nothing():
    unweighted = [answered_within(expected=Decimal(80))]

    assert owed(contract(levels=unweighted, credits=AT_RISK), usd("1000.00"), {0}) == ()
    assert owed(contract(levels=weighted(100)), usd("1000.00"), {0}) == ()


def test_a_months_own_charges_of_a_level_are_those_of_its_queues():
    agreed = contract(
        price(rate=Decimal("2.00")),
        price(title="Others", of=("english",), rate=Decimal("3.00")),
        price(title="Site", unit="fixed", of=(), counts=None, rate=Decimal("100.00")),
        levels=[answered_within(), replace(answered_within(), name="All", of=("regular", "english"))],
    )
    month = settlement.month(agreed, "2027-02", settlement.lines(agreed, [5, 5, 0], JANUARY), [None, None])

    assert (month.charges, month.contract_year) == (usd("125.00"), 1)
    assert [each.result for each in month.of_levels] == [10, 25]


def total_of(owed):
    return sum((credit.amount.amount for credit in owed), Decimal(0))


@given(billed, st.lists(st.integers(1, 100), max_size=5), st.integers(0, 20), currencies, modes)
def test_credits_never_exceed_the_cap_and_what_is_due_is_lines_less_credits(bill, weights, cap, currency, mode):
    terms = Credits("at-risk", at_risk=Decimal(10), pool=Decimal(150), cap=Decimal(cap))
    prices = [each for each, _ in bill]
    agreed = contract(*prices, levels=weighted(*weights), credits=terms, currency=currency, rounding=mode)
    made = settlement.lines(agreed, [count for _, count in bill], JANUARY)
    charges = settlement.due(made, [], currency)
    found = owed(agreed, charges, set(range(len(weights))))

    assert total_of(found) <= charges.percent(Decimal(cap)).rounded(mode).amount
    assert all(Decimal(0) <= credit.amount.amount <= credit.computed.amount for credit in found)
    assert settlement.due(made, found, currency).amount == charges.amount - total_of(found)


def published(case):
    if not VECTORS.exists():
        pytest.skip("the published contract numbers are not beside this checkout (../shared/data)")
    found = next(each for each in json.loads(VECTORS.read_text(), parse_float=Decimal)["cases"] if each["id"] == case)
    return found["in"], found["out"]


taxed = st.lists(st.tuples(priced, st.integers(0, 10**6), st.sampled_from(["standard", "exempt"])), max_size=6)
percents = st.decimals(Decimal(0), Decimal(30), places=2)


@given(taxed, st.integers(0, 20), percents, st.lists(st.integers(-(10**6), 10**6), max_size=3), currencies, modes)
def test_the_total_is_its_lines_less_credits_and_with_taxes_in_every_currency(
    bill, cap, percent, moved, currency, mode
):
    known = {"standard": Tax("standard", "VAT", "S", percent), "exempt": Tax("exempt", "Exempt", "E", Decimal(0))}
    prices = [replace(each, tax=tax) for each, _, tax in bill]
    terms = Credits("at-risk", at_risk=Decimal(10), pool=Decimal(150), cap=Decimal(cap), tax="standard")
    agreed = replace(
        contract(*prices, levels=weighted(60, 40), credits=terms, currency=currency, rounding=mode), taxes=known
    )
    made = settlement.lines(agreed, [count for _, count, _ in bill], JANUARY)
    charges = settlement.due(made, [], currency)
    found = owed(agreed, charges, {0, 1})
    unit = Decimal(1).scaleb(-money.MINOR_UNITS[currency])
    adjusted = [
        settlement.Adjusted(
            "a1", "2025-12", "l1", "Earlier", money.Money(n * unit, currency), known["standard"], "", None
        )
        for n in moved
    ]
    net = settlement.due(made, found, currency)
    taxes = settlement.taxes(agreed, made, charges - net, adjusted)
    net += money.total((each.amount for each in adjusted), currency)
    total = net + money.total((each.amount for each in taxes), currency)

    each_part = [line.amount for line in made] + [-credit.amount for credit in found]
    each_part += [each.amount for each in adjusted] + [each.amount for each in taxes]
    assert total.amount == sum((part.amount for part in each_part), Decimal(0))
    assert all(part == part.rounded() for part in [*each_part, total])
    assert (
        money.total((each.base for each in taxes), currency) == net
    )  # every line, credit and adjustment is taxed once
    for each in taxes:
        exact = Fraction(each.base.amount) * Fraction(each.tax.rate) / 100
        assert abs(Fraction(each.amount.amount) - exact) < Fraction(unit)
