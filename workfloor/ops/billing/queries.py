"""Reading legal entities and what they issued."""

import json
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.terms import Billing
from workfloor.core.periods import queries as periods_queries
from workfloor.kit import declarations
from workfloor.ops.billing import invoicing
from workfloor.ops.billing import models as billing_models
from workfloor.ops.billing.einvoice import CREDIT_NOTE, INVOICE, Party, Payment, Reference


def entities() -> QuerySet[billing_models.LegalEntity]:
    """The provider's legal entities, by name."""
    return billing_models.LegalEntity.objects.order_by("slug")


def entity(slug: str) -> billing_models.LegalEntity | None:
    """A legal entity by its short name."""
    return billing_models.LegalEntity.objects.filter(slug=slug).first()


def party(entity: billing_models.LegalEntity) -> Party:
    """A legal entity as a party."""
    return Party(
        entity.name,
        entity.street,
        entity.city,
        entity.postcode,
        entity.country,
        entity.vat_id,
        entity.legal_id,
        entity.endpoint,
        entity.region,
        entity.contact,
        entity.email,
        entity.phone,
    )


def account(entity: billing_models.LegalEntity) -> Payment:
    """Where a legal entity is paid."""
    return Payment(entity.account, entity.bic)


def month(client: Client, period: str) -> invoicing.Month | None:
    """A closed month as it was frozen; None while it is not closed."""
    close = periods_queries.frozen(client.id, period)
    return invoicing.Month(client.slug, json.loads(close.plain), close.basis) if close else None


def how(client_id: int, period: str) -> dict[str, Any]:
    """What each amount of a closed month was computed from, by its id, as it was frozen."""
    close = periods_queries.frozen(client_id, period)
    found: dict[str, Any] = json.loads(close.plain).get("how", {}) if close else {}
    return found


def billing(client: Client) -> Billing | None:
    """Whom invoices go to by now: what the contract's last version says, whichever the month was computed under."""
    latest = contracts_queries.latest(client.id)
    return contracts_queries.terms(latest).billing if latest else None


def invoices(client_id: int) -> QuerySet[billing_models.Invoice]:
    """A client's invoices and credit notes, the newest first, with whether they are `electronic`."""
    found = billing_models.Invoice.objects.filter(client_id=client_id).select_related("entity", "credits")
    marked = found.annotate(electronic=ExpressionWrapper(~Q(ubl=""), BooleanField()))
    return marked.prefetch_related("credited_by").defer("value", "ubl", "cii").order_by("-id")


def named(client_id: int, name: str) -> billing_models.Invoice | None:
    """A client's invoice or credit note by its number."""
    found = billing_models.Invoice.objects.filter(client_id=client_id, name=name)
    return found.select_related("client", "entity", "credits").order_by("-id").first()


def _every_invoice() -> QuerySet[billing_models.Invoice]:
    found = billing_models.Invoice.objects.select_related("client", "entity", "credits")
    return found.order_by("-issued_at", "-id")


def _by_name(written: str) -> billing_models.Invoice | None:
    """By "2026-00001" where one legal entity alone has that number, else by "lisbon/2026-00001"."""
    slug, _, name = written.rpartition("/")
    found = _every_invoice().filter(name=name)
    known = list((found.filter(entity__slug=slug) if slug else found)[:2])
    return known[0] if len(known) == 1 else None


register = declarations.register
register.name(
    declarations.Handle(
        billing_models.LegalEntity,
        "legal entity",
        entity,
        entities,
        lambda each: each.slug,
        see="billing legal-entity list",
    )
)
register.name(
    declarations.Handle(
        billing_models.Invoice,
        "invoice",
        _by_name,
        lambda: _every_invoice().filter(kind=INVOICE, credited_by=None),
        lambda each: f"{each.entity.slug}/{each.name}",
        see="billing invoice list CLIENT",
    )
)


def numbered(client_id: int, number: int) -> billing_models.Invoice | None:
    """A client's invoice or credit note by its id."""
    return invoices(client_id).filter(id=number).first()


def standing(client_id: int, period: str) -> billing_models.Invoice | None:
    """The invoice of a month that no credit note has taken back."""
    return billing_models.Invoice.objects.filter(
        client_id=client_id, period=period, kind=INVOICE, credited_by__isnull=True
    ).first()


def invoiced(client_id: int) -> set[str]:
    """The months whose invoice stands."""
    found = billing_models.Invoice.objects.filter(client_id=client_id, kind=INVOICE, credited_by__isnull=True)
    return set(found.values_list("period", flat=True))


def corrected(client_id: int, periods: set[str]) -> list[Reference]:
    """The standing invoices of these months, as references."""
    found = [standing(client_id, period) for period in sorted(periods)]
    return [Reference(each.name, each.issued_on) for each in found if each]


def closing_steps(client_id: int) -> dict[str, billing_models.ClosingStep]:
    """The steps of closing that are under way or have failed, by their month."""
    return {each.period: each for each in billing_models.ClosingStep.objects.filter(client_id=client_id)}


def closing_step(number: int) -> billing_models.ClosingStep | None:
    """A step of closing that is still to be done; None once it is done or has failed."""
    found = billing_models.ClosingStep.objects.select_related("client", "asked_by").filter(id=number, error="")
    return found.first()


def waiting_steps(asked_before: datetime) -> list[int]:
    """The steps of closing that were asked for before an instant and are not done."""
    found = billing_models.ClosingStep.objects.filter(error="", asked_at__lt=asked_before)
    return list(found.order_by("id").values_list("id", flat=True))


def last_number(entity: billing_models.LegalEntity, series: str) -> int:
    """The last number of a series that was taken; 0 before the first."""
    found = billing_models.NumberRange.objects.filter(entity=entity, name=series).values_list("last", flat=True)
    return found.first() or 0


def is_credit(invoice: billing_models.Invoice) -> bool:
    """Say whether it is a credit note."""
    return invoice.kind == CREDIT_NOTE
