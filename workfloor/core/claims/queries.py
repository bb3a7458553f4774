"""Reading claims: those that count, and those that wait for a second pair of eyes."""

from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import cast

from django.db.models import F, Q, QuerySet, Sum

from workfloor.core.claims import models as claims_models
from workfloor.core.claims import rules as claims_rules
from workfloor.core.event_log.models import Fact
from workfloor.kit import declarations


def claims(
    client_id: int, *, kinds: tuple[claims_rules.Kind, ...], state: str | None = None
) -> QuerySet[claims_models.Claim]:
    """A client's claims of some kinds, the latest event first."""
    found = claims_models.Claim.objects.filter(client_id=client_id, kind__in=kinds).select_related(
        "claimed_by", "decided_by"
    )
    return (found.filter(state=state) if state else found).order_by("-starts_at", "-id")


def claim(client_id: int, number: int) -> claims_models.Claim | None:
    """A client's claim by its number."""
    return claims_models.Claim.objects.filter(client_id=client_id, id=number).first()


def _every_claim() -> QuerySet[claims_models.Claim]:
    """First those that nobody has decided, the latest event first."""
    found = claims_models.Claim.objects.select_related("client", "claimed_by")
    return found.order_by(F("decided_at").desc(nulls_first=True), "-starts_at", "-id")


declarations.register.name(
    declarations.Handle(
        claims_models.Claim,
        "claim",
        declarations.by_number(_every_claim),
        _every_claim,
        lambda claim: str(claim.id),
        see="billing claim list CLIENT",
    )
)


def document(client_id: int, number: int) -> claims_models.Document | None:
    """The document of a claim."""
    return claims_models.Document.objects.select_related("file").filter(client_id=client_id, claim_id=number).first()


def facts(number: int) -> QuerySet[Fact]:
    """The facts of a claim, the first one first."""
    return Fact.objects.filter(event__startswith="claim.", details__claim=number).order_by("at", "id")


def events(client_id: int, starts_at: datetime, ends_at: datetime) -> list[claims_rules.Event]:
    """What lasted into a time and counts: exclusions that were approved, outages that were not refused."""
    counting = reduce(or_, (Q(kind=kind, state__in=claims_rules.counting_states(kind)) for kind in claims_rules.SPANS))
    found = claims_models.Claim.objects.filter(
        counting, client_id=client_id, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    return [
        claims_rules.Event(
            each.id, cast(claims_rules.Kind, each.kind), each.starts_at, each.ends_at, tuple(each.queues)
        )
        for each in found.order_by("starts_at", "id")
    ]


def delivered(client_id: int, starts_at: datetime, ends_at: datetime) -> dict[str, Decimal]:
    """The approved hours or costs of a time, by the title of the price that charges them."""
    found = claims_models.Claim.objects.filter(
        client_id=client_id,
        kind__in=claims_rules.DELIVERIES,
        state="approved",
        starts_at__gte=starts_at,
        starts_at__lt=ends_at,
    )
    return dict(found.values_list("price").annotate(Sum("quantity")))
