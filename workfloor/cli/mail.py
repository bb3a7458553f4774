"""`workfloor mail`: mail is taken in, and what became no work is looked after."""

import json
import signal
import sys
import threading

import click

from workfloor.cli import children, edge

with_parent = click.option(children.WITH_PARENT, "parent", is_flag=True, hidden=True)
STATES = ("failed", "held", "set-aside", "waiting", "taken", "discarded")


@click.group()
def mail() -> None:
    """Take mail in, and look after what could not be read or is held back."""


def _stop_on_signals(parent: bool) -> threading.Event:
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    if parent:
        children.end_with_parent()
    return stop


@mail.command()
@with_parent
def listen(parent: bool) -> None:
    """Let mail servers deliver to us on WORKFLOOR_MAIL_BIND, until stopped.

    A mail is acknowledged once it is stored durably. `workfloor up` runs this where WORKFLOOR_MAIL_BIND is set.

    \b
    Example:
      WORKFLOOR_MAIL_BIND=0.0.0.0:25 WORKFLOOR_MAIL_HOST=mx.example.com workfloor mail listen
    """
    stop = _stop_on_signals(parent)
    with edge.installation():
        if not parent and edge.missing_migrations():
            raise click.ClickException("The database is older than this version. Run: workfloor migrate")
        from workfloor.cli import mailing

        mailing.listen(stop)


@mail.command()
@with_parent
def fetch(parent: bool) -> None:
    """Fetch the mail of the mailboxes that were added with --fetch, until stopped.

    Nothing on the servers is changed. Several may run: each mail is stored once. `workfloor up` runs one where there
    is such a mailbox.

    \b
    Example:
      workfloor mail fetch
    """
    stop = _stop_on_signals(parent)
    with edge.installation():
        if not parent and edge.missing_migrations():
            raise click.ClickException("The database is older than this version. Run: workfloor migrate")
        from workfloor.cli import mailing

        mailing.fetch(stop)


@mail.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="Which; repeat for more. [default: failed, held]",
)
@click.option("--most", default=50, show_default=True, help="How many, the newest.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_mail(states: tuple[str, ...], most: int, form: str) -> None:
    """List mail, newest first: without --state, what somebody should look at.

    \b
    Examples:
      workfloor mail list
      workfloor mail list --state set-aside --format json
    """
    with edge.database():
        from workfloor.kit import rls
        from workfloor.ops.channels.email import queries

        rls.enter_every_client()
        found = queries.arrivals().filter(state__in=states or ("failed", "held"))[:most]
        rows = [
            {
                "number": each.id, "arrived_at": each.arrived_at.isoformat(), "mailbox": each.mailbox.address,
                "state": each.state, "reason": each.reason, "sender": each.sender, "subject": each.subject,
            }
            for each in found
        ]  # fmt: skip
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        when = str(row["arrived_at"])[:16].replace("T", " ")
        click.echo(f"{row['number']:>8}  {when}  {row['state']:<9}  {row['sender'] or '–':<30}  {row['reason']}")
    if not rows:
        click.echo("No such mail.")


@mail.command(epilog="\b\nExample:\n  workfloor mail show 17 > 17.eml\n")
@click.argument("number", type=int)
def show(number: int) -> None:
    """Print mail NUMBER as it came, or with its card and account numbers covered once it was read."""
    with edge.database():
        from workfloor.cli import mailing

        raw = bytes(mailing.arrival_named(number).raw)
    sys.stdout.buffer.write(raw)


@mail.command(epilog="\b\nExamples:\n  workfloor mail retry 17\n  workfloor mail retry 17 18 19\n")
@click.argument("numbers", type=int, nargs=-1, required=True)
def retry(numbers: tuple[int, ...]) -> None:
    """Read mails once more that could not be read; take those in that were held back or set aside by mistake."""
    _each(numbers, "run_again", "is read again")


@mail.command(epilog="\b\nExample:\n  workfloor mail discard 17\n")
@click.argument("numbers", type=int, nargs=-1, required=True)
def discard(numbers: tuple[int, ...]) -> None:
    """Say that nothing is to be done about mails; those that could not be read are emptied, numbers and all."""
    _each(numbers, "discard", "is dealt with")


def _each(numbers: tuple[int, ...], action: str, done: str) -> None:
    with edge.database():
        from workfloor.cli import mailing
        from workfloor.kit import clock
        from workfloor.ops.channels.email import actions

        for number in numbers:
            try:
                getattr(actions, action)(arrival=mailing.arrival_named(number), now=clock.now())
            except actions.Refused as reason:
                raise click.ClickException(f"{number}: {reason}") from None
    for number in numbers:
        click.echo(f"{number} {done}.")
