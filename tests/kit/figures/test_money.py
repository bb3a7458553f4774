"""Money is exact, of one currency, and rounded only where asked."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money

amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=6)


def ils(text: str) -> Money:
    return Money(Decimal(text), "ILS")


@given(amounts, amounts, st.integers(-(10**9), 10**9))
def test_sums_and_products_are_exact(a, b, n):
    assert Fraction((Money(a, "ILS") + Money(b, "ILS")).amount) == Fraction(a) + Fraction(b)
    assert Fraction((Money(a, "ILS") - Money(b, "ILS")).amount) == Fraction(a) - Fraction(b)
    assert Fraction((Money(a, "ILS") * n).amount) == Fraction(a) * n
    assert Fraction((Money(a, "ILS") * b).amount) == Fraction(a) * Fraction(b)
    assert Fraction(Money(a, "ILS").percent(b).amount) == Fraction(a) * Fraction(b) / 100


@given(amounts, st.sampled_from(sorted(money.ROUNDINGS)), st.sampled_from(["JPY", "ILS", "KWD"]))
def test_rounding_stays_within_one_minor_unit_and_is_done_once(amount, mode, currency):
    rounded = Money(amount, currency).rounded(mode)

    unit = Fraction(1, 10 ** money.MINOR_UNITS[currency])
    assert abs(Fraction(rounded.amount) - Fraction(amount)) < unit
    assert rounded.rounded(mode) == rounded


@pytest.mark.parametrize(
    ("mode", "amount", "expected"),
    [
        ("half-even", "2.345", "2.34"),
        ("half-even", "2.355", "2.36"),
        ("half-up", "2.345", "2.35"),
        ("half-up", "-2.345", "-2.35"),
        ("half-down", "2.345", "2.34"),
        ("half-down", "2.3451", "2.35"),
        ("up", "2.341", "2.35"),
        ("up", "-2.341", "-2.35"),
        ("down", "2.349", "2.34"),
    ],
)
def test_rounding_modes(mode, amount, expected):
    assert ils(amount).rounded(mode) == ils(expected)


def test_the_currency_gives_the_digits():
    assert str(Money(Decimal("1234.5"), "JPY").rounded()) == "1,234 JPY"
    assert str(Money(Decimal("1234.5"), "ILS")) == "1,234.50 ILS"
    assert str(Money(Decimal("1234.5678"), "KWD").rounded()) == "1,234.568 KWD"
    assert str(ils("1.0125")) == "1.0125 ILS"
    assert str(ils("-0.001").rounded()) == "0.00 ILS"


@pytest.mark.parametrize("amount", [1.1, 1, "1.10", None])
def test_only_decimals_make_money(amount):
    with pytest.raises(TypeError):
        Money(amount, "ILS")


@pytest.mark.parametrize("factor", [0.5, True, "2"])
def test_money_is_not_multiplied_by_a_float(factor):
    with pytest.raises(TypeError):
        ils("1") * factor


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_number_is_no_money(amount):
    with pytest.raises(ValueError, match="no amount"):
        ils(amount)


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="do not add up"):
        ils("1") + Money(Decimal(1), "EUR")
    with pytest.raises(ValueError, match="do not add up"):
        ils("1") < Money(Decimal(1), "EUR")  # noqa: B015
    assert ils("1") != Money(Decimal(1), "EUR")


@pytest.mark.parametrize("code", ["XXX", "ils", "", "EURO", "XAU"])
def test_a_currency_that_iso_4217_does_not_pay_with_is_refused(code):
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(Decimal(1), code)


@given(amounts)
def test_what_is_written_plainly_is_read_back(amount):
    assert money.parse(f"{amount:f}", "ILS") == Money(amount, "ILS")


@pytest.mark.parametrize("text", ["", "1,5", "1e3", " 1", "1.", ".5", "NaN", "１", "1_000", "0x1", "1" * 40])
def test_what_is_not_a_plain_number_is_not_read(text):
    with pytest.raises(ValueError, match="amount"):
        money.parse(text, "ILS")


def test_an_empty_total_is_zero():
    assert money.total([], "ILS") == ils("0")
    assert money.total([ils("0.10")] * 3, "ILS") == ils("0.30")
