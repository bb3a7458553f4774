"""`workfloor presales quote`: the people that a contract needs, what they cost, what it pays, what is at risk."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from workfloor.cli import edge
from workfloor.cli import files as cli_files

if TYPE_CHECKING:
    from workfloor.core.contracts.terms import Contract
    from workfloor.ops.presales.quotes import Quote
    from workfloor.ops.simulation.counters import Tally
    from workfloor.ops.simulation.requirements import Found
    from workfloor.ops.simulation.scenario_file import Draft
    from workfloor.ops.simulation.scenarios import Scenario

# A search runs some dozens of staffings; below so many contacts in all, the interpreter is done before compiled code.
WORTH_COMPILING = 10_000
# Below so many contacts, they are run before another process has begun.
WORTH_PROCESSES = 20_000
_SHORTEST_SECONDS = 28 * 86400 - 3600


@click.command(
    epilog="""\b
Examples:
  workfloor presales quote examples/quote/contract.toml --scenario examples/quote/scenario.toml
  workfloor presales quote contract.toml stricter.toml --scenario scenario.toml
  workfloor presales quote contract.toml --scenario march.toml --format html --output quote.html
  workfloor presales quote contract.toml --scenario march.toml --replications 100 --seed 7 --format json
"""
)
@click.argument(
    "contracts",
    metavar="CONTRACT...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--scenario",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The work to expect, and who can be employed at what cost (TOML).",
)
@click.option("--replications", "-n", type=click.IntRange(2, 10_000), help="Of how many months the projections are.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="The same seed gives the same quote.")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", help="How to write it.")
@click.option("--output", "-o", type=click.File("wb", lazy=True), help="Write to this file.")
def quote(
    contracts: tuple[Path, ...],
    scenario: Path,
    replications: int | None,
    seed: int | None,
    form: str,
    output: IO[bytes] | None,
) -> None:
    """Say what each CONTRACT will cost us, what we will be paid, and what we risk.

    Finds the fewest people in each interval with whom every target is met, by simulating the month of the scenario
    under the rules that will route; then what they cost, and what is charged, credited and left, each with how sure
    that is. Needs no database. Every key of a scenario is told in docs/guide/simulate.md.
    """
    edge.without_database()
    read = cli_files.contracts(contracts)
    if len({each.contract.currency for each in read}) > 1:
        raise click.ClickException(
            "The contracts are in several currencies, and cost_per_hour is in one: quote each alone."
        )
    scenarios = [_scenario(scenario, each.contract, replications, seed) for each in read]
    quotes = [_quoted(each.name, under) for each, under in zip(read, scenarios, strict=True)]
    written = _written(quotes, form)
    if output:
        output.write(written)
    else:
        click.echo(written, nl=False)


def _scenario(file: Path, contract: "Contract", replications: int | None, seed: int | None) -> "Scenario":
    scenario = cli_files.scenario(file, contract, _faults)
    return replace(
        scenario, replications=replications or scenario.replications, seed=scenario.seed if seed is None else seed
    )


def _faults(draft: "Draft") -> Iterator[cli_files.Wrong]:
    """What a quote needs and a simulation does not."""
    from workfloor.ops.simulation import scenario_file

    if scenario_file.seconds(draft.head["lasts"]) < _SHORTEST_SECONDS:
        yield "scenario.lasts", 'a quote is of a month, for prices and credits are: write "28d" or more.'
    groups = draft.document.data.get("groups", [])
    if not groups:
        yield "groups", "is missing: a quote must know who can be employed, and at what cost."
    for number, group in enumerate(groups):
        if "cost_per_hour" not in group:
            yield f"groups[{number}]", "cost_per_hour is missing: a quote must know what an hour costs."


def _quoted(name: str, scenario: "Scenario") -> "Quote":
    from workfloor.ops.presales import quotes as presales_quotes
    from workfloor.ops.simulation import demand, projections, requirements
    from workfloor.ops.simulation import runs as simulation_runs

    store = cli_files.compiled_code() if scenario.expected() >= WORTH_COMPILING else None
    try:
        found = _found(name, scenario, store)
        staffed = requirements.staffed(scenario, found.staff)
        made, credits = projections.Estimates(), list[float]()
        with _progress(f"{name}: estimating", scenario.replications) as told:
            worlds = partial(requirements.world, staffed, requirements.SEARCHED + requirements.CHECKED)
            for _, tally in simulation_runs.replications(worlds, scenario.replications, store):
                figures = presales_quotes.margin(projections.figures(staffed, tally))
                made.add(figures)
                credits.append(figures["money", projections.EVERY, "credits"])
                told("")
    except simulation_runs.Drowned as reason:
        message = f"{reason} The work piles up without end: allow for more agents or longer hours."
        raise click.ClickException(message) from None
    return presales_quotes.Quote(name, staffed, found, made, presales_quotes.risk(credits), demand.unserved(scenario))


def _found(name: str, scenario: "Scenario", store: Path | None) -> "Found":
    from workfloor.ops.simulation import requirements
    from workfloor.ops.simulation import runs as simulation_runs

    def simulate(staffed: "Scenario", first: int, count: int) -> "Iterator[Tally]":
        worlds = partial(requirements.world, staffed, first)
        if scenario.expected() * count < WORTH_PROCESSES:
            return (simulation_runs.run_one(worlds, store, number) for number in range(count))
        return (tally for _, tally in simulation_runs.replications(worlds, count, store))

    with _progress(f"{name}: searching", None) as told:
        return requirements.search(scenario, simulate, told)


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal's stderr, moved on by one each time that it is told how it goes."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[how]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, how="")
        yield lambda how: bar.update(task, advance=1, how=how)


def _written(quotes: "list[Quote]", form: str) -> bytes:
    from workfloor.ops.presales import quotes as presales_quotes

    if form == "json":
        return (json.dumps(presales_quotes.plain(quotes), indent=2, ensure_ascii=False) + "\n").encode()
    if form == "html":
        from django.template.loader import render_to_string

        return render_to_string("presales/quotes/document.html", presales_quotes.page(quotes)).encode()
    return _text(quotes).encode()


def _text(quotes: "list[Quote]") -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from workfloor.ops.presales import quotes as presales_quotes

    console = Console(width=max(Console().width, 110), no_color=not sys.stdout.isatty())
    with console.capture() as captured:
        console.print(quotes[0].scenario.title, style="bold", markup=False, highlight=False)
        for line in (presales_quotes.about(quotes), *presales_quotes.notes(quotes)):
            console.print(line, markup=False, highlight=False)
        for each in presales_quotes.tables(quotes):
            table = Table(title=each.title, title_justify="left")
            for number, name in enumerate(each.columns):
                table.add_column(name, justify="right" if number else "left", overflow="fold")
            for row in each.rows:
                table.add_row(*map(Text, row))
            console.print(table)
    return captured.get()
