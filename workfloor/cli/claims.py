"""`workfloor billing claim`: what one person claims, another approves, and statements count."""

import json
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from workfloor.core.claims.models import Claim
    from workfloor.core.clients.models import Client

KINDS = ("client-outage", "force-majeure", "maintenance", "outage", "attendance", "cost")
STATES = ("claimed", "approved", "refused")

client_argument = click.argument("slug", metavar="CLIENT")


@click.group(
    cls=declared.Group,
    under="billing claim",
    modules=("workfloor.core.clients.queries", "workfloor.core.claims.queries", "workfloor.core.claims.actions"),
)
def claim() -> None:
    """Claim what is excluded from SLA, outages, hours and costs; approve, refuse and list that.

    What came in while an approved event of a kind lasted is excluded from the levels that name it. An outage is
    our own: it counts against availability at once, until it is refused. Hours and costs are charged by the
    contract's prices. One person claims, another decides; of hours, one of the other side.
    """


@claim.command("list", epilog="\b\nExample:\n  workfloor billing claim list first-bank --state claimed\n")
@client_argument
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only of this kind; repeat for more.")
@click.option("--state", type=click.Choice(STATES), help="Only those.")
@declared.form_option
def list_claims(slug: str, kinds: tuple[Any, ...], state: str | None, form: str) -> None:
    """List claims, the latest event first."""
    with edge.client(slug) as client:
        from workfloor.core.claims import queries as claims_queries

        found = [_plain(client, each) for each in claims_queries.claims(client.id, kinds=kinds or KINDS, state=state)]
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for row in found:
        click.echo(_line(row))
    click.echo(f"{len(found)} claims")


@claim.command(
    "document", epilog="\b\nExample:\n  workfloor billing claim document first-bank 12 --output postage.pdf\n"
)
@client_argument
@click.argument("number", type=int)
@click.option("--output", "-o", type=click.File("wb", lazy=True), required=True, help="Write it to this file.")
def document(slug: str, number: int, output: Any) -> None:
    """Give back the document of a cost."""
    with edge.client(slug) as client:
        from workfloor.core.claims import queries as claims_queries
        from workfloor.core.files import queries as files_queries

        paper = claims_queries.document(client.id, number)
        if paper is None:
            raise click.ClickException(f"{slug} has no document of a claim {number}.")
        output.write(files_queries.content(paper.file))
    click.echo(f"{paper.name}, SHA-256 {paper.digest}")


def _plain(client: "Client", claim: "Claim") -> dict[str, Any]:
    from zoneinfo import ZoneInfo

    from workfloor.core.contracts import queries as contracts_queries

    version = contracts_queries.latest(client.id)
    zone = ZoneInfo(contracts_queries.terms(version).zone if version else "UTC")
    return {
        "claim": claim.id,
        "kind": claim.kind,
        "state": claim.state,
        "from": claim.starts_at.astimezone(zone).isoformat(),
        "until": claim.ends_at.astimezone(zone).isoformat(),
        "queues": claim.queues,
        "price": claim.price or None,
        "quantity": None if claim.quantity is None else f"{claim.quantity.normalize():f}",
        "reason": claim.reason,
        "claimed_by": claim.claimed_by.name,
        "decided_by": claim.decided_by.name if claim.decided_by else None,
        "decision_reason": claim.decision_reason or None,
    }


def _line(row: dict[str, Any]) -> str:
    of = f"{row['quantity']} by “{row['price']}”" if row["price"] else ", ".join(row["queues"]) or "all queues"
    decided = f", {row['state']} by {row['decided_by']}" if row["decided_by"] else ", waits for a second person"
    told = f"{row['claim']:>6}  {row['kind']:<14} {row['from'][:16]} to {row['until'][:16]}  {of}: {row['reason']}"
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in f"{told} ({row['claimed_by']}{decided})"
    )
