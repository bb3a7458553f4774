"""Two thousand live pages, of which a hundred a second are told of a change: until each has been read again.

Pages are desks with a chat open, held by raw connections in this process; a change names one of them to PostgreSQL, as
any action does, and its page reads its part again through the normal view, permissions and all. Beside that stand the
same pages by Django Channels with Redis (benchmarks/channels_peer.py), whose view asks and reads nothing. Processor and
memory are those of the processes that hold the streams: ours, and theirs with Redis.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks import chat, databases
from benchmarks.chat_pages import OPENING, Connection
from benchmarks.figures import Figure

LIMIT_MS = 500.0
SETTLE_SECONDS = 2.0
LOST_AFTER_SECONDS = 20.0
REDIS = "redis-server"


class Page(NamedTuple):
    """An open page: what it hears, where it reads its part again, and as whom."""

    topic: str
    part: str
    headers: str = ""


@dataclass
class Told:
    """What was measured of one side: seconds until each page had read again; processor and memory of a page."""

    took: list[float] = field(default_factory=list)
    processor_ms: float = 0.0  # for a change
    memory_kb: float = 0.0  # for a page


def measure(template: str, pages: int = 2_000, rate: float = 100.0, seconds: float = 30.0) -> list[Figure]:
    """Open so many pages on each side and change `rate` of them a second; raises RuntimeError for one that is lost."""
    missing = [name for name in ("channels", "channels_redis") if not _is_there(name)]
    if missing or not shutil.which(REDIS):
        raise RuntimeError(
            "Channels and Redis are missing: make test installs the one, apt-get install redis-server the other"
        )
    ours, theirs = _ours(template, pages, rate, seconds), _theirs(pages, rate, seconds)
    of = f"{pages:,} live pages, {rate:.0f} changes a second"
    peer = "Django Channels with Redis"
    return [
        _late(f"{of}, until read again", ours),
        _late(f"{of}, until read again, by {peer}", theirs),
        Figure(f"{of}, processor for a change", ours.processor_ms, "ms", peer, theirs.processor_ms),
        Figure(f"{of}, memory of a page", ours.memory_kb, "kB", peer, theirs.memory_kb),
    ]


def _is_there(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _late(what: str, told: Told) -> Figure:
    ordered = sorted(1000 * each for each in told.took)
    parts = tuple(ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.9, 0.99, 1.0))
    return Figure(f"{what}, p99 (p50, p90, p99, most)", parts[2], "ms", "target at most", LIMIT_MS, parts)


# --- the two sides ----------------------------------------------------------------------------------------------------


def _ours(template: str, pages: int, rate: float, seconds: float) -> Told:
    from django.db import transaction

    from workfloor.kit.web import live as web_live

    def change(topic: str) -> None:
        with transaction.atomic():
            web_live.publish([topic])

    async def tell(topic: str) -> None:
        await asyncio.get_running_loop().run_in_executor(None, change, topic)

    spent = chat.Spent()
    with databases.copy(template) as address, chat.served(address, spent) as port:
        made = [
            Page(f"typing:{pair.person}:{pair.item}", f"/desk/items/{pair.item}/talk/", f"Cookie: {pair.cookie}\r\n")
            for pair in chat.pairs(pages, port)
        ]
        assert spent.up
        web = [each for each in spent.up.children(recursive=True) if "web" in each.cmdline()]
        return _held(port, made, rate, seconds, tell, web)


def _theirs(pages: int, rate: float, seconds: float) -> Told:
    made = [Page(f"page-{number}", f"/part/{number}/") for number in range(pages)]
    with _peer() as (port, redis, processes):
        from channels_redis.core import RedisChannelLayer

        layer = RedisChannelLayer(hosts=[redis], capacity=10_000)

        async def tell(topic: str) -> None:
            await layer.group_send(topic, {"type": "changed", "topic": topic})

        return _held(port, made, rate, seconds, tell, processes)


@contextmanager
def _peer() -> Iterator[tuple[int, str, list[psutil.Process]]]:
    """Redis without a disk, and as many web processes as ours has; yields the port, Redis' address and all of them."""
    port, redis_port = _free(), _free()
    redis = f"redis://127.0.0.1:{redis_port}"
    with (
        tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as folder,
        Path(folder, "said").open("wb") as log,
    ):
        options = ["--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        server = subprocess.Popen([shutil.which(REDIS) or REDIS, *options], stdout=log, stderr=log)
        workers = str(min(os.cpu_count() or 1, 8))
        command = [sys.executable, "-m", "uvicorn", "benchmarks.channels_peer:application", "--port", str(port)]
        web = subprocess.Popen(
            [*command, "--workers", workers, "--log-level", "warning"],
            env=os.environ | {"PEER_REDIS": redis, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=log,
            stderr=log,
        )
        try:
            for each in (redis_port, port):
                _wait_for(each, Path(folder, "said"))
            processes = [psutil.Process(each.pid) for each in (web, server)]
            yield port, redis, [*processes, *processes[0].children(recursive=True)]
        finally:
            for process in (web, server):
                process.send_signal(signal.SIGTERM)
                process.wait()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, said: Path) -> None:
    until = time.monotonic() + chat.STARTS_IN_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > until:
            raise RuntimeError(f"the peer did not begin: {said.read_text()[-2000:]}")
        time.sleep(0.1)


# --- the pages --------------------------------------------------------------------------------------------------------


def _held(
    port: int,
    pages: Sequence[Page],
    rate: float,
    seconds: float,
    tell: Callable[[str], Awaitable[None]],
    processes: Sequence[psutil.Process],
) -> Told:
    return asyncio.run(Held(port, pages, processes).run(rate, seconds, tell))


class Held:
    """Open pages, each of which reads its part again when it is told of a change."""

    def __init__(self, port: int, pages: Sequence[Page], processes: Sequence[psutil.Process]) -> None:
        self.port, self.pages, self.processes = port, pages, processes
        self.since: dict[str, float] = {}  # topic -> when it changed
        self.told, self.faults = Told(), list[str]()
        self.streams: list[Connection] = []
        self.busy: set[asyncio.Task[None]] = set()

    async def run(self, rate: float, seconds: float, tell: Callable[[str], Awaitable[None]]) -> Told:
        """Open all, change `rate` of them a second, and wait until each has been read again."""
        await self._read_all(self.pages[:1])  # what is loaded at the first request is no page's
        empty, limit = self._memory(), asyncio.Semaphore(OPENING)
        await asyncio.gather(*(self._open(page, limit) for page in self.pages))
        await asyncio.sleep(SETTLE_SECONDS)
        self.told.memory_kb = max(1.0, (self._memory() - empty) / 1024) / len(self.pages)
        used, changes = self._processor(), int(rate * seconds)
        await self._change(changes, rate, tell)
        until = time.monotonic() + LOST_AFTER_SECONDS
        while (self.since or self.busy) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        self.told.processor_ms = 1000 * (self._processor() - used) / changes
        for stream in self.streams:
            stream.transport.abort()
        if self.since or self.faults:
            raise RuntimeError(f"{len(self.since)} changes lost, {len(self.faults)} faults: {self.faults[:3]}")
        return self.told

    async def _change(self, changes: int, rate: float, tell: Callable[[str], Awaitable[None]]) -> None:
        began = time.perf_counter()
        for number in range(changes):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            topic = self.pages[(number * 7919) % len(self.pages)].topic
            self.since.setdefault(topic, time.perf_counter())  # told once where it has not yet been read again
            self._spawn(tell(topic))

    def _spawn(self, doing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(doing)
        self.busy.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[None]") -> None:
        self.busy.discard(task)  # type: ignore[arg-type]
        if fault := task.exception():
            self.faults.append(repr(fault))

    async def _open(self, page: Page, limit: asyncio.Semaphore) -> None:
        async with limit:
            opened = await self._connect(f"/live/?topic={page.topic}", page, lambda line: self._hear(page, line))
            await opened.began
            self.streams.append(opened)

    def _hear(self, page: Page, line: str) -> None:
        if line.startswith("HTTP/1.1 ") and " 200 " not in line:
            self.faults.append(line)
        if line == f"data: {page.topic}" and page.topic in self.since:
            self._spawn(self._read(page, self.since.pop(page.topic)))

    async def _read(self, page: Page, since: float) -> None:
        connection = await self._connect(page.part, page)
        head = (await connection.ended)[9:12]
        if head != b"200":
            self.faults.append(f"{page.part}: {head!r}")
        self.told.took.append(time.perf_counter() - since)

    async def _read_all(self, pages: Sequence[Page]) -> None:
        for page in pages:
            await (await self._connect(page.part, page)).ended

    async def _connect(self, path: str, page: Page, told: Callable[[str], None] | None = None) -> Connection:
        closing = "" if told else "Connection: close\r\n"
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{page.headers}{closing}\r\n".encode()
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: Connection(request, told), "127.0.0.1", self.port)
        return made

    def _memory(self) -> float:
        return float(sum(each.memory_full_info().uss for each in self.processes))

    def _processor(self) -> float:
        return float(sum(sum(each.cpu_times()[:2]) for each in self.processes))
