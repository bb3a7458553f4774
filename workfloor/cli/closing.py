"""`workfloor billing period` and `dispute`: months closed by two people, and what is held to be wrong in them."""

import json
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from workfloor.core.periods.models import Close, Dispute

MODULES = ("workfloor.core.clients.queries", "workfloor.ops.billing.actions")


@click.group(
    cls=declared.Group,
    under="billing period",
    modules=MODULES,
    epilog="""\b
Examples:
  workfloor billing period propose first-bank 1999-02
  workfloor billing period approve first-bank 1999-02     somebody else
  workfloor billing period list first-bank
""",
)
def period() -> None:
    """Close months: proposed by one, approved by another, frozen from then on.

    What turns out wrong afterwards goes into the next open statement as a line that says which month and figure it
    corrects; the closed month itself never changes.
    """


@period.command("list", epilog="\b\nExample:\n  workfloor billing period list first-bank --format json\n")
@click.argument("client")
@declared.form_option
def list_periods(client: str, form: str) -> None:
    """List CLIENT's months that are proposed or closed, each with the digest of its statement."""
    with edge.client(client) as found:
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


def _plain(close: "Close") -> dict[str, Any]:
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


# --- Disputes ---------------------------------------------------------------------------------------------------


@click.group(
    cls=declared.Group,
    under="billing dispute",
    modules=MODULES,
    epilog="""\b
Examples:
  workfloor billing dispute raise first-bank 1999-02 l1 --reason 'two calls were tests'
  workfloor billing dispute uphold 1 --figure 26600 --reason 'they were'
  workfloor billing dispute reject 2 --reason 'they were answered by us'
  workfloor billing dispute list first-bank
""",
)
def dispute() -> None:
    """Dispute figures of proposed or closed months, and decide.

    What is upheld becomes a line of the next open statement that refers to the closed month and figure.
    """


@dispute.command("list", epilog="\b\nExample:\n  workfloor billing dispute list first-bank --format json\n")
@click.argument("client")
@declared.form_option
def list_disputes(client: str, form: str) -> None:
    """List CLIENT's disputes, the newest first."""
    with edge.client(client) as found:
        from workfloor.core.periods import queries as periods_queries

        rows = [_disputed(each) for each in periods_queries.disputes(found.id)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['dispute']:>5}  {row['period']}  {row['figure']:<12} {row['state']:<9} {row['words']}")
    if not rows:
        click.echo(f"{client} disputes nothing.")


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
