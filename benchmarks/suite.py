"""What is measured, and at which small sizes each benchmark runs in CI, so that none of them can rot unseen."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.figures import Figure


class Benchmark(NamedTuple):
    """The module of that name has `measure`, whose sizes are as large as a figure needs where they are not said."""

    copies: bool  # a migrated database with the bank's contract, whose name it is given
    small: Mapping[str, Any]  # sizes that take seconds; what comes of them says only that it can be measured


# In the order in which they are measured: what takes longest comes last.
BENCHMARKS: Mapping[str, Benchmark] = {
    "working_time": Benchmark(False, {"pairs": 3, "runs": 1}),
    "policy": Benchmark(False, {"sizes": (200,), "waiting": 500, "steps": 100, "runs": 1}),
    "twin": Benchmark(
        False,
        {"contacts": 5_000, "times_more": 2, "plain": 500, "by_simpy": 200, "by_hand": 500, "by_ciw": 100, "runs": 1},
    ),
    "floor_page": Benchmark(True, {"agents": 20, "queues": 4, "items": 80, "runs": 1}),
    "commands": Benchmark(True, {"runs": 1}),
    "facts": Benchmark(True, {"rows": 20, "runs": 1}),
    "router": Benchmark(
        True, {"decisions": 32, "rates": (100,), "past": 200, "lasts_seconds": 1, "runs": 1, "clients": 2}
    ),
    "clients": Benchmark(True, {"clients": 2, "agents": 8, "arrivals": 20, "past": 50, "seconds": 4}),
    "chaos": Benchmark(False, {"agents": 12, "items": 30, "kills": 1, "every_seconds": 0.5}),
    "starts": Benchmark(False, {"settles_seconds": 2.0, "runs": 1}),
    "statement": Benchmark(True, {"rows": 200, "runs": 1}),
    "history_import": Benchmark(True, {"rows": 20, "runs": 1}),
    "mail": Benchmark(True, {"mails": 20, "senders": 2, "runs": 1}),
    "chat": Benchmark(True, {"visitors": 4, "rate": 4.0, "seconds": 2.0, "runs": 1}),
    "desk": Benchmark(True, {"items": 200, "loads": 2}),
    "desk_next": Benchmark(True, {"calls": 2}),
    "live_pages": Benchmark(True, {"pages": 8, "rate": 8.0, "seconds": 2.0}),
    "search": Benchmark(True, {"messages": 300, "rounds": 1}),
    "month": Benchmark(True, {"facts": 1_500, "clients": 3, "lives": 2, "runs": 1}),
}


def measured(name: str, template: str, sizes: Mapping[str, Any]) -> list[Figure]:
    """Run one benchmark, on copies of that database where it needs one, at these sizes or else at its own."""
    measure = import_module(f"benchmarks.{name}").measure
    given = (template,) if BENCHMARKS[name].copies else ()
    return list(measure(*given, **sizes))
