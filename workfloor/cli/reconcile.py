"""`workfloor reconcile`: a month counted anew from its raw facts, against all that is kept of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.clients.models import Client
    from workfloor.core.rollups.queries import Recount

SHOWN = 50  # differences, in text


@click.command(
    epilog="""\b
Examples:
  workfloor reconcile first-bank 1999-02
  workfloor reconcile first-bank 1999-02 --format json
  workfloor reconcile first-bank 1999-02 --mend          where only quarters and the statement differed
  workfloor reconcile first-bank 1999-02 && echo "every figure stands on its facts"

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
    rollups by quarter of an hour; then the statement from rollups with the one from the items alone. Nothing is
    changed, but for the rollups with --mend, and the floor may go on: all is read as it stood at one moment.
    """
    if mend:
        _mend(client, period)
    with edge.client(client, one_moment=True) as found, _bar("Replaying") as progress:
        made = _reconciled(found, period, progress)
    click.echo(json.dumps(_plain(client, period, made), indent=2) if form == "json" else _text(client, period, made))
    if made.count:
        raise SystemExit(1)


def _mend(slug: str, period: str) -> None:
    with edge.client(slug) as client:
        from workfloor.core.rollups import actions
        from workfloor.kit import clock
        from workfloor.ops.billing import queries

        try:
            month = queries.statement(client, period, now=clock.now()).period
        except queries.NoStatement as reason:
            raise click.ClickException(str(reason)) from None
        actions.recount(client_id=client.id, starts_at=month.starts_at, ends_at=month.ends_at)


def _reconciled(client: "Client", period: str, progress: Callable[[int, int], None]) -> "Recount":
    from workfloor.core.rollups import queries as rollups
    from workfloor.core.rollups import rules
    from workfloor.kit import clock
    from workfloor.ops.billing import forms, queries

    now = clock.now()
    try:
        stated, recounted = (read(client, period, now=now) for read in (queries.statement, queries.recounted))
    except queries.NoStatement as reason:
        raise click.ClickException(str(reason)) from None
    made = rollups.recount(client.id, stated.period.starts_at, stated.period.ends_at, progress=progress)
    plain = [forms.plain(each) | {"computed_at": None} for each in (recounted, stated)]
    made.add(rules.of_values("statement", *plain))
    return made


def _plain(client: str, period: str, made: "Recount") -> dict[str, Any]:
    return {
        "client": client,
        "period": period,
        "items": made.items,
        "facts": made.facts,
        "quarters": made.quarters,
        "count": made.count,
        "differences": [
            {"place": each.place, "what": each.what, "facts": _value(each.facts), "stored": _value(each.stored)}
            for each in made.differences
        ],
    }


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _text(client: str, period: str, made: "Recount") -> str:
    head = f"{client} {period}: {made.items:,} items, {made.facts:,} facts, {made.quarters:,} quarters of an hour"
    if not made.count:
        return f"{head}. No difference: items, rollups and statement are what the facts add up to."
    rows = [
        f"  {each.place}, {each.what}: {_short(each.facts)} by the facts, {_short(each.stored)} as kept"
        for each in made.differences[:SHOWN]
    ]
    more = [f"  … and {made.count - len(rows):,} more; --format json lists them"] if made.count > len(rows) else []
    say = (
        "Where an item differs, its table was changed without a fact: find out by whom, and put it right.\n"
        "Where only quarters and the statement differ, --mend counts the rollups anew from the items."
    )
    return "\n".join([f"{head}. {made.count:,} differences:", *rows, *more, say])


def _short(value: Any) -> str:
    text = str(_value(value))
    return text if len(text) <= 60 else f"{text[:59]}…"


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr; a callback that takes how many of how many are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
