"""`workfloor admin webhook`: other systems that are told what happens."""

import json
from typing import Any

import click

from workfloor.cli import declared, edge

form_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
MODULES = ("workfloor.core.clients.queries", "workfloor.ops.webhooks.actions")


@click.group(cls=declared.Group, under="admin webhook", modules=MODULES)
def group() -> None:
    """Tell other systems what happens, and see what has arrived there."""


@group.command()
def events() -> None:
    """List the events that can be sent, with what each says; the first part of a name is its group."""
    from workfloor.ops.webhooks import public_events

    for name, event in public_events.EVENTS.items():
        click.echo(f"{name:<24} {event.words} {', '.join(event.fields)}".rstrip())


@group.command("list")
@form_option
def list_endpoints(form: str) -> None:
    """List the endpoints, how each is, and how many events wait for it or did not arrive."""
    with edge.database():
        from workfloor.ops.webhooks import queries as webhooks_queries

        edge.enter_all()
        rows = [
            {
                "number": each.endpoint.id,
                "client": each.endpoint.client.slug,
                "title": each.endpoint.title,
                "url": each.endpoint.url,
                "events": each.endpoint.events,
                "state": each.word,
                "fault": each.endpoint.fault,
                "waiting": each.waiting,
                "waiting_since": each.since.isoformat() if each.since else None,
                "not_arrived": each.failed,
            }
            for each in webhooks_queries.health(webhooks_queries.endpoints())
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(
            f"{row['number']:>6}  {row['client']:<20} {row['title']:<24} {row['state']:<10} {row['waiting']} wait, "
            f"{row['not_arrived']} did not arrive  {row['fault']}".rstrip()
        )
    if not rows:
        click.echo("No endpoint yet. See: workfloor admin webhook add --help")


@group.command()
@click.argument("number", type=int, metavar="NUMBER")
@click.option("--state", type=click.Choice(["waiting", "accepted", "failed"]), default=None, help="Only these.")
@click.option("--limit", "most", default=50, show_default=True, type=click.IntRange(1), help="How many, the newest.")
@form_option
def deliveries(number: int, state: str | None, most: int, form: str) -> None:
    """List what was or is to be sent to endpoint NUMBER, newest first, with what came of each attempt."""
    with edge.database():
        from workfloor.ops.webhooks import queries as webhooks_queries

        edge.enter_all()
        endpoint = webhooks_queries.endpoint(number)
        if endpoint is None:
            raise click.ClickException(f"There is no endpoint {number}. See: workfloor admin webhook list")
        found = list(webhooks_queries.deliveries(endpoint, state or "")[:most])
        attempts = webhooks_queries.attempts(found)
        rows: list[dict[str, Any]] = [
            {
                "number": each.id,
                "id": each.key,
                "event": each.event,
                "state": each.state,
                "made_at": each.made_at.isoformat(),
                "attempts": [
                    {"at": one.began_at.isoformat(), "code": one.code, "says": one.words, "milliseconds": one.took}
                    for one in attempts[each.id]
                ],
            }
            for each in found
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['number']:>8}  {row['made_at'][:19]}  {row['event']:<24} {row['state']:<9} {row['id']}")
        for one in row["attempts"]:
            click.echo(f"          {one['at'][:19]}  {one['code'] or 'no answer'} {one['says']}".rstrip())
    if not rows:
        click.echo("Nothing was sent there yet. See: workfloor admin webhook test --help")
