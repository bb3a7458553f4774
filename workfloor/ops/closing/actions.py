"""Closing a month: proposed by one, approved by another; and what is put right in a later one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from workfloor.core.clients.models import Client
from workfloor.core.people import queries as people
from workfloor.core.people.models import Person
from workfloor.core.periods import actions as periods
from workfloor.core.periods import queries as known
from workfloor.core.periods import rules as months
from workfloor.core.periods.actions import Refused as Refused
from workfloor.core.periods.models import Adjustment, Close, Dispute
from workfloor.ops.closing import queries, rules

LONGEST_WORDS = 2000


class NotYet(Refused):
    """The month cannot be closed yet; `reasons` says why, each with what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)


def propose(*, client: Client, period: str, by: Person, now: datetime) -> Close:
    """Propose to close a month with the figures that it has now.

    What late facts have changed in earlier months comes into this one first. Raises NotYet with everything that is in
    the way, Refused where the person may not or the month is proposed already, billing's NoStatement.
    """
    _admit(by, client, rules.PROPOSERS, "propose a month")
    periods.hold(client)
    if (state := known.state(client.id, period)) != "open":
        raise Refused(f"{period} is {state} already. See: workfloor period list {client.slug}")
    if found := queries.hindrances(client, period, now=now):
        raise NotYet(found)
    restate(client=client, by=by, now=now)
    statement = queries.frozen(client, period, now=now)
    return periods.propose(client=client, period=period, statement=statement, by=by, now=now)


def approve(*, client: Client, period: str, by: Person, now: datetime) -> Close:
    """Close a month as it was proposed; by somebody other than who proposed it."""
    _admit(by, client, rules.APPROVERS, "approve a month")
    periods.hold(client)
    close = known.close(client.id, period)
    if close and close.state == "provisional":
        if found := _undecided(client, period):
            raise NotYet(found)
        if queries.has_moved(close, now=now):
            again = f"workfloor period reopen {client.slug} {period} --reason 'figures have changed'"
            raise Refused(f"The figures of {period} have changed since they were proposed. Propose it anew: {again}")
    return periods.approve(client=client, period=period, by=by, now=now)


def reopen(*, client: Client, period: str, reason: str, by: Person, now: datetime) -> None:
    """Take a proposal back."""
    _admit(by, client, rules.PROPOSERS, "reopen a month")
    periods.reopen(client=client, period=period, reason=_said(reason), by=by, now=now)


def restate(*, client: Client, by: Person, now: datetime) -> list[Adjustment]:
    """Bring what late facts have changed in closed months into the next open statement."""
    _admit(by, client, rules.PROPOSERS, "restate a month")
    periods.hold(client)
    shut = [period for period, state in known.states(client.id).items() if state in months.SHUT]
    return [
        periods.adjust(
            client=client, period=period, correction=correction, because=months.LATE_FACTS, by=by, now=now
        )
        for period in shut
        for correction in queries.late(client, period, now=now)
    ]  # fmt: skip


def raise_dispute(*, client: Client, period: str, figure: str, words: str, by: Person, now: datetime) -> Dispute:
    """Hold a figure to be wrong, for the client or as one of its people."""
    _admit(by, client, rules.RAISERS, "dispute a figure")
    close = known.close(client.id, period)
    if close is None:
        raise Refused(f"{period} is open: its figures still follow the facts. Dispute them once they are proposed.")
    if figure not in (names := queries.figures(close)):
        listed = ", ".join(name for name in names if "/" not in name)
        raise Refused(f"The statement of {period} has no figure {figure!r}. It has: {listed}; and such as m1/QUEUE.")
    return periods.raise_dispute(client=client, period=period, figure=figure, words=_said(words), by=by, now=now)


def uphold(
    *, dispute: Dispute, words: str, by: Person, now: datetime,
    amount: str | None = None, figure: Decimal | None = None,
) -> list[Adjustment]:  # fmt: skip
    """Say that the client is right; the amount, or what follows from the figure as it should be, goes into a line.

    Raises Refused, ValueError for an amount that is none, queries.NoSuchFigure for a figure that cannot be computed.
    """
    _may_decide(dispute, by)
    if (amount is None) == (figure is None):
        raise Refused("Say what is right: either the amount to correct by, or the figure as it should be.")
    if known.frozen(dispute.client_id, dispute.period) is None:
        raise Refused(
            f"{dispute.period} is only proposed. Reopen it and put it right in it, or reject the dispute and approve."
        )
    found = _corrections(dispute, amount, figure, now)
    periods.uphold(dispute=dispute, words=_said(words), by=by, now=now)
    return [
        periods.adjust(
            client=dispute.client, period=dispute.period, correction=each, because=months.DISPUTE, by=by, now=now,
            dispute=dispute,
        )
        for each in found
    ]  # fmt: skip


def _corrections(
    dispute: Dispute, amount: str | None, figure: Decimal | None, now: datetime
) -> Sequence[months.Correction]:
    if amount is not None:
        return [queries.correction(dispute, amount, now=now)]
    found = queries.supposed(dispute, figure or Decimal(0), now=now)
    if not found:
        raise Refused(
            f"With {figure} instead, nothing on the invoice of {dispute.period} changes. Reject it, saying so."
        )
    return found


def reject(*, dispute: Dispute, words: str, by: Person, now: datetime) -> Dispute:
    """Say that the figure is right."""
    _may_decide(dispute, by)
    return periods.reject(dispute=dispute, words=_said(words), by=by, now=now)


def _may_decide(dispute: Dispute, by: Person) -> None:
    _admit(by, dispute.client, rules.PROPOSERS, "decide a dispute")
    if dispute.raised_by_id == by.id:
        raise Refused(f"{by.name} raised dispute {dispute.id}; somebody else decides it.")


def _undecided(client: Client, period: str) -> list[str]:
    return [
        f"Dispute {each.id} of {each.figure} is undecided: workfloor dispute reject {each.id}, or reopen the month"
        for each in known.disputes(client.id, period, (months.RAISED,))
    ]


def _admit(by: Person, client: Client, roles: frozenset[str], what: str) -> None:
    if not roles.intersection(by.roles):
        needed = " or ".join(sorted(roles))
        raise Refused(f"{by.name} may not {what}: that takes the role {needed}. See: workfloor person list")
    if client.id not in people.enterable(by):
        raise Refused(f"{by.name} is not cleared for {client.slug}. Clear them: workfloor person clear")


def _said(words: str) -> str:
    words = words.strip()
    if not words or len(words) > LONGEST_WORDS:
        raise Refused(f"Say in words why, in at most {LONGEST_WORDS:,} letters.")
    return words
