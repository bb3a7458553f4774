"""The widget's script, a page to try it on, and the stream of a visitor's chat."""

import asyncio
import contextlib
import gzip
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles import finders
from django.db import DatabaseError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.kit.web import live as web_live
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import visitors, widget_file

SEEN_EVERY_SECONDS: Final = 20
GATHER_SECONDS: Final = 0.01  # in which readings come together that the same notices have caused
MOST_AT_ONCE: Final = 100  # readings of one transaction

log = logging.getLogger(__name__)


# --- the script ---------------------------------------------------------------------------------------------------


@cache
def script() -> bytes:
    """The widget as one script."""
    parts = []
    for name in ("widget.css", "widget.js"):
        with open(str(finders.find(f"chat/{name}")), encoding="utf-8") as file:
            parts.append(file.read())
    return visitors.assembled(widget_file.texts(), *parts).encode()


@cache
def packed_script() -> bytes:
    """The same, compressed."""
    return gzip.compress(script(), 9, mtime=0)


@require_GET
def program(request: HttpRequest) -> HttpResponse:
    """The widget's script, for any site: what it may do there, its origins decide."""
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    tag = f'"{sha256(script()).hexdigest()[:16]}"'
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": tag,
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    body = packed_script() if packs else script()
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers=headers)


@login_required
@require_GET
def demo(request: HttpRequest, widget_key: str) -> HttpResponse:
    """A page like one of a client's site, to try a widget on."""
    found = chat_queries.widget(widget_key)
    if found is None:
        raise Http404
    language = visitors.language(request.GET.get("language", "en"), list(widget_file.texts()))
    direction = widget_file.texts()[language]["direction"]
    shown = {"widget": found, "language": language, "direction": direction, "languages": list(widget_file.texts())}
    return render(request, "chat/demo.html", shown)


# --- the stream ---------------------------------------------------------------------------------------------------


class Present:
    """Whose pages are open in this process; the database hears of all of them every twenty seconds."""

    def __init__(self) -> None:
        self._pages: Counter[tuple[int, int]] = Counter()  # (client, chat) -> open pages
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def page(self, client_id: int, chat_id: int) -> Iterator[None]:
        """A page of a chat is open during the block."""
        self._pages[client_id, chat_id] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            self._pages[client_id, chat_id] -= 1
            self._pages += Counter()  # forgets whoever has none left

    async def _tell(self) -> None:
        while self._pages:
            await asyncio.sleep(SEEN_EVERY_SECONDS)
            here = list(self._pages)
            with contextlib.suppress(DatabaseError):
                await asyncio.get_running_loop().run_in_executor(threads, _note_seen, here)


present = Present()
threads = ThreadPoolExecutor(2, thread_name_prefix="chat")  # one that reads for streams, one that says who is there


def _note_seen(here: list[tuple[int, int]]) -> None:
    try:
        with transaction.atomic():
            rls.enter(*{client_id for client_id, _ in here})
            chats.note_seen(chat_ids=[chat_id for _, chat_id in here], now=clock.now())
    finally:
        connection.close()


News = tuple[list[dict[str, Any]], dict[str, Any]]  # the messages, and where the chat stands


class Asked(NamedTuple):
    """What a page asks when it is told that its chat has changed."""

    client_id: int
    chat_id: int
    after: int  # the last message that it has


class Reader:
    """Reads for all of this process's pages: what is asked while it reads is read together, in one transaction.

    So the more there is to read, the less each reading costs, and pages never take more than one connection.
    """

    def __init__(self) -> None:
        self._asked: list[tuple[Asked, asyncio.Future[News | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def news(self, asked: Asked) -> News | None:
        """What is new in a chat; None where it is not there any more, or could not be read."""
        answer: asyncio.Future[News | None] = asyncio.get_running_loop().create_future()
        self._asked.append((asked, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
        return await answer

    async def _read(self) -> None:
        while self._asked:
            await asyncio.sleep(GATHER_SECONDS)
            batch, self._asked = self._asked[:MOST_AT_ONCE], self._asked[MOST_AT_ONCE:]
            found: list[News | None] = [None] * len(batch)
            try:
                asked = [each for each, _ in batch]
                found = await asyncio.get_running_loop().run_in_executor(threads, _read, asked)
            except DatabaseError as fault:
                log.warning("%d pages of chats come back, for nothing could be read: %s", len(batch), fault)
            finally:
                for (_, answer), news in zip(batch, found, strict=True):
                    if not answer.done():  # a page that has gone meanwhile waits no more
                        answer.set_result(news)


reader = Reader()


def _read(asked: list[Asked]) -> list[News | None]:
    """Read for each within its own client's wall; in the order of clients, so that each wall is entered once."""
    found: dict[Asked, News | None] = {}
    entered: int | None = None
    try:
        with transaction.atomic():
            for each in sorted(set(asked)):
                if each.client_id != entered:
                    rls.enter(each.client_id)
                    entered = each.client_id
                found[each] = chat_queries.news(each.chat_id, each.after, clock.now())
    finally:
        connection.close()
    return [found[each] for each in asked]


async def events(client_id: int, chat_id: int, case_id: int, after: int) -> AsyncIterator[bytes]:
    """A visitor's stream: each message with its number as the event's id, where the chat stands, who is typing.

    What changed is named by the live stream and read here, within the client's wall, from the last number sent on; so
    a page that comes back with that number misses nothing and gets nothing twice.
    """
    about, typing = f"case:{case_id}", f"typing:chat:{chat_id}"
    told: dict[str, Any] = {}
    with web_live.hub.page(frozenset({about, typing})) as page, present.page(client_id, chat_id):
        while True:
            changed = await page.news()
            # Both at once: everything is named, as when the stream or what feeds it begins; that is nobody typing.
            written = [event("typing", {})] if typing in changed and about not in changed else []
            if about in changed or told.get("state") == "waiting":  # whose place in the queue others change
                found = await reader.news(Asked(client_id, chat_id, after))
                if found is None:
                    return  # the page comes back by itself, with the number of the last message that it has
                written += [event("message", each, each["id"]) for each in found[0]]
                after = max([after, *(each["id"] for each in found[0])])
                written += [event("state", found[1])] if found[1] != told else []
                told = found[1]
            yield b"".join(written) or b": still here\n\n"


def event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """One server-sent event."""
    identity = f"id: {number}\n" if number is not None else ""
    return f"{identity}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
