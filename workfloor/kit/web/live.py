"""The live stream: names of what changed, from any transaction of any process to every open page that may know."""

import asyncio
import contextlib
import json
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from django.db import connection

CHANNEL = "workfloor_live"
HEARTBEAT_SECONDS = 15
RETRY_MS = (500, 4000)  # after which a page whose stream was cut comes back: each page after another time
_LARGEST_PAYLOAD = 7000  # PostgreSQL takes just under 8,000 bytes

log = logging.getLogger(__name__)


def publish(topics: Iterable[str]) -> None:
    """Name changed topics to all listeners when the current transaction commits, and never if it rolls back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload(topics)])


def payload(topics: Iterable[str]) -> str:
    """What listeners are told when these topics have changed; of too many at once, that all may have."""
    told = json.dumps(sorted(set(topics)))
    return told if len(told) <= _LARGEST_PAYLOAD else json.dumps(["*"])


class Page:
    """One open page: the topics it wants, and those that changed since it was last told."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted
        self.changed = set(wanted)  # on connect everything is named, so that a reconnection loses nothing
        self.woken = asyncio.Event()
        self.is_over = False

    def end(self) -> None:
        """Let its stream end: the page comes back, and is asked again who it is."""
        self.is_over = True
        self.woken.set()

    def hear(self, topics: set[str]) -> None:
        """Note what changed; a topic that is not yet told is told once, however often it changes."""
        if news := self.wanted & topics:
            self.changed |= news
            self.woken.set()

    async def news(self) -> list[str]:
        """What changed, as soon as something did; nothing after a while without."""
        if not self.changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), HEARTBEAT_SECONDS)
        self.woken.clear()
        told, self.changed = sorted(self.changed), set()
        return told


class Hub:
    """One LISTEN connection a process, shared out to any number of open pages."""

    def __init__(self) -> None:
        self._pages: dict[str, set[Page]] = defaultdict(set)  # by topic
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def page(self, wanted: frozenset[str]) -> Iterator[Page]:
        """A page that hears of its topics during the block."""
        page = Page(wanted)
        for topic in wanted:
            self._pages[topic].add(page)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        try:
            yield page
        finally:
            for topic in wanted:
                self._pages[topic].discard(page)
                if not self._pages[topic]:
                    del self._pages[topic]

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
        for topic in set(self._pages) if "*" in changed else changed & self._pages.keys():
            for page in self._pages[topic]:
                page.hear({topic})


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name in {"host", "port", "dbname", "user", "password", "sslmode", "sslrootcert", "options"}
    }


hub = Hub()


During = Callable[[Page], AbstractContextManager[None]]


async def events(wanted: frozenset[str], during: During) -> AsyncIterator[bytes]:
    """Server-sent events for one page: `data: topic`, and a comment as heartbeat so that dead connections end.

    `during` is entered while the page is open, and may end it.
    """
    yield f"retry: {random.randint(*RETRY_MS)}\n\n".encode()  # noqa: S311 nothing is kept secret by it
    with hub.page(wanted) as page, during(page):
        while True:
            told = await page.news()
            if page.is_over:
                return
            yield "".join(f"data: {topic}\n\n" for topic in told).encode() or b": still here\n\n"
