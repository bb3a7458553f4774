"""`workfloor routing`: pools, why an item was offered, how evenly work was shared out, and replays."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from rich.table import Table

    from workfloor.ops.routing import queries as routing_queries
    from workfloor.ops.routing.decision_log import Replay
    from workfloor.ops.routing.state import Mind


FORMATS = click.Choice(["text", "json"])


@click.command(
    epilog="""\b
Examples:
  workfloor routing explain 4711                  the last offer of item 4711, or why it waits
  workfloor routing explain 4711 --format json
"""
)
@click.argument("item", type=int)
@click.option("--format", "form", type=FORMATS, default="text", help="How to print it.")
def explain(item: int, form: str) -> None:
    """Say who could have had ITEM (the routing explanation) when it was offered, who could not and for which reason.

    Of an item that waits it says the same as of now.
    """
    with edge.database():
        from workfloor.kit.time import clock
        from workfloor.ops.routing import explain

        edge.enter_all()
        try:
            found = explain.plain(explain.why(item, clock.now()))
        except explain.NoReason as reason:
            raise click.ClickException(f"{str(reason)[0].upper()}{str(reason)[1:]}.") from None
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    to = f"offered to {found['offered_to']}" if found["offered_to"] else "waits, offered to nobody"
    click.echo(f"Item {found['item']} of {found['client']}/{found['queue']}: {to}")
    click.echo(f"{found['at'][:19]}, after {found['waited_seconds']:,.0f} s of waiting")
    _print(_table(found["people"], {"person": "person", "said": "could or not", "ring": "ring", "score": "score"}))


@click.command(
    epilog="""\b
Examples:
  workfloor routing utilisation 2026-11
  workfloor routing utilisation 2026-11 --format json
"""
)
@click.argument("period", metavar="PERIOD")
@click.option("--format", "form", type=FORMATS, default="text", help="How to print it.")
def utilisation(period: str, form: str) -> None:
    """Say how evenly the work of PERIOD, a month such as 2026-11, was shared out.

    Each person's occupancy, the offers that they declined or did not answer (RONA), how they kept to their shifts
    (adherence, shrinkage; for whom any are planned), and older work that was passed over: none, or something is wrong.
    """
    with edge.database():
        from workfloor.kit.time import clock
        from workfloor.ops.routing import queries as routing_queries

        edge.enter_all()
        try:
            found = _plain(routing_queries.month_utilisation(period, clock.now()))
        except routing_queries.NoPeriod as reason:
            raise click.ClickException(f"{reason}.") from None
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(f"{found['offers']:,} offers; older work passed over: {len(found['passed_over'])}")
    if found["occupancy"]:
        mean, spread = found["occupancy"]["mean"], found["occupancy"]["spread"]
        click.echo(f"Occupancy {mean:.1%} on average, spread {spread:.1%}")
    names = ("person", "offered", "declined", "rona", "occupancy", "adherence", "shrinkage")
    _print(_table(found["people"], {name: {"rona": "RONA"}.get(name, name) for name in names}))


def _plain(found: "routing_queries.Utilisation") -> dict[str, Any]:
    people = [
        {
            "person": name,
            "offered": share.offered,
            "declined": share.declined,
            "rona": share.lapsed,
            "occupancy": None if share.occupancy is None else round(share.occupancy, 4),
            "adherence": None if share.planned.adherence is None else round(share.planned.adherence, 4),
            "shrinkage": None if share.planned.shrinkage is None else round(share.planned.shrinkage, 4),
        }
        for name, share in found.shares
    ]
    passed = [
        {"at": each.at.isoformat(), "queue": each.queue_id, "offered": each.offered, "passed_over": each.passed_over}
        for each in found.passed_over
    ]
    spread = found.occupancy and {"mean": round(found.occupancy[0], 4), "spread": round(found.occupancy[1], 4)}
    return {
        "period": found.period,
        "offers": found.offers,
        "passed_over": passed,
        "occupancy": spread,
        "people": people,
    }


def _table(rows: list[dict[str, Any]], columns: dict[str, str]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for title in columns.values():
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if row[name] is None else str(row[name])) for name in columns))
    return table


def _print(table: "Table") -> None:
    from rich.console import Console

    Console(width=max(Console().width, 80), no_color=not sys.stdout.isatty()).print(table)


ESCALATION_MODULES = ("workfloor.ops.escalation.queries", "workfloor.ops.escalation.actions")


@click.group(cls=declared.Group, under="routing escalation", modules=ESCALATION_MODULES)
def escalation() -> None:
    """See which escalations are open, acknowledge and answer them."""


@escalation.command("list", epilog="\b\nExample:\n  workfloor routing escalation list --format json\n")
@click.option("--format", "form", type=FORMATS, default="text", help="How to print it.")
def list_escalations(form: str) -> None:
    """List the open escalations, first what nobody has acknowledged."""
    with edge.database():
        from workfloor.kit.time import clock
        from workfloor.ops.escalation import queries as escalation_queries

        edge.enter_all()
        found = [
            {
                "number": each.escalation.id,
                "title": each.escalation.title,
                "said": each.escalation.said,
                "client": each.escalation.client.slug,
                "queue": each.escalation.item.queue.name,
                "item": each.escalation.item_id,
                "raised_at": each.escalation.raised_at.isoformat(timespec="seconds"),
                "acknowledged_by": getattr(each.escalation.acknowledged_by, "name", None),
            }
            for each in escalation_queries.inbox(clock.now()).open
        ]
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    _print(_table(found, {name: name.replace("_", " ") for name in found[0]} if found else {}))


MODULES = ("workfloor.core.contracts.queries", "workfloor.ops.routing.actions")


@click.group(cls=declared.Group, under="routing pool", modules=MODULES)
def pool() -> None:
    """Say which queues are in which pool, put a queue into another, or even out the load in one.

    Each pool has a router of its own: `workfloor router --pool night`.
    """


@pool.command("list", epilog="\b\nExample:\n  workfloor routing pool list --format json\n")
@click.option("--format", "form", type=FORMATS, default="text", help="How to print it.")
def list_pools(form: str) -> None:
    """List which queue is in which pool."""
    with edge.database():
        from workfloor.ops.routing import pooled_queries

        edge.enter_all()
        found = pooled_queries.pools()
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("".join(f"{name:<40} {of}\n" for name, of in found.items()), nl=False)


@click.command(
    epilog="""\b
Examples:
  workfloor router --log decisions.log    write down what a router is told and decides
  workfloor routing replay decisions.log  decide all of it again
  workfloor routing replay decisions.log --compiled
  workfloor routing replay decisions.log --format json
"""
)
@click.argument("log", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--compiled", is_flag=True, help="Decide as the twin does when it is compiled; that takes half a minute.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def replay(log: Path, compiled: bool, form: str) -> None:
    """Tell the policy all that a router was told in LOG, a decision log, and compare what both decide.

    Both are the same, byte by byte, or the first line that differs is shown and the exit status is 1. Needs no
    database.
    """
    found = _compared(log, _compiled_mind() if compiled else None)
    if form == "json":
        click.echo(json.dumps(found._asdict() | {"difference": found.difference and found.difference._asdict()}))
    else:
        click.echo(_said(found))
    if found.difference:
        raise SystemExit(1)


def _compared(log: Path, mind_of: "Callable[[], Mind] | None") -> "Replay":
    from workfloor.ops.routing import decision_log

    try:
        with log.open(encoding="utf-8", errors="replace") as file, _progress(file, log.stat().st_size) as lines:
            return decision_log.compared(lines, mind_of) if mind_of else decision_log.compared(lines)
    except decision_log.Unreadable as fault:
        words = f"{log}: {fault}. A log is written by: workfloor router --log {log.name}"
        raise click.ClickException(words) from None


def _compiled_mind() -> "Callable[[], Mind]":
    from workfloor.kit.figures import compiled
    from workfloor.ops.routing import policy
    from workfloor.ops.routing.state import Mind

    twin = compiled.compiled(policy, _nrt=False)
    return lambda: Mind(twin, compiled.arrays)


@contextmanager
def _progress(file: IO[str], size: int) -> Iterator[Iterator[str]]:
    """The lines of a file without their ends, and how far they are read, where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("Replaying"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=size)

        def lines() -> Iterator[str]:
            for line in file:
                bar.advance(task, len(line))
                yield line.rstrip("\n")

        yield lines()


def _said(found: "Replay") -> str:
    counts = f"{found.tellings:,} tellings and {found.offers:,} offers"
    if found.difference is None:
        return f"{counts}: the policy decides the same, byte by byte."
    line, written, replayed = found.difference
    return (
        f"{counts} are the same; line {line:,} differs.\n"
        f"written:  {written or 'nothing more'}\nreplayed: {replayed or 'nothing more'}"
    )
