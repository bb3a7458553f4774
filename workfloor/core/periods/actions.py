"""Proposing and closing months, disputing their figures, correcting them in a later one.

These check what is always true of a month; whether its figures may be closed at all is decided by who computes them.
"""

from datetime import datetime

from workfloor.core.clients.models import Client
from workfloor.core.journal import actions as journal
from workfloor.core.journal.rules import Event
from workfloor.core.people.models import Person
from workfloor.core.periods import events, models, queries, rules
from workfloor.kit import locks


class Refused(ValueError):
    """What was asked cannot be done to the month; the message says why and what to do."""


def propose(*, client: Client, period: str, statement: rules.Frozen, by: Person, now: datetime) -> models.Close:
    """Keep a month's statement as it would be closed."""
    hold(client)
    if (state := queries.state(client.id, period)) != "open":
        raise Refused(f"{period} is {state} already.")
    text = rules.written(statement.plain)
    close = models.Close.objects.create(
        client=client, period=period, version=statement.version, plain=text, printed=statement.printed,
        basis=statement.basis, digest=rules.digest(text), items=rules.packed(statement.items),
        proposed_at=now, proposed_by=by,
    )  # fmt: skip
    models.Figure.objects.bulk_create(
        models.Figure(
            client=client, close=close, name=leaf.name, title=leaf.title, row=leaf.row, values=rules.packed(leaf.values)
        )
        for leaf in statement.figures
    )
    _record(events.PeriodProposed(period, close.version, close.digest), client, by, now)
    return close


def approve(*, client: Client, period: str, by: Person, now: datetime) -> models.Close:
    """Close a month as it was proposed; whoever proposed it cannot."""
    close = _proposed(client, period)
    if close.proposed_by_id == by.id:
        raise Refused(f"{by.name} proposed {period}; somebody else has to look at it and approve.")
    close.state, close.approved_at, close.approved_by = "closed", now, by
    close.save(update_fields=["state", "approved_at", "approved_by"])
    _record(events.PeriodClosed(period, close.version, close.digest), client, by, now)
    return close


def reopen(*, client: Client, period: str, reason: str, by: Person, now: datetime) -> None:
    """Take a proposal back; what it kept goes. A closed month stays closed."""
    close = _proposed(client, period)
    close.delete()
    _record(events.PeriodReopened(period, reason), client, by, now)


def _proposed(client: Client, period: str) -> models.Close:
    hold(client)
    close = queries.close(client.id, period)
    if close is None:
        raise Refused(f"{period} is open. Propose it first: workfloor period propose {client.slug} {period}")
    if close.state != "provisional":
        raise Refused(
            f"{period} is {close.state}, and stays so. What is wrong in it is put right in the next open statement: "
            f"workfloor dispute raise {client.slug} {period} FIGURE"
        )
    return close


def raise_dispute(*, client: Client, period: str, figure: str, words: str, by: Person, now: datetime) -> models.Dispute:
    """Hold a figure of a proposed or closed month to be wrong."""
    dispute = models.Dispute.objects.create(
        client=client, period=period, figure=figure, words=words, raised_at=now, raised_by=by
    )
    _record(events.DisputeRaised(dispute.id, period, figure, words), client, by, now)
    return dispute


def uphold(*, dispute: models.Dispute, words: str, by: Person, now: datetime) -> models.Dispute:
    """Say that the client is right."""
    decided = _decide(dispute, rules.UPHELD, words, by, now)
    _record(events.DisputeUpheld(dispute.id, words), dispute.client, by, now)
    return decided


def reject(*, dispute: models.Dispute, words: str, by: Person, now: datetime) -> models.Dispute:
    """Say that the figure is right."""
    decided = _decide(dispute, rules.REJECTED, words, by, now)
    _record(events.DisputeRejected(dispute.id, words), dispute.client, by, now)
    return decided


def _decide(dispute: models.Dispute, state: str, words: str, by: Person, now: datetime) -> models.Dispute:
    locked = models.Dispute.objects.select_for_update().get(id=dispute.id)
    if locked.state != rules.RAISED:
        raise Refused(f"Dispute {locked.id} is {locked.state} already: {locked.decision}")
    locked.state, locked.decision, locked.decided_by, locked.decided_at = state, words, by, now
    locked.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    return locked


def adjust(
    *, client: Client, period: str, correction: rules.Correction, because: str, by: Person | None, now: datetime,
    dispute: models.Dispute | None = None,
) -> models.Adjustment:  # fmt: skip
    """Correct a closed month by a line of the next open statement."""
    hold(client)
    close = queries.frozen(client.id, period)
    if close is None:
        raise Refused(f"{period} is not closed; what is wrong in it is put right in it.")
    into = rules.into(period, queries.states(client.id))
    adjustment = models.Adjustment.objects.create(
        client=client, period=period, figure=correction.figure, subject=correction.subject, title=correction.title,
        into=into, amount=correction.amount.amount, currency=correction.amount.currency, tax=correction.tax,
        because=because, dispute=dispute, made_at=now,
    )  # fmt: skip
    close.state = "restated"
    close.save(update_fields=["state"])
    amount, currency = correction.amount.amount, correction.amount.currency
    restated = events.PeriodRestated(
        period, correction.figure, into, adjustment.id, amount, currency, because, dispute.id if dispute else None
    )
    _record(restated, client, by, now)
    return adjustment


def hold(client: Client) -> None:
    """Let nobody else close, reopen or correct a month of the client until the transaction ends."""
    locks.hold("periods", client.slug)


def _record(event: Event, client: Client, by: Person | None, now: datetime) -> None:
    journal.record(event, at=now, client_id=client.id, by_id=by.id if by else None)
