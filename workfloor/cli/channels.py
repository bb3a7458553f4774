"""`workfloor channels`: mailboxes and mail, chat widgets, and playbooks."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import admin, edge
from workfloor.runtime import supervisor

if TYPE_CHECKING:
    from workfloor.core.clients.models import Client
    from workfloor.core.contracts.models import Queue
    from workfloor.ops.channels.chat.models import Widget
    from workfloor.ops.channels.email import models as email_models


@click.group()
def mailbox() -> None:
    """Add, list and remove the addresses that customers write to."""


@mailbox.command(
    "add",
    epilog="""\b
Examples:
  workfloor channels mailbox add help@first-bank.example first-bank/letters --title "First Bank"
  workfloor channels mailbox add help@first-bank.example first-bank/letters \\
      --fetch imaps://help%40first-bank.example@mail.example/INBOX --password-file /run/secrets/help
""",
)
@click.argument("address")
@click.argument("queue", metavar="CLIENT/QUEUE")
@click.option("--title", default="", help="The name beside the address of replies. Without it: the client's.")
@click.option(
    "--most-per-sender",
    default=30,
    show_default=True,
    type=click.IntRange(0),
    help="Mails of one sender in ten minutes; more are held back. 0 for no limit.",
)
@click.option("--fetch", "source", default="", metavar="URL", help="Fetch the mail from an IMAP server.")
@click.option(
    "--password-file", default=None, type=click.Path(path_type=Path), help="The file that holds its password."
)
def add_mailbox(
    address: str, queue: str, title: str, most_per_sender: int, source: str, password_file: Path | None
) -> None:
    """Let mail to ADDRESS wait in a queue.

    What is sent to ADDRESS with a plus and more before the @ comes there too: answers to our replies do.
    """
    with edge.database():
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock
        from workfloor.ops.channels.email import actions as email

        rls.enter_every_client()
        try:
            email.open_mailbox(
                queue=queue_named(queue),
                address=address,
                title=title,
                most_per_sender=most_per_sender,
                source_url=source,
                password_file=str(password_file.absolute()) if password_file else "",
                by=edge.acting(),
                now=clock.now(),
            )
        except (LookupError, email.Refused) as reason:
            raise click.ClickException(str(reason)) from None
    click.echo(f"Mail to {address.lower()} waits in {queue}.")


@mailbox.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_mailboxes(form: str) -> None:
    """List the addresses that customers write to.

    \b
    Example:
      workfloor channels mailbox list --format json
    """
    with edge.database():
        from workfloor.kit.database import rls
        from workfloor.ops.channels.email import queries as email_queries

        rls.enter_every_client()
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


@mailbox.command("remove", epilog="\b\nExample:\n  workfloor channels mailbox remove help@first-bank.example\n")
@click.argument("address")
def remove_mailbox(address: str) -> None:
    """Take no more mail to ADDRESS; what came stays."""
    with edge.database():
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock
        from workfloor.ops.channels.email import actions as email
        from workfloor.ops.channels.email import queries as email_queries

        rls.enter_every_client()
        known = email_queries.mailboxes().filter(address=address.strip().lower()).first()
        if known is None:
            raise click.ClickException(f"{address} is no mailbox. See: workfloor channels mailbox list")
        email.close_mailbox(mailbox=known, by=edge.acting(), now=clock.now())
    click.echo(f"{known.address} takes no more mail.")


with_parent = click.option(supervisor.WITH_PARENT, "parent", is_flag=True, hidden=True)
STATES = ("failed", "held", "set-aside", "waiting", "taken", "discarded")


@click.group()
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
        from workfloor.kit.database import rls
        from workfloor.ops.channels.email import queries as email_queries

        rls.enter_every_client()
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

        raw = email_queries.raw(arrival_named(number))
    sys.stdout.buffer.write(raw)


@mail.command(epilog="\b\nExamples:\n  workfloor channels mail retry 17\n  workfloor channels mail retry 17 18 19\n")
@click.argument("numbers", type=int, nargs=-1, required=True)
def retry(numbers: tuple[int, ...]) -> None:
    """Read mails once more that could not be read; take those in that were held back or set aside by mistake."""
    _each(numbers, "run_again", "is read again")


@mail.command(epilog="\b\nExample:\n  workfloor channels mail discard 17\n")
@click.argument("numbers", type=int, nargs=-1, required=True)
def discard(numbers: tuple[int, ...]) -> None:
    """Say that nothing is to be done about mails; those that could not be read are emptied, numbers and all."""
    _each(numbers, "discard", "is dealt with")


def _each(numbers: tuple[int, ...], action: str, done: str) -> None:
    with edge.database():
        from workfloor.kit.time import clock
        from workfloor.ops.channels.email import actions as email

        for number in numbers:
            try:
                getattr(email, action)(arrival=arrival_named(number), now=clock.now())
            except email.Refused as reason:
                raise click.ClickException(f"{number}: {reason}") from None
    for number in numbers:
        click.echo(f"{number} {done}.")


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
  workfloor channels widget add first-bank --queue chats --origin https://www.first-bank.example
  workfloor channels widget add first-bank --queue chats --origin https://www.first-bank.example --settings chat.toml
  workfloor channels widget list first-bank --format json
"""
)
def widget() -> None:
    """Let clients' sites chat: add, change, list and withdraw widgets."""


@widget.command("add")
@admin.client_argument
@queue_option
@origin_option
@settings_option
def add_widget(client: str, queue_name: str, origins: tuple[str, ...], file: Path | None) -> None:
    """Add a widget for CLIENT, and print the line that puts it on a page."""
    with edge.client(client) as found, faults():
        from workfloor.kit.time import clock
        from workfloor.ops.channels.chat import actions as chats

        queue, source = _queue(found, queue_name), file.read_text("utf-8") if file else USUAL
        made = chats.add_widget(
            client=found, queue=queue, origins=origins, source=source, by=edge.acting(), now=clock.now()
        )
        _print_line(made)


@widget.command("change")
@admin.client_argument
@click.argument("key", metavar="KEY")
@queue_option
@origin_option
@settings_option
def change_widget(client: str, key: str, queue_name: str, origins: tuple[str, ...], file: Path | None) -> None:
    """Give the widget KEY of CLIENT another queue, other sites, and with --settings other settings."""
    with edge.client(client) as found, faults():
        from workfloor.kit.time import clock
        from workfloor.ops.channels.chat import actions as chats

        known, queue = _widget(client, key), _queue(found, queue_name)
        source = file.read_text("utf-8") if file else known.source
        chats.change_widget(
            widget=known, queue=queue, origins=origins, source=source, by=edge.acting(), now=clock.now()
        )
    click.echo(f"Widget {key} chats into {queue_name} from now on.")


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


@widget.command("withdraw")
@admin.client_argument
@click.argument("key", metavar="KEY")
def withdraw_widget(client: str, key: str) -> None:
    """End the widget KEY of CLIENT at once: its page shows nothing any more."""
    with edge.client(client):
        from workfloor.kit.time import clock
        from workfloor.ops.channels.chat import actions as chats

        chats.withdraw_widget(widget=_widget(client, key), by=edge.acting(), now=clock.now())
    click.echo(f"Widget {key} is withdrawn.")


@contextmanager
def faults() -> Iterator[None]:
    """What is wrong with what was asked for, in words."""
    from workfloor.kit.text import toml
    from workfloor.ops.channels.chat import actions as chats

    try:
        yield
    except (toml.Refused, chats.Refused) as fault:
        raise click.ClickException(str(fault)) from fault


def _queue(client: "Client", name: str) -> "Queue":
    from workfloor.core.contracts.models import Queue

    queues = {each.name: each for each in Queue.objects.filter(client=client)}
    if name not in queues:
        known = ", ".join(sorted(queues)) or "none yet: sign a contract first"
        raise click.ClickException(f"{client.slug} has no queue {name!r}. Queues: {known}.")
    return queues[name]


def _widget(client: str, key: str) -> "Widget":
    from workfloor.ops.channels.chat import queries as chat_queries

    found = chat_queries.widget(key)
    if found is None:
        raise click.ClickException(f"{client} has no widget {key} in use. See: workfloor channels widget list {client}")
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


file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")


@click.group(
    epilog="""\b
Examples:
  workfloor channels playbook give first-bank playbook.toml
  workfloor channels playbook article first-bank --process cards lost-card.md
  workfloor channels playbook articles first-bank --process cards
"""
)
def playbook() -> None:
    """Give a client's agents canned answers, rules and articles."""


@playbook.command("give")
@admin.client_argument
@file_argument
def give_playbook(client: str, file: Path) -> None:
    """Let the canned answers and rules of FILE (TOML) hold for CLIENT from now on; all faults are told at once."""
    with edge.client(client) as found, faults():
        from workfloor.kit.time import clock
        from workfloor.ops.channels.playbooks import actions as playbooks
        from workfloor.ops.channels.playbooks import queries as playbooks_queries

        made = playbooks.give(client=found, source=file.read_text("utf-8"), by=edge.acting(), now=clock.now())
        holds = playbooks_queries.playbook(found.id)
        click.echo(
            f"Version {made.number}: {len(holds.answers)} answers and {len(holds.rules)} rules hold for {client}."
        )


@playbook.command()
@admin.client_argument
@click.option("--process", required=True, help="The process whose agents can look it up.")
@file_argument
def article(client: str, process: str, file: Path) -> None:
    """Write the article in FILE, or its next version. Its first line is the title; the file's name is its name."""
    with edge.client(client), faults():
        from workfloor.core.contracts.models import Process
        from workfloor.kit.time import clock
        from workfloor.ops.channels.playbooks import actions as playbooks

        of = Process.objects.filter(name=process).first()
        if of is None:
            known = ", ".join(Process.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise click.ClickException(f"{client} has no process {process!r}. Processes: {known}.")
        title, _, body = file.read_text("utf-8").strip().partition("\n")
        made = playbooks.write_article(
            process=of,
            name=file.stem,
            title=title.lstrip("# ").strip(),
            body=body.strip(),
            by=edge.acting(),
            now=clock.now(),
        )
    click.echo(f"“{made.title}”, version {made.version}.")


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


def queue_named(name: str) -> "Queue":
    """The queue CLIENT/QUEUE. Raises LookupError."""
    from workfloor.core.contracts.models import Queue

    client, _, queue_name = name.partition("/")
    found = Queue.objects.select_related("client").filter(client__slug=client, name=queue_name).first()
    if found is None:
        raise LookupError(f"there is no queue {name}; write it as in first-bank/letters")
    return found


def arrival_named(number: int) -> "email_models.Arrival":
    """A mail by its number, with its client entered. Raises click's words where there is none."""
    from workfloor.kit.database import rls
    from workfloor.ops.channels.email import queries as email_queries

    rls.enter_every_client()
    found = email_queries.arrival(number)
    if found is None:
        raise click.ClickException(f"There is no mail {number}. See: workfloor channels mail list")
    rls.enter(found.client_id)
    return found
