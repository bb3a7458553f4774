"""Invoices to send through the rules: what a provider's months come to, in many shapes."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from workfloor.ops.billing import einvoice
from workfloor.ops.billing.einvoice import Allowance, Invoice, Line, Party, Payment, Tax, TaxLine

ROOT = Path(__file__).parents[3]

VAT = Tax("S", Decimal(23), "VAT")
REDUCED = Tax("S", Decimal(6), "Reduced VAT")
ZERO = Tax("Z", Decimal(0), "Zero rate")
EXEMPT = Tax("E", Decimal(0), "Exempt under article 135(1)(d) of Directive 2006/112/EC")
REVERSE = Tax("AE", Decimal(0), "Reverse charge")
WITHIN = Tax("K", Decimal(0), "Intra-Community supply")
EXPORT = Tax("G", Decimal(0), "Export outside the Union")
OUTSIDE = Tax("O", Decimal(0), "Not subject to VAT")
CANARY = Tax("L", Decimal(7), "IGIC")

SELLER = Party(
    "Sample Floor Lda",
    "Rua do Ouro 1",
    "Lisboa",
    "1100-060",
    "PT",
    vat_id="PT501964843",
    legal_id="501964843",
    endpoint="0088:5790000436057",
    email="billing@sample.example",
    contact="Billing",
    phone="+351 210 000 000",
)
BUYER = Party(
    "Alder Insurance AG",
    "Lindenstr. 4",
    "Berlin",
    "10969",
    "DE",
    vat_id="DE136695976",
    legal_id="HRB 12345",
    endpoint="9930:DE136695976",
)
PAYMENT = Payment("PT50 0002 0123 1234 5678 9015 4", "BCOMPTPL", "30 days from the day of issue", date(2026, 4, 2))


def line(number: int, amount: str, tax: Tax = VAT, quantity: str = "1", price: str | None = None, **more: Any) -> Line:
    """A line; without a price, one piece at its amount."""
    return Line(
        f"l{number}",
        more.pop("title", f"Service {number}"),
        Decimal(quantity),
        more.pop("unit", "C62"),
        Decimal(price or amount),
        Decimal(amount),
        tax,
        **more,
    )


def taxed(lines: list[Line], allowances: list[Allowance], decimals: int = 2) -> list[TaxLine]:
    """Each tax on what is charged under it, rounded half-even."""
    bases: dict[Tax, Decimal] = {}
    for each in lines:
        bases[each.tax] = bases.get(each.tax, Decimal(0)) + each.amount
    for off in allowances:
        bases[off.tax] = bases.get(off.tax, Decimal(0)) - off.amount
    return [TaxLine(tax, base, round(base * tax.rate / 100, decimals)) for tax, base in bases.items()]


def invoice(*lines: Line, off: tuple[Allowance, ...] = (), decimals: int = 2, **more: Any) -> Invoice:
    """An invoice of these lines and allowances, with the taxes and totals that follow from them."""
    taxes = einvoice.merged(taxed(list(lines), list(off), decimals))
    given: dict[str, Any] = {
        "kind": einvoice.INVOICE,
        "number": "2026-00001",
        "issued_on": date(2026, 3, 3),
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "payment": PAYMENT,
        "starts_on": date(2026, 2, 1),
        "ends_on": date(2026, 2, 28),
        "contract": "alder-insurance, version 1",
        "buyer_reference": "PO 4711",
    } | more
    return Invoice(**given, lines=lines, allowances=off, taxes=taxes, totals=einvoice.totals(lines, off, taxes))


def off(amount: str, tax: Tax = VAT, reason: str = "Credit: Answered in 20 seconds") -> Allowance:
    """What a missed target takes off; negative is earned back."""
    return Allowance(reason, Decimal(amount), tax)


EARLIER = (einvoice.Reference("2026-00001", date(2026, 3, 3)),)

GOOD: dict[str, Invoice] = {
    "one rate": invoice(line(1, "11.00", quantity="10", price="1.10", opens="alder-insurance/2026-02/l1")),
    "two rates and two taxes of one rate": invoice(
        line(1, "100.01"), line(2, "50.05", REDUCED), line(3, "0.10", Tax("S", Decimal("23.0"), "VAT on letters"))
    ),
    "zero rate": invoice(line(1, "10.00", ZERO), line(2, "5.00")),
    "exempt beside standard": invoice(line(1, "10.00", EXEMPT), line(2, "5.00")),
    "reverse charge": invoice(line(1, "10.00", REVERSE)),
    "within the Union": invoice(line(1, "10.00", WITHIN)),
    "export": invoice(line(1, "10.00", EXPORT)),
    "outside the scope of tax": invoice(line(1, "10.00", OUTSIDE), off=(off("1.00", OUTSIDE),)),
    "Canary Islands": invoice(line(1, "10.00", CANARY)),
    "a credit": invoice(line(1, "1000.00"), off=(off("100.00"),)),
    "a credit and one earned back": invoice(line(1, "1000.00"), off=(off("100.00"), off("-20.00", reason="Earned"))),
    "credits above charges": invoice(line(1, "10.00"), off=(off("25.00"),)),
    "minutes, exact in seconds": invoice(line(1, "10.28", unit="SEC", quantity="1234", price="0.50", per=Decimal(60))),
    "graduated tiers as one line": invoice(
        line(1, "27500.98", quantity="25001", price="27500.98", per=Decimal(25001), note="25,000 at 1.10; 1 at 0.98")
    ),
    "up to the minimum": invoice(line(1, "500.00", quantity="50", price="10"), line(2, "1500.00")),
    "reduced below the baseline": invoice(
        line(1, "1000.00", quantity="100", price="10"), line(2, "-120.00", quantity="-20", price="6")
    ),
    "an adjustment of an earlier month": invoice(
        line(1, "1000.00"), line(2, "-42.50", quantity="-1", price="42.50", note="2026-01, l1"), references=EARLIER
    ),
    "yen": invoice(line(1, "1234", quantity="1234", price="1"), currency="JPY", decimals=0),
    "dinars in tens of fils": invoice(line(1, "1.250"), currency="KWD", decimals=2),
    "Tunisian dinars": invoice(line(1, "7.100", EXEMPT), currency="TND"),
    "shekels": invoice(line(1, "12.30"), currency="ILS"),
    "nothing to charge": invoice(line(1, "0.00", quantity="0", price="1.10")),
    "words that are markup elsewhere": invoice(line(1, "1.00", title="<b>#strong[&amp;]</b> \u05e9\u05dc\u05d5\u05dd")),
    "a number of a bank that knows no IBAN": invoice(
        line(1, "1.00"), payment=Payment("000123456789", "SBININBB", "30 days")
    ),
}
