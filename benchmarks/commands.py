"""What small commands take of the processor, each as a process of its own, its start included."""

import resource
import subprocess
import sys
from statistics import median

from benchmarks import databases
from benchmarks.figures import Figure

LIMIT_SECONDS = 0.4
COMMANDS = ("--help", "people list", "routing pool list", "billing statement first-bank 1999-02 --format json")


def measure(template: str, runs: int = 5) -> list[Figure]:
    """Run each of some small commands on a signed client's database without work."""
    with databases.copy(template) as address:
        environment = {"WORKFLOOR_DATABASE_URL": address, "PATH": ""}
        return [_figure(command, environment, runs) for command in COMMANDS]


def _figure(command: str, environment: dict[str, str], runs: int) -> Figure:
    taken = tuple(_taken(command, environment) for _ in range(runs))
    return Figure(f"Processor time of `workfloor {command}`", median(taken), "s", "limit", LIMIT_SECONDS, taken)


def _taken(command: str, environment: dict[str, str]) -> float:
    before = _of_children()
    line = [sys.executable, "-m", "workfloor", *command.split()]
    subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
