"""An invoice as EN 16931 knows it: parties, lines, allowances, taxes and totals that add up, exact throughout."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal, Inexact
from typing import Literal

from workfloor.kit.figures import money
from workfloor.kit.text import masks

Kind = Literal["380", "381"]  # of UNTDID 1001: an invoice, a credit note
INVOICE: Kind = "380"
CREDIT_NOTE: Kind = "381"
# What the standard asks for where no tax is charged (BT-121): the code that says why.
REASONS = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
UNCHARGED = frozenset({*REASONS, "E"})
OUTSIDE = "O"  # outside the scope of tax: neither a rate nor anybody's tax number may be said

_EXACT = Context(prec=200, traps=[Inexact])
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or buys; `endpoint` is an electronic address as SCHEME:ADDRESS, such as `0088:5790000436057`."""

    name: str
    street: str
    city: str
    postcode: str
    country: str  # ISO 3166-1, two letters
    vat_id: str = ""
    legal_id: str = ""  # in the register of companies
    endpoint: str = ""
    region: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """How to pay: an IBAN or another account number, the bank's BIC, and by when, in words and as a day."""

    account: str
    bic: str = ""
    terms: str = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax category (UNCL 5305) with its rate in percent, and what the document calls it."""

    category: str
    rate: Decimal
    title: str

    @property
    def key(self) -> tuple[str, Decimal]:
        """What a breakdown groups by."""
        return self.category, self.rate.normalize()


@dataclass(frozen=True, slots=True)
class Line:
    """What is charged: `quantity` of `unit` (UNECE 20) at `price` for each `per` of them; negative takes off."""

    id: str
    title: str
    quantity: Decimal
    unit: str
    price: Decimal
    amount: Decimal
    tax: Tax
    per: Decimal = Decimal(1)
    note: str = ""
    opens: str = ""  # the figure whose items it counts, as `workfloor billing explain` takes it


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is taken off the whole document, or added to it where the amount is negative."""

    reason: str
    amount: Decimal
    tax: Tax
    opens: str = ""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax over the document: what it is on and what it comes to."""

    tax: Tax
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier invoice that this document is about."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a document; each is what the standard defines it to be of the others."""

    lines: Decimal
    allowances: Decimal
    charges: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or credit note, complete: what its documents say and nothing else."""

    kind: Kind
    number: str
    issued_on: date
    currency: str
    seller: Party
    buyer: Party
    payment: Payment
    starts_on: date
    ends_on: date
    contract: str
    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...]
    taxes: tuple[TaxLine, ...]
    totals: Totals
    buyer_reference: str = ""
    order: str = ""
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_credit(self) -> bool:
        return self.kind == CREDIT_NOTE


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Add exactly; raises decimal.Inexact rather than round."""
    found = _ZERO
    for amount in amounts:
        found = _EXACT.add(found, amount)
    return found


def totals(lines: Sequence[Line], allowances: Sequence[Allowance], taxes: Sequence[TaxLine]) -> Totals:
    """Add a document up: lines less allowances plus charges is net, with the taxes gross."""
    charged = add(line.amount for line in lines)
    less = add(each.amount for each in allowances if each.amount > 0)
    more = add(-each.amount for each in allowances if each.amount < 0)
    net = add([charged, -less, more])
    tax = add(each.amount for each in taxes)
    return Totals(charged, less, more, net, tax, add([net, tax]))


def merged(taxes: Iterable[TaxLine]) -> tuple[TaxLine, ...]:
    """Group taxes by category and rate, as a document lists them; those of one group add up."""
    groups: dict[tuple[str, Decimal], TaxLine] = {}
    for line in taxes:
        known = groups.get(line.tax.key)
        same = [known, line] if known else [line]
        base, amount = add(each.base for each in same), add(each.amount for each in same)
        groups[line.tax.key] = TaxLine(same[0].tax, base, amount)
    return tuple(groups.values())


def is_outside(invoice: Invoice) -> bool:
    """Say whether the whole document is outside the scope of tax, and so names nobody's tax number."""
    return bool(invoice.taxes) and all(each.tax.category == OUTSIDE for each in invoice.taxes)


def written(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency's decimals, two where a third says nothing; never rounds.

    The standard knows no third decimal: a dinar of 1000 fils is written with two where its last digit is 0.
    """
    digits = money.MINOR_UNITS[currency]
    for places in sorted({min(digits, 2), digits}):
        short = round(amount, places)
        if short == amount:
            return f"{short:f}"
    return f"{amount:f}"


def plain(number: Decimal) -> str:
    """Write a quantity, rate or percent without what says nothing: `10`, `0.98`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_iban(account: str) -> bool:
    """Say whether an account number is written as an IBAN: two letters, then two check digits."""
    found = account.replace(" ", "")
    return len(found) > 4 and found[:2].isalpha() and found[2:4].isdigit() and found.isalnum() and found.isascii()


def iban_checks(account: str) -> bool:
    """Say whether an IBAN's check digits fit (ISO 13616), and it is as long as its country has them."""
    return masks.is_iban(account.replace(" ", ""))


def credit_note(of: Invoice, *, number: str, issued_on: date, why: str) -> Invoice:
    """Return the note that takes back a whole invoice; its amounts are what is given back."""
    payment = Payment(of.payment.account, of.payment.bic, f"Set off against invoice {of.number}")
    return replace(
        of,
        kind=CREDIT_NOTE,
        number=number,
        issued_on=issued_on,
        payment=payment,
        references=(Reference(of.number, of.issued_on),),
        notes=(why,),
    )
