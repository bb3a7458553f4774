"""Claiming what happened, and the second person's word on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.claims import events as claims_events
from workfloor.core.claims import models as claims_models
from workfloor.core.claims import rules as claims_rules
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.pricing import Price
from workfloor.core.contracts.terms import Contract
from workfloor.core.event_log import actions as event_log
from workfloor.core.files import actions as files
from workfloor.core.people.models import Person
from workfloor.kit.figures import money
from workfloor.kit.time import calendars

LARGEST_DOCUMENT = 10_000_000  # bytes
LONGEST_REASON = 1000  # characters


Refused = permissions.Refused


@dataclass(frozen=True, slots=True)
class File:
    """A document as it was handed in."""

    name: str
    content: bytes


def claim_event(
    *,
    client: Client,
    kind: claims_rules.Kind,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: Person,
    now: datetime,
    queues: Sequence[str] = (),
) -> claims_models.Claim:
    """Say that something lasted, for some of a client's queues or (without any) for all of them.

    Raises Refused for an unknown queue, a time that cannot be, an empty reason, or a person of another client.
    """
    known = [
        name for version in contracts_queries.versions(client.id) for name in contracts_queries.terms(version).queues()
    ]
    faults = list(claims_rules.faults_of_span(starts_at, ends_at))
    faults += [
        _("{client} has no queue {name}; it has {known}.").format(client=client.slug, name=name, known=_listed(known))
        for name in queues
        if name not in known
    ]
    if faults:
        raise Refused(" ".join(faults))
    made = claims_models.Claim(client=client, kind=kind, starts_at=starts_at, ends_at=ends_at, queues=list(queues))
    return _claimed(made, reason, by, now)


def claim_delivery(
    *,
    client: Client,
    price: str,
    on: date,
    quantity: Decimal,
    reason: str,
    by: Person,
    now: datetime,
    document: File | None = None,
) -> claims_models.Claim:
    """Say that hours were attended, or a cost was paid, on a day of the contract's zone, to be charged by a price.

    Raises Refused for a price that charges neither, a cost without its document, and as `claim_event` does.
    """
    contract = _contract(client, on)
    charged = _price(contract, price)
    kind: claims_rules.Kind = "attendance" if charged.unit == "agent-hour" else "cost"
    decimals = money.MINOR_UNITS[charged.currency or contract.currency]
    faults = list(claims_rules.faults_of_quantity(kind, quantity, decimals))
    if kind == "cost" and (document is None or not 0 < len(document.content) <= LARGEST_DOCUMENT):
        faults.append(_("A cost needs its document, of at most {most:,} bytes.").format(most=LARGEST_DOCUMENT))
    if faults:
        raise Refused(" ".join(faults))
    first, last = (calendars.instant(day, time(0), contract.zone) for day in (on, on + timedelta(days=1)))
    made = claims_models.Claim(
        client=client, kind=kind, starts_at=first, ends_at=last, price=charged.title, quantity=quantity
    )
    return _claimed(made, reason, by, now, document)


def approve(*, claim: claims_models.Claim, by: Person, now: datetime, reason: str = "") -> claims_models.Claim:
    """Confirm what another person has claimed: from now on it counts."""
    claim = _decide(claim, "approved", by, now, reason)
    event_log.record(
        claims_events.ClaimApproved(claim.id, reason or None), at=now, client_id=claim.client_id, by_id=by.id
    )
    return claim


def refuse(*, claim: claims_models.Claim, by: Person, now: datetime, reason: str) -> claims_models.Claim:
    """Refuse what another person has claimed, or take an approval back: it does not count."""
    if not reason.strip():
        raise Refused(_("Say why it is refused."))
    claim = _decide(claim, "refused", by, now, reason)
    event_log.record(claims_events.ClaimRefused(claim.id, reason), at=now, client_id=claim.client_id, by_id=by.id)
    return claim


def _contract(client: Client, on: date) -> Contract:
    try:
        return contracts_queries.in_force_on(client.id, on).contract
    except contracts_queries.NoContract as reason:
        raise Refused(_("{client} has no contract on {on}.").format(client=client.slug, on=on)) from reason


def _price(contract: Contract, title: str) -> Price:
    charging = [each for each in contract.prices if each.unit in ("agent-hour", "pass-through")]
    for price in charging:
        if price.title.casefold() == title.casefold():
            return price
    listed = _listed([price.title for price in charging])
    raise Refused(
        _("No price “{title}” charges hours or costs; those that do: {listed}.").format(title=title, listed=listed)
    )


def _claimed(
    made: claims_models.Claim, reason: str, by: Person, now: datetime, document: File | None = None
) -> claims_models.Claim:
    permissions.admit(by, "claims.make", client_id=made.client_id)
    _said(reason)
    made.reason, made.claimed_by, made.claimed_at = reason.strip(), by, now
    made.save(force_insert=True)
    digest = None
    if document:
        digest = sha256(document.content).hexdigest()
        handed = files.Handed(document.content, "application/octet-stream")
        [kept] = files.keep(client_id=made.client_id, handed=[handed], now=now)
        claims_models.Document.objects.create(
            client=made.client, claim=made, name=document.name, digest=digest, file=kept
        )
    happened = claims_events.ClaimMade(
        made.id,
        made.kind,
        made.starts_at,
        made.ends_at,
        made.reason,
        made.queues or None,
        made.price or None,
        made.quantity,
        document.name if document else None,
        digest,
    )
    event_log.record(happened, at=now, client_id=made.client_id, by_id=by.id)
    return made


def _said(reason: str) -> None:
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Refused(_("Give the reason, in at most {most:,} letters.").format(most=LONGEST_REASON))


def _decide(
    claim: claims_models.Claim, decision: claims_rules.State, by: Person, now: datetime, reason: str
) -> claims_models.Claim:
    """Lock the claim, so that of two people who decide at once the second sees what the first has decided."""
    claim = claims_models.Claim.objects.select_for_update(of=("self",)).select_related("claimed_by").get(id=claim.id)
    permissions.admit(by, "claims.decide", client_id=claim.client_id, already=[claim.claimed_by_id])
    _said(reason or "approved")
    if (
        claim.kind == "attendance"
        and decision == "approved"
        and (by.client_id is None) == (claim.claimed_by.client_id is None)
    ):
        side = _("the client's own people") if by.client_id is None else _("the provider's people")
        raise Refused(_("Attendance is agreed by both sides: one of {side} approves it.").format(side=side))
    try:
        claim.state = claims_rules.decided(claim.state, decision)
    except claims_rules.NotNow as fault:
        raise Refused(str(fault)) from fault
    claim.decided_by, claim.decided_at, claim.decision_reason = by, now, reason.strip()
    claim.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    return claim


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none"
