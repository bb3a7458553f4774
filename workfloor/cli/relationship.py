"""`workfloor relationship`: a month gone through with the client, and what both agreed to do."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

import click

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from workfloor.core.clients.models import Client
    from workfloor.ops.relationship import queries as relationship_queries

as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)


@contextmanager
def _entered(slug: str, *, one_moment: bool = False) -> "Iterator[tuple[Client, datetime]]":
    """The client, entered for one transaction; what is refused ends the command with the reason."""
    with edge.client(slug, one_moment=one_moment) as found:
        from workfloor.kit.time import clock

        try:
            yield found, clock.now()
        except ValueError as refused:
            raise click.ClickException(str(refused)) from refused


@click.command(
    epilog="""\b
Examples:
  workfloor relationship review first-bank 1999-02
  workfloor relationship review first-bank 1999-02 --format pdf --output review.pdf
  workfloor relationship review first-bank 1999-02 --format html --output review.html
"""
)
@click.argument("client")
@click.argument("period")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "html", "pdf"]), default="text", help="How to write it."
)
@click.option("--output", "-o", type=click.File("wb", lazy=True), help="Write to this file.")
@click.option("--ahead/--no-ahead", default=True, help="Simulate the four weeks to come, or make no projections.")
def review(client: str, period: str, form: str, output: IO[bytes] | None, ahead: bool) -> None:
    """Put CLIENT's review of PERIOD together, a month such as 1999-02.

    Targets with their trend, why they were missed, volumes against forecast, credits, disputes, action items,
    and projections: how likely each target is to be missed when the next four weeks are as the last.
    """
    if form == "pdf" and output is None and sys.stdout.isatty():
        raise click.UsageError("A PDF does not fit a terminal. Name a file: --output review.pdf")
    with _entered(client, one_moment=True) as (found, now):
        from workfloor.ops.relationship import queries as relationship_queries

        made = relationship_queries.review(found, period, now=now)
        outlook, nothing = _outlook(found, period) if ahead else (None, "No projections were asked for.")
        written = _written(made, outlook, nothing, form)
    if output:
        output.write(written)
    else:
        click.echo(written, nl=False)


def _outlook(client: "Client", period: str) -> "tuple[relationship_queries.Outlook | None, str]":
    """The projections, and what is said where there are none."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from workfloor.ops.relationship import presenting as relationship_presenting
    from workfloor.ops.relationship import queries as relationship_queries

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("Looking ahead", total=relationship_queries.REPLICATIONS)
            found = relationship_queries.outlook(client, period, advance=lambda done: bar.update(task, completed=done))
            return found, relationship_presenting.NOTHING
    except relationship_queries.NotSimulated as reason:
        return None, str(reason)


def _written(
    made: "relationship_queries.Review", outlook: "relationship_queries.Outlook | None", nothing: str, form: str
) -> bytes:
    from django.template.loader import render_to_string

    from workfloor.ops.relationship import gateway as relationship_gateway
    from workfloor.ops.relationship import presenting as relationship_presenting

    if form == "json":
        return (json.dumps(relationship_presenting.plain(made, outlook), indent=2, ensure_ascii=False) + "\n").encode()
    worded = relationship_presenting.printed(made, outlook, nothing)
    if form == "pdf":
        return relationship_gateway.pdf(worded)
    if form == "html":
        return render_to_string("relationship/document.html", {"review": worded}).encode()
    return _text(worded).encode()


def _text(worded: dict[str, Any]) -> str:
    lines = [f"Service review, {worded['month']}", worded["client"], worded["period"], worded["notice"], ""]
    lines += worded["summary"]
    for each in worded["levels"]:
        lines += ["", f"{each['name']}: {each['attained']} ({each['target']}): {each['verdict']}"]
        lines += [f"  {cause['share']:>5}  {cause['title']}: {cause['says']}" for cause in each["causes"]]
        lines += [f"  {line}" for line in each["worst"]]
    for row in worded["action_items"]:
        lines += ["", f"{row['id']}  {row['what']} ({row['who']}, until {row['until']}): {row['state']}"]
    if ahead := worded["ahead"]:
        lines += ["", "Projections", ahead["about"]]
        lines += [f"  {row['risk']:>5} risk of missing {row['name']}: {row['attained']}" for row in ahead["levels"]]
        lines += [f"  Credits to be expected: {ahead['credits']}, at most {ahead['worst']} in 19 of 20 such months."]
    else:
        lines += ["", "Projections", worded["nothing_ahead"]]
    return "\n".join(lines) + "\n"


MODULES = (
    "workfloor.core.clients.queries",
    "workfloor.ops.relationship.queries",
    "workfloor.ops.relationship.actions",
)

# --- action items ----------------------------------------------------------------------------------------------------


@click.group(
    cls=declared.Group,
    under="relationship action-item",
    modules=MODULES,
)
def action_item() -> None:
    """Record action items: what was agreed to be done, by whom and until when."""


@action_item.command(
    "list", epilog="\b\nExample:\n  workfloor relationship action-item list first-bank --format json\n"
)
@click.argument("client")
@as_text_or_json
def list_(client: str, form: str) -> None:
    """List what was agreed with CLIENT, the most urgent first."""
    with _entered(client) as (found, now):
        from workfloor.core.contracts import queries as contracts_queries
        from workfloor.ops.relationship import presenting as relationship_presenting
        from workfloor.ops.relationship import queries as relationship_queries

        agreed, today = list(relationship_queries.action_items(found)), contracts_queries.today(found.id, now)
        plain = [relationship_presenting.plain_action_item(each) for each in agreed]
        rows = [relationship_presenting.worded_action_item(each, today) for each in agreed]
    if form == "json":
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for row in rows:
        note = f" ({row['note']})" if row["note"] else ""
        click.echo(f"{row['id']:>4}  {row['state']:<8} until {row['until']:<18} {row['who']}: {row['what']}{note}")
    if not rows:
        click.echo(
            "Nothing was agreed yet. Add something: "
            "workfloor relationship action-item add CLIENT --who ... --what ... --until DAY"
        )
