"""Credits of small contracts in examples/contracts, each computed by hand, and what holds of all of them."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.contracts import levels
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts.terms import Contract
from workfloor.kit.figures import money, steps
from workfloor.ops.billing import settlement

ROOT = Path(__file__).parents[3]
VECTORS = ROOT.parent / "shared/data/contracts/vectors.json"


def contract(name) -> Contract:
    return contracts_parsing.read((ROOT / "examples" / "contracts" / f"{name}.toml").read_text("utf-8"))


def published(case):
    if not VECTORS.exists():
        pytest.skip("the published contract numbers are not beside this checkout (../shared/data)")
    found = next(each for each in json.loads(VECTORS.read_text(), parse_float=Decimal)["cases"] if each["id"] == case)
    return found.get("in"), found.get("out")


def usd(text):
    return money.parse(str(text), "USD")


def own(charges):
    return steps.given("charges of its own queues", usd(charges))


def month(agreed, number, figures, charges="100000.00", of_levels=()):
    """The so-manyth month of the contract, from 0, with one figure for each level; None where nothing counted."""
    year, rest = divmod(number, 12)
    return settlement.Month(
        name=f"{2026 + year}-{rest + 1:02}",
        contract_year=year,
        levels=agreed.service_levels,
        attained=tuple(None if figure is None else Decimal(figure) for figure in figures),
        charges=usd(charges),
        of_levels=tuple(map(own, of_levels)) or tuple(own(charges) for _ in agreed.service_levels),
        terms=agreed.credits,
        rounding=agreed.rounding,
        terminations=agreed.terminations,
    )


def settle(agreed, *figures, **more):
    rows = [one if isinstance(one, tuple) else (one,) for one in figures]
    return settlement.settle(month(agreed, number, row, **more) for number, row in enumerate(rows))


def amounts(settled):
    return [str(credit.amount.amount) for credit in settled.credits]


# --- at risk -----------------------------------------------------------------------------------------------------


def test_the_published_at_risk_credit_comes_out_of_its_contract():
    given_, out = published("dir-a-b-c")
    (missed,) = settle(contract("at-risk"), ("79.9999", "95"), charges=given_["invoice"])

    # 100,000 x 10 % x 50 % x 40 %
    assert amounts(missed) == [str(Decimal(out["credit"]).quantize(Decimal("0.01")))] == ["2000.00"]


@pytest.mark.parametrize(
    ("figures", "charges", "owed"),
    [
        (("70", "95"), "100000.00", ["2000.00"]),  # 100,000 x 0.1 x 0.5 x 0.4
        (("80", "94"), "100000.00", ["3000.00"]),  # 100,000 x 0.1 x 0.5 x 0.6
        (("70", "94"), "1234.56", ["24.69", "37.04"]),  # 1,234.56 x 0.05 = 61.728; x 0.4 = 24.6912; x 0.6 = 37.0368
        (("80", "95"), "100000.00", []),
    ],
)
def test_at_risk_is_shared_by_weight(figures, charges, owed):
    assert amounts(settle(contract("at-risk"), figures, charges=charges)[0]) == owed


def test_the_published_cap_is_what_is_at_risk():
    _, out = published("dir-a-b-c")
    agreed = contract("at-risk")
    terms = replace(agreed.credits, pool=Decimal(300))
    (missed,) = settle(replace(agreed, credits=terms), ("70", "94"))

    # 100,000 x 10 % x 300 % = 30,000 is shared 12,000 to 18,000; 10 % of the charges stop the first.
    assert amounts(missed) == [f"{out['cap']}.00", "0.00"]


# --- points ------------------------------------------------------------------------------------------------------


def test_the_published_points_come_out_of_their_table():
    given_, out = published("telus-points")
    table = contract("points-from-a-table").credits.table

    assert [[row.points, int(row.credit)] for row in table] == given_["points_table"]
    assert {f"points {points}": promises_credit(table, points) for points in (4, 12, 29, 44)} == out


def promises_credit(table, points):
    return int(settlement.table_credit(table, steps.given("points", points)).result)


@pytest.mark.parametrize(
    ("before", "now", "owed"),
    [
        ("80", "74", []),  # the mean is 77, worse than 80: 4 points, less than 5
        ("80", "68", ["2000.00"]),  # the mean is 74, worse than 75: 12 points, 2 % of 100,000
        ("80", "58", ["8000.00"]),  # the mean is 69, worse than 70: 29 points, 8 %
        ("60", "58", ["10000.00"]),  # the mean is 59, worse than 60: 44 points, 10 %
        ("90", "70", []),  # the mean is 80: as good within the target
    ],
)
def test_figures_are_averaged_over_two_months_then_scored(before, now, owed):
    assert amounts(settle(contract("points-from-a-table"), before, now)[-1]) == owed


def test_the_first_month_and_a_month_without_work_are_not_averaged():
    agreed = contract("points-from-a-table")

    assert amounts(settle(agreed, "74")[-1]) == ["2000.00"]  # 74 alone: 12 points
    assert amounts(settle(agreed, None, "74")[-1]) == ["2000.00"]
    assert amounts(settle(agreed, "50", None)[-1]) == []


@pytest.mark.parametrize(
    ("figures", "owed"),
    [
        # 6 + 0 + 6 = 12 points, 2 beyond the allowance of 10: 2 x 2 % of 10,000
        ([("79", "80"), ("80", "80"), ("79", "80")], ["400.00"]),
        # 12 + 12 + 12 = 36, 26 beyond: 52 % of 10,000, capped at 20 % of them
        ([("59", "80"), ("59", "80"), ("59", "80")], ["2000.00"]),
        # both: 2,000 and 2,000, in aggregate 10 % of 30,000: the second gives way to 1,000
        ([("59", "59"), ("59", "59"), ("59", "59")], ["2000.00", "1000.00"]),
        # the first month has left the quarter: 0 + 0 + 6
        ([("59", "80"), ("80", "80"), ("80", "80"), ("79", "80")], []),
    ],
)
def test_points_add_up_over_a_rolling_quarter(figures, owed):
    agreed = contract("points-over-a-quarter")
    last = settle(agreed, *figures, charges="30000.00", of_levels=("10000.00", "10000.00"))[-1]

    assert amounts(last) == owed


# --- linear ------------------------------------------------------------------------------------------------------


def test_the_published_linear_credit_comes_out_of_its_contract():
    given_, out = published("uk-calloff-linear")
    agreed = contract("linear")
    (missed,) = settle(agreed, str(given_["actual"]), charges="100.00")

    assert agreed.service_levels[0].expected == given_["target"]
    assert amounts(missed) == [f"{out['credit_pct']}.00"]


@pytest.mark.parametrize(
    ("attained", "owed"),
    [
        ("75", ["23000.00"]),  # 98 - 75 = 23 points of 1 % of 100,000
        ("97.5", ["500.00"]),  # half a point
        ("97.9999", ["0.10"]),  # a ten-thousandth of a point
        ("98", []),
    ],
)
def test_linear_counts_percentage_points(attained, owed):
    assert amounts(settle(contract("linear"), attained)[0]) == owed


# --- fixed, stacked, repeated, capped over a year ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "owed"),
    [
        (("99", "89", "85"), ["200.00", "40.00"]),  # 20 % + 4 % = 24 % of 1,000
        (("99", "90", "84"), ["200.00"]),  # round trip is not owed with availability
        (("99.9", "89", "84"), ["40.00"]),  # nor with time to repair
        (("99.9", "90", "84"), ["100.00"]),  # alone it is: 10 %
    ],
)
def test_the_published_credits_stack_or_exclude_each_other(figures, owed):
    assert amounts(settle(contract("stacking"), figures, charges="1000.00")[0]) == owed


def test_a_repeated_miss_costs_more_until_the_year_is_capped():
    good, bad = "80", "79"
    months = settle(contract("repeated-misses"), bad, good, bad, bad, bad, charges="1000.00")

    # of 1,000 each: 4 % = 40; kept; 4 % = 40; the second in a row 4 % x 1.5 = 60; the third 4 % x 2 = 80.
    assert [str(credit.computed.amount) for each in months for credit in each.credits] == [
        "40.00",
        "40.00",
        "60.00",
        "80.00",
    ]
    # 5 % of the year so far: 50, 100, 150, 200, 250. Left: 50; then 150 - 40 = 110; 200 - 80 = 120; 250 - 140 = 110.
    assert [amounts(each) for each in months] == [["40.00"], [], ["40.00"], ["60.00"], ["80.00"]]


def test_the_cap_of_a_year_lets_through_what_is_left_and_begins_anew():
    agreed = replace(contract("repeated-misses"))
    months = settle(agreed, *["79"] * 13, charges="1000.00")

    # 1: 40 of 50. 2: 60 of 100 - 40. 3: 80, but 150 - 100 = 50 are left. From then on 5 % of each month: 50.
    assert [amounts(each) for each in months[:4]] == [["40.00"], ["60.00"], ["50.00"], ["50.00"]]
    # The thirteenth month is the first of the second year: 80, but 5 % of 1,000 = 50.
    assert amounts(months[12]) == ["50.00"]


# --- earn-back and termination -------------------------------------------------------------------------------------


def test_a_credit_is_earned_back_after_two_good_months():
    months = settle(contract("earn-back"), "79", "80", "81", charges="1000.00")

    assert [amounts(each) for each in months] == [["40.00"], [], ["-40.00"]]
    assert months[2].credits[0].note == "earned back, of 2026-01"


@pytest.mark.parametrize("after", [("80", "79"), ("79", "80"), (None, "80")])
def test_a_month_that_is_missed_or_empty_earns_nothing_back(after):
    months = settle(contract("earn-back"), "79", *after, charges="1000.00")

    assert all(not amount.startswith("-") for each in months for amount in amounts(each))


def test_credits_of_the_peak_are_not_earned_back():
    figures = ["80"] * 9 + ["79", "79", "80", "80", "80"]  # October and November missed
    months = settle(contract("earn-back"), *figures, charges="1000.00")

    assert [amounts(each) for each in months[9:]] == [["40.00"], ["40.00"], [], [], []]
    earned = settle(contract("earn-back"), *["80"] * 9, "79", "80", "80", charges="1000.00")
    assert amounts(earned[-1]) == ["-40.00"]  # October's


def test_two_misses_in_three_months_let_the_client_leave():
    def notices(*figures):
        return settle(contract("earn-back"), *figures)[-1].notices

    says = "Notice under clause 14: Answered in 20 seconds was short of expected in 2 of the last 3 months."
    assert notices("79", "80", "79") == (says,)
    assert notices("79", "80", "80", "79") == ()
    assert notices("80", "79") == ()


# --- ratchet -----------------------------------------------------------------------------------------------------


def test_the_published_ratchet_resets_half_way_to_the_mean_of_twelve_months():
    given_, out = published("csc-sears-ratchet")
    months = settle(contract("ratchet"), *[str(given_["avg12"])] * 13)

    assert [each.levels[0].expected for each in months] == [given_["level"]] * 12 + [out["new_level"]]


def test_the_published_ratchet_stops_at_its_cap():
    given_, out = published("gap-ibm-cap")
    agreed = contract("ratchet-capped")
    months = settle(agreed, *["98"] * 13)

    assert agreed.service_levels[0].ratchet.max_step == given_["p"]
    assert months[12].levels[0].expected == out["max_new_level"]


def test_a_ratchet_counts_months_in_a_row_under_the_same_promise():
    agreed = contract("ratchet")

    def target(*figures):
        return settle(agreed, *figures, "99")[-1].levels[0].expected

    assert target(*["97"] * 6, *["99"] * 6) == Decimal("96.5")  # the mean is 98: 95 + (98 - 95) / 2
    assert target(*["98"] * 6, "95", *["98"] * 6) == 95  # exactly the target is not above it
    assert target(*["98"] * 12, *["98"] * 11) == Decimal("96.5")  # eleven under the new target are not enough
    assert target(*["98"] * 24) == Decimal("97.25")  # 96.5 + (98 - 96.5) / 2
    assert target(*["98"] * 6, None, *["98"] * 6) == 95


def test_a_raised_promise_is_what_the_next_month_is_judged_by():
    months = settle(contract("ratchet"), *["98"] * 12, "96")

    assert months[12].verdicts == ("below-expected",)
    assert amounts(months[12]) == ["5000.00"]  # 5 % of 100,000


def test_an_amended_promise_begins_its_ratchet_anew():
    agreed = contract("ratchet")
    amended = replace(agreed, service_levels=(replace(agreed.service_levels[0], expected=Decimal(96)),))
    months = [month(agreed, n, ["98"]) for n in range(12)] + [month(amended, 12, ["98"]), month(amended, 13, ["98"])]

    assert [each.levels[0].expected for each in settlement.settle(months)[12:]] == [96, 96]


def test_where_less_is_better_a_ratchet_lowers():
    wait = levels.ServiceLevel("Wait", "speed-of-answer", ("calls",), expected=Decimal(40))

    # half-way to the mean of 20 s; at most a tenth of 40 s
    now, *months = (steps.given("", seconds, "s") for seconds in (40, 10, 30))
    assert levels.reset(wait, levels.Ratchet(2), now, months).result == 30
    assert levels.reset(wait, levels.Ratchet(2, Decimal(10)), now, months).result == 36


# --- what holds of all of them -------------------------------------------------------------------------------------

NAMES = ["at-risk", "linear", "points-from-a-table", "points-over-a-quarter", "repeated-misses", "stacking"]
percents = st.decimals(0, 100, places=4).map(str) | st.none()
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])
MODES = st.sampled_from(sorted(money.ROUNDINGS))


@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(*[percents] * 3), min_size=1, max_size=6),
    st.integers(0, 10**7),
    CURRENCIES,
    MODES,
)
def test_credits_are_whole_minor_units_and_stay_under_the_cap(name, figures, charges, currency, mode):
    agreed, units = contract(name), money.MINOR_UNITS[currency]
    whole = money.Money(Decimal(charges).scaleb(-units), currency)
    levels = len(agreed.service_levels)
    months = [
        replace(
            month(agreed, n, row[:levels]), charges=whole, of_levels=(steps.given("", whole),) * levels, rounding=mode
        )
        for n, row in enumerate(figures)
    ]

    for settled in settlement.settle(months):
        owed = [credit.amount for credit in settled.credits]
        assert all(amount == amount.rounded() and amount.amount >= 0 for amount in owed)
        assert money.total(owed, currency) <= whole.percent(agreed.credits.cap).rounded(mode)


@given(st.lists(percents, min_size=9, max_size=14))
def test_months_beyond_those_needed_change_nothing(figures):
    agreed = contract("earn-back")
    needed = settlement.months_needed(agreed.service_levels, agreed.credits, agreed.terminations)
    everything = [month(agreed, n, [figure]) for n, figure in enumerate(figures)]

    alone, whole = settlement.settle(everything[-needed - 1 :])[-1], settlement.settle(everything)[-1]
    assert (alone.credits, alone.notices) == (whole.credits, whole.notices)


def test_only_what_looks_back_asks_for_earlier_months():
    def needed(name):
        agreed = contract(name)
        return settlement.months_needed(agreed.service_levels, agreed.credits, agreed.terminations)

    assert [needed(name) for name in ("at-risk", "points-from-a-table", "points-over-a-quarter")] == [0, 1, 2]
    assert [needed(name) for name in ("earn-back", "ratchet", "repeated-misses")] == [
        4,
        settlement.EVERY,
        settlement.EVERY,
    ]


# --- bonus bank --------------------------------------------------------------------------------------------------


def test_good_months_save_up_what_meets_later_credits_first():
    months = settle(contract("bonus-bank"), "91", "95", "79", "79", "90", charges="1000.00")

    # 2 % of 1,000; another 2 %, but the bank saves 3 %; 30 of the 40 are met; nothing is left; exactly 90 earns nothing
    assert [str(each.bank.amount) for each in months] == ["20.00", "30.00", "0.00", "0.00", "0.00"]
    assert [amounts(each) for each in months] == [[], [], ["10.00"], ["40.00"], []]
    assert months[2].credits[0].from_bank == usd("30.00")


def test_a_bank_that_is_larger_than_the_credit_keeps_the_rest():
    agreed = contract("bonus-bank")
    rows = [month(agreed, 0, ["99"], charges="2000.00"), month(agreed, 1, ["79"], charges="500.00")]
    saved, missed = settlement.settle(rows)

    assert str(saved.bank.amount) == "40.00"  # 2 % of 2,000
    assert (amounts(missed), str(missed.bank.amount)) == (["0.00"], "20.00")  # 4 % of 500 is met; 40 - 20


def test_a_smaller_month_neither_empties_a_bank_nor_fills_it():
    agreed = contract("bonus-bank")
    rows = [month(agreed, 0, ["99"], charges="2000.00"), month(agreed, 1, ["99"], charges="100.00")]

    # 40 are saved; 2 % of 100 would make 42, beyond the 3 that the bank saves of 100: it stays as it was
    assert [str(each.bank.amount) for each in settlement.settle(rows)] == ["40.00", "40.00"]
