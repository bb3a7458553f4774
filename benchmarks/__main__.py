"""`python -m benchmarks`: measure everything, print a table, and with JSON=path also write the figures there."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import databases
from benchmarks.figures import Figure


def main() -> None:
    began = time.monotonic()
    with databases.migrated() as template:
        from benchmarks import machine

        figures = measured(template)
        told = machine.description() | {"all of it took": f"{time.monotonic() - began:.0f} s"}
    _print(figures, told)
    if path := os.environ.get("JSON"):
        rows = [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
        Path(path).write_text(json.dumps({"machine": told, "figures": rows}, indent=2) + "\n")


def measured(template: str) -> list[Figure]:
    """Run every benchmark on copies of an empty, migrated database, in which the bank's contract is signed first."""
    from benchmarks import (
        chaos,
        facts,
        history_import,
        mail,
        month,
        policy,
        router,
        starts,
        statement,
        twin,
        working_time,
    )

    databases.sign_example()
    runs: list[Callable[[], list[Figure]]] = [
        working_time.measure,
        policy.measure,
        twin.measure,
        lambda: facts.measure(template),
        lambda: router.measure(template),
        chaos.measure,
        starts.measure,
        lambda: statement.measure(template),
        lambda: history_import.measure(template),
        lambda: month.measure(template),
        lambda: mail.measure(template),
    ]
    return [figure for run in track(runs, "Measuring", console=Console(stderr=True)) for figure in run()]


def _print(figures: list[Figure], told: dict[str, str]) -> None:
    table = Table("measured", "median", "beside", "which is", "ratio")
    for figure in figures:
        row = (_number(figure.value), figure.beside, _number(figure.peer))
        table.add_row(figure.what, f"{row[0]} {figure.unit}", row[1], f"{row[2]} {figure.unit}", _number(figure.ratio))
    console = Console(width=max(Console().width, 130))
    console.print(table)
    for figure in figures:
        if figure.each:
            said = ", ".join(f"{value:.2f}" for value in figure.each)
            console.print(f"{figure.what}: {said} {figure.unit}", highlight=False)
    for name, value in told.items():
        console.print(f"{name}: {value}", highlight=False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
