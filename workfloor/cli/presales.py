"""`workfloor presales history`: past work from any provider's export, as facts."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from workfloor.cli import edge

if TYPE_CHECKING:
    from datetime import datetime

    from workfloor.ops.presales import gateway as presales_gateway
    from workfloor.ops.presales import map_file
    from workfloor.ops.presales import queries as presales_queries

Advance = Callable[[int], None]
as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print the report."
)


@click.group()
def history() -> None:
    """Import past work from any provider's export, and show what was imported."""


@history.command(
    "import",
    epilog="""\b
Examples:
  workfloor presales history import calls.csv --map examples/bank/history.toml
  workfloor presales history import calls.parquet --map map.toml --rows 33344
  workfloor presales history schema > history.schema.json     for the map's editor
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "map_", type=click.Path(path_type=Path), required=True, help="How to read it (TOML).")
@click.option("--rows", type=click.IntRange(min=1), help="Refuse the file unless it has this many rows.")
@as_text_or_json
def import_(file: Path, map_: Path, rows: int | None, form: str) -> None:
    """Import FILE, CSV or Parquet, as facts: all of it or nothing, and never twice.

    The map says which column means what and what to do with each kind of dirt; dirt that it does not allow refuses
    the whole file, with every line and reason. What it allows is counted and reported.
    """
    with _refusing(map_, form):
        from workfloor.ops.presales import gateway as presales_gateway
        from workfloor.ops.presales import map_file

        read = map_file.read(presales_gateway.map_text(map_))
    with edge.installation(), _refusing(file, form), presales_gateway.opened(file) as export:
        report, added = _import(export, read, rows)
    _show(report | {"added": added}, form)


def _import(export: "presales_gateway.Export", read: "map_file.Form", rows: int | None) -> tuple[dict[str, Any], int]:
    """The import's report, and how many calls it added: none if this very file was imported before."""
    from workfloor.kit.time import clock
    from workfloor.ops.presales import actions as presales
    from workfloor.ops.presales import queries as presales_queries

    now = clock.now()
    with edge.database(), _progress("Importing", export.size) as advance:
        place = _enter(read, now)
        imported, new = presales.import_calls(
            export=export,
            map_=read,
            place=place,
            expected_rows=rows,
            by=edge.acting(),
            now=now,
            progress=advance,
            make_room=_make_room,
        )
        report = presales_queries.report(imported)
        return report, report["answered"] + report["abandoned"] + report["phantom"] if new else 0


def _make_room(first_at: "datetime", last_at: "datetime") -> None:
    """Make the event log's months on a connection of their own: there they stand at once."""
    from django.db import connection, transaction

    from workfloor.ops.presales import actions as presales

    def make() -> None:
        try:
            with transaction.atomic():
                presales.make_room(first_at, last_at)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as beside:
        beside.submit(make).result()


def _enter(read: "map_file.Form", now: Any) -> "presales_queries.Place":
    """Enter the map's client, and say where its past work goes."""
    from workfloor.core.clients import queries as clients_queries
    from workfloor.kit.database import rls
    from workfloor.ops.presales import queries as presales_queries

    edge.enter_all()
    client = clients_queries.by_slug(read.map.client)
    rls.enter(*([client.id] if client else []))
    place = presales_queries.place(client, now) if client else None
    if place is None:
        raise click.ClickException(
            f"No client {read.map.client} has a contract here. Sign it first: workfloor contracts sign CONTRACT.toml"
        )
    return place


@history.command("list", epilog="\b\nExample:\n  workfloor presales history list first-bank --format json\n")
@click.argument("client", required=False)
@as_text_or_json
def list_(client: str | None, form: str) -> None:
    """Show the files imported, newest first, each with its report of dirt."""
    with edge.database():
        from workfloor.ops.presales import queries as presales_queries

        edge.enter_all()
        found = [
            presales_queries.report(each) for each in presales_queries.imports() if client in (None, each.client.slug)
        ]
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for report in found:
        _show_text(report, f"imported {report['imported_at'][:16].replace('T', ' ')} UTC")
    if not found:
        click.echo("Nothing was imported yet. Start with: workfloor presales history import FILE --map MAPFILE")


@history.command("schema")
def schema() -> None:
    """Print the JSON Schema of a map file, for editors and checks."""
    click.echo((Path(__file__).parents[1] / "ops/presales/history.schema.json").read_text(), nl=False)


# --- what is shown -----------------------------------------------------------------------------------------------


@contextmanager
def _progress(what: str, size: int) -> Iterator[Advance]:
    """A bar on a terminal's stderr while a file is read; a callback that takes the bytes read so far."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=size)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _refusing(file: Path, form: str) -> Iterator[None]:
    """Say why nothing was imported, each finding at its line, and end with status 1."""
    from workfloor.kit.text import toml
    from workfloor.ops.presales import export_rows

    try:
        yield
    except toml.Refused as refused:
        found = [(fault.line, fault.place, fault.message) for fault in refused.faults]
        _refuse(file, form, "not a map that can be used", found, len(found))
    except export_rows.Refused as refused:
        found = [(each.line, each.kind, each.reason) for each in refused.findings]
        _refuse(file, form, refused.reason, found, refused.count, refused.line)


def _refuse(
    file: Path, form: str, reason: str, found: list[tuple[int, str, str]], count: int, line: int | None = None
) -> NoReturn:
    click.echo(f"{file}{f':{line}' if line else ''}: {reason}", err=True)
    for at, what, why in found:
        click.echo(f"{file}:{at}: {what}: {why}", err=True)
    if count > len(found):
        click.echo(f"… and {count - len(found):,} more", err=True)
    click.echo("Nothing was imported.", err=True)
    if form == "json":
        findings = [dict(zip(("line", "what", "why"), each, strict=True)) for each in found]
        said = {"added": 0, "refused": reason, "line": line, "findings": findings, "count": count}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    raise SystemExit(1)


def _show(report: dict[str, Any], form: str) -> None:
    if form == "json":
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    elif report["added"]:
        _show_text(report, "imported")
    else:
        _show_text(report, f"was imported already, {report['imported_at'][:10]}; nothing added")


def _show_text(report: dict[str, Any], what: str) -> None:
    click.echo(f"{report['client']}: {report['file']} {what}")
    left_out = f", {report['left_out']:,} left out" if report["left_out"] else ""
    click.echo(
        f"{report['rows']:,} rows read: {report['answered']:,} answered, {report['abandoned']:,} abandoned, "
        f"{report['phantom']:,} phantom{left_out}"
    )
    if report["dirt"]:
        table = Table("dirt", "what the map does", "rows", "first lines")
        for heap in report["dirt"]:
            lines = ", ".join(map(str, heap["lines"][:5])) + (", …" if heap["count"] > 5 else "")
            table.add_row(heap["what"], heap["policy"], f"{heap['count']:,}", lines)
        Console(width=max(Console().width, 100)).print(table)
