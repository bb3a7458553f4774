"""`workfloor widget`: the chat on clients' own sites."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge, token

if TYPE_CHECKING:
    from workfloor.core.clients.models import Client
    from workfloor.core.contracts.models import Queue
    from workfloor.ops.channels.chat.models import Widget

USUAL = 'title = { en = "Chat with us", de = "Chatten Sie mit uns", es = "Chatee con nosotros", he = "צ\'אט איתנו" }\n'

queue_option = click.option("--queue", "queue_name", required=True, help="The queue in which its chats wait.")
origin_option = click.option(
    "--origin",
    "origins",
    multiple=True,
    required=True,
    help="A site that may use it, as https://www.example.com; repeat for more.",
)
settings_option = click.option(
    "--settings",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with its words, questions and times; see docs/guide/chat.md.",
)


@click.group(
    epilog="""\b
Examples:
  workfloor widget add first-bank --queue chats --origin https://www.first-bank.example
  workfloor widget add first-bank --queue chats --origin https://www.first-bank.example --settings chat.toml
  workfloor widget list first-bank --format json
"""
)
def widget() -> None:
    """Let clients' sites chat: add, change, list and withdraw widgets."""


@widget.command()
@token.client_argument
@queue_option
@origin_option
@settings_option
def add(client: str, queue_name: str, origins: tuple[str, ...], file: Path | None) -> None:
    """Add a widget for CLIENT, and print the line that puts it on a page."""
    with edge.client(client) as found, faults():
        from workfloor.kit import clock
        from workfloor.ops.channels.chat import actions

        queue, source = _queue(found, queue_name), file.read_text("utf-8") if file else USUAL
        made = actions.add_widget(client=found, queue=queue, origins=origins, source=source, now=clock.now())
        _print_line(made)


@widget.command()
@token.client_argument
@click.argument("key", metavar="KEY")
@queue_option
@origin_option
@settings_option
def change(client: str, key: str, queue_name: str, origins: tuple[str, ...], file: Path | None) -> None:
    """Give the widget KEY of CLIENT another queue, other sites, and with --settings other settings."""
    with edge.client(client) as found, faults():
        from workfloor.kit import clock
        from workfloor.ops.channels.chat import actions

        known, queue = _widget(client, key), _queue(found, queue_name)
        source = file.read_text("utf-8") if file else known.source
        actions.change_widget(widget=known, queue=queue, origins=origins, source=source, now=clock.now())
    click.echo(f"Widget {key} chats into {queue_name} from now on.")


@widget.command("list")
@token.client_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_widgets(client: str, form: str) -> None:
    """List the widgets of CLIENT, newest first."""
    with edge.client(client):
        from workfloor.ops.channels.chat import queries

        rows = [_row(each) for each in queries.widgets()]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        state = f"withdrawn {row['withdrawn_at'][:10]}" if row["withdrawn_at"] else "in use"
        click.echo(f"{row['key']:<18} {state:<20} {row['queue']:<20} {' '.join(row['origins'])}")
    if not rows:
        click.echo(f"{client} has no widget yet. See: workfloor widget add --help")


@widget.command()
@token.client_argument
@click.argument("key", metavar="KEY")
def withdraw(client: str, key: str) -> None:
    """End the widget KEY of CLIENT at once: its page shows nothing any more."""
    with edge.client(client):
        from workfloor.kit import clock
        from workfloor.ops.channels.chat import actions

        actions.withdraw_widget(widget=_widget(client, key), now=clock.now())
    click.echo(f"Widget {key} is withdrawn.")


@contextmanager
def faults() -> Iterator[None]:
    """What is wrong with what was asked for, in words."""
    from workfloor.kit import toml
    from workfloor.ops.channels.chat import actions

    try:
        yield
    except (toml.Refused, actions.Refused) as fault:
        raise click.ClickException(str(fault)) from fault


def _queue(client: "Client", name: str) -> "Queue":
    from workfloor.core.contracts.models import Queue

    queues = {each.name: each for each in Queue.objects.filter(client=client)}
    if name not in queues:
        known = ", ".join(sorted(queues)) or "none yet: sign a contract first"
        raise click.ClickException(f"{client.slug} has no queue {name!r}. Queues: {known}.")
    return queues[name]


def _widget(client: str, key: str) -> "Widget":
    from workfloor.ops.channels.chat import queries

    found = queries.widget(key)
    if found is None:
        raise click.ClickException(f"{client} has no widget {key} in use. See: workfloor widget list {client}")
    return found


def _print_line(widget: "Widget") -> None:
    from workfloor import settings

    address = settings.WORKFLOOR_URL or f"http://{settings.WORKFLOOR_BIND}"
    click.echo(f"Put this on the pages of {', '.join(widget.origins)}:", err=True)
    click.echo(f'<script src="{address}/chat/widget.js" data-widget="{widget.key}" async></script>')
    click.echo(f"Try it, signed in, at {address}/chat/demo/{widget.key}/", err=True)


def _row(widget: "Widget") -> dict[str, Any]:
    return {
        "key": widget.key,
        "queue": widget.queue.name,
        "origins": widget.origins,
        "added_at": widget.added_at.isoformat(),
        "withdrawn_at": widget.withdrawn_at.isoformat() if widget.withdrawn_at else None,
    }
