"""`workfloor presales simulate`: a scenario run again and again, and what its measures come to."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from workfloor.cli import edge
from workfloor.cli import files as cli_files
from workfloor.runtime import supervisor

if TYPE_CHECKING:
    from workfloor.ops.simulation.projections import Estimates
    from workfloor.ops.simulation.scenarios import Scenario

# Below so many contacts, the interpreter is done before compiled code is even loaded.
WORTH_COMPILING = 300_000


@click.command(
    epilog="""\b
Examples:
  workfloor presales simulate examples/scenarios/two-languages.toml
  workfloor presales simulate examples/scenarios/impatient.toml --replications 100 --format json
  workfloor presales simulate examples/bank/scenario.toml --format html --output february.html
"""
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replications", "-n", type=click.IntRange(2, 10_000), help="How often to run it.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="The same seed gives the same result.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "html"]), default="text", help="How to write the result."
)
@click.option("--output", "-o", type=click.File("wb", lazy=True), help="Write to this file.")
def simulate(file: Path, replications: int | None, seed: int | None, form: str, output: IO[bytes] | None) -> None:
    """Simulate the work and people of FILE, a scenario, under the rules that route live work.

    Says for each measure what it comes to and how sure that is; with a contract, also its service levels, charges and
    credits. Needs no database, unless the scenario replays the event log. Every key is told in docs/guide/simulate.md.
    """
    from dataclasses import replace

    scenario = cli_files.scenario(file)
    scenario = replace(
        scenario,
        replications=replications or scenario.replications,
        seed=scenario.seed if seed is None else seed,
    )
    written = _written(scenario, _estimates(scenario), form)
    if output:
        output.write(written)
    else:
        click.echo(written, nl=False)


# --- running -------------------------------------------------------------------------------------------------------


def _estimates(scenario: "Scenario") -> "Estimates":
    from workfloor.ops.simulation import projections, scenarios
    from workfloor.ops.simulation import runs as simulation_runs

    found = projections.Estimates()
    worlds = partial(scenarios.world, scenario)
    try:
        store = _store(scenario)
        with _progress(scenario.replications, "Loading" if store else "Simulating") as advance:
            for number, tally in simulation_runs.replications(worlds, scenario.replications, store):
                found.add(projections.figures(scenario, tally))
                advance(number + 1)
    except simulation_runs.Drowned as reason:
        message = f"{reason} The work piles up without end: give it more people, less work, or patience."
        raise click.ClickException(message) from None
    return found


def _store(scenario: "Scenario") -> Path | None:
    """The folder for compiled code, where compiling is worth it."""
    worth = scenario.expected() * scenario.replications >= WORTH_COMPILING
    return cli_files.compiled_code() if worth else None


@contextmanager
def _progress(replications: int, begins: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(begins, total=replications)
        yield lambda done: bar.update(task, completed=done, description="Simulating")


@click.command("compile", epilog="\b\nExample:\n  workfloor admin compile\n")
@click.option(supervisor.WITH_PARENT, "parent", is_flag=True, hidden=True)
def compile_(parent: bool) -> None:
    """Compile the simulation for this machine, so that the first large one need not wait for it.

    `workfloor up` does so beside everything else where it is missing.
    """
    if parent:
        supervisor.end_with_parent()
        os.nice(19)  # nobody waits for it
    if cli_files.compiled_code():
        click.echo("The simulation is compiled.", err=True)


# --- what is shown -------------------------------------------------------------------------------------------------


def _written(scenario: "Scenario", estimates: "Estimates", form: str) -> bytes:
    from workfloor.ops.simulation import presenting as simulation_presenting

    if form == "json":
        return (
            json.dumps(simulation_presenting.plain(scenario, estimates), indent=2, ensure_ascii=False) + "\n"
        ).encode()
    return (_page if form == "html" else _text)(scenario, estimates).encode()


def _page(scenario: "Scenario", estimates: "Estimates") -> str:
    edge.without_database()
    from django.template.loader import render_to_string

    from workfloor.ops.simulation import presenting as simulation_presenting

    return render_to_string("simulation/document.html", simulation_presenting.page(scenario, estimates))


def _text(scenario: "Scenario", estimates: "Estimates") -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from workfloor.ops.simulation import presenting as simulation_presenting

    console = Console(width=max(Console().width, 120), no_color=not sys.stdout.isatty())
    with console.capture() as captured:
        console.print(scenario.title, style="bold", markup=False, highlight=False)
        console.print(simulation_presenting.about(scenario, estimates), markup=False, highlight=False)
        for each in simulation_presenting.tables(scenario, estimates):
            table = Table(title=each.title, title_justify="left")
            for number, name in enumerate(each.columns):
                table.add_column(name, justify="right" if number else "left", overflow="fold")
            for row in each.rows:
                table.add_row(*map(Text, row))
            console.print(table)
    return captured.get()
