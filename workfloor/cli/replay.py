"""`workfloor replay`: a decision log held against what the policy decides of the same."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from workfloor.ops.decisions.rules import Replay
    from workfloor.ops.dispatch.rules import Mind


@click.command(
    epilog="""\b
Examples:
  workfloor router --log decisions.log    write down what a router is told and decides
  workfloor replay decisions.log          decide all of it again
  workfloor replay decisions.log --compiled
  workfloor replay decisions.log --format json
"""
)
@click.argument("log", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--compiled", is_flag=True, help="Decide as the twin does when it is compiled; that takes half a minute.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def replay(log: Path, compiled: bool, form: str) -> None:
    """Tell the policy all that a router was told in LOG, and hold what it decides against what the router decided.

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
    from workfloor.ops.decisions import rules as decisions

    try:
        with log.open(encoding="utf-8", errors="replace") as file, _progress(file, log.stat().st_size) as lines:
            return decisions.compared(lines, mind_of) if mind_of else decisions.compared(lines)
    except decisions.Unreadable as fault:
        words = f"{log}: {fault}. A log is written by: workfloor router --log {log.name}"
        raise click.ClickException(words) from None


def _compiled_mind() -> "Callable[[], Mind]":
    from workfloor.kit import compiled
    from workfloor.ops.dispatch.rules import Mind
    from workfloor.ops.router import rules as policy

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
