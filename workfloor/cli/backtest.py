"""`workfloor presales backtest`: what a contract would have attained, credited and billed on real months."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from workfloor.cli import edge
from workfloor.cli import files as cli_files

if TYPE_CHECKING:
    from workfloor.core.contracts.terms import Contract
    from workfloor.ops.presales.backtest import Source, Trial
    from workfloor.ops.presales.backtest_presenting import Told
    from workfloor.ops.presales.export_rows import Call
    from workfloor.ops.presales.past_work import Past, Records, Renames


@click.command(
    epilog="""\b
Examples:
  workfloor presales backtest new.toml --history calls.csv --map map.toml
  workfloor presales backtest new.toml --client first-bank --period 1999-02
  workfloor presales backtest new.toml --client first-bank --period 1999-02 --period 1999-12     these two, none between
  workfloor presales backtest old.toml new.toml --client first-bank --period 1999-02 --format html --output b.html
  workfloor presales backtest new.toml --history calls.csv --map map.toml --queue regular=all --queue prospective=all
  workfloor presales backtest new.toml --client first-bank --period 1999-02 --queue called-back= --queue =chats
"""
)
@click.argument(
    "contracts",
    metavar="CONTRACT...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option("--history", type=click.Path(path_type=Path), help="An export of past calls, CSV or Parquet.")
@click.option("--map", "map_", type=click.Path(path_type=Path), help="How to read the export (TOML).")
@click.option("--client", help="Take the past work of this client's event log instead.")
@click.option(
    "--period",
    "periods",
    multiple=True,
    metavar="PERIOD",
    help="Show this month, such as 1999-02; again for each further one. Without: every month that is over.",
)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="OLD=NEW",
    help="What a past queue is now. OLD= leaves its work out; =NEW had none.",
)
@click.option("--begins", metavar="PERIOD", help="Take the contracts to have begun in this month.")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", help="How to write it.")
@click.option("--output", "-o", type=click.File("wb", lazy=True), help="Write to this file.")
def backtest(
    contracts: tuple[Path, ...],
    history: Path | None,
    map_: Path | None,
    client: str | None,
    periods: tuple[str, ...],
    queues: tuple[str, ...],
    begins: str | None,
    form: str,
    output: IO[bytes] | None,
) -> None:
    """Compute what each CONTRACT would have come to on months that are over.

    Service levels, charges and credits, by the very rules that make a statement, month after month, so that what looks
    back sees the months before. Past work is an export, which needs no database, or a client's own event log. Nothing
    is stored. Where the months lie outside a contract's term, its dates are moved to hold them, and that is said.
    """
    if (client is None) == (history is None) or (history is None) != (map_ is None):
        raise click.UsageError("Say whose past work to take: --history FILE --map MAP, or --client CLIENT.")
    edge.without_database()
    read = cli_files.contracts(contracts)
    renames = _renames(queues, [each.contract for each in read])
    asked = _asked([*periods, *([begins] if begins else [])])[: len(periods)]
    with _exported(history, map_) if history and map_ else _journalled(client or "", read) as work:
        told = _told(work, read, renames, asked, begins)
        written = _written(told, form)
    if output:
        output.write(written)
    else:
        click.echo(written, nl=False)


# --- what is asked -------------------------------------------------------------------------------------------------


def _renames(given: Sequence[str], contracts: "Sequence[Contract]") -> "Renames":
    """What each past queue is called now, as --queue says; a name that no contract has ends the command."""
    known = sorted({name for contract in contracts for name in contract.queues()})
    found: dict[str, tuple[str, ...]] = {}
    for each in given:
        old, separator, new = each.partition("=")
        if not separator or not (old or new):
            raise click.BadParameter(f"{each} is not OLD=NEW.", param_hint="--queue")
        if new and new not in known:
            message = f"{each}: no contract has a queue {new}; there is {', '.join(known)}."
            raise click.BadParameter(message, param_hint="--queue")
        found[old] = (*found.get(old, ()), new)
    return found


def _asked(periods: Sequence[str]) -> list[str]:
    from workfloor.kit.time import calendars

    for period in periods:
        try:
            calendars.period_bounds(period, "UTC")
        except ValueError as fault:
            raise click.ClickException(str(fault)) from None
    return list(periods)


# --- past work -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Work:
    """Past work: what it is called and tells, where it is kept, and from when until when there is some."""

    source: "Source"
    records: "Records"
    first_at: datetime
    last_at: datetime
    is_whole: bool  # nothing was before it


@contextmanager
def _exported(file: Path, map_: Path) -> Iterator[_Work]:
    from workfloor.ops.presales import past_work
    from workfloor.ops.presales.backtest import Source

    with _progress("Reading") as begin:
        try:
            _, calls = cli_files.exported_calls(file, map_, begin)
        except cli_files.Refused as refused:
            raise click.ClickException(str(refused)) from None
    if not calls:
        raise click.ClickException(f"{file}: no row of the file is a call.")
    kept = past_work.export(_past(number, call) for number, call in enumerate(calls))
    source = Source(file.name, tuple(dict.fromkeys(call.queue for call in calls)))
    yield _Work(source, kept, kept.arrivals[0], kept.arrivals[-1], is_whole=False)


def _past(number: int, call: "Call") -> "Past":
    from workfloor.core.catalogue.outcomes import Outcome
    from workfloor.ops.presales.past_work import Past

    left, ended = call.left_queue_at, call.ended_at
    outcome = Outcome(number, call.queue, call.received_at, call.queued_at)
    if call.outcome == "abandoned":
        return Past(replace(outcome, abandoned_at=left))
    if ended is None or call.wrapped_up_at is None:
        return Past(replace(outcome, cancelled_at=left))
    talk, wrap = (int(span.total_seconds()) for span in (ended - left, call.wrapped_up_at - ended))
    done = replace(outcome, connected_at=left, done=True, talk_seconds=talk, wrap_seconds=wrap, ended_at=ended)
    return Past(done, (("connected", left, call.queue), ("ended", ended, call.queue)))


@contextmanager
def _journalled(slug: str, read: list[cli_files.Read]) -> Iterator[_Work]:
    with edge.client(slug, one_moment=True) as client:
        from workfloor.core.catalogue import entries
        from workfloor.ops.presales import queries as presales_queries
        from workfloor.ops.presales.backtest import FACTS, Source

        between = presales_queries.arrivals(client)
        if between is None:
            raise click.ClickException(f"No work of {slug} has arrived yet.")
        source = Source(
            f"the event log of {slug}",
            presales_queries.queues(client),
            frozenset(FACTS),
            presales_queries.delivers(client),
        )
        measures = [entries.BY_NAME[level.measure] for each in read for level in each.contract.service_levels]
        needed = {each.needs.fact for each in measures if each.needs}
        kept = presales_queries.EventLog(
            client, any(each.runs_in_working_time for each in measures), "cases" in needed, "customers" in needed
        )
        yield _Work(source, kept, *between, is_whole=True)


# --- the trial -----------------------------------------------------------------------------------------------------


def _told(work: _Work, read: list[cli_files.Read], renames: "Renames", asked: list[str], begins: str | None) -> "Told":
    from workfloor.kit.time import calendars, clock
    from workfloor.ops.presales import backtest, backtest_presenting

    now, zone = clock.now(), read[0].contract.zone
    known = [calendars.period_of(at, zone) for at in (work.first_at, work.last_at)]
    months = sorted(asked) or [
        name for name in backtest.between(*known) if calendars.period_bounds(name, zone)[1] <= now
    ]
    cli_files.refuse_with(list(_faults_of_asking(work, renames, known, months, now, zone)))
    moved = [backtest.holding(each.contract, months[0], months[-1], begins) for each in read]
    faults = [
        _faults(each, contract, work, renames, months[-1]) for each, (contract, _) in zip(read, moved, strict=True)
    ]
    cli_files.refuse_with([fault for found in faults for fault in found])
    trials, since = [], None if work.is_whole else known[0]
    with _progress("Computing") as begin:
        advance = begin(len(moved))
        for each, (contract, by) in zip(read, moved, strict=True):
            over = backtest.periods(contract, months[0], months[-1], since)
            computed = backtest.tried(contract, over, work.records, renames, now)
            shown = tuple(month for month in computed if month.period.name in months)
            trials.append(
                (each.name, backtest.Trial(contract, by, shown, backtest.unknown_months(contract, months[0], since)))
            )
            advance(len(trials))
    return backtest_presenting.Told(_history(work, zone), tuple(_notes(work, trials, months, since)), tuple(trials))


def _faults_of_asking(
    work: _Work, renames: "Renames", known: Sequence[str], months: Sequence[str], now: datetime, zone: str
) -> Iterator[str]:
    from workfloor.ops.presales import past_work

    if not months:
        yield f"No month of {work.source.name} is over yet."
    yield from (message for name in months if (message := _unusable(name, known, zone, now)))
    if renamed := sorted(set(renames) - {past_work.NOWHERE} - set(work.source.queues)):
        there = ", ".join(work.source.queues)
        yield f"--queue: {work.source.name} has no queue {', '.join(renamed)}; it has {there}."


def _unusable(month: str, known: Sequence[str], zone: str, now: datetime) -> str:
    from workfloor.kit.time import calendars

    if calendars.period_bounds(month, zone)[1] > now:
        return f"{month} is not over yet: take months that are."
    if not known[0] <= month <= known[1]:
        return f"{month}: there is no past work in it; there is from {known[0]} to {known[1]}."
    return ""


def _faults(read: cli_files.Read, contract: "Contract", work: _Work, renames: "Renames", last: str) -> Iterator[str]:
    from workfloor.kit.text import toml
    from workfloor.ops.presales import backtest

    document = toml.Document({}, toml.places(read.text))
    for place, message in backtest.faults(contract, work.source, renames, last):
        yield f"{read.file}:{document.line(place)}: {place}: {message}"


def _history(work: _Work, zone: str) -> str:
    from workfloor.kit.time import calendars

    first, last = (calendars.day_of(at, zone) for at in (work.first_at, work.last_at))
    return f"{work.source.name}, with arrivals from {first} to {last}"


def _notes(work: _Work, trials: "list[tuple[str, Trial]]", months: Sequence[str], since: str | None) -> Iterator[str]:
    """What a reader must know of how it was computed."""
    for name, trial in trials:
        if trial.moved_by:
            yield (
                f"{name} is taken to have begun on {trial.contract.starts_on}: its dates are moved by {trial.moved_by} "
                "months, so that its term holds these months. Its calendars stay as they are."
            )
        if since and any(level.window == "week" for level in trial.contract.service_levels) and months[0] == since:
            yield f"{name}: of the week in which {since} begins, only the days from then on are known."
        if trial.looks_back:
            yield (
                f"{name}: its credits or windows look back on earlier months. {trial.looks_back} of its term before "
                f"{months[0]} are not in {work.source.name}; it is computed as if the contract had no earlier month."
            )


# --- what is shown -------------------------------------------------------------------------------------------------


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], cli_files.Advance]]:
    """A bar on a terminal's stderr; begun with how much there is to do, it takes how much is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def begin(total: int) -> cli_files.Advance:
            task = bar.add_task(what, total=total)
            return lambda done: bar.update(task, completed=done)

        yield begin


def _written(told: "Told", form: str) -> bytes:
    from workfloor.ops.presales import backtest_presenting

    if form == "json":
        return (json.dumps(backtest_presenting.plain(told), indent=2, ensure_ascii=False) + "\n").encode()
    return (_page if form == "html" else _text)(told).encode()


def _page(told: "Told") -> str:
    from django.template.loader import render_to_string

    from workfloor.ops.presales import backtest_presenting

    return render_to_string("presales/backtest/document.html", backtest_presenting.page(told))


def _text(told: "Told") -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from workfloor.ops.presales import backtest_presenting

    console = Console(width=max(Console().width, 110), no_color=not sys.stdout.isatty())
    with console.capture() as captured:
        for note in (f"Back-test on {told.history}.", *told.notes):
            console.print(note, markup=False, highlight=False)
        for each in backtest_presenting.tables(told):
            table = Table(title=each.title, title_justify="left")
            for number, name in enumerate(each.columns):
                table.add_column(name, justify="left" if number < each.texts else "right", overflow="fold")
            for row in each.rows:
                table.add_row(*(Text(f"{cell.text}\n{cell.note}" if cell.note else cell.text) for cell in row))
            console.print(table)
        for name, trial in told.trials:
            for month in trial.months:
                for notice in month.settled.notices:
                    console.print(f"{name}, {month.period.name}: {notice}", markup=False, highlight=False)
    return captured.get()
