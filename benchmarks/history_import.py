"""Importing past work, against reading the file, a bare COPY of it, and the target time and memory."""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from django.db import connection, transaction

from benchmarks import call_log, databases
from benchmarks.figures import Figure, median_seconds, seconds

ROWS_A_SECOND = 20_000
LIMIT_TIMES_COPY = 30
LIMIT_MEGABYTES = 500.0
PLAIN = """CREATE TABLE plain (call_id bigint, customer text, priority int, type text, arrived_at timestamp,
    vru_seconds int, queue_seconds int, outcome text, service_seconds int, agent text)"""
# The command as a process, whose last line says the most memory that it held with the one that reads for it.
COMMAND = """
import re, resource, sys
from workfloor.cli import main
main(sys.argv[1:], standalone_mode=False)
own = int(re.search(r"VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())[1])
print(own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure(template: str, rows: int = 200_000, runs: int = 3) -> list[Figure]:
    """Import a generated log by the command, its start included, each time into a fresh copy of a signed client."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls.csv")
        call_log.write(log, rows)
        imports = [_import(template, log) for _ in range(runs)]
        spent, memory = median(each[0] for each in imports), max(each[1] for each in imports)
        read = median_seconds(lambda: _read(log), runs)
        copied = median(_copy(template, log) for _ in range(runs))
    what = f"History import, {rows:,} calls"
    return [
        Figure(what, spent, "s", f"limit: {ROWS_A_SECOND:,} a second", rows / ROWS_A_SECOND),
        Figure(what, spent, "s", "csv.reader over the same file", read),
        Figure(what, spent, "s", f"bare COPY of the file, at most {LIMIT_TIMES_COPY} times", copied),
        Figure(f"{what}: most memory", memory, "MB", "limit", LIMIT_MEGABYTES),
    ]


def _import(template: str, log: Path) -> tuple[float, float]:
    """Seconds and megabytes of one import."""
    with databases.copy(template) as address:
        environment = {"WORKFLOOR_DATABASE_URL": address, "WORKFLOOR_DATA": str(log.parent), "PATH": ""}
        how = str(call_log.EXAMPLE / "history.toml")
        command = [sys.executable, "-c", COMMAND, "presales", "history", "import", str(log), "--map", how]
        said: list[str] = []

        def run() -> None:
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            said.extend(done.stdout.split())

        spent = seconds(run)
    return spent, int(said[-1]) / 1024


def _read(log: Path) -> None:
    with log.open(newline="") as file:
        for _ in csv.reader(file):
            pass


def _copy(template: str, log: Path) -> float:
    with databases.copy(template), connection.cursor() as cursor:
        cursor.execute(PLAIN)

        def run() -> None:
            with transaction.atomic(), cursor.copy("COPY plain FROM STDIN (FORMAT csv, HEADER)") as copying:
                copying.write(log.read_bytes())

        return seconds(run)
