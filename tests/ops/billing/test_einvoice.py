"""Totals that equal the sum of the lines in every currency, whatever is charged and however it was rounded."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.ops.billing import samples
from workfloor.core.contracts import pricing
from workfloor.kit.figures import money
from workfloor.ops.billing import einvoice

currencies = some.sampled_from(sorted(money.MINOR_UNITS))
modes = some.sampled_from(sorted(money.ROUNDINGS))
rates = some.decimals(0, 1000, places=4)
quantities = some.fractions(-100_000, 100_000, max_denominator=60)
percents = some.decimals(0, 30, places=2)


@given(currencies, modes, some.lists(some.tuples(quantities, rates, percents), min_size=1, max_size=8))
def test_the_total_is_the_sum_of_the_lines_and_taxes_to_the_last_minor_unit(currency, mode, charged):
    book = pricing.Book(currency, mode, date(2026, 1, 1))
    lines, taxes = [], []
    for number, (quantity, rate, percent) in enumerate(charged, 1):
        amount = pricing.rounded(quantity * Fraction(rate), book).amount
        tax = einvoice.Tax("S", percent, "VAT")
        lines.append(samples.line(number, f"{amount:f}", tax))
        taxes.append(
            einvoice.TaxLine(tax, amount, pricing.rounded(Fraction(amount) * Fraction(percent) / 100, book).amount)
        )

    sums, groups = einvoice.totals(lines, [], taxes), einvoice.merged(taxes)

    unit = Decimal(1).scaleb(-money.MINOR_UNITS[currency])
    assert sums.lines == sums.net == sum(line.amount for line in lines)
    assert sums.tax == sum(each.amount for each in groups)
    assert sums.gross == sums.net + sums.tax
    assert sums.net == sum(each.base for each in groups)
    assert len({each.tax.key for each in groups}) == len(groups)
    assert all(amount == amount.quantize(unit) for amount in (sums.lines, sums.tax, sums.gross))


@given(some.lists(some.decimals(-100_000, 100_000, places=3), max_size=8))
def test_what_is_taken_off_and_what_is_added_both_count(amounts):
    sums = einvoice.totals([], [samples.off(f"{amount:f}") for amount in amounts], [])

    assert sums.net == -sum(amounts, Decimal(0))
    assert sums.net == sums.charges - sums.allowances
    assert sums.charges >= 0 and sums.allowances >= 0


def test_no_float_touches_an_amount():
    with pytest.raises(TypeError):
        einvoice.add([0.1])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1234", "JPY", "1234"),
        ("1234.50", "EUR", "1234.50"),
        ("1234.500", "KWD", "1234.50"),
        ("1234.505", "KWD", "1234.505"),
        ("0", "TND", "0.00"),
        ("-0.10", "EUR", "-0.10"),
    ],
)
def test_amounts_are_written_exactly_with_the_fewest_decimals_that_a_currency_has(amount, currency, written):
    assert einvoice.written(Decimal(amount), currency) == written


@given(some.decimals(-(10**9), 10**9, places=4), currencies)
def test_writing_an_amount_never_changes_it(amount, currency):
    assert Decimal(einvoice.written(amount, currency)) == amount
    assert Decimal(einvoice.plain(amount)) == amount


def test_an_iban_with_a_wrong_digit_is_seen():
    assert einvoice.iban_checks("PT50 0002 0123 1234 5678 9015 4")
    assert einvoice.iban_checks("DE89370400440532013000")
    assert not einvoice.iban_checks("DE89370400440532013001")
    assert not einvoice.iban_checks("DE6437040044053201")  # its check digits fit, a German one is longer
    assert not einvoice.is_iban("000123456789")


def test_a_credit_note_takes_the_whole_invoice_back_and_says_which():
    of = samples.GOOD["a credit and one earned back"]

    note = einvoice.credit_note(of, number="C-1", issued_on=date(2026, 4, 1), why="Wrong firm")

    assert (note.totals, note.lines, note.taxes) == (of.totals, of.lines, of.taxes)
    assert note.references == (einvoice.Reference(of.number, of.issued_on),)
    assert replace(note, kind=of.kind).is_credit is False and note.is_credit
