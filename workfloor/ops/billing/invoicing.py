"""A closed month as an invoice: which lines, in which units, at which prices, exact to the last minor unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

from workfloor.core.contracts.terms import Billing
from workfloor.kit.text.translation import gettext as _
from workfloor.kit.text.translation import gettext_noop
from workfloor.ops.billing import einvoice
from workfloor.ops.billing.einvoice import Allowance, Line, Party, Payment, Reference, Tax, TaxLine

# What a price counts, as a code of UNECE recommendation 20; what is none of these is counted in pieces.
UNITS = {"fte-month": "MON", "agent-hour": "HUR"}
PIECE, MINUTE, SECOND = "C62", "MIN", "SEC"
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_DIGITS_OF_A_NUMBER = 5


@dataclass(frozen=True, slots=True)
class Month:
    """A closed month as it was frozen: its statement for programs, and what of it is kept exactly."""

    client: str
    plain: Mapping[str, Any]
    basis: Mapping[str, Any]

    @property
    def name(self) -> str:
        period: str = self.plain["period"]["name"]
        return period


def numbered(series: str, number: int) -> str:
    """Return an invoice's number as it is written, such as `2026-00042`."""
    return f"{series}-{number:0{_DIGITS_OF_A_NUMBER}}"


def series_of(kind: einvoice.Kind, on: date) -> str:
    """Return the series that a document goes into unless another is named: its year, credit notes with CN before."""
    return f"CN{on.year}" if kind == einvoice.CREDIT_NOTE else str(on.year)


def missing(month: Month, billing: Billing | None, sellers: Sequence[str]) -> list[str]:
    """Return what has to be on file before the month can be invoiced, each with what to do.

    `sellers` are the short names of the provider's legal entities.
    """
    found = []
    if billing is None:
        found.append(
            _(
                "The contract of {client} does not say whom its invoices go to: amend it with [billing]. See: "
                "workfloor contracts schema --format markdown"
            ).format(client=month.client)
        )
    found.extend(_missing_entity(billing, sellers))
    for line in [*month.plain["lines"], *month.plain["adjustments"]]:
        if line["tax"] is None:
            found.append(
                _("{id}, {title}: no tax is named. {why}").format(
                    id=line["id"], title=line["title"], why=_(_TAXED_LATER).format(month=month.name)
                )
            )
    if any(Decimal(each["amount"]) for each in month.plain["credits"]) and not _credits_tax(month):
        found.append(
            _("The credits name no tax whose base they lessen. {why}").format(
                why=_(_TAXED_LATER).format(month=month.name)
            )
        )
    return found


_TAXED_LATER = gettext_noop(
    "An invoice says of each amount which tax is on it, also where none is charged: a contract with [taxes] "
    "that is in force on the first day of {month} would have said so"
)


def _missing_entity(billing: Billing | None, sellers: Sequence[str]) -> list[str]:
    if not sellers:
        return [_("No legal entity is on file that could issue invoices: workfloor billing legal-entity add")]
    named = billing.entity if billing else None
    if named and named not in sellers:
        return [
            _(
                "[billing] names the legal entity {named}; there is {sellers}. See: workfloor billing legal-entity list"
            ).format(named=named, sellers=", ".join(sellers))
        ]
    if billing and not named and len(sellers) > 1:
        return [
            _("[billing] must name one of the legal entities {sellers}: entity = ...").format(
                sellers=", ".join(sellers)
            )
        ]
    return []


def _credits_tax(month: Month) -> Tax | None:
    name = month.basis["credits_tax"]
    known = _taxes(month)
    return known.get(name) if name else next(iter(known.values())) if len(known) == 1 else None


def _taxes(month: Month) -> dict[str, Tax]:
    return {each["name"]: _tax(each) for each in reversed(month.plain["taxes"])}


def _tax(kept: Mapping[str, str]) -> Tax:
    return Tax(kept["category"], Decimal(kept["rate"]), kept["title"])


def invoice(
    month: Month,
    billing: Billing,
    seller: Party,
    account: Payment,
    *,
    number: str,
    issued_on: date,
    references: Sequence[Reference] = (),
) -> einvoice.Invoice:
    """Return the invoice of a closed month for which nothing is missing; `references` are the invoices it corrects."""
    lines, allowances = _lines(month), _allowances(month)
    taxes = einvoice.merged(
        TaxLine(_tax(each), Decimal(each["base"]), Decimal(each["amount"])) for each in month.plain["taxes"]
    )
    due_on = issued_on + timedelta(days=billing.due_days)
    period = month.plain["period"]
    return einvoice.Invoice(
        einvoice.INVOICE,
        number,
        issued_on,
        month.plain["currency"],
        seller,
        buyer(billing),
        Payment(account.account, account.bic, f"Within {billing.due_days} days of issue", due_on),
        date.fromisoformat(period["from"][:10]),
        _last_day(period["to"]),
        f"{month.client}, version {month.plain['version']}",
        lines,
        allowances,
        taxes,
        einvoice.totals(lines, allowances, taxes),
        billing.reference,
        billing.order,
        tuple(references),
    )


def _last_day(first_instant_after: str) -> date:
    return date.fromisoformat(first_instant_after[:10]) - timedelta(days=1)


def buyer(billing: Billing) -> Party:
    """Return the client as a party."""
    return Party(
        billing.name,
        billing.street,
        billing.city,
        billing.postcode,
        billing.country,
        billing.vat_id,
        billing.legal_id,
        billing.endpoint,
        billing.region,
        billing.contact,
        billing.email,
    )


def _lines(month: Month) -> tuple[Line, ...]:
    known, plain = _taxes(month), month.plain
    charged = [
        _line(month, said, kept, known[said["tax"]])
        for said, kept in zip(plain["lines"], month.basis["lines"], strict=True)
    ]
    adjusted = [
        _adjusted(month, said, _tax(tax))
        for said, tax in zip(plain["adjustments"], month.basis["adjustments"], strict=True)
    ]
    return (*charged, *adjusted)


def _line(month: Month, said: Mapping[str, Any], kept: Mapping[str, Any], tax: Tax) -> Line:
    amount, opens = Decimal(said["amount"]), f"{month.client}/{month.name}/{said['id']}"
    slices = [(Fraction(quantity), Decimal(rate)) for quantity, rate in kept["slices"]]
    units, unit, per = quantity(Fraction(kept["quantity"]), said["unit"])
    title = said["title"]
    if len(slices) == 1:
        return Line(said["id"], title, units, unit, slices[0][1], amount, tax, per, opens=opens)
    note = "; ".join(f"{_said(part)} at {einvoice.plain(rate)}" for part, rate in slices)
    if not slices or units <= 0:
        return _piece(said["id"], title, amount, tax, note, opens)
    # One line for several rates: the amount for all of them together, which is exact; the note says which rates.
    return Line(said["id"], title, units, unit, amount, amount, tax, units, note, opens)


def _adjusted(month: Month, said: Mapping[str, Any], tax: Tax) -> Line:
    opens = f"{month.client}/{said['period']}/{said['figure']}"
    return _piece(said["id"], said["title"], Decimal(said["amount"]), tax, f"Corrects {said['period']}", opens)


def _piece(id: str, title: str, amount: Decimal, tax: Tax, note: str, opens: str) -> Line:
    """One of it at its amount; a price cannot be negative, so what takes off is minus one of it."""
    return Line(id, title, Decimal(-1 if amount < 0 else 1), PIECE, abs(amount), amount, tax, note=note, opens=opens)


def quantity(exact: Fraction, unit: str) -> tuple[Decimal, str, Decimal]:
    """Return a quantity as an exact decimal, its unit's code, and of how many such units the price is.

    Minutes that no short decimal says are counted in seconds, with the price for 60 of them.
    """
    code = MINUTE if unit == "minute" else UNITS.get(unit, PIECE)
    if (short := _short(exact)) is not None:
        return short, code, Decimal(1)
    if code == MINUTE and (in_seconds := _short(exact * 60)) is not None:
        return in_seconds, SECOND, Decimal(60)
    raise ValueError(_("{exact} {unit} is no quantity that an invoice can say exactly.").format(exact=exact, unit=unit))


def _short(exact: Fraction) -> Decimal | None:
    found = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    rounded = round(found, 6)
    return Decimal(einvoice.plain(rounded)) if Fraction(rounded) == exact else None


def _said(part: Fraction) -> str:
    found = _WIDE.divide(Decimal(part.numerator), Decimal(part.denominator))
    return f"{Decimal(einvoice.plain(round(found, 4))):,f}"


def _allowances(month: Month) -> tuple[Allowance, ...]:
    tax = _credits_tax(month)
    return tuple(
        Allowance(_reason(each), Decimal(each["amount"]), tax, f"{month.client}/{month.name}/{each['id']}")
        for each in month.plain["credits"]
        if Decimal(each["amount"]) and tax
    )


def _reason(credit: Mapping[str, Any]) -> str:
    return f"Credit: {credit['name']}" + (f", {credit['note']}" if credit["note"] else "")
