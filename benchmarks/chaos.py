"""A floor in a storm: leaders killed, agents cut off, the database restarted, while people work; then the audit."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg

from benchmarks import floors, hands
from benchmarks.figures import Figure
from workfloor.kit.database import postgres

ROUTERS = 2  # one that leads, and one that stands by
STUCK_SECONDS = 30.0  # without anything being done: then the rest will never be
ENOUGH = "enough"  # a file that tells those who send work to stop
BETWEEN_SECONDS = 3.0  # a router takes so long to start


@dataclass
class Storm:
    """What happened, and what the event log says of it afterwards."""

    items: int = 0
    kills: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)  # seconds without offers after each kill
    restarts: int = 0
    cuts: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


def storm(agents: int = 200, items: int = 2_000, kills: int = 10, every_seconds: float = 3.0) -> Storm:
    """Run it on a server of its own and audit it; `faults` names whatever must not have happened.

    At least so many items arrive, evenly, and they go on arriving until the last leader was killed and relieved.
    """
    began, told = time.monotonic(), Storm()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-", ignore_cleanup_errors=True)))
        server = stack.enter_context(postgres.Server(folder, creates_databases=True).running())
        address = _prepare(server, agents)
        environment = os.environ | {"WORKFLOOR_DATABASE_URL": address, "WORKFLOOR_DATA": str(folder)}
        lasts = round(kills * (every_seconds + BETWEEN_SECONDS))
        family = stack.enter_context(_family(environment, items, lasts, folder))
        _rage(server, address, family, told, kills, every_seconds)
        (folder / ENOUGH).touch()
        told.items = family.settle(address)
        told.faults += floors.said_elsewhere(environment, "audit", "report")
        told.gaps = _gaps(address, told.kills)
    told.seconds = time.monotonic() - began
    return told


# --- the floor -------------------------------------------------------------------------------------------------------


def _prepare(server: postgres.Server, agents: int) -> str:
    """A migrated database with a contract and people who take work; its address."""
    environment = os.environ | {"WORKFLOOR_DATABASE_URL": server.address, "WORKFLOOR_DATA": str(server.data)}
    subprocess.run(
        [sys.executable, "-m", "workfloor", "admin", "migrate"], env=environment, check=True, capture_output=True
    )
    floors.said_elsewhere(environment, "hands", "staff", agents)
    return server.address


# --- the storm -------------------------------------------------------------------------------------------------------


@dataclass
class Family:
    """The processes at work: routers, which are replaced when they are killed, and those who play the people."""

    environment: dict[str, str]
    folder: Path
    routers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    others: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def add_router(self) -> None:
        """Start one more."""
        with (self.folder / "routers.log").open("ab") as said:
            line = [sys.executable, "-m", "workfloor", "router"]
            self.routers.append(subprocess.Popen(line, env=self.environment, stdout=said, stderr=said))

    def keep_alive(self) -> None:
        """Start routers again that ended, as `workfloor up` does: one that starts while the database is away ends."""
        self.routers = [each for each in self.routers if each.poll() is None]
        while len(self.routers) < ROUTERS:
            self.add_router()

    def settle(self, address: str) -> int:
        """Wait until all work is done, or nothing moves any more; how much there was."""
        done, items, moved = -1, 0, time.monotonic()
        while self.producer.poll() is None or (done < items and time.monotonic() - moved < STUCK_SECONDS):
            self.keep_alive()
            [(items, now)] = _ask(address, "SELECT count(*), count(*) FILTER (WHERE state = 'done') FROM work_item")
            if now > done:
                done, moved = now, time.monotonic()
            time.sleep(0.5)
        return int(items)

    @property
    def producer(self) -> "subprocess.Popen[bytes]":
        return self.others[-1]


@contextmanager
def _family(environment: dict[str, str], items: int, seconds: int, folder: Path) -> Iterator[Family]:
    routers = environment | {
        "WORKFLOOR_DATABASE_URL": environment["WORKFLOOR_DATABASE_URL"] + " application_name=router"
    }
    family = Family(routers, folder)
    for _ in range(ROUTERS):
        family.add_router()
    people = environment | {"WORKFLOOR_DATABASE_URL": environment["WORKFLOOR_DATABASE_URL"] + " application_name=hands"}
    lines = [floors.elsewhere("hands", "work", part) for part in range(hands.PROCESSES)]
    lines.append(floors.elsewhere("hands", "produce", items, seconds, str(folder / ENOUGH)))
    family.others = [subprocess.Popen(line, env=people, stdout=subprocess.DEVNULL) for line in lines]
    try:
        yield family
    finally:
        for process in family.routers + family.others:
            process.kill()
            process.wait()


def _rage(server: postgres.Server, address: str, family: Family, told: Storm, kills: int, every_seconds: float) -> None:
    _until(lambda: _ask(address, "SELECT 1 FROM event_log_fact WHERE event = 'work.offered' LIMIT 1"))
    for number in range(kills):
        time.sleep(every_seconds)
        _until(lambda: _stands_by(address, family))
        _kill_the_leader(address, family, told)
        told.cuts += len(_ask(address, _CUT))
        if number == kills // 2:
            _restart(server, address)
            told.restarts += 1


_STANDS_BY = "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE application_name LIKE 'router%'"


def _stands_by(address: str, family: Family) -> bool:
    family.keep_alive()
    return bool(_ask(address, _STANDS_BY)[0][0] >= ROUTERS)


# A third of those who work are cut off, in the middle of whatever they do.
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hands' AND random() < 0.34
"""


def _kill_the_leader(address: str, family: Family, told: Storm) -> None:
    [(process,)] = _ask(address, "SELECT process FROM routing_leader WHERE pool = 'main'")
    leader = int(process.rpartition(":")[2])
    told.kills.append(time.time())
    with suppress(ProcessLookupError):
        os.kill(leader, signal.SIGKILL)
    for router in [each for each in family.routers if each.pid == leader]:
        router.wait()
    family.keep_alive()


def _restart(server: postgres.Server, address: str) -> None:
    """Stop the server at once, without a checkpoint; its guard starts it again."""
    process = postgres.process_of(server.folder)
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    with suppress(psutil.TimeoutExpired):
        process.wait(20)
    _until(lambda: _ask(address, "SELECT 1"))


def _until(true: Any, seconds: float = 240.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(psycopg.Error):
            if true():
                return
        time.sleep(0.1)
    raise TimeoutError("it did not come to that")


def _ask(address: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True) as asking:
        asking.execute("SELECT set_config('workfloor.every_client', 'on', false)")
        return asking.execute(question).fetchall()


def _gaps(address: str, kills: list[float]) -> list[float]:
    """From each kill, how long it took until an offer was written again."""
    query = "SELECT extract(epoch FROM recorded_at)::float8 FROM event_log_fact WHERE event = 'work.offered' ORDER BY 1"
    offers = [row[0] for row in _ask(address, query)]
    return [min((at - kill for at in offers if at > kill), default=float("inf")) for kill in kills]


def measure(agents: int = 200, items: int = 3_000, kills: int = 30, every_seconds: float = 3.0) -> list[Figure]:
    """The longer form: the time without offers after each of thirty kills."""
    told = storm(agents, items, kills, every_seconds)
    if told.faults:
        raise AssertionError(told.faults[:20])
    what = f"Without offers after each of {len(told.gaps)} kills"
    return [
        Figure(f"{what}: median", median(told.gaps), "s", "limit", 2.0, tuple(told.gaps)),
        Figure(f"{what}: longest", max(told.gaps), "s", "limit, with a restart of PostgreSQL", 10.0),
    ]
