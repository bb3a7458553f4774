"""`python -m benchmarks [--small] [NAME ...]` measures everything, or what is named, into a table.

With JSON=path, each figure also stands in that file as soon as it is there. What fails stops nothing else, and shows in
the exit status; Ctrl-C keeps what was measured. `--small` takes seconds and says only that everything can be measured.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import databases, machine, suite
from benchmarks.report import Measured, Report

INTERRUPTED = 130  # what shells say of whoever was ended by Ctrl-C
NARROWEST = 130  # characters of the table where nobody looks on


def main(words: Sequence[str]) -> int:
    """Measure what the words of the command line ask for; the exit status."""
    asked = _asked(words)
    with databases.migrated() as template:
        path = os.environ.get("JSON")
        console = Console(width=max(Console().width, NARROWEST))
        report = Report(Path(path) if path else None, machine.description(), console)
        report.write()  # a path that cannot be written to is said at once, and not after an hour
        databases.sign_example()
        status = measure(report, template, asked.names, asked.small)
    report.table()
    return status


def measure(report: Report, template: str, names: Sequence[str], small: bool) -> int:
    """Run these benchmarks one after another and report each as it ends; the exit status."""
    began = time.monotonic()
    try:
        for place, name in enumerate(names, 1):
            print(f"Measuring {name} ({place} of {len(names)})", file=sys.stderr, flush=True)
            one = _measured(name, template, _sizes(name, small))
            took = f"{time.monotonic() - began:.0f} s"
            report.add(one, {"load at the end": machine.load(), "all of it took": took})
    except KeyboardInterrupt:
        return INTERRUPTED
    return int(any(one.fault for one in report.measured))


def _asked(words: Sequence[str]) -> argparse.Namespace:
    told, _, more = str(__doc__).partition("\n\n")
    parser = argparse.ArgumentParser("python -m benchmarks", description=told, epilog=more)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(suite.BENCHMARKS)}")
    parser.add_argument("--small", action="store_true", help="at the sizes of CI")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.names if name not in suite.BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}. There are: {', '.join(suite.BENCHMARKS)}.")
    asked.names = asked.names or list(suite.BENCHMARKS)
    return asked


def _sizes(name: str, small: bool) -> Mapping[str, Any]:
    """A month may also be as large as the environment says, for the whole one takes most of the time."""
    if small:
        return suite.BENCHMARKS[name].small
    chosen = {"facts": "FACTS", "clients": "CLIENTS"} if name == "month" else {}
    return {size: int(os.environ[variable]) for size, variable in chosen.items() if os.environ.get(variable)}


def _measured(name: str, template: str, sizes: Mapping[str, Any]) -> Measured:
    """What a benchmark came to; whatever goes wrong in it is shown, and is no reason not to measure the next."""
    began = time.monotonic()
    try:
        databases.use(template)
        figures = suite.measured(name, template, sizes)
        return Measured(name, time.monotonic() - began, figures)
    except (Exception, SystemExit) as fault:
        traceback.print_exc()
        said = "\n".join(traceback.format_exception_only(fault)).strip().partition("\n")[0]
        return Measured(name, time.monotonic() - began, fault=said[:200])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
