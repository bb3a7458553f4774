"""`workfloor admin retention`: for how long what is kept stays."""

import json
from typing import Any

import click

from workfloor.cli import edge


@click.group()
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
        from workfloor.kit.database import rls

        rls.enter_every_client()
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


@group.command(
    "set",
    epilog="\b\nExamples:\n"
    "  workfloor admin retention set logs 30\n  workfloor admin retention set raw-mail 30 first-bank\n",
)
@click.argument("kind")
@click.argument("days", metavar="DAYS|default")
@click.argument("slug", metavar="[CLIENT]", required=False)
def set_(kind: str, days: str, slug: str | None) -> None:
    """Keep KIND for so many DAYS, for all clients or for CLIENT alone; `default` takes back what was said.

    What an invoice rests on is refused: closed months, invoices, documents and the event log are never deleted.
    """
    if days != "default" and not (days.isascii() and days.isdigit() and len(days) < 7):
        raise click.UsageError(f"{days!r} are no days: write a whole number, or default.")
    with edge.database():
        from workfloor.core.retention import actions as retention
        from workfloor.core.retention import kinds
        from workfloor.core.retention import queries as retention_queries
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock

        rls.enter_every_client()
        client = edge.named(slug) if slug else None
        try:
            before = retention.keep_for(
                kind=kind,
                days=None if days == "default" else int(days),
                client=client,
                by=edge.acting(),
                now=clock.now(),
            )
        except kinds.Refused as reason:
            raise click.ClickException(str(reason)) from None
        after = retention_queries.days(kind, client.id if client else None)
    click.echo(f"{kind}{f' of {slug}' if slug else ''}: {after} days, {before} before.")
