"""`workfloor channels`: mailboxes and mail, chat widgets, and playbooks."""

import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import admin, declared, edge
from workfloor.runtime import supervisor

if TYPE_CHECKING:
    from workfloor.ops.channels.chat.models import Widget

EMAIL = ("workfloor.core.contracts.queries", "workfloor.ops.channels.email.actions")
CHAT = ("workfloor.core.contracts.queries", "workfloor.ops.channels.chat.actions")
PLAYBOOKS = ("workfloor.core.contracts.queries", "workfloor.ops.channels.playbooks.actions")


@click.group(cls=declared.Group, under="channels mailbox", modules=EMAIL)
def mailbox() -> None:
    """Add, change, list and remove the addresses that customers write to."""


@mailbox.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_mailboxes(form: str) -> None:
    """List the addresses that customers write to.

    \b
    Example:
      workfloor channels mailbox list --format json
    """
    with edge.database():
        from workfloor.ops.channels.email import queries as email_queries

        edge.enter_all()
        failing = {each.id: each.place for each in email_queries.not_fetched()}
        rows = [
            {
                "address": each.address,
                "queue": f"{each.client.slug}/{each.queue.name}",
                "title": each.title or each.client.title,
                "most_per_sender": each.most_per_sender,
                "fetched_from": each.source_url or None,
                "not_fetched_because": failing[each.id].fault if each.id in failing else None,
            }
            for each in email_queries.mailboxes()
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['address']:<40} {row['queue']:<32} {row['fetched_from'] or 'delivered to us'}")
        if row["not_fetched_because"]:
            click.echo(f"    cannot be fetched: {row['not_fetched_because']}")
    if not rows:
        click.echo("No mailbox yet. See: workfloor channels mailbox add --help")


with_parent = click.option(supervisor.WITH_PARENT, "parent", is_flag=True, hidden=True)
STATES = ("failed", "held", "set-aside", "waiting", "taken", "discarded")


@click.group(cls=declared.Group, under="channels mail", modules=EMAIL)
def mail() -> None:
    """Take mail in, and look after what could not be read or is held back."""


def _stop_on_signals(parent: bool) -> threading.Event:
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    if parent:
        supervisor.end_with_parent()
    return stop


@mail.command()
@with_parent
def listen(parent: bool) -> None:
    """Let mail servers deliver to us on WORKFLOOR_MAIL_BIND, until stopped.

    A mail is acknowledged once it is stored durably. `workfloor up` runs this where WORKFLOOR_MAIL_BIND is set.

    \b
    Example:
      WORKFLOOR_MAIL_BIND=0.0.0.0:25 WORKFLOOR_MAIL_HOST=mx.example.com workfloor channels mail listen
    """
    stop = _stop_on_signals(parent)
    edge.close_to_others()
    with edge.installation():
        if not parent and edge.missing_migrations():
            raise click.ClickException("The database is older than this version. Run: workfloor admin migrate")
        from workfloor.runtime import mail_in

        mail_in.listen(stop)


@mail.command()
@with_parent
def fetch(parent: bool) -> None:
    """Fetch the mail of the mailboxes that were added with --fetch, until stopped.

    Nothing on the servers is changed. Several may run: each mail is stored once. `workfloor up` runs one where there
    is such a mailbox.

    \b
    Example:
      workfloor channels mail fetch
    """
    stop = _stop_on_signals(parent)
    edge.close_to_others()
    with edge.installation():
        if not parent and edge.missing_migrations():
            raise click.ClickException("The database is older than this version. Run: workfloor admin migrate")
        from workfloor.runtime import mail_in

        mail_in.fetch(stop)


@mail.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="Which; repeat for more. [default: failed, held]",
)
@click.option("--limit", "most", default=50, show_default=True, help="How many, the newest.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_mail(states: tuple[str, ...], most: int, form: str) -> None:
    """List mail, newest first: without --state, what somebody should look at.

    \b
    Examples:
      workfloor channels mail list
      workfloor channels mail list --state set-aside --format json
    """
    with edge.database():
        from workfloor.ops.channels.email import queries as email_queries

        edge.enter_all()
        found = email_queries.arrivals().filter(state__in=states or ("failed", "held"))[:most]
        rows = [
            {
                "number": each.id,
                "arrived_at": each.arrived_at.isoformat(),
                "mailbox": each.mailbox.address,
                "state": each.state,
                "reason": each.reason,
                "sender": each.sender,
                "subject": each.subject,
            }
            for each in found
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        when = str(row["arrived_at"])[:16].replace("T", " ")
        click.echo(f"{row['number']:>8}  {when}  {row['state']:<9}  {row['sender'] or '–':<30}  {row['reason']}")
    if not rows:
        click.echo("No such mail.")


@mail.command(epilog="\b\nExample:\n  workfloor channels mail show 17 > 17.eml\n")
@click.argument("number", type=int)
def show(number: int) -> None:
    """Print mail NUMBER as it came, or with its card and account numbers masked once it was read."""
    with edge.database():
        from workfloor.ops.channels.email import queries as email_queries

        edge.enter_all()
        found = email_queries.arrival(number)
        if found is None:
            raise click.ClickException(f"There is no mail {number}. See: workfloor channels mail list")
        raw = email_queries.raw(found)
    sys.stdout.buffer.write(raw)


@click.group(cls=declared.Group, under="channels widget", modules=CHAT)
def widget() -> None:
    """Let clients' sites chat: add, change, list and withdraw widgets."""


@widget.command("list")
@admin.client_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_widgets(client: str, form: str) -> None:
    """List the widgets of CLIENT, newest first."""
    with edge.client(client):
        from workfloor.ops.channels.chat import queries as chat_queries

        rows = [_row(each) for each in chat_queries.widgets()]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        state = f"withdrawn {row['withdrawn_at'][:10]}" if row["withdrawn_at"] else "in use"
        click.echo(f"{row['key']:<18} {state:<20} {row['queue']:<20} {' '.join(row['origins'])}")
    if not rows:
        click.echo(f"{client} has no widget yet. See: workfloor channels widget add --help")


def _row(widget: "Widget") -> dict[str, Any]:
    return {
        "key": widget.key,
        "queue": widget.queue.name,
        "origins": widget.origins,
        "added_at": widget.added_at.isoformat(),
        "withdrawn_at": widget.withdrawn_at.isoformat() if widget.withdrawn_at else None,
    }


@click.group(cls=declared.Group, under="channels playbook", modules=PLAYBOOKS)
def playbook() -> None:
    """Give a client's agents canned answers, rules and articles."""


@playbook.command()
@admin.client_argument
@click.option("--process", required=True, help="The process whose agents can look them up.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def articles(client: str, process: str, form: str) -> None:
    """List the articles of one of CLIENT's processes."""
    with edge.client(client):
        from workfloor.ops.channels.playbooks.models import Article

        rows = list(Article.objects.filter(process__name=process).order_by("title").values("name", "title", "version"))
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']:<30} version {row['version']:<4} {row['title']}")
    if not rows:
        click.echo(f"{process} has no articles yet. See: workfloor channels playbook article --help")
