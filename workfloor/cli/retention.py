"""`workfloor admin retention`: for how long what is kept stays."""

import json
from typing import Any

import click

from workfloor.cli import declared, edge

MODULES = ("workfloor.core.clients.queries", "workfloor.core.retention.actions")


@click.group(cls=declared.Group, under="admin retention", modules=MODULES)
def group() -> None:
    """Say for how long mail as it came, attachments, logs and so on are kept, for all clients or one."""


@group.command(epilog="\b\nExamples:\n  workfloor admin retention show\n  workfloor admin retention show first-bank\n")
@click.argument("slug", metavar="[CLIENT]", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def show(slug: str | None, form: str) -> None:
    """Show for how long each kind is kept, for the installation or for CLIENT, and what is never deleted."""
    with edge.database():
        from workfloor.core.retention import kinds
        from workfloor.core.retention import queries as retention_queries

        edge.enter_all()
        client = edge.named(slug) if slug else None
        client_id = client.id if client else None
        said = retention_queries.said_of(client_id)
        rows: list[dict[str, Any]] = [
            {
                "kind": name,
                "days": retention_queries.days(name, client_id),
                "said": name in said,
                "of": kind.title,
            }
            for name, kind in kinds.KINDS.items()
            if client is None or kind.by_client
        ]
    if form == "json":
        click.echo(json.dumps({"kinds": rows, "kept": kinds.KEPT}, indent=2))
        return
    for row in rows:
        click.echo(f"{row['kind']:<14} {row['days']:>6} days{' *' if row['said'] else '  '}  {row['of']}")
    for name, why in kinds.KEPT.items():
        click.echo(f"{name:<14} {'for ever':>11}    {why}")
