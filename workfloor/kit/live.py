"""The live stream: names of what changed, from any transaction of any process to every open page that may know."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable

import psycopg
from django.db import connection

CHANNEL = "workfloor_live"
HEARTBEAT_SECONDS = 15
_LARGEST_PAYLOAD = 7000  # PostgreSQL takes just under 8,000 bytes

log = logging.getLogger(__name__)


def publish(topics: Iterable[str]) -> None:
    """Name changed topics to all listeners when the current transaction commits, and never if it rolls back."""
    payload = json.dumps(sorted(set(topics)))
    if len(payload) > _LARGEST_PAYLOAD:
        payload = json.dumps(["*"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


class Hub:
    """One LISTEN connection a process, shared out to any number of open pages."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Queue[str], frozenset[str]] = {}
        self._task: asyncio.Task[None] | None = None

    async def topics(self, wanted: frozenset[str]) -> AsyncIterator[str]:
        """Every wanted topic at once, then each as it changes; '' is a heartbeat."""
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1000)
        self._listeners[queue] = wanted
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        try:
            for topic in sorted(wanted):
                yield topic
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield ""
        finally:
            del self._listeners[queue]

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                log.warning("live stream: %s; listening again in a second", error)
                await asyncio.sleep(1)

    async def _listen_once(self) -> None:
        async with await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True) as listening:
            await listening.execute(f"LISTEN {CHANNEL}")
            self._deliver({"*"})  # whatever was missed while nobody listened
            async for notice in listening.notifies():
                self._deliver(set(json.loads(notice.payload)))

    def _deliver(self, changed: set[str]) -> None:
        for queue, wanted in self._listeners.items():
            for topic in wanted if "*" in changed else wanted & changed:
                if not queue.full():
                    queue.put_nowait(topic)


def _parameters() -> dict[str, object]:
    parameters = connection.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name in {"host", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "options"}
    }


hub = Hub()


async def events(wanted: frozenset[str]) -> AsyncIterator[bytes]:
    """Server-sent events for one page: `data: topic`, and a comment as heartbeat so that dead connections end."""
    yield b"retry: 1000\n\n"
    async for topic in hub.topics(wanted):
        yield f"data: {topic}\n\n".encode() if topic else b": still here\n\n"
