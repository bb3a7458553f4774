"""A made-up call log in the shape that examples/bank/history.toml reads: python -m benchmarks.call_log FILE [ROWS]."""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

EXAMPLE = Path(__file__).parents[1] / "examples/bank"
HEADER = (
    "call_id",
    "customer",
    "priority",
    "type",
    "arrived_at",
    "vru_seconds",
    "queue_seconds",
    "outcome",
    "service_seconds",
    "agent",
)
FIRST = datetime(1999, 2, 1)  # noqa: DTZ001  local time, as the log has it
TYPES = {"PS": 65, "NW": 22, "NE": 8, "TT": 3, "IN": 1, "PE": 1}
OUTCOMES = {"AGENT": 82, "HANG": 17, "PHANTOM": 1}


def write(path: Path, rows: int) -> None:
    """Write a month of calls; the same for the same number of rows."""
    random = Random(rows)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_call(number, rows, random) for number in range(rows))


def _call(number: int, rows: int, random: Random) -> tuple[object, ...]:
    arrived = FIRST + timedelta(days=27) * number / rows
    [kind] = random.choices(list(TYPES), list(TYPES.values()))
    [outcome] = random.choices(list(OUTCOMES), list(OUTCOMES.values()))
    answered = outcome == "AGENT"
    service = int(random.lognormvariate(4.8, 0.8)) + 1 if answered else 0
    return (
        number,
        f"C{random.randrange(9000)}",
        random.randrange(3),
        kind,
        arrived.isoformat(timespec="seconds"),
        random.randrange(5, 20),
        int(random.expovariate(1 / 40)),
        outcome,
        service,
        f"A{random.randrange(50):02}" if answered else "",
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 33_000)
