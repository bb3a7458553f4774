"""`python -m benchmarks [NAME ...]` measures everything, or what is named, into a table and, with JSON=path, a file."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
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

        figures = measured(template, sys.argv[1:])
        told = machine.description() | {"all of it took": f"{time.monotonic() - began:.0f} s"}
    _print(figures, told)
    if path := os.environ.get("JSON"):
        rows = [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
        Path(path).write_text(json.dumps({"machine": told, "figures": rows}, indent=2) + "\n")


def measured(template: str, names: Sequence[str] = ()) -> list[Figure]:
    """Run every benchmark, or those of these names, on copies of an empty, migrated database.

    The bank's contract is signed in it first. Exits with the known names where one is unknown.
    """
    runs = _runs(template)
    if unknown := [name for name in names if name not in runs]:
        sys.exit(f"No benchmark {', '.join(unknown)}. There are: {', '.join(runs)}.")
    databases.sign_example()
    chosen = [runs[name] for name in names or runs]
    return [figure for run in track(chosen, "Measuring", console=Console(stderr=True)) for figure in run()]


def _runs(template: str) -> dict[str, Callable[[], list[Figure]]]:
    from benchmarks import (
        chaos,
        chat,
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

    return {
        "working_time": working_time.measure,
        "policy": policy.measure,
        "twin": twin.measure,
        "facts": lambda: facts.measure(template),
        "router": lambda: router.measure(template),
        "chaos": chaos.measure,
        "starts": starts.measure,
        "statement": lambda: statement.measure(template),
        "history_import": lambda: history_import.measure(template),
        "month": lambda: month.measure(template),
        "mail": lambda: mail.measure(template),
        "chat": lambda: chat.measure(template),
    }


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
