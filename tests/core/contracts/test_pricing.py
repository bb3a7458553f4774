"""Prices of small contracts in examples/contracts, each line computed by hand, and what holds of all of them."""

import ast
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts import pricing
from workfloor.core.contracts.terms import Contract
from workfloor.kit.figures import money

ROOT = Path(__file__).parents[3]
VECTORS = ROOT.parent / "shared/data/contracts/vectors.json"
EXAMPLES = sorted((ROOT / "examples" / "contracts").glob("*.toml"))
OTHERS = [ROOT / "examples" / each for each in ("bank/contract.toml", "quote/contract.toml", "quote/stricter.toml")]
JANUARY = date(2026, 1, 1)


def contract(name) -> Contract:
    return contracts_parsing.read((ROOT / "examples" / "contracts" / f"{name}.toml").read_text("utf-8"))


def published(case):
    if not VECTORS.exists():
        pytest.skip("the published contract numbers are not beside this checkout (../shared/data)")
    found = next(each for each in json.loads(VECTORS.read_text(), parse_float=Decimal)["cases"] if each["id"] == case)
    return found["in"], found["out"]


def lines(agreed, *counted, on=JANUARY):
    return pricing.lines(agreed.book, agreed.prices, counted, on)


def amounts(agreed, *counted, on=JANUARY):
    return [str(line.amount.amount) for line in lines(agreed, *counted, on=on)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_small_contract_could_be_signed(path):
    assert contracts_parsing.read(path.read_text("utf-8")).client == path.stem


@pytest.mark.parametrize("path", [*EXAMPLES, *OTHERS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_months_of_every_example_could_be_invoiced(path):
    agreed = contracts_parsing.read(path.read_text("utf-8"))

    assert agreed.billing is not None
    assert all(price.tax in agreed.taxes for price in agreed.prices)


# --- tiers -------------------------------------------------------------------------------------------------------


def test_the_published_volume_tiers_come_out_of_their_contract():
    agreed = contract("volume-tiers")
    (one, first), (other, second) = published("fis-volume-tier-1"), published("fis-volume-tier-2")

    assert [[tier.up_to, tier.rate] for tier in agreed.prices[0].tiers] == one["tiers"]
    assert amounts(agreed, one["qty"], other["qty"]) == [str(first["volume"]), str(second["volume"])]


# --- baseline ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counted", "charged"),
    [
        (1000, ["2000.00"]),  # 1,000 x 2.00
        (1100, ["2000.00"]),  # within 10 %
        (900, ["2000.00"]),
        (1101, ["2000.00", "181.80"]),  # the whole gap: 101 x 1.80
        (899, ["2000.00", "-121.20"]),  # 101 x 0.8 x 1.50
        (0, ["2000.00", "-1200.00"]),  # 1,000 x 0.8 x 1.50
    ],
)
def test_outside_the_dead_band_the_whole_gap_is_charged_or_given_back(counted, charged):
    assert amounts(contract("baseline"), counted) == charged


def test_a_gap_says_what_it_is_in_words_and_numbers():
    (_, more), (_, less) = lines(contract("baseline"), 1101), lines(contract("baseline"), 899)

    assert (more.title, more.quantity, more.rate) == ("Servers: additional, above the baseline", 101, Decimal("1.80"))
    assert (less.title, less.quantity, less.rate) == ("Servers: reduced, below the baseline", -101, Decimal("1.200"))


# --- ramp-up, agreed quantities, outcomes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "charged"),
    [
        (date(2026, 1, 1), ["200.00", "300.00", "16000.00"]),  # 50 % of 1,000; 12.5 x 40 % x 3,200
        (date(2026, 2, 28), ["200.00", "300.00", "16000.00"]),
        (date(2026, 3, 1), ["200.00", "550.00", "40000.00"]),  # 75 % of 1,000; 12.5 x 3,200
        (date(2026, 4, 1), ["200.00", "800.00", "40000.00"]),
    ],
)
def test_a_ramp_up_lowers_what_is_committed_and_not_what_is_counted(on, charged):
    assert amounts(contract("ramp-up"), 100, 0, on=on) == charged  # 100 x 2.00


def test_a_baseline_and_its_dead_band_ramp_up_too():
    agreed = contract("baseline")
    half = replace(agreed.prices[0], ramp_up=(pricing.RampUp(1, Decimal(50)),))
    agreed = replace(agreed, prices=(half,))

    assert amounts(agreed, 550) == ["1000.00"]  # 500 x 2.00, and 50 is 10 % of it
    assert amounts(agreed, 551) == ["1000.00", "91.80"]  # 51 x 1.80
    assert lines(agreed, 500)[0].title == "Servers (ramp-up: 50 %)"


@pytest.mark.parametrize(("counted", "charged"), [(0, "0.00"), (1, "7.50"), (333, "2497.50")])  # 333 x 7.50
def test_an_outcome_is_charged_by_the_piece(counted, charged):
    assert amounts(contract("outcomes"), counted) == [charged]


# --- indexation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "rates"),
    [
        (date(2026, 12, 1), ["1.10", "900.00"]),
        (date(2027, 1, 1), ["1.1330", "918.1556"]),  # x 1.03; x 106.2 / 104.1 = 918.15561...
        (date(2028, 1, 1), ["1.1670", "907.7810"]),  # x 1.03 x 1.03 = 1.16699; x 105.0 / 104.1 = 907.78097...
    ],
)
def test_rates_follow_their_index_and_are_rounded_to_what_both_sides_read(on, rates):
    assert [str(line.rate) for line in lines(contract("indexed"), 1000, 0, on=on)] == rates


def test_an_indexed_rate_is_what_is_multiplied():
    assert amounts(contract("indexed"), 1000, 0, on=date(2028, 5, 1)) == ["1167.00", "907.78"]


def test_a_yearly_rise_waits_for_its_day():
    cola = pricing.Indexation("cola", yearly=Decimal(3), starts_on=date(2027, 4, 15))

    days = (date(2027, 4, 14), date(2027, 4, 15), date(2028, 4, 1), date(2028, 5, 1), date(2020, 1, 1))
    assert [
        str(Decimal(100) * rise.numerator / rise.denominator)
        for day in days
        for rise in [pricing.index_factor(cola, day)]
    ] == ["100", "103", "103", "106.09", "100"]


# --- taxes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counted", "credited", "taxed"),
    [
        (1000, "0", [("1100.00", "253.00"), ("300.00", "0.00")]),  # 1,000 x 1.10 x 23 %
        (1000, "100.00", [("1000.00", "230.00"), ("300.00", "0.00")]),  # less the credit
        (7, "0", [("7.70", "1.77"), ("300.00", "0.00")]),  # 7.70 x 23 % = 1.771
        (0, "100.00", [("-100.00", "-23.00"), ("300.00", "0.00")]),
    ],
)
def test_each_tax_is_on_the_sum_of_its_lines_less_its_credits(counted, credited, taxed):
    agreed = contract("taxes")
    made = pricing.taxes(agreed.book, lines(agreed, counted, 0), money.parse(credited, "EUR"), agreed.credits.tax)

    assert [(str(line.base.amount), str(line.amount.amount)) for line in made] == taxed


# --- other currencies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "counted", "charged"),
    [
        # 1.10 USD x 0.92 = 1.012 EUR; 1,000 x 1.012. 0.333 x 0.92 = 0.30636; 7 x 0.30636 = 2.14452
        (date(2026, 1, 1), (1000, 7), ["1012.00", "2.14", "1000.00"]),
        # From April 0.875: 1,000 x 0.9625; 100 x 0.291375 + 50 x 0.21875 = 29.1375 + 10.9375
        (date(2026, 4, 1), (1000, 150), ["962.50", "40.08", "1000.00"]),
        # 200.00 USD at least, which are 184.00 EUR: 10 x 1.012 = 10.12, and 173.88 up to it
        (date(2026, 3, 1), (10, 0), ["10.12", "173.88", "0.00", "1000.00"]),
    ],
)
def test_a_price_in_another_currency_is_converted_exactly_and_rounded_once(on, counted, charged):
    assert amounts(contract("currencies"), *counted, 0, on=on) == charged


def test_a_converted_line_says_from_what_and_at_which_rate():
    line = lines(contract("currencies"), 1000, 0, 0)[0]

    assert (line.title, str(line.rate), str(line.amount)) == ("Calls answered (USD at 0.92)", "1.012", "1,012.00 EUR")


def test_a_rate_is_indexed_in_its_own_currency_before_it_is_converted():
    book = replace(contract("currencies").book, indexation={"cola": pricing.Indexation("cola", Decimal(3), JANUARY)})
    price = replace(contract("currencies").prices[0], indexed_by="cola", minimum=None)

    # 1.10 x 1.03 = 1.133 USD, which both read; x 0.92 = 1.04236 EUR; x 100
    (line,) = pricing.lines(book, [price], [100], JANUARY)
    assert (str(line.rate), str(line.amount.amount)) == ("1.04236", "104.24")


# --- hours and costs that were approved -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "postage", "interpreters", "charged"),
    [
        # 7.5 x 24.50; 1,240.50 x 1.05 = 1,302.525; 80 GBP x 1.3125
        ("7.5", "1240.50", "80", ["183.75", "1302.52", "105.00"]),
        # 4 x 24.50 = 98, and 2 up to the least; 0.10 x 1.05 = 0.105, to the even cent; 0.01 x 1.3125
        ("4", "0.10", "0.01", ["98.00", "2.00", "0.10", "0.01"]),
        ("0", "0", "0", ["0.00", "100.00", "0.00", "0.00"]),
        # a hundredth of an hour: 12.34 x 24.50 = 302.33; 33.33 x 1.05 = 34.9965; 1.99 x 1.3125 = 2.611875
        ("12.34", "33.33", "1.99", ["302.33", "35.00", "2.61"]),
    ],
)
def test_hours_and_costs_are_charged_as_they_were_approved(hours, postage, interpreters, charged):
    assert amounts(contract("deliveries"), *map(Fraction, (hours, postage, interpreters))) == charged


# --- what holds of all of them -------------------------------------------------------------------------------------


@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    st.dates(JANUARY, date(2028, 12, 31)),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.sampled_from(sorted(money.ROUNDINGS)),
)
def test_lines_are_whole_minor_units_and_each_is_its_slices(path, counted, on, currency, mode):
    agreed = contracts_parsing.read(path.read_text("utf-8"))
    book = replace(agreed.book, currency=currency, rounding=mode)
    made = pricing.lines(book, agreed.prices, counted[: len(agreed.prices)], on)

    assert all(line.amount == line.amount.rounded() for line in made)
    for line in (line for line in made if line.slices):
        exact = sum(
            part.quantity * part.rate.as_integer_ratio()[0] / part.rate.as_integer_ratio()[1] for part in line.slices
        )
        assert line.amount == pricing.rounded(exact, book)
        assert line.quantity == sum(part.quantity for part in line.slices)


@given(
    st.lists(st.tuples(st.sampled_from(["standard", "exempt", None]), st.integers(-(10**6), 10**6)), max_size=8),
    st.integers(0, 10**6),
    st.sampled_from(sorted(money.ROUNDINGS)),
)
def test_the_bases_of_taxes_add_up_to_what_is_taxed_less_the_credits(cents, credited, mode):
    book = replace(contract("taxes").book, rounding=mode)

    def euros(amount):
        return money.Money(Decimal(amount).scaleb(-2), "EUR")

    made = [pricing.Line(0, "", "fixed", 1, None, (), euros(amount), tax) for tax, amount in cents]
    taxed = pricing.taxes(book, made, euros(credited), "standard")

    total = sum(amount for tax, amount in cents if tax) - credited
    assert money.total((line.base for line in taxed), "EUR") == euros(total)
    assert all(line.amount == line.amount.rounded() for line in taxed)


MONEY = (
    "core/contracts/levels.py",
    "core/contracts/pricing.py",
    "core/contracts/parsing.py",
    "core/claims",
    "kit/figures/money.py",
    "kit/text/quantities.py",
    "ops/billing/settlement.py",
    "ops/billing/statements.py",
    "ops/billing/actions.py",
    "ops/billing/invoicing.py",
    "ops/billing/invoices.py",
    "ops/billing/queries.py",
    "ops/billing/einvoice.py",
)


def modules_of_money():
    places = [ROOT / "workfloor" / place for place in MONEY]
    return sorted(path for place in places for path in ([place] if place.suffix else place.glob("*.py")))


def is_float(node):
    """Whether a piece of a program makes or names one."""
    # Between whole numbers or fractions a slash is exact; between counts of things it would make a float.
    return (
        (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Attribute) and node.attr == "total_seconds")
    )


def test_no_float_touches_money():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules_of_money()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if is_float(node)
    ]

    assert modules_of_money()
    assert not found, "\n" + "\n".join(found)
