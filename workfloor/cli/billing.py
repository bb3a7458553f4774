"""`workfloor billing`: what a client's month came to, the items behind each figure, and the month counted anew."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from rich.table import Table

    from workfloor.core.clients.models import Client
    from workfloor.core.measures.queries import Recount
    from workfloor.ops.billing import presenting as billing_presenting
    from workfloor.ops.billing import settlement


RIGHT = ("counted", "count", "met", "attained", "quantity", "rate", "amount", "value")


@click.command(
    epilog="""\b
Examples:
  workfloor billing statement first-bank 1999-02
  workfloor billing statement first-bank 1999-02 --format json
  workfloor billing statement first-bank 1999-02 --format pdf --output february.pdf
"""
)
@click.argument("client")
@click.argument("period", metavar="PERIOD")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html", "pdf"]),
    default="text",
    help="How to write it.",
)
@click.option("--output", "-o", type=click.File("wb", lazy=True), help="Write to this file.")
def statement(client: str, period: str, form: str, output: IO[bytes] | None) -> None:
    """Compute CLIENT's statement for PERIOD, a month such as 1999-02.

    Service levels with what they attained, the invoice, and credits for what was missed, all computed from the work
    itself; `billing explain` lists the items behind each figure. Of a closed month it prints what was frozen, whose
    SHA-256 (of the JSON) `workfloor billing period list` shows.
    """
    if form == "pdf" and output is None and sys.stdout.isatty():
        raise click.UsageError("A PDF does not fit a terminal. Name a file: --output statement.pdf")
    with _entered(client) as found:
        from workfloor.kit.time import clock
        from workfloor.ops.billing import presenting as billing_presenting

        written = _written(billing_presenting.stated(found, period, now=clock.now()), form)
    if output:
        output.write(written)
    else:
        click.echo(written, nl=False)


@click.command(
    epilog="""\b
Examples:
  workfloor billing explain first-bank 1999-02 m1                the items of the first service level
  workfloor billing explain first-bank 1999-02 m1/stock-exchange ... of one queue
  workfloor billing explain first-bank 1999-02 "Calls answered" --format json
  workfloor billing explain first-bank 1999-02 c1                what a service credit was computed from, and its items
  workfloor billing explain first-bank 1999-02 total             ... and what is due
  workfloor billing explain first-bank 1999-02 x1                what is excluded from SLA for it, and why
  workfloor billing explain first-bank 1999-02 cancelled         what counts nowhere
  workfloor billing explain first-bank 1999-02 m1 --item 4711    one item's facts
"""
)
@click.argument("client")
@click.argument("period")
@click.argument("line")
@click.option("--item", type=int, help="Show the facts of this item of the line.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def explain(client: str, period: str, line: str, item: int | None, form: str) -> None:
    """List exactly the items that a figure of the statement counts, and the facts behind one of them.

    Of an amount it shows first what that was computed from. LINE is an id from the statement (m1, m1/QUEUE, x1 for
    what is excluded from SLA for m1, l2, c1, a1, t1, charges, credits, net, total, bank, received, answered, abandoned,
    cancelled, open) or a title.
    """
    with _entered(client) as found:
        from workfloor.kit.time import clock
        from workfloor.ops.billing import statements

        subject = statements.subject(found, period, line, now=clock.now())
        if item is not None:
            _show_facts(subject, item, form)
        elif form == "json":
            _write_items(subject, found.slug, period)
        else:
            _show_items(subject, period)


@contextmanager
def _entered(slug: str) -> Iterator["Client"]:
    """The client of that name, entered for one transaction; what cannot be stated ends the command with the reason."""
    with edge.client(slug, one_moment=True) as found:
        from workfloor.ops.billing import statements

        try:
            yield found
        except (statements.NoStatement, statements.NoFigure) as reason:
            raise click.ClickException(str(reason)) from None


# --- Statement --------------------------------------------------------------------------------------------------
def _written(made: "billing_presenting.Stated", form: str) -> bytes:
    if form == "json":
        return made.plain.encode()
    worded = made.printed
    if form == "pdf":
        from workfloor.ops.billing import gateway as billing_gateway

        return billing_gateway.statement_pdf(worded)
    if form == "html":
        from django.template.loader import render_to_string

        return render_to_string("billing/document.html", {"statement": worded}).encode()
    return _text(worded).encode()


def _text(worded: dict[str, Any]) -> str:
    from rich.console import Console

    console = Console(width=max(Console().width, 100), no_color=not sys.stdout.isatty())
    with console.capture() as captured:
        for line in (
            "Statement for " + worded["month"],
            worded["client"],
            worded["period"],
            worded["version"],
        ):
            console.print(line, markup=False, highlight=False)
        if worded["notice"]:
            console.print(worded["notice"], style="bold", markup=False)
        for notice in worded["ends"]:
            console.print(notice, style="bold", markup=False)
        if worded["closing"]:
            console.print(f"{worded['state'].capitalize()}. {worded['closing']}.", markup=False, highlight=False)
        console.print("  ".join(f"{name} {count}" for name, count in worded["totals"]), markup=False, highlight=False)
        console.print(_table(worded["measures"], "Service levels", "id name counted met attained target verdict"))
        console.print(_table(worded["by_queue"], "By queue", "id name queue counted met attained"))
        if worded["excluded"]:
            console.print(_table(worded["excluded"], "Excluded from SLA", "id name counts count"))
        console.print(_invoice(worded))
        if worded["corrections"]:
            console.print(_table(worded["corrections"], "Corrected later", "title into amount"))
        if worded["disputes"]:
            console.print(_table(worded["disputes"], "Disputes", "id figure words state decision"))
    return captured.get()


def _invoice(worded: dict[str, Any]) -> "Table":
    charges = {"title": "Charges", "amount": worded["charges"]}
    due = {"title": "Total due", "amount": worded["total"]}
    net = [{"title": "Net", "amount": worded["net"]}] if worded["net"] else []
    bank = [{"title": "Bonus bank, saved for later credits", "amount": worded["bank"]}] if worded["bank"] else []
    rows = [*worded["lines"], charges, *worded["credits"], *worded["adjustments"], *net, *worded["taxes"], due, *bank]
    return _table(rows, "Invoice", "id title quantity rate amount")


def _table(rows: list[dict[str, str]], title: str, columns: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for name in columns.split():
        table.add_column(name, justify="right" if name in RIGHT else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row.get(name, "")) for name in columns.split()))
    return table


# --- Explain ----------------------------------------------------------------------------------------------------
def _write_items(subject: "settlement.Subject", client: str, period: str) -> None:
    """Write one JSON object whose `items` stream, however many there are; `count` comes last."""
    from workfloor.kit.figures import steps
    from workfloor.ops.billing import presenting as billing_presenting
    from workfloor.ops.billing import statements

    head = {"client": client, "period": period, "id": subject.id, "figure": billing_presenting.plain_subject(subject)}
    if subject.how:
        head["how"] = steps.plain(subject.how)
    click.echo(json.dumps(head, ensure_ascii=False)[:-1] + ', "items": [', nl=False)
    count = 0
    for count, item in enumerate(statements.items_behind(subject), 1):
        comma = "," if count > 1 else ""
        click.echo(
            f"{comma}\n{json.dumps(billing_presenting.plain_counted(item, subject.zone), ensure_ascii=False)}", nl=False
        )
    click.echo(f'\n], "count": {count}}}')


def _show_items(subject: "settlement.Subject", period: str) -> None:
    """Print what an amount was computed from, and a line an item, as they are read."""
    from workfloor.ops.billing import presenting as billing_presenting
    from workfloor.ops.billing import statements

    count = 0
    click.echo(f"{subject.id}  {subject.title}")
    for line in billing_presenting.worded_how(subject.id, subject.how, period)["lines"] if subject.how else ():
        click.echo(f"  {line}")
    for item in statements.items_behind(subject):
        count += 1
        row = billing_presenting.plain_counted(item, subject.zone)
        says = row["value"] if row["met"] is None else {True: "met", False: "missed"}[row["met"]]
        at = row["received_at"][:19]
        click.echo(f"{row['item']:>9}  {at}  {row['queue']:<20} {row['state']:<10} {says!s:<8} {_plain(row['key'])}")
    click.echo(f"{count:,} {subject.opens}" if count else billing_presenting.worded_nothing(subject))


def _show_facts(subject: "settlement.Subject", number: int, form: str) -> None:
    from workfloor.ops.billing import presenting as billing_presenting
    from workfloor.ops.billing import statements

    if not statements.counts_item(subject, number):
        raise click.ClickException(f"{subject.id} does not count item {number}.")
    facts = statements.facts_behind(subject, number)
    if form == "json":
        told = [
            {"id": fact.id, "at": fact.at.isoformat(), "event": fact.event, "details": fact.details} for fact in facts
        ]
        click.echo(json.dumps({"item": number, "facts": told}, indent=2, ensure_ascii=False))
        return
    click.echo(f"{'Claim' if subject.opens == 'outages' else 'Item'} {number}, times in {subject.zone}")
    for fact in facts:
        row = billing_presenting.worded_fact(fact, subject.zone)
        click.echo(f"{row['at']}  {row['event']:<20} {_plain(row['details'])}".rstrip())


def _plain(text: str) -> str:
    """Senders' words without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


SHOWN = 50  # differences, in text


@click.command(
    epilog="""\b
Examples:
  workfloor billing reconcile first-bank 1999-02
  workfloor billing reconcile first-bank 1999-02 --format json
  workfloor billing reconcile first-bank 1999-02 --mend          where only 15-minute buckets and the statement differed
  workfloor billing reconcile first-bank 1999-02 && echo "every figure stands on its facts"

The exit status is 0 where nothing differs, and 1 where something does.
"""
)
@click.argument("client")
@click.argument("period", metavar="PERIOD")
@click.option("--mend", is_flag=True, help="Count the rollups anew from the items first.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def reconcile(client: str, period: str, mend: bool, form: str) -> None:
    """Recount CLIENT's PERIOD, a month such as 1999-02, from the raw facts, and list every difference.

    The facts of each item that came in are replayed. What they add up to is compared with the items and with the
    rollups by 15-minute bucket; then the statement from rollups with the one from the items alone. Nothing is
    changed, but for the rollups with --mend, and the floor may go on: all is read as it stood at one moment.
    """
    if mend:
        _mend(client, period)
    with edge.client(client, one_moment=True) as found, edge.bar("Replaying") as progress:
        made = _reconciled(found, period, progress)
    click.echo(
        json.dumps(_plain_recount(client, period, made), indent=2)
        if form == "json"
        else _recount_text(client, period, made)
    )
    if made.count:
        raise SystemExit(1)


def _mend(slug: str, period: str) -> None:
    with edge.client(slug) as client:
        from workfloor.core.measures import actions as measures
        from workfloor.kit.time import clock
        from workfloor.ops.billing import statements

        try:
            month = statements.statement(client, period, now=clock.now()).period
        except statements.NoStatement as reason:
            raise click.ClickException(str(reason)) from None
        measures.recount(client_id=client.id, starts_at=month.starts_at, ends_at=month.ends_at)


def _reconciled(client: "Client", period: str, progress: Callable[[int, int], None]) -> "Recount":
    from workfloor.core.measures import buckets
    from workfloor.core.measures import queries as measures_queries
    from workfloor.kit.time import clock
    from workfloor.ops.billing import presenting as billing_presenting
    from workfloor.ops.billing import statements

    now = clock.now()
    try:
        stated, recounted = (read(client, period, now=now) for read in (statements.statement, statements.recounted))
    except statements.NoStatement as reason:
        raise click.ClickException(str(reason)) from None
    made = measures_queries.recount(client.id, stated.period.starts_at, stated.period.ends_at, progress=progress)
    plain = [billing_presenting.plain(each) | {"computed_at": None} for each in (recounted, stated)]
    made.add(buckets.of_values("statement", *plain))
    return made


def _plain_recount(client: str, period: str, made: "Recount") -> dict[str, Any]:
    return {
        "client": client,
        "period": period,
        "items": made.items,
        "facts": made.facts,
        "buckets": made.buckets_read,
        "count": made.count,
        "differences": [
            {
                "place": each.place,
                "what": each.what,
                "facts": _recounted_value(each.facts),
                "stored": _recounted_value(each.stored),
            }
            for each in made.differences
        ],
    }


def _recounted_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _recount_text(client: str, period: str, made: "Recount") -> str:
    head = f"{client} {period}: {made.items:,} items, {made.facts:,} facts, {made.buckets_read:,} 15-minute buckets"
    if not made.count:
        return f"{head}. No difference: items, 15-minute buckets and statement are what the facts add up to."
    rows = [
        f"  {each.place}, {each.what}: {_short(each.facts)} by the facts, {_short(each.stored)} as kept"
        for each in made.differences[:SHOWN]
    ]
    more = [f"  … and {made.count - len(rows):,} more; --format json lists them"] if made.count > len(rows) else []
    say = (
        "Where an item differs, its table was changed without a fact: find out by whom, and put it right.\n"
        "Where only 15-minute buckets and the statement differ, --mend counts the buckets anew from the items."
    )
    return "\n".join([f"{head}. {made.count:,} differences:", *rows, *more, say])


def _short(value: Any) -> str:
    text = str(_recounted_value(value))
    return text if len(text) <= 60 else f"{text[:59]}…"
