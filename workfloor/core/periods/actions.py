"""Proposing and closing months, disputing their figures, correcting them in a later one.

These check what is always true of a month; whether its figures may be closed at all is decided by who computes them.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.people.models import Person
from workfloor.core.periods import events as periods_events
from workfloor.core.periods import models as periods_models
from workfloor.core.periods import months as period_months
from workfloor.core.periods import queries as periods_queries
from workfloor.kit.database import locks

Refused = permissions.Refused


def propose(
    *, client: Client, period: str, statement: period_months.Frozen, by: Person, now: datetime
) -> periods_models.Close:
    """Keep a month's statement as it would be closed."""
    hold(client)
    if (state := periods_queries.state(client.id, period)) != "open":
        raise Refused(_("{period} is {state} already.").format(period=period, state=_(state)))
    text = period_months.written(statement.plain)
    close = periods_models.Close.objects.create(
        client=client,
        period=period,
        version=statement.version,
        plain=text,
        printed=statement.printed,
        basis=statement.basis,
        digest=period_months.digest(text),
        items=period_months.packed(statement.items),
        proposed_at=now,
        proposed_by=by,
    )
    periods_models.Figure.objects.bulk_create(
        periods_models.Figure(
            client=client,
            close=close,
            name=leaf.name,
            title=leaf.title,
            row=leaf.row,
            values=period_months.packed(leaf.values),
        )
        for leaf in statement.figures
    )
    _record(periods_events.PeriodProposed(period, close.version, close.digest), client, by, now)
    return close


def approve(*, client: Client, period: str, by: Person, now: datetime) -> periods_models.Close:
    """Close a month as it was proposed; whoever proposed it cannot."""
    close = _proposed(client, period)
    permissions.admit(by, "periods.approve", client_id=client.id, already=[close.proposed_by_id])
    close.state, close.approved_at, close.approved_by = "closed", now, by
    close.save(update_fields=["state", "approved_at", "approved_by"])
    _record(periods_events.PeriodClosed(period, close.version, close.digest), client, by, now)
    return close


def reopen(*, client: Client, period: str, reason: str, by: Person, now: datetime) -> None:
    """Take a proposal back; what it kept goes. A closed month stays closed."""
    close = _proposed(client, period)
    close.delete()
    _record(periods_events.PeriodReopened(period, reason), client, by, now)


def _proposed(client: Client, period: str) -> periods_models.Close:
    hold(client)
    close = periods_queries.close(client.id, period)
    if close is None:
        raise Refused(
            _("{period} is open. Propose it first: workfloor billing period propose {client} {period}").format(
                period=period, client=client.slug
            )
        )
    if close.state != "provisional":
        raise Refused(
            _(
                "{period} is {state}, and stays so. What is wrong in it is put right in the next open statement: "
                "workfloor billing dispute raise {client} {period} FIGURE"
            ).format(period=period, state=_(close.state), client=client.slug)
        )
    return close


def raise_dispute(
    *, client: Client, period: str, figure: str, words: str, by: Person, now: datetime
) -> periods_models.Dispute:
    """Hold a figure of a proposed or closed month to be wrong."""
    dispute = periods_models.Dispute.objects.create(
        client=client, period=period, figure=figure, words=words, raised_at=now, raised_by=by
    )
    _record(periods_events.DisputeRaised(dispute.id, period, figure, words), client, by, now)
    return dispute


def uphold(*, dispute: periods_models.Dispute, words: str, by: Person, now: datetime) -> periods_models.Dispute:
    """Say that the client is right."""
    decided = _decide(dispute, period_months.UPHELD, words, by, now)
    _record(periods_events.DisputeUpheld(dispute.id, words), dispute.client, by, now)
    return decided


def reject(*, dispute: periods_models.Dispute, words: str, by: Person, now: datetime) -> periods_models.Dispute:
    """Say that the figure is right."""
    decided = _decide(dispute, period_months.REJECTED, words, by, now)
    _record(periods_events.DisputeRejected(dispute.id, words), dispute.client, by, now)
    return decided


def _decide(
    dispute: periods_models.Dispute, state: str, words: str, by: Person, now: datetime
) -> periods_models.Dispute:
    locked = periods_models.Dispute.objects.select_for_update().get(id=dispute.id)
    if locked.state != period_months.RAISED:
        raise Refused(
            _("Dispute {dispute} is {state} already: {decision}").format(
                dispute=locked.id, state=_(locked.state), decision=locked.decision
            )
        )
    locked.state, locked.decision, locked.decided_by, locked.decided_at = state, words, by, now
    locked.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    return locked


def adjust(
    *,
    client: Client,
    period: str,
    correction: period_months.Correction,
    because: str,
    by: Actor,
    now: datetime,
    dispute: periods_models.Dispute | None = None,
) -> periods_models.Adjustment:
    """Correct a closed month by a line of the next open statement."""
    hold(client)
    close = periods_queries.frozen(client.id, period)
    if close is None:
        raise Refused(_("{period} is not closed; what is wrong in it is put right in it.").format(period=period))
    into = period_months.into(period, periods_queries.states(client.id))
    adjustment = periods_models.Adjustment.objects.create(
        client=client,
        period=period,
        figure=correction.figure,
        subject=correction.subject,
        title=correction.title,
        into=into,
        amount=correction.amount.amount,
        currency=correction.amount.currency,
        tax=correction.tax,
        how=correction.how,
        because=because,
        dispute=dispute,
        made_at=now,
    )
    close.state = "restated"
    close.save(update_fields=["state"])
    amount, currency = correction.amount.amount, correction.amount.currency
    restated = periods_events.PeriodRestated(
        period, correction.figure, into, adjustment.id, amount, currency, because, dispute.id if dispute else None
    )
    _record(restated, client, by, now)
    return adjustment


def hold(client: Client) -> None:
    """Let nobody else close, reopen or correct a month of the client until the transaction ends."""
    locks.hold("periods", client.slug)


def _record(event: Event, client: Client, by: Actor, now: datetime) -> None:
    event_log.record(event, at=now, client_id=client.id, by=by)
