"""Chat on a busy floor: from a message's POST until it stands on the other side, both ways, over real connections."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import databases
from benchmarks.figures import Figure

LIMIT_MS = 300.0
AT_ONCE = 4  # chats in one agent's hands
ORIGIN = "http://site.example"
OPENING = 16  # streams that are opened at the same time, as by people and not by a flood
SETTLE_SECONDS = 3.0
LOST_AFTER_SECONDS = 20.0
CONTRACT = """
[contract]
client = "chatter"
title = "Chatter"
signed_on = 2025-12-01
starts_on = 2026-01-01
ends_on = 2035-12-31
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"

[calendars.always.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]

[[processes]]
name = "desk"
kind = "chat"
location = "onshore"
calendar = "always"
dispositions = ["done"]

  [[processes.queues]]
  name = "chats"
  requires = { portuguese = 1 }
  answer_within = "60s"
  at_once = 4

[[prices]]
title = "Fixed"
unit = "fixed"
rate = "1.00"
"""


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
    """When each message was sent, and how long it took to stand on the other side, in seconds."""

    sent: dict[str, float] = field(default_factory=dict)
    took: dict[str, list[float]] = field(default_factory=lambda: {"visitor": [], "agent": []})
    refused: list[str] = field(default_factory=list)

    def arrive(self, text: str) -> None:
        for word in text.split():
            if began := self.sent.pop(word, None):
                self.took[word.partition("-")[0]].append(time.perf_counter() - began)


def measure(
    template: str, visitors: int = 1_000, rate: float = 50.0, seconds: float = 30.0, runs: int = 1
) -> list[Figure]:
    """Open so many visitors' pages, let both sides write `rate` messages a second, and take the 99th percentiles."""
    heard = Heard()
    with databases.copy(template) as address, _served(address) as port:
        pairs = _pairs(visitors, port)
        for _ in range(runs):
            asyncio.run(_Floor(port, pairs, heard).run(rate, seconds))
    if heard.refused or heard.sent:
        raise RuntimeError(f"{len(heard.refused)} refused {heard.refused[:3]}, {len(heard.sent)} lost")
    ways = {"visitor": "visitor to agent's desk", "agent": "agent to visitor's page"}
    return [_figure(ways[side], sorted(took), visitors, rate) for side, took in heard.took.items()]


def _figure(way: str, took: list[float], visitors: int, rate: float) -> Figure:
    worst = took[min(len(took) - 1, int(len(took) * 0.99))]
    what = f"chat, {way}, p99 of {len(took):,} at {rate:.0f}/s, {visitors:,} open"
    return Figure(what, worst * 1000, "ms", "promised at most", LIMIT_MS)


# --- the floor -------------------------------------------------------------------------------------------------------


@contextmanager
def _served(address: str) -> Iterator[int]:
    """A web server and a worker on that database, as an installation has them; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chat-", ignore_cleanup_errors=True))
        environment = os.environ | {
            "WORKFLOOR_DATABASE_URL": address, "WORKFLOOR_DATA": folder, "WORKFLOOR_BIND": f"127.0.0.1:{port}",
            "WORKFLOOR_SECRET_KEY": _key(),
        }  # fmt: skip
        log = stack.enter_context((Path(folder) / "log").open("wb"))
        for command in ("web", "worker"):
            line = [sys.executable, "-m", "workfloor", command]
            process = subprocess.Popen(line, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
        _wait_for(port)
        yield port


def _key() -> str:
    from django.conf import settings

    return str(settings.SECRET_KEY)


def _wait_for(port: int, most: float = 60.0) -> None:
    until = time.monotonic() + most
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the web server did not begin")


def _pairs(visitors: int, port: int) -> list[Pair]:
    """So many chats, in the hands of as many agents as they need."""
    from django.db import transaction

    from workfloor.kit import rls

    with transaction.atomic():
        rls.enter_every_client()
        return list(_made(visitors, port))


def _made(visitors: int, port: int) -> Iterator[Pair]:
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.contracts.models import Queue
    from workfloor.core.work import actions as work
    from workfloor.kit import clock
    from workfloor.ops.channels.chat import actions as chat
    from workfloor.ops.channels.chat import queries as chats

    now = clock.now()
    contracts.sign(source=CONTRACT, now=now)
    queue = Queue.objects.select_related("client").get(name="chats", client__slug="chatter")
    widget = chat.add_widget(
        client=queue.client, queue=queue, origins=[ORIGIN], source='title = { en = "Chat" }', now=now
    )
    agent: tuple[Any, str, str] | None = None
    for number in range(visitors):
        if number % AT_ONCE == 0:
            agent = _agent(queue.client, number)
        assert agent
        person, cookie, csrf = agent
        secret = f"{number:043d}"
        begun = chat.begin(
            widget=widget,
            secret=secret,
            key=f"first-{number:06}",
            message="Hello",
            answers={},
            address=str(number),
            now=now,
        )
        item = work.offer(item=begun.item, person=person, at_once=AT_ONCE, offer_seconds=60, now=now)
        work.accept(item=item, by=person, now=now)
        cookies = f"workfloor_session_{port}={cookie}; workfloor_csrf_{port}={csrf}"
        yield Pair(chats.written(begun, secret), item.id, person.id, cookies, csrf)


def _agent(client: Any, number: int) -> tuple[Any, str, str]:
    """Somebody at work who is signed in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Account
    from workfloor.kit import clock

    now = clock.now()
    account = Account.objects.create(email=f"agent{number}@example.com", password="!")
    person = people.hire(name=f"Agent {number}", roles=["agent"], account=account, now=now)
    people.clear(person=person, client=client, now=now)
    people.go_available(person=person, now=now)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = (
        str(account.pk),
        "allauth.account.auth_backends.AuthenticationBackend",
    )
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.create()
    return person, str(session.session_key), "c" * 32


# --- both sides ------------------------------------------------------------------------------------------------------


class _Floor:
    """Every open page, as a browser has it: one stream each, and what a page reads when it is told of something."""

    def __init__(self, port: int, pairs: list[Pair], heard: Heard) -> None:
        self.port, self.pairs, self.heard = port, pairs, heard
        self.opening = asyncio.Semaphore(OPENING)
        self.open = 0
        self.written_in: dict[int, set[int]] = defaultdict(set)  # agent -> items whose visitors have written

    async def run(self, rate: float, seconds: float) -> None:
        desks = {pair.person: pair for pair in self.pairs}
        pages = [asyncio.create_task(self._visitor(pair)) for pair in self.pairs]
        pages += [asyncio.create_task(self._desk(pair)) for pair in desks.values()]
        while self.open < len(pages):
            await asyncio.sleep(0.1)
            for page in pages:
                if page.done():
                    page.result()
        await asyncio.sleep(SETTLE_SECONDS)
        await self._write(rate, seconds)
        until = time.monotonic() + LOST_AFTER_SECONDS
        while self.heard.sent and time.monotonic() < until:
            await asyncio.sleep(0.05)
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)

    async def _write(self, rate: float, seconds: float) -> None:
        writing, began = [], time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            pair = self.pairs[(number * 7919) % len(self.pairs)]  # the next one is somebody else's
            write = self._say if number % 2 else self._reply
            writing.append(asyncio.create_task(write(pair, number)))
        await asyncio.gather(*writing)

    async def _say(self, pair: Pair, number: int) -> None:
        word = f"visitor-{number}"
        self.written_in[pair.person].add(pair.item)
        body = json.dumps({"id": f"message-{number:06}", "text": word}).encode()
        headers = {"Authorization": f"Bearer {pair.token}", "Origin": ORIGIN, "Content-Type": "application/json"}
        await self._post("/chat/my/messages/", headers, body, word)

    async def _reply(self, pair: Pair, number: int) -> None:
        word = f"agent-{number}"
        body = urlencode({"key": f"reply-{number:06}", "text": word}).encode()
        headers = {
            "Cookie": pair.cookie, "X-CSRFToken": pair.csrf, "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        await self._post(f"/desk/items/{pair.item}/reply/", headers, body, word)

    async def _post(self, path: str, headers: dict[str, str], body: bytes, word: str) -> None:
        self.heard.sent[word] = time.perf_counter()
        status, answer = await self._ask("POST", path, headers, body)
        if status not in (200, 204):
            self.heard.sent.pop(word, None)
            self.heard.refused.append(f"{status} {answer[:200]}")

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(_request(method, path, headers | {"Connection": "close"}, body))
        answer = (await reader.read()).decode()
        writer.close()
        return int(answer.split(" ", 2)[1]), answer.partition("\r\n\r\n")[2]

    async def _visitor(self, pair: Pair) -> None:
        headers = {"Authorization": f"Bearer {pair.token}", "Origin": ORIGIN}
        async for line in self._stream("/chat/my/stream/", headers):
            if line.startswith('data: {"id"'):
                self.heard.arrive(json.loads(line[6:])["text"])

    async def _desk(self, pair: Pair) -> None:
        topics = urlencode([("topic", f"messages:{pair.person}"), ("topic", f"person:{pair.person}")])
        async for line in self._stream(f"/live/?{topics}", {"Cookie": pair.cookie}):
            # A desk shows one chat at a time; here the one that was written in, whichever it is.
            while line == f"data: messages:{pair.person}" and self.written_in[pair.person]:
                item = self.written_in[pair.person].pop()
                _, shown = await self._ask("GET", f"/desk/items/{item}/talk/", {"Cookie": pair.cookie})
                self.heard.arrive(_words(shown))

    async def _stream(self, path: str, headers: dict[str, str]) -> Any:
        async with self.opening:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
            writer.write(_request("GET", path, headers | {"Accept": "text/event-stream"}))
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise RuntimeError(head.decode())
            await reader.readline()
        self.open += 1
        try:
            while line := await reader.readline():
                yield line.decode().rstrip("\r\n")
        finally:
            writer.close()


def _request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def _words(page: str) -> str:
    return page.replace("<", " ").replace(">", " ")


def main() -> None:
    """Measure alone: `python -m benchmarks.chat`."""
    with databases.migrated() as template:
        databases.sign_example()
        for figure in measure(template):
            print(f"{figure.what}: {figure.value:.0f} {figure.unit}, {figure.beside} {figure.peer:.0f}")


if __name__ == "__main__":
    main()
