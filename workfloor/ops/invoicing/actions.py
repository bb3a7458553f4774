"""Putting legal entities on file, issuing invoices of closed months, taking them back."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from workfloor.core.clients.models import Client
from workfloor.core.journal import actions as journal
from workfloor.core.parties.rules import Billing
from workfloor.core.people import queries as people
from workfloor.core.people.models import Person
from workfloor.kit import calendars, extras, locks
from workfloor.ops.einvoice import forms as documents
from workfloor.ops.einvoice import gateway as standard
from workfloor.ops.einvoice import rules as einvoice
from workfloor.ops.invoicing import events, forms, models, queries, rules

ISSUERS = frozenset({"manager"})
FIELDS = (
    "name", "street", "city", "postcode", "region", "country", "vat_id", "legal_id", "endpoint", "contact", "email",
    "phone", "account", "bic",
)  # fmt: skip


class Refused(ValueError):
    """It cannot be issued like this; `reasons` says why, each with what to do."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)


# --- Legal entities ---------------------------------------------------------------------------------------------


def register(*, slug: str, by: Person | None, now: datetime, terms: Mapping[str, str]) -> models.Entity:
    """Put a legal entity on file; `terms` are values of FIELDS. Raises Refused with every fault."""
    if queries.entity(slug):
        raise Refused(f"{slug} is on file already. Change it: workfloor entity change {slug}")
    entity = models.Entity(slug=slug, **terms)
    _check(entity)
    entity.save()
    journal.record(events.EntityRegistered(slug), at=now, by_id=by.id if by else None)
    return entity


def change(*, entity: models.Entity, by: Person | None, now: datetime, terms: Mapping[str, str]) -> models.Entity:
    """Change what invoices say of a legal entity from now on; those that were issued stay."""
    changed = [name for name, value in terms.items() if getattr(entity, name) != value]
    for name in changed:
        setattr(entity, name, terms[name])
    _check(entity)
    if changed:
        entity.save(update_fields=changed)
        journal.record(events.EntityChanged(entity.slug, changed), at=now, by_id=by.id if by else None)
    return entity


def _check(entity: models.Entity) -> None:
    faults = [
        f"{name} is missing." for name in ("name", "street", "city", "postcode", "country") if not getattr(entity, name)
    ]
    if entity.country and entity.country not in calendars.countries():
        faults.append(f"{entity.country} is no country of ISO 3166.")
    if entity.endpoint and ":" not in entity.endpoint:
        faults.append("The endpoint is written SCHEME:ADDRESS, such as 0088:5790000436057.")
    if einvoice.is_iban(entity.account) and not einvoice.iban_checks(entity.account):
        faults.append(f"{entity.account} is no IBAN: its check digits, or its length for that country, do not fit.")
    if faults:
        raise Refused(*faults)


# --- Invoices ---------------------------------------------------------------------------------------------------


def issue(
    *, client: Client, period: str, by: Person, now: datetime, series: str | None = None
) -> models.Invoice:  # fmt: skip
    """Issue the invoice of a closed month, under the next number of its legal entity's series.

    The number is taken in the caller's transaction: one that rolls back takes none. Raises Refused with everything
    that is missing, or with each rule of EN 16931 that the document breaks.
    """
    _admit(by, client)
    locks.hold("invoices", client.slug)  # nobody else invoices the month meanwhile
    month, billing, entity = _ready(client, period)
    today = _today(month, now)
    row = _taken(entity, series or rules.series_of(einvoice.INVOICE, today))
    corrected = {each["period"] for each in month.plain["adjustments"]}
    made = rules.invoice(
        month, billing, queries.party(entity), queries.account(entity), number=rules.numbered(row.name, row.last),
        issued_on=today, references=queries.corrected(client.id, corrected),
    )  # fmt: skip
    if made.totals.gross != Decimal(month.plain["total"]):
        raise AssertionError(f"The invoice comes to {made.totals.gross}, the statement to {month.plain['total']}.")
    stored = _stored(client, entity, row, made, period, billing.electronic, by, now)
    gross, currency = made.totals.gross, made.currency
    issued = events.InvoiceIssued(entity.slug, stored.name, period, gross, currency)
    journal.record(issued, at=now, client_id=client.id, by_id=by.id)
    return stored


def _ready(client: Client, period: str) -> tuple[rules.Month, Billing, models.Entity]:
    month = queries.month(client, period)
    if month is None:
        raise Refused(
            f"{period} is not closed: only what is frozen is invoiced. "
            f"Close it: workfloor period propose {client.slug} {period}"
        )
    if known := queries.standing(client.id, period):
        again = f"workfloor invoice credit {client.slug} {known.name}"
        raise Refused(f"{period} is invoiced already, as {known.name}. To invoice it anew, take that back: {again}")
    billing = queries.billing(client)
    entities = {each.slug: each for each in queries.entities()}
    if found := rules.missing(month, billing, list(entities)):
        raise Refused(*found)
    assert billing is not None
    return month, billing, entities[billing.entity or next(iter(entities))]


def credit(*, invoice: models.Invoice, words: str, by: Person, now: datetime) -> models.Invoice:
    """Take a whole invoice back by a credit note that refers to it; the month can be invoiced anew after that."""
    _admit(by, invoice.client)
    if queries.is_credit(invoice):
        raise Refused(f"{invoice.name} is a credit note; what it took back is invoiced anew instead.")
    locks.hold("invoices", invoice.client.slug)
    if not words.strip():
        raise Refused("Say in words why the invoice is taken back.")
    of = forms.read(invoice.value)
    month = queries.month(invoice.client, invoice.period)
    assert month is not None  # what is closed stays closed
    today = _today(month, now)
    row = _taken(invoice.entity, rules.series_of(einvoice.CREDIT_NOTE, today))
    if invoice.credited_by.exists():
        raise Refused(f"{invoice.name} was taken back already, by {invoice.credited_by.get().name}.")
    note = einvoice.credit_note(of, number=rules.numbered(row.name, row.last), issued_on=today, why=words.strip())
    stored = _stored(
        invoice.client, invoice.entity, row, note, invoice.period, bool(invoice.ubl), by, now, credits=invoice
    )
    credited = events.InvoiceCredited(invoice.entity.slug, invoice.name, stored.name, words.strip())
    journal.record(credited, at=now, client_id=invoice.client_id, by_id=by.id)
    return stored


def _taken(entity: models.Entity, series: str) -> models.Series:
    """Take the series' next number; whoever else wants one waits until this transaction ends."""
    models.Series.objects.get_or_create(entity=entity, name=series)
    row = models.Series.objects.select_for_update().get(entity=entity, name=series)
    row.last += 1
    row.save(update_fields=["last"])
    return row


def _stored(
    client: Client, entity: models.Entity, row: models.Series, made: einvoice.Invoice, period: str, electronic: bool,
    by: Person, now: datetime, credits: models.Invoice | None = None,
) -> models.Invoice:  # fmt: skip
    written = _valid(made) if electronic else {"ubl": "", "cii": ""}
    return models.Invoice.objects.create(
        client=client, entity=entity, series=row.name, number=row.last, name=made.number, kind=made.kind,
        period=period, credits=credits, value=forms.kept(made), currency=made.currency, gross=made.totals.gross,
        issued_on=made.issued_on, issued_at=now, issued_by=by, **written,
    )  # fmt: skip


def _valid(made: einvoice.Invoice) -> dict[str, str]:
    """Write an invoice in each syntax; raises Refused with each rule that it breaks, once."""
    written = {name: write(made) for name, write in documents.FORMS.items()}
    paper = "If the client takes paper alone, say electronic = false under [billing]."
    try:
        found = [each for name, document in written.items() for each in standard.refusals(name, document)]
    except extras.Missing as fault:
        raise Refused(f"{fault}.", paper) from fault
    if found:
        raise Refused(*_unique([str(each) for each in found]), paper)
    return {name: document.decode() for name, document in written.items()}


def _unique(reasons: Sequence[str]) -> list[str]:
    return list({each.partition(":")[0]: each for each in reversed(reasons)}.values())[::-1]


def _today(month: rules.Month, now: datetime) -> date:
    return now.astimezone(ZoneInfo(month.basis["zone"])).date()


def _admit(by: Person, client: Client) -> None:
    if not ISSUERS.intersection(by.roles):
        raise Refused(f"{by.name} may not issue invoices: that takes the role manager. See: workfloor person list")
    if client.id not in people.enterable(by):
        raise Refused(f"{by.name} is not cleared for {client.slug}. Clear them: workfloor person clear")
