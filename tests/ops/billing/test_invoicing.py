"""From what is charged to the invoice: every line says exactly what it counts, and the sums are those of the lines."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.ops.billing import samples
from workfloor.core.contracts import pricing
from workfloor.core.contracts.levels import Credits
from workfloor.core.contracts.terms import Billing, Contract
from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money
from workfloor.ops.billing import einvoice, invoicing, settlement
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing.settlement import Credit

CLIENT = Billing("Client", "Street 1", "City", "1000", "PT", 30)
DAY = date(2026, 2, 1)
TAXES = {
    "vat": pricing.Tax("vat", "VAT", "S", Decimal(23)),
    "low": pricing.Tax("low", "Low VAT", "S", Decimal("6.5")),
    "same": pricing.Tax("same", "VAT again", "S", Decimal("23.0")),
    "none": pricing.Tax("none", "Exempt", "E", Decimal(0)),
}


def contract(currency: str, rounding: str) -> Contract:
    return Contract(
        "client",
        "Title",
        DAY,
        DAY,
        date(2030, 1, 1),
        currency,
        "Europe/Lisbon",
        "PT",
        rounding,
        taxes=TAXES,
        credits=Credits("fixed", tax="vat"),
    )


def month(
    agreed: Contract, prices: list[pricing.Price], counted: list[int], credited: list[Decimal], adjusted: list[Decimal]
) -> invoicing.Month:
    """A month of these prices and quantities, as it would be frozen."""
    lines = pricing.lines(agreed.book, prices, counted, DAY)
    owed = [
        Credit(None, f"Level {n}", Money(each, agreed.currency), Money(each, agreed.currency))
        for n, each in enumerate(credited)
    ]
    corrected = [
        settlement.Adjusted(
            f"a{n}", "2026-01", "l1", f"2026-01: {n}", Money(each, agreed.currency), TAXES["vat"], "dispute", n
        )
        for n, each in enumerate(adjusted, 1)
    ]
    due = settlement.due(lines, owed, agreed.currency)
    net = due + money.total((each.amount for each in corrected), agreed.currency)
    taxes = settlement.taxes(agreed, lines, settlement.due(lines, [], agreed.currency) - due, corrected)
    total = net + money.total((each.amount for each in taxes), agreed.currency)
    plain = {
        "version": 1,
        "currency": agreed.currency,
        "total": str(total.amount),
        "period": {"name": "2026-02", "from": "2026-02-01T00:00:00+00:00", "to": "2026-03-01T00:00:00+00:00"},
        "lines": [billing_presenting.plain_line(line, n) for n, line in enumerate(lines, 1)],
        "credits": [billing_presenting.plain_credit(each, n) for n, each in enumerate(owed, 1)],
        "adjustments": [billing_presenting.plain_adjusted(each) for each in corrected],
        "taxes": [billing_presenting.plain_tax(each, n) for n, each in enumerate(taxes, 1)],
    }
    return invoicing.Month("client", plain, settlement.basis("Europe/Lisbon", agreed, lines, [], corrected))


def invoice(of: invoicing.Month) -> einvoice.Invoice:
    return invoicing.invoice(of, CLIENT, samples.SELLER, samples.PAYMENT, number="1", issued_on=date(2026, 3, 2))


rates = some.decimals(0, 500, places=4)
named = some.sampled_from(sorted(TAXES))


@some.composite
def prices(draw: Any) -> pricing.Price:
    """Any kind of price: by piece or minute, graduated or by volume, with a minimum, or around a baseline."""
    kind, rate = (
        draw(some.sampled_from(["plain", "minutes", "graduated", "volume", "minimum", "baseline", "fixed"])),
        draw(rates),
    )
    price = pricing.Price("Price", "contact", ("q",), "answered", rate, tax=draw(named))
    if kind == "minutes":
        return replace(price, unit="minute", counts="handled")
    if kind in ("graduated", "volume"):
        tiers = (pricing.Tier(100, rate), pricing.Tier(2000, draw(rates)), pricing.Tier(None, draw(rates)))
        return replace(price, rate=None, tiers=tiers, tiering=kind)
    if kind == "minimum":
        return replace(price, minimum=Decimal(draw(some.integers(0, 9000))))
    if kind == "baseline":
        around = pricing.Baseline(1000, draw(rates), draw(rates), Decimal(5), Decimal("0.5"))
        return replace(price, baseline=around)
    return replace(price, unit="fixed", counts=None) if kind == "fixed" else price


charged = some.lists(some.tuples(prices(), some.integers(0, 100_000)), min_size=1, max_size=6)
cents = some.lists(some.integers(-50_000, 50_000), max_size=3)


@given(some.sampled_from(sorted(money.MINOR_UNITS)), some.sampled_from(sorted(money.ROUNDINGS)), charged, cents, cents)
def test_the_invoice_is_the_statement_to_the_last_minor_unit_in_every_currency_and_rounding(
    currency: str, rounding: str, charged: list[Any], credited: list[int], adjusted: list[int]
):
    digits = -money.MINOR_UNITS[currency]
    named = [replace(price, title=f"Price {n}") for n, (price, _) in enumerate(charged)]
    amounts = [[Decimal(each).scaleb(digits) for each in some] for some in (credited, adjusted)]
    made = month(contract(currency, rounding), named, [count for _, count in charged], *amounts)

    issued = invoice(made)

    sums = issued.totals
    assert sums.gross == Decimal(made.plain["total"])
    assert sums.lines == sum(line.amount for line in issued.lines)
    assert sums.net == sums.lines - sum(each.amount for each in issued.allowances)
    assert sums.tax == sum(tax.amount for tax in issued.taxes)
    for tax in issued.taxes:
        own = sum(line.amount for line in issued.lines if line.tax.key == tax.tax.key)
        assert tax.base == own - sum(each.amount for each in issued.allowances if each.tax.key == tax.tax.key)
    for line in issued.lines:
        exact = Fraction(line.quantity) * Fraction(line.price) / Fraction(line.per)
        assert pricing.rounded(exact, contract(currency, rounding).book).amount == line.amount
        assert line.price >= 0


@pytest.mark.parametrize(
    ("exact", "unit", "said"),
    [
        ("10", "contact", ("10", "C62", "1")),
        ("20.5", "minute", ("20.5", "MIN", "1")),
        ("61/60", "minute", ("61", "SEC", "60")),  # 61 seconds are 1.01666... minutes
        ("12.5", "agent-hour", ("12.5", "HUR", "1")),
        ("3", "fte-month", ("3", "MON", "1")),
        ("1", "fixed", ("1", "C62", "1")),
    ],
)
def test_quantities_are_exact_in_a_unit_of_the_standard(exact: str, unit: str, said: tuple[str, str, str]):
    quantity, code, per = invoicing.quantity(Fraction(exact), unit)

    assert (str(quantity), code, str(per)) == said


def test_a_graduated_line_says_its_rates_and_is_exact_as_a_whole():
    tiers = (pricing.Tier(100, Decimal("1.10")), pricing.Tier(None, Decimal("0.98")))
    price = pricing.Price("Calls", "contact", ("q",), "answered", tiers=tiers, tiering="graduated", tax="vat")

    [line] = invoice(month(contract("EUR", "half-even"), [price], [150], [], [])).lines

    # 100 x 1.10 + 50 x 0.98 = 110 + 49
    assert (line.amount, line.quantity, line.price, line.per) == (Decimal("159.00"), 150, Decimal("159.00"), 150)
    assert line.note == "100 at 1.1; 50 at 0.98"


def test_reduced_resources_are_a_line_with_a_negative_quantity():
    around = pricing.Baseline(100, Decimal(3), Decimal(2), Decimal(5))
    price = pricing.Price("Claims", "transaction", ("q",), "done", Decimal(4), baseline=around, tax="vat")

    base, gap = invoice(month(contract("EUR", "half-even"), [price], [80], [], [])).lines

    assert (base.quantity, base.amount) == (100, Decimal("400.00"))
    assert (gap.quantity, gap.price, gap.amount) == (-20, 2, Decimal("-40.00"))
