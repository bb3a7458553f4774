"""`workfloor mailbox`: which addresses customers write to, and in which queue their mail waits."""

import json
from pathlib import Path

import click

from workfloor.cli import edge


@click.group()
def mailbox() -> None:
    """Add, list and remove the addresses that customers write to."""


@mailbox.command(
    epilog="""\b
Examples:
  workfloor mailbox add help@first-bank.example first-bank/letters --title "First Bank"
  workfloor mailbox add help@first-bank.example first-bank/letters \\
      --fetch imaps://help%40first-bank.example@mail.example/INBOX --password-file /run/secrets/help
"""
)
@click.argument("address")
@click.argument("queue", metavar="CLIENT/QUEUE")
@click.option("--title", default="", help="The name beside the address of replies. Without it: the client's.")
@click.option(
    "--most-per-sender", default=30, show_default=True, type=click.IntRange(0),
    help="Mails of one sender in ten minutes; more are held back. 0 for no limit.",
)  # fmt: skip
@click.option("--fetch", "source", default="", metavar="URL", help="Fetch the mail from an IMAP server.")
@click.option(
    "--password-file", default=None, type=click.Path(path_type=Path), help="The file that holds its password."
)
def add(address: str, queue: str, title: str, most_per_sender: int, source: str, password_file: Path | None) -> None:
    """Let mail to ADDRESS wait in a queue.

    What is sent to ADDRESS with a plus and more before the @ comes there too: answers to our replies do.
    """
    with edge.database():
        from workfloor.cli import mailing
        from workfloor.kit import clock, rls
        from workfloor.ops.channels.email import actions

        rls.enter_every_client()
        try:
            actions.open_mailbox(
                queue=mailing.queue_named(queue), address=address, title=title, most_per_sender=most_per_sender,
                source_url=source, password_file=str(password_file.absolute()) if password_file else "",
                now=clock.now(),
            )  # fmt: skip
        except (LookupError, actions.Refused) as reason:
            raise click.ClickException(str(reason)) from None
    click.echo(f"Mail to {address.lower()} waits in {queue}.")


@mailbox.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_mailboxes(form: str) -> None:
    """List the addresses that customers write to.

    \b
    Example:
      workfloor mailbox list --format json
    """
    with edge.database():
        from workfloor.kit import rls
        from workfloor.ops.channels.email import queries

        rls.enter_every_client()
        failing = {each.id: each.place for each in queries.not_fetched()}
        rows = [
            {
                "address": each.address,
                "queue": f"{each.client.slug}/{each.queue.name}",
                "title": each.title or each.client.title,
                "most_per_sender": each.most_per_sender,
                "fetched_from": each.source_url or None,
                "not_fetched_because": failing[each.id].fault if each.id in failing else None,
            }
            for each in queries.mailboxes()
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['address']:<40} {row['queue']:<32} {row['fetched_from'] or 'delivered to us'}")
        if row["not_fetched_because"]:
            click.echo(f"    cannot be fetched: {row['not_fetched_because']}")
    if not rows:
        click.echo("No mailbox yet. See: workfloor mailbox add --help")


@mailbox.command(epilog="\b\nExample:\n  workfloor mailbox remove help@first-bank.example\n")
@click.argument("address")
def remove(address: str) -> None:
    """Take no more mail to ADDRESS; what came stays."""
    with edge.database():
        from workfloor.kit import clock, rls
        from workfloor.ops.channels.email import actions, queries

        rls.enter_every_client()
        known = queries.mailboxes().filter(address=address.strip().lower()).first()
        if known is None:
            raise click.ClickException(f"{address} is no mailbox. See: workfloor mailbox list")
        actions.close_mailbox(mailbox=known, now=clock.now())
    click.echo(f"{known.address} takes no more mail.")
