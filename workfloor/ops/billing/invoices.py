"""An invoice as it is kept, and with every value worded, for the page and the paper."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.kit.figures.money import Money
from workfloor.kit.text import locales
from workfloor.ops.billing import einvoice
from workfloor.ops.billing import models as billing_models
from workfloor.ops.billing.einvoice import Invoice, Line, Party, Tax

# --- Kept -------------------------------------------------------------------------------------------------------


def kept(invoice: Invoice) -> dict[str, Any]:
    """Return an invoice as JSON values: exact numbers and days as text."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(invoice), default=_text))
    return found


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value:f}"


def read(kept: Mapping[str, Any]) -> Invoice:
    """Return the invoice that was kept."""
    return cast(Invoice, _read(Invoice, kept))


def _read(kind: Any, value: Any) -> Any:
    """Read a value of a field's type: a dataclass from its fields, a tuple from its values, the rest from text."""
    if is_dataclass(kind):
        types = get_type_hints(kind)
        return cast(Any, kind)(**{name: _read(types[name], each) for name, each in value.items()})
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], each) for each in value)
    if get_origin(kind) is UnionType:
        return None if value is None else _read(get_args(kind)[0], value)
    if kind is Decimal:
        return Decimal(value)
    return date.fromisoformat(value) if kind is date else value


# --- For people -------------------------------------------------------------------------------------------------

UNITS = {"C62": "", "MIN": "min", "SEC": "s", "MON": "months", "HUR": "h"}
NUMBERED = {
    einvoice.INVOICE: gettext_noop("Invoice {number}"),
    einvoice.CREDIT_NOTE: gettext_noop("Credit note {number}"),
}
TITLES = {einvoice.INVOICE: gettext_noop("Invoice"), einvoice.CREDIT_NOTE: gettext_noop("Credit note")}


def printed(invoice: Invoice) -> dict[str, Any]:
    """Return the invoice with every value worded; the same for the page and the paper."""
    say = partial(_said, invoice.currency)
    return {
        "title": NUMBERED[invoice.kind].format(number=invoice.number),
        "kind": TITLES[invoice.kind],
        "issued_on": [invoice.issued_on.year, invoice.issued_on.month, invoice.issued_on.day],
        "facts": [[name, value] for name, value in _facts(invoice) if value],
        "seller": _party(invoice.seller, invoice),
        "buyer": _party(invoice.buyer, invoice),
        "lines": [_line(line, say) for line in invoice.lines],
        "allowances": [
            {"title": each.reason, "amount": say(-each.amount), "opens": each.opens} for each in invoice.allowances
        ],
        "sums": [[name, say(amount)] for name, amount in _sums(invoice)],
        "due": [
            gettext_noop("To be credited") if invoice.is_credit else gettext_noop("Amount due"),
            say(invoice.totals.gross),
        ],
        "payment": [[name, value] for name, value in _payment(invoice) if value],
        "notes": [*invoice.notes, *dict.fromkeys(t for line in invoice.taxes if (t := _why(line.tax)))],
    }


def _said(currency: str, amount: Decimal) -> str:
    return str(Money(amount, currency))


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    earlier = ", ".join(f"{each.number} of {_date(each.issued_on)}" for each in invoice.references)
    return [
        (gettext_noop("Number"), invoice.number),
        (gettext_noop("Issued"), _date(invoice.issued_on)),
        (
            gettext_noop("Period"),
            gettext_noop("{first} to {last}").format(first=_date(invoice.starts_on), last=_date(invoice.ends_on)),
        ),
        (gettext_noop("Contract"), invoice.contract),
        (gettext_noop("Your reference"), invoice.buyer_reference),
        (gettext_noop("Your order"), invoice.order),
        (gettext_noop("Refers to"), earlier),
    ]


def _party(party: Party, invoice: Invoice) -> list[str]:
    vat = (
        gettext_noop("VAT {number}").format(number=party.vat_id)
        if party.vat_id and not einvoice.is_outside(invoice)
        else ""
    )
    said = [
        party.name,
        party.street,
        f"{party.postcode} {party.city}".strip(),
        party.region,
        party.country,
        vat,
        party.legal_id and gettext_noop("Registered {number}").format(number=party.legal_id),
        party.contact,
        party.email,
        party.phone,
    ]
    return [each for each in said if each]


def _line(line: Line, say: Callable[[Decimal], str]) -> dict[str, str]:
    unit = UNITS.get(line.unit, line.unit)
    per = f" for {einvoice.plain(line.per)} {unit}".rstrip() if line.per != 1 else ""
    return {
        "id": line.id,
        "title": line.title,
        "note": line.note,
        "quantity": f"{Decimal(einvoice.plain(line.quantity)):,f} {unit}".strip(),
        "price": say(line.price).rpartition(" ")[0] + per,
        "tax": line.tax.category if line.tax.category == einvoice.OUTSIDE else f"{einvoice.plain(line.tax.rate)} %",
        "amount": say(line.amount),
        "opens": line.opens,
    }


def _why(tax: Tax) -> str:
    return tax.title if tax.category in einvoice.UNCHARGED else ""


def _sums(invoice: Invoice) -> list[tuple[str, Decimal]]:
    taxes = [
        (f"{each.tax.title}, {einvoice.plain(each.tax.rate)} % of {_said(invoice.currency, each.base)}", each.amount)
        for each in invoice.taxes
    ]
    return [(gettext_noop("Net"), invoice.totals.net), *taxes]


def _payment(invoice: Invoice) -> list[tuple[str, str]]:
    payment = invoice.payment
    due = _date(payment.due_on) if payment.due_on else ""
    return [
        (gettext_noop("Due"), due),
        (gettext_noop("Terms"), payment.terms),
        (gettext_noop("Account"), payment.account),
        (gettext_noop("BIC"), payment.bic),
    ]


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def plain(made: Any) -> dict[str, Any]:
    """Return one of queries.invoices as a row for programs; money and days as text."""
    credited = next(iter(made.credited_by.all()), None)
    return {
        "id": made.id,
        "number": made.name,
        "kind": TITLES[cast(einvoice.Kind, made.kind)].lower().replace(" ", "-"),
        "entity": made.entity.slug,
        "period": made.period,
        "issued_on": made.issued_on.isoformat(),
        "currency": made.currency,
        "gross": str(Money(made.gross, made.currency).rounded().amount),
        "credits": made.credits.name if made.credits else None,
        "credited_by": credited.name if credited else None,
        "electronic": made.electronic,
    }


def worded_row(made: billing_models.Invoice) -> dict[str, str]:
    """Word what was issued as a row of a list."""
    [*credited] = made.credited_by.all()
    stands = _("credited by {number}").format(number=credited[0].name) if credited else ""
    return {
        "number": made.name,
        "kind": _(TITLES[cast(einvoice.Kind, made.kind)]),
        "period": made.period,
        "issued_on": locales.written(made.issued_on, "long_day"),
        "gross": locales.numerals(str(Money(made.gross, made.currency))),
        "stands": _("credits {number}").format(number=made.credits.name) if made.credits else stands,
    }
