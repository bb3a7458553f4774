"""Claiming what happened, and the second person's word on it."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, cast

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.declaring import action
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
from workfloor.kit.declarations import File, field
from workfloor.kit.figures import money
from workfloor.kit.time import calendars

LARGEST_DOCUMENT = 10_000_000  # bytes
LONGEST_REASON = 1000  # characters


Refused = permissions.Refused


WAITS = "Claim {made} is made. Another person decides it: workfloor billing claim approve {made}"


@action(
    "Claim an exclusion or an outage",
    permission="claims.make",
    command="billing claim exclusion",
    says=WAITS,
    example="workfloor billing claim exclusion first-bank client-outage --from 1999-02-03T10:00 "
    "--until 1999-02-03T11:30 --reason 'Their core system was down, ticket 4711'",
)
def claim_event(
    *,
    client: Client,
    kind: Annotated[claims_rules.Span, field("Kind", "An outage is our own: it counts at once, until it is refused.")],
    starts_at: Annotated[
        datetime,
        field("From", "The first instant, by the contract's clock.", as_option=True, flag="from"),
    ],
    ends_at: Annotated[datetime, field("Until", "The first instant after it.", as_option=True, flag="until")],
    reason: Annotated[
        str,
        field(
            "Reason",
            "What happened, for whoever decides and for the client.",
            most=LONGEST_REASON,
            as_option=True,
        ),
    ],
    by: Person,
    now: datetime,
    queues: Annotated[
        Sequence[str], field("Queues", "Those that it touched; without any, all of them.", flag="queue")
    ] = (),
) -> claims_models.Claim:
    """Say that something lasted: what came in meanwhile is excluded from the service levels that name its kind.

    One person claims, another decides. It is of some of the client's queues, or without any of all of them.
    """
    starts_at, ends_at = _instant(client, starts_at), _instant(client, ends_at)
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


@action(
    "Claim hours or a cost",
    permission="claims.make",
    command="billing claim delivery",
    says=WAITS,
    example="workfloor billing claim delivery first-bank Postage 1240.50 --on 1999-02-28 --document postage.pdf "
    "--reason 'Letters of February'",
)
def claim_delivery(
    *,
    client: Client,
    price: Annotated[str, field("Price", "Of the contract: by agent-hour, or one that passes costs through.")],
    quantity: Annotated[Decimal, field("Quantity", "Hours, or the amount that was paid in the price's currency.")],
    on: Annotated[date, field("Day", "In the contract's zone.", as_option=True)],
    reason: Annotated[
        str, field("Reason", "Who was there and when, or what was paid for.", most=LONGEST_REASON, as_option=True)
    ],
    by: Person,
    now: datetime,
    document: Annotated[
        File | None, field("Document", "Of a cost: the invoice that was paid.", most=LARGEST_DOCUMENT)
    ] = None,
) -> claims_models.Claim:
    """Say that hours were attended, or that a cost was paid, on a day, to be charged by a price of the contract.

    Hours are charged once somebody of the other side has approved them, costs once another person has.
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


Number = Annotated[claims_models.Claim, field("Claim", "Its number.")]


@action(
    "Approve a claim",
    permission="claims.decide",
    command="billing claim approve",
    says="Claim {made} is approved: it counts from now on.",
    example="workfloor billing claim approve 12",
)
def approve(
    *,
    claim: Number,
    by: Person,
    now: datetime,
    reason: Annotated[str, field("Reason", "Why, if that should be said.", most=LONGEST_REASON)] = "",
) -> claims_models.Claim:
    """Confirm what another person has claimed: from now on it counts."""
    claim = _decide(claim, "approved", by, now, reason)
    event_log.record(claims_events.ClaimApproved(claim.id, reason or None), at=now, client_id=claim.client_id, by=by)
    return claim


@action(
    "Refuse a claim",
    permission="claims.decide",
    command="billing claim refuse",
    says="Claim {made} is refused: it does not count.",
    example="workfloor billing claim refuse 12 --reason 'It was our own router'",
)
def refuse(
    *,
    claim: Number,
    by: Person,
    now: datetime,
    reason: Annotated[str, field("Reason", "Why it does not count.", most=LONGEST_REASON, as_option=True)],
) -> claims_models.Claim:
    """Refuse what another person has claimed, or take an approval back: it does not count."""
    if not reason.strip():
        raise Refused(_("Say why it is refused."))
    claim = _decide(claim, "refused", by, now, reason)
    event_log.record(claims_events.ClaimRefused(claim.id, reason), at=now, client_id=claim.client_id, by=by)
    return claim


def _instant(client: Client, at: datetime) -> datetime:
    """A time without an offset is of the contract's zone, and where the clock shows it twice the first."""
    if at.tzinfo:
        return at
    version = contracts_queries.latest(client.id)
    if version is None:
        raise Refused(_("{slug} has no contract. Sign one: workfloor contracts sign FILE").format(slug=client.slug))
    return calendars.instant(at.date(), at.time(), contracts_queries.terms(version).zone)


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
    event_log.record(happened, at=now, client_id=made.client_id, by=by)
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
    _admit_side(claim, decision, by)
    try:
        claim.state = claims_rules.decided(claim.state, decision)
    except claims_rules.NotNow as fault:
        raise Refused(str(fault)) from fault
    claim.decided_by, claim.decided_at, claim.decision_reason = by, now, reason.strip()
    claim.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    return claim


def _admit_side(claim: claims_models.Claim, decision: claims_rules.State, by: Person) -> None:
    """Refuse who is of the other side than the contract of the claim's first day names."""
    try:
        approvals = contracts_queries.in_force(claim.client_id, claim.starts_at).contract.approvals
    except contracts_queries.NoContract:
        approvals = {}
    side = claims_rules.side_that_decides(
        cast(claims_rules.Kind, claim.kind), decision, _side(claim.claimed_by), approvals
    )
    if side not in (None, _side(by)):
        people = _("the client's own people") if side == "client" else _("the provider's people")
        raise Refused(
            _("As it is agreed, one of {people} decides this: {kind}.").format(people=people, kind=claim.kind)
        )


def _side(person: Person) -> claims_rules.Side:
    return "provider" if person.client_id is None else "client"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none"
