"""Visitors' pages and agents' desks as browsers have them, over raw connections: light enough for a thousand.

No page is drawn. What a page asks for, and when, is what chat/widget.js, ui/live.js and agent/conversation.js ask for.
"""

import asyncio
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

ORIGIN = "http://site.example"
OPENING = 16  # streams that are opened at the same time, as by people and not by a flood
SETTLE_SECONDS = 3.0
LOST_AFTER_SECONDS = 20.0
READ_AFTER_SECONDS = 0.8  # as the widget waits
SETTLED = re.compile('data-direction="(in|out|note)"(?: data-settled="([0-9]+)")?')


@dataclass
class Pair:
    """A visitor with an open page, and the agent who has the chat in hand."""

    token: str
    item: int
    person: int
    cookie: str
    csrf: str


@dataclass
class Heard:
    """When each message was sent, how long it took to stand on the other side, in seconds, and what went wrong."""

    sent: dict[str, float] = field(default_factory=dict)
    took: dict[str, list[float]] = field(default_factory=lambda: {"visitor": [], "agent": []})
    faults: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def arrive(self, word: str) -> None:
        """Note that a message stands on the other side."""
        if (began := self.sent.pop(word, None)) is not None:
            self.took[word.partition("-")[0]].append(time.perf_counter() - began)


class Connection(asyncio.Protocol):
    """One request on a connection of its own; its lines are told as they come, or all of its answer at the end."""

    def __init__(self, request: bytes, told: Callable[[str], None] | None = None) -> None:
        self.request, self.told = request, told
        self.received = bytearray()
        self.began: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.told is None:
            return
        *lines, rest = self.received.split(b"\n")
        self.received = bytearray(rest)
        for line in lines:
            self.told(line.decode().rstrip("\r"))
        if not self.began.done():
            self.began.set_result(None)

    def connection_lost(self, reason: Exception | None) -> None:
        for waiting in (self.began, self.ended):
            if not waiting.done():
                waiting.set_result(bytes(self.received) if waiting is self.ended else None)  # type: ignore[arg-type]


class Floor:
    """All open pages, and both sides writing."""

    def __init__(self, port: int, pairs: Sequence[Pair], heard: Heard, said: Callable[[str], None]) -> None:
        self.port, self.pairs, self.heard, self.said = port, pairs, heard, said
        self.busy: set[asyncio.Task[None]] = set()
        self.open: list[Connection] = []
        self.closing = False

    async def run(self, rate: float, seconds: float, steady: Callable[[bool], None]) -> None:
        """Open every page, write `rate` messages a second for so long, and wait until all have arrived."""
        desks = [Desk(self, pair) for pair in {pair.person: pair for pair in self.pairs}.values()]
        by_person = {desk.person: desk for desk in desks}
        visitors = [Visitor(self, pair) for pair in self.pairs]
        limit = asyncio.Semaphore(OPENING)
        pages: list[Visitor | Desk] = [*visitors, *desks]
        await asyncio.gather(*(self._opened(page, limit) for page in pages))
        await asyncio.sleep(SETTLE_SECONDS)
        steady(True)
        await self._write(rate, seconds, visitors, by_person)
        steady(False)
        until = time.monotonic() + LOST_AFTER_SECONDS
        while (self.heard.sent or self.busy) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self.closing = True
        for visitor in visitors:
            if visitor.marking:
                visitor.marking.cancel()
        unfinished = list(self.busy)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        for connection in self.open:
            connection.transport.abort()

    async def _opened(self, page: "Visitor | Desk", limit: asyncio.Semaphore) -> None:
        async with limit:
            await page.begin()
        self.said("open")

    async def _write(
        self, rate: float, seconds: float, visitors: "Sequence[Visitor]", desks: "dict[int, Desk]"
    ) -> None:
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            visitor = visitors[(number * 7919) % len(visitors)]  # the next one is somebody else's
            desk = desks[visitor.pair.person]
            self.spawn(visitor.say(number, desk) if number % 2 else desk.reply(visitor.pair.item, number))
            self.said("sent")

    def spawn(self, doing: Coroutine[None, None, None]) -> None:
        """Let something happen beside everything else; what fails is a fault."""
        task = asyncio.ensure_future(doing)
        self.busy.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self.busy.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            self.heard.faults.append(repr(fault))

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> str:
        """One call; the text of its answer, empty where it was refused, which is a fault."""
        self.heard.asked[
            f"{method} {'/'.join(part for part in path.split('?')[0].split('/') if not part.isdigit())}"
        ] += 1
        loop = asyncio.get_running_loop()
        request = _request(method, path, headers | {"Connection": "close"}, body)
        _, made = await loop.create_connection(lambda: Connection(request), "127.0.0.1", self.port)
        head, _, answer = (await made.ended).partition(b"\r\n\r\n")
        if head[9:12] not in (b"200", b"204"):
            self.heard.faults.append(f"{method} {path}: {head[:60]!r} {answer[:200]!r}")
            return ""
        return answer.decode()

    async def stream(self, path: str, headers: dict[str, str], told: Callable[[str], None]) -> None:
        """Open a stream; returns when it has begun. A stream that ends by itself is a fault."""
        request = _request("GET", path, headers | {"Accept": "text/event-stream"})
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: Connection(request, told), "127.0.0.1", self.port)
        await made.began
        self.open.append(made)
        made.ended.add_done_callback(lambda _: self._cut(path))

    def _cut(self, path: str) -> None:
        if not self.closing:
            self.heard.faults.append(f"{path} was cut")


class Visitor:
    """A visitor's page: its stream, what is written there, and what it says to have read."""

    def __init__(self, floor: Floor, pair: Pair) -> None:
        self.floor, self.pair = floor, pair
        self.headers = {"Authorization": f"Bearer {pair.token}", "Origin": ORIGIN}
        self.shown: set[str] = set()
        self.marking: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        await self.floor.stream("/chat/my/stream/", self.headers, self.hear)

    def hear(self, line: str) -> None:
        if line.startswith("HTTP/1.1 ") and " 200 " not in line:
            self.floor.heard.faults.append(line)
        if not line.startswith('data: {"id"'):
            return
        message = json.loads(line[6:])
        if message["text"] in self.shown:
            self.floor.heard.faults.append(f"{message['text']} came twice")
        self.shown.add(message["text"])
        if not message["mine"]:
            self.floor.heard.arrive(message["text"])
            if self.marking:
                self.marking.cancel()
            loop = asyncio.get_running_loop()
            self.marking = loop.call_later(READ_AFTER_SECONDS, lambda: self.floor.spawn(self.read(message["id"])))

    async def say(self, number: int, desk: "Desk") -> None:
        word = f"visitor-{number}"
        desk.awaited[self.pair.item].add(word)
        self.floor.heard.sent[word] = time.perf_counter()
        await self._post("/chat/my/messages/", {"id": f"message-{number:06}", "text": word})

    async def read(self, up_to: int) -> None:
        await self._post("/chat/my/read/", {"up_to": up_to})

    async def _post(self, path: str, sent: dict[str, object]) -> None:
        headers = self.headers | {"Content-Type": "application/json"}
        await self.floor.ask("POST", path, headers, json.dumps(sent).encode())


class Desk:
    """An agent's desk, as if each chat stood open on it: it reads what was written, and what became of it."""

    def __init__(self, floor: Floor, pair: Pair) -> None:
        self.floor, self.person = floor, pair.person
        self.headers = {"Cookie": pair.cookie}
        self.writing = {
            "Cookie": pair.cookie,
            "X-CSRFToken": pair.csrf,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.awaited: dict[int, set[str]] = defaultdict(set)  # item -> what was written there and is not yet shown
        self.settled: dict[int, int] = defaultdict(int)  # item -> the last message up to which all stay as they are
        self.open = pair.item  # what a mark that brings no word is looked for in
        self.reading = self.again = False

    async def begin(self) -> None:
        topics = [("topic", f"{kind}:{self.person}") for kind in ("messages", "person")]
        await self.floor.stream(f"/live/?{urlencode(topics)}", self.headers, self.hear)

    def hear(self, line: str) -> None:
        if line.startswith("HTTP/1.1 ") and " 200 " not in line:
            self.floor.heard.faults.append(line)
        if line != f"data: messages:{self.person}":
            return
        self.again = True
        if not self.reading:
            self.reading = True
            self.floor.spawn(self.read())

    async def read(self) -> None:
        while self.again:
            self.again = False
            for item in [item for item, words in self.awaited.items() if words] or [self.open]:
                self.open = item
                address = f"/desk/items/{item}/talk/?after={self.settled[item]}"
                shown = await self.floor.ask("POST", address, self.writing)  # which says too that it is seen
                self.show(item, Counter(_words(shown)))
                for _, number in SETTLED.findall(shown):
                    if not number:
                        break
                    self.settled[item] = int(number)
        self.reading = False

    def show(self, item: int, words: Counter[str]) -> None:
        for word in [word for word in self.awaited[item] if words[word]]:
            self.awaited[item].discard(word)
            if words[word] > 1:
                self.floor.heard.faults.append(f"{word} stands on the desk twice")
            if word.startswith("visitor-"):
                self.floor.heard.arrive(word)

    async def reply(self, item: int, number: int) -> None:
        word = f"agent-{number}"
        self.awaited[item].add(word)
        self.floor.heard.sent[word] = time.perf_counter()
        await self._post(f"/desk/items/{item}/reply/", {"key": f"reply-{number:06}", "text": word})

    async def _post(self, path: str, sent: dict[str, str]) -> None:
        await self.floor.ask("POST", path, self.writing, urlencode(sent).encode())


def _request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def _words(page: str) -> list[str]:
    return unescape(page.replace("<", " ").replace(">", " ")).split()
