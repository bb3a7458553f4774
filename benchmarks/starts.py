"""How long people wait: for a second start of everything, and for offers when the leading router's machine hangs."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks.figures import Figure
from workfloor.kit.database import postgres

PATIENCE_SECONDS = 240.0  # even on a machine that does much else
LEADER = "SELECT epoch, process FROM routing_leader WHERE pool = 'main'"


def measure(settles_seconds: float = 5.0, runs: int = 3) -> list[Figure]:
    """The second start of `workfloor up` until it serves a page; the time until a hung leader is relieved.

    The leader hangs after so many seconds, in which the other router comes to stand by.
    """
    with tempfile.TemporaryDirectory(prefix="starts-", ignore_cleanup_errors=True) as folder:
        environment = os.environ | {"WORKFLOOR_DATA": folder, "WORKFLOOR_BIND": f"127.0.0.1:{_free_port()}"}
        environment.pop("WORKFLOOR_DATABASE_URL", None)
        first, *further = (_start(environment) for _ in range(runs + 1))
    relieved = [_relieved(settles_seconds) for _ in range(runs)]
    return [
        Figure("First start of everything, without sample data", first, "s", "target", 60.0),
        Figure("Second start, until a page is served", median(further), "s", "target", 3.0, tuple(further)),
        Figure("Until another router leads for one that hangs", median(relieved), "s", "target", 2.0, tuple(relieved)),
    ]


def _start(environment: dict[str, str]) -> float:
    began = time.monotonic()
    line = [sys.executable, "-m", "workfloor", "up"]
    with subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
        try:
            _until(lambda: _serves(environment["WORKFLOOR_BIND"]))
            return time.monotonic() - began
        finally:
            up.send_signal(signal.SIGINT)


def _serves(bind: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{bind}/accounts/login/", timeout=10) as answer:
        return b"<html" in answer.read()
    return False


def _relieved(settles_seconds: float) -> float:
    """Stop the process that leads, as a machine that hangs does; the seconds until another one leads."""
    with _routers() as address:
        _until(lambda: _ask(address, LEADER))
        time.sleep(settles_seconds)
        [(epoch, process)] = _ask(address, LEADER)
        hung = int(process.rpartition(":")[2])
        os.kill(hung, signal.SIGSTOP)
        began = time.monotonic()
        try:
            _until(lambda: _ask(address, LEADER)[0][0] > epoch)
            return time.monotonic() - began
        finally:
            os.kill(hung, signal.SIGCONT)


@contextmanager
def _routers() -> Iterator[str]:
    """Two routers of one pool on a migrated database of their own; its address."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hangs-", ignore_cleanup_errors=True)))
        server = stack.enter_context(postgres.Server(folder, creates_databases=True).running())
        environment = os.environ | {"WORKFLOOR_DATABASE_URL": server.address, "WORKFLOOR_DATA": str(folder)}
        subprocess.run(
            [sys.executable, "-m", "workfloor", "admin", "migrate"], env=environment, check=True, capture_output=True
        )
        line = [sys.executable, "-m", "workfloor", "router"]
        routers = [subprocess.Popen(line, env=environment, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            yield server.address
        finally:
            for router in routers:
                router.kill()
                router.wait()


def _ask(address: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True) as asking:
        return asking.execute(question).fetchall()


def _until(true: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("it did not come to that")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
