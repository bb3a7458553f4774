"""What has been measured so far: a line for each figure, a file that is whole at any moment, a table at the end."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.figures import Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """What one benchmark came to, and how long it took."""

    name: str
    seconds: float
    figures: Sequence[Figure] = ()
    fault: str = ""  # why it came to none


@dataclass
class Report:
    """All that was measured, on which machine; with a path, it stands there as JSON after each benchmark."""

    path: Path | None
    machine: dict[str, str]
    console: Console
    measured: list[Measured] = field(default_factory=list)

    def add(self, one: Measured, machine: Mapping[str, str]) -> None:
        """Say and keep what a benchmark came to; `machine` is what has changed about it meanwhile."""
        self.measured.append(one)
        self.machine.update(machine)
        self.write()
        for figure in one.figures:
            self._say(f"{figure.what}: {_told(figure)}")
        if one.fault:
            self._say(f"{one.name} failed: {one.fault}")

    def write(self) -> None:
        """Put the file in the place of the one before, whole, so that whoever ends us here leaves a good one."""
        if self.path is None:
            return
        part = self.path.with_name(f"{self.path.name}.part")
        part.write_text(json.dumps(self._as_json(), indent=2) + "\n")
        os.replace(part, self.path)

    def table(self) -> None:
        """Print everything once more, side by side."""
        table = Table("measured", "median", "beside", "which is", "ratio")
        for row in self._rows():
            table.add_row(*map(escape, row))
        self.console.print(table)
        for figure in self._figures():
            if figure.each:
                said = ", ".join(f"{value:.2f}" for value in figure.each)
                self._say(f"{figure.what}: {said} {figure.unit}")
        for name, value in self.machine.items():
            self._say(f"{name}: {value}")

    def _rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        for one in self.measured:
            for each in one.figures:
                ours, peer = f"{_number(each.value)} {each.unit}", f"{_number(each.peer)} {each.unit}"
                yield each.what, ours, each.beside, peer, _number(each.ratio)
            if one.fault:
                yield one.name, "failed", one.fault, "", ""

    def _figures(self) -> list[Figure]:
        return [figure for one in self.measured for figure in one.figures]

    def _as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "figures": [
                asdict(figure) | {"ratio": figure.ratio, "benchmark": one.name}
                for one in self.measured
                for figure in one.figures
            ],
            "benchmarks": [
                {"name": one.name, "seconds": round(one.seconds, 1), "failed": one.fault or None}
                for one in self.measured
            ],
        }

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _told(figure: Figure) -> str:
    ours, peer = f"{_number(figure.value)} {figure.unit}", f"{_number(figure.peer)} {figure.unit}"
    return f"{ours}; {figure.beside}: {peer}; ratio {_number(figure.ratio)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
