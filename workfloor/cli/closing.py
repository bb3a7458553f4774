"""`workfloor billing period` and `dispute`: months closed by two people, and what is put right afterwards."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.clients.models import Client
    from workfloor.core.people.models import Person
    from workfloor.core.periods.models import Dispute

Decorated = Callable[..., Any]


def format_option(command: Decorated) -> Decorated:
    """Text for people, JSON for programs."""
    choice = click.Choice(["text", "json"])
    return click.option("--format", "form", type=choice, default="text", help="How to print it.")(command)


@dataclass(frozen=True)
class _Desk:
    """What a command works with: the client that it entered, who does it, and when."""

    client: "Client"
    by: "Person"
    now: datetime


@contextmanager
def entered(slug: str) -> Iterator["Client"]:
    """The client of that name, entered for one transaction; what is refused ends the command with the reason."""
    with edge.client(slug) as found:
        from workfloor.core.periods.actions import Refused
        from workfloor.ops.billing.closing import NoSuchFigure
        from workfloor.ops.billing.statements import NoFigure, NoStatement

        try:
            yield found
        except (Refused, NoStatement, NoFigure, NoSuchFigure, ValueError) as reason:
            raise click.ClickException(str(reason)) from None


@contextmanager
def _at_desk(slug: str) -> Iterator[_Desk]:
    with entered(slug) as client:
        from workfloor.kit.time import clock

        yield _Desk(client, edge.person(), clock.now())


# --- Periods ----------------------------------------------------------------------------------------------------


@click.group(
    epilog="""\b
Examples:
  workfloor billing period propose first-bank 1999-02
  workfloor billing period approve first-bank 1999-02     somebody else
  workfloor billing period list first-bank
"""
)
def period() -> None:
    """Close months: proposed by one, approved by another, frozen from then on.

    What turns out wrong afterwards goes into the next open statement as a line that says which month and figure it
    corrects; the closed month itself never changes.
    """


@period.command("list", epilog="\b\nExample:\n  workfloor billing period list first-bank --format json\n")
@click.argument("client")
@format_option
def list_periods(client: str, form: str) -> None:
    """List CLIENT's months that are proposed or closed, each with the digest of its statement."""
    with entered(client) as found:
        from workfloor.core.periods import queries as periods_queries

        rows = [_plain(close) for close in periods_queries.closes(found.id)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        by = f"{row['proposed_by']}, {row['approved_by'] or 'not approved yet'}"
        click.echo(f"{row['period']}  {row['state']:<11}  version {row['version']}  {row['digest'][:16]}  {by}")
    if not rows:
        click.echo(f"All months of {client} are open.")


def _plain(close: Any) -> dict[str, Any]:
    return {
        "period": close.period,
        "state": close.state,
        "version": close.version,
        "digest": close.digest,
        "proposed_at": close.proposed_at.isoformat(),
        "proposed_by": str(close.proposed_by),
        "approved_at": close.approved_at and close.approved_at.isoformat(),
        "approved_by": close.approved_by and str(close.approved_by),
    }


@period.command(epilog="\b\nExample:\n  workfloor billing period propose first-bank 1999-02\n")
@click.argument("client")
@click.argument("month", metavar="PERIOD")
@format_option
def propose(client: str, month: str, form: str) -> None:
    """Propose to close PERIOD with the figures that it has now.

    Refused, with everything that is in the way, while the month is not over, items of it are unfinished, state and
    facts differ, or a month before it is open. The month's facts are replayed here, in the command itself, with a bar
    on a terminal; no worker is needed. What was asked for on the page is done by `workfloor worker`.
    """
    with edge.bar(f"Proposing {month}, %") as progress, _at_desk(client) as desk:
        from workfloor.ops.billing import actions as billing

        close = billing.propose(client=desk.client, period=month, by=desk.by, now=desk.now, progress=progress)
        told = _plain(close)
    _tell(told, form, f"{month} is proposed by {desk.by}: somebody else approves it. Statement {told['digest']}")


@period.command(epilog="\b\nExample:\n  workfloor billing period approve first-bank 1999-02\n")
@click.argument("client")
@click.argument("month", metavar="PERIOD")
@format_option
def approve(client: str, month: str, form: str) -> None:
    """Close PERIOD as it was proposed; a manager other than who proposed it.

    Its figures are computed once more, here, in the command itself, and refused where they have moved.
    """
    with _at_desk(client) as desk:
        from workfloor.ops.billing import actions as billing

        told = _plain(billing.approve(client=desk.client, period=month, by=desk.by, now=desk.now))
    _tell(told, form, f"{month} is closed. Its statement stays as it is: {told['digest']}")


@period.command(
    epilog="\b\nExample:\n  workfloor billing period reopen first-bank 1999-02 --reason 'two calls were missing'\n"
)
@click.argument("client")
@click.argument("month", metavar="PERIOD")
@click.option("--reason", required=True, help="Kept with the fact.")
def reopen(client: str, month: str, reason: str) -> None:
    """Take the proposal of PERIOD back. A month that is closed stays closed: dispute a figure instead."""
    with _at_desk(client) as desk:
        from workfloor.ops.billing import actions as billing

        billing.reopen(client=desk.client, period=month, reason=reason, by=desk.by, now=desk.now)
    click.echo(f"{month} is open again.")


@period.command(epilog="\b\nExample:\n  workfloor billing period restate first-bank\n")
@click.argument("client")
@format_option
def restate(client: str, form: str) -> None:
    """Bring what late facts have changed in closed months into the next open statement.

    Proposing a month does this by itself; until then the lines are not on anybody's statement.
    """
    with _at_desk(client) as desk:
        from workfloor.ops.billing import actions as billing

        made = [_adjusted(each) for each in billing.restate(client=desk.client, by=desk.by, now=desk.now)]
    _tell(made, form, _adjustments(made) or f"No late fact has changed a closed month of {client}.")


def _adjusted(each: Any) -> dict[str, Any]:
    return {
        "adjustment": each.id,
        "period": each.period,
        "figure": each.figure,
        "title": each.title,
        "into": each.into,
        "amount": f"{each.amount.normalize():f}",
        "currency": each.currency,
        "because": each.because,
    }


def _adjustments(made: list[dict[str, Any]]) -> str:
    return "\n".join(f"{row['amount']} {row['currency']} in {row['into']}: {row['title']}" for row in made)


# --- Disputes ---------------------------------------------------------------------------------------------------


@click.group(
    epilog="""\b
Examples:
  workfloor billing dispute raise first-bank 1999-02 l1 --reason 'two calls were tests'
  workfloor billing dispute uphold 1 --quantity 26600 --reason 'they were'
  workfloor billing dispute reject 2 --reason 'they were answered by us'
  workfloor billing dispute list first-bank
"""
)
def dispute() -> None:
    """Dispute figures of proposed or closed months, and decide.

    What is upheld becomes a line of the next open statement that refers to the closed month and figure.
    """


@dispute.command(
    "raise",
    epilog="\b\nExample:\n  workfloor billing dispute raise first-bank 1999-02 m1 --reason 'our switch was down'\n",
)
@click.argument("client")
@click.argument("month", metavar="PERIOD")
@click.argument("figure")
@click.option("--reason", "words", required=True, help="What is held to be wrong.")
@format_option
def raise_dispute(client: str, month: str, figure: str, words: str, form: str) -> None:
    """Hold FIGURE (m1, l2, c1, a1, total ...) of PERIOD to be wrong: one of CLIENT's people, or somebody for it."""
    with _at_desk(client) as desk:
        from workfloor.ops.billing import actions as billing

        raised = billing.raise_dispute(
            client=desk.client, period=month, figure=figure, words=words, by=desk.by, now=desk.now
        )
        told = _disputed(raised)
    _tell(told, form, f"Dispute {told['dispute']} of {month} {figure} is raised.")


def _disputed(each: "Dispute") -> dict[str, Any]:
    return {
        "dispute": each.id,
        "period": each.period,
        "figure": each.figure,
        "state": each.state,
        "words": each.words,
        "raised_by": str(each.raised_by),
        "raised_at": each.raised_at.isoformat(),
        "decision": each.decision,
        "decided_by": each.decided_by and str(each.decided_by),
        "adjustments": [_adjusted(line) for line in each.adjustments.all()],
    }


@dispute.command(
    epilog="""\b
Examples:
  workfloor billing dispute uphold 1 --amount -120.00 --reason 'agreed by telephone'
  workfloor billing dispute uphold 1 --quantity 26600 --reason 'recounted'
  workfloor billing dispute uphold 2 --attained 81.5 --reason 'less the outage'
"""
)
@click.argument("number", type=int)
@click.option("--amount", help="What to correct by, in the contract's currency; negative is in the client's favour.")
@click.option("--quantity", help="What a line should have counted, in its unit; the amount follows from the price.")
@click.option("--attained", help="What a level attained, in percent or seconds; the amount follows from the credits.")
@click.option("--reason", "words", required=True, help="Why; kept with the decision.")
@format_option
def uphold(number: int, amount: str | None, quantity: str | None, attained: str | None, words: str, form: str) -> None:
    """Say that the client is right in dispute NUMBER. Somebody other than who raised it decides."""
    if sum(each is not None for each in (amount, quantity, attained)) != 1:
        raise click.UsageError("Say what is right with one of --amount, --quantity and --attained.")
    with _decided(number) as (found, desk):
        from workfloor.ops.billing import actions as billing

        figure = _number(quantity or attained)
        if (quantity and not found.figure.startswith("l")) or (attained and not found.figure.startswith("m")):
            raise click.UsageError("--quantity is for a line, such as l1; --attained for a service level, such as m1.")
        kept = billing.uphold(dispute=found, amount=amount, figure=figure, words=words, by=desk.by, now=desk.now)
        made = [_adjusted(each) for each in kept]
    _tell(made, form, f"Dispute {number} is upheld.\n{_adjustments(made)}")


def _number(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise click.UsageError(f"{text!r} is no number; write digits and a point.") from None


@dispute.command(epilog="\b\nExample:\n  workfloor billing dispute reject 2 --reason 'the log shows it'\n")
@click.argument("number", type=int)
@click.option("--reason", "words", required=True, help="Why; kept with the decision.")
def reject(number: int, words: str) -> None:
    """Say that the figure is right in dispute NUMBER."""
    with _decided(number) as (found, desk):
        from workfloor.ops.billing import actions as billing

        billing.reject(dispute=found, words=words, by=desk.by, now=desk.now)
    click.echo(f"Dispute {number} is rejected.")


@contextmanager
def _decided(number: int) -> Iterator[tuple["Dispute", _Desk]]:
    with edge.database():
        from workfloor.core.periods import queries as periods_queries
        from workfloor.core.periods.actions import Refused
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock
        from workfloor.ops.billing.closing import NoSuchFigure

        edge.enter_all()
        found = periods_queries.dispute(number)
        if found is None:
            raise click.ClickException(f"There is no dispute {number}. See: workfloor billing dispute list CLIENT")
        rls.enter(found.client_id)
        try:
            yield found, _Desk(found.client, edge.person(), clock.now())
        except (Refused, NoSuchFigure, ValueError) as reason:
            raise click.ClickException(str(reason)) from None


@dispute.command("list", epilog="\b\nExample:\n  workfloor billing dispute list first-bank --format json\n")
@click.argument("client")
@format_option
def list_disputes(client: str, form: str) -> None:
    """List CLIENT's disputes, the newest first."""
    with entered(client) as found:
        from workfloor.core.periods import queries as periods_queries

        rows = [_disputed(each) for each in periods_queries.disputes(found.id)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['dispute']:>5}  {row['period']}  {row['figure']:<12} {row['state']:<9} {row['words']}")
    if not rows:
        click.echo(f"{client} disputes nothing.")


def _tell(told: Any, form: str, words: str) -> None:
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if form == "json" else words)
