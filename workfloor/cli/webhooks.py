"""`workfloor admin webhook`: other systems that are told what happens."""

import json
from collections.abc import Callable
from typing import Any

import click

from workfloor.cli import edge

number_argument = click.argument("number", type=int, metavar="NUMBER")
form_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)


@click.group()
def group() -> None:
    """Tell other systems what happens, and see what has arrived there."""


@group.command(
    epilog="""\b
Examples:
  workfloor admin webhook add first-bank https://crm.example.com/hooks --title "their CRM" --event work --event case
  workfloor admin webhook add first-bank https://warehouse.example.com/in --title warehouse --event work.wrapped-up
"""
)
@click.argument("client", metavar="CLIENT")
@click.argument("url")
@click.option("--title", required=True, help="Which system it is.")
@click.option("--event", "events", multiple=True, required=True, help="An event, or a group of them; repeat for more.")
def add(client: str, url: str, title: str, events: tuple[str, ...]) -> None:
    """Tell the system at URL of events of CLIENT from now on. Its secret is printed once: pass it on safely."""
    with edge.client(client) as found:
        from workfloor.kit.time import clock
        from workfloor.ops.webhooks import actions as webhooks

        try:
            endpoint, secret = webhooks.add(
                client=found, title=title, url=url, events=events, by=edge.acting(), now=clock.now()
            )
        except webhooks.Refused as reason:
            raise click.ClickException(str(reason)) from None
    click.echo(f"Endpoint {endpoint.id}. Keep its secret now; it cannot be shown again:", err=True)
    click.echo(secret)


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
        from workfloor.kit.database import rls
        from workfloor.ops.webhooks import queries as webhooks_queries

        rls.enter_every_client()
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
@number_argument
@click.option("--state", type=click.Choice(["waiting", "accepted", "failed"]), default=None, help="Only these.")
@click.option("--limit", "most", default=50, show_default=True, type=click.IntRange(1), help="How many, the newest.")
@form_option
def deliveries(number: int, state: str | None, most: int, form: str) -> None:
    """List what was or is to be sent to endpoint NUMBER, newest first, with what came of each attempt."""
    with edge.database():
        from workfloor.ops.webhooks import queries as webhooks_queries

        found = list(webhooks_queries.deliveries(_endpoint(number), state or "")[:most])
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


def _endpoint(number: int) -> Any:
    """The endpoint of that number, once all clients are entered; without one the command ends."""
    from workfloor.kit.database import rls
    from workfloor.ops.webhooks import queries as webhooks_queries

    rls.enter_every_client()
    found = webhooks_queries.endpoint(number)
    if found is None:
        raise click.ClickException(f"There is no endpoint {number}. See: workfloor admin webhook list")
    return found


def _do(number: int, name: str) -> Any:
    """Do to an endpoint what the action of that name does."""
    with edge.database():
        from workfloor.kit.time import clock
        from workfloor.ops.webhooks import actions as webhooks

        action: Callable[..., Any] = getattr(webhooks, name)
        try:
            return action(endpoint=_endpoint(number), by=edge.acting(), now=clock.now())
        except webhooks.Refused as reason:
            raise click.ClickException(str(reason)) from None


@group.command()
@number_argument
def pause(number: int) -> None:
    """Send nothing to endpoint NUMBER until it is resumed; what happens meanwhile waits."""
    _do(number, "pause")
    click.echo("Nothing is sent there until it is resumed.")


@group.command()
@number_argument
def resume(number: int) -> None:
    """Send to endpoint NUMBER again, at once what waits, also where it is left in peace because it failed."""
    _do(number, "resume")
    click.echo("What waits is sent in a moment.")


@group.command()
@number_argument
def rotate(number: int) -> None:
    """Sign what goes to endpoint NUMBER with another secret, which is printed once; the one before holds for a day."""
    secret = _do(number, "rotate")
    click.echo("Keep this now; it cannot be shown again:", err=True)
    click.echo(secret)


@group.command()
@number_argument
def test(number: int) -> None:
    """Send endpoint NUMBER an event that says nothing. What it answers: workfloor admin webhook deliveries NUMBER."""
    _do(number, "send_test")
    click.echo(f"A test event is sent in a moment. See: workfloor admin webhook deliveries {number}")


@group.command()
@number_argument
def remove(number: int) -> None:
    """Tell endpoint NUMBER nothing any more; what waits for it is not sent."""
    _do(number, "remove")
    click.echo("It is told nothing any more.")


@group.command("send-again", epilog="\b\nExample:\n  workfloor admin webhook send-again 4711\n")
@click.argument("number", type=int, metavar="DELIVERY")
def send_again(number: int) -> None:
    """Send an event once more that did not arrive, under the id that it has."""
    with edge.database():
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock
        from workfloor.ops.webhooks import actions as webhooks
        from workfloor.ops.webhooks import queries as webhooks_queries

        rls.enter_every_client()
        found = webhooks_queries.delivery(number)
        if found is None:
            raise click.ClickException(f"There is no delivery {number}. See: workfloor admin webhook list")
        try:
            webhooks.send_again(delivery=found, by=edge.acting(), now=clock.now())
        except webhooks.Refused as reason:
            raise click.ClickException(str(reason)) from None
    click.echo("It is sent again in a moment.")
