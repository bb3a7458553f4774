"""How requests are answered: whole, in a few threads, and none larger than the installation takes."""

import asyncio
import hmac
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import IO, Any, Final

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from workfloor.core.conversations.messages import LARGEST_SENT
from workfloor.kit.database import postgres
from workfloor.kit.web import logs, metrics

FOR_STREAMS: Final = 2  # connections of the pool: for who reads for streams, and who says whose pages are open
FEW: Final = 4  # are answered at once while all are quick: more only take turns, each with a connection of its own
SLOW_SECONDS: Final = 0.1  # after which a request keeps nobody else waiting any more
PATIENCE_SECONDS: Final = 2.0  # when somebody has waited for so long, whoever comes is asked to come back
MOST_WAITING: Final = 1_000
METRICS: Final = "/metrics"
PASSED_ON: Final = {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-real-ip"}  # as proxies say

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Turns:
    """Who is answered now: a few at once, and beside those that take long as many more as there are threads.

    So what is quick is answered in the order in which it came, by few connections that know their statements, and
    waits neither for a slow page nor, when more comes than can be answered, for longer than is of use to anybody.
    """

    def __init__(self, few: int, most: int) -> None:
        self._few, self._most = few, most
        self._running: set[asyncio.Future[None]] = set()
        self._slow: set[asyncio.Future[None]] = set()  # of those that run
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()

    def are_too_many(self) -> bool:
        """Whether whoever comes now had better come back later."""
        if not self._waiting:
            return False
        waited = time.perf_counter() - self._waiting[0][0]
        return waited > PATIENCE_SECONDS or len(self._waiting) >= MOST_WAITING

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it during the block."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append((time.perf_counter(), mine))
        try:
            self._let_in()
            await mine
            loop.call_later(SLOW_SECONDS, self._count_as_slow, mine)
            yield
        finally:  # also of whoever waits no more
            self._running.discard(mine)
            self._slow.discard(mine)
            self._let_in()

    def _count_as_slow(self, turn: asyncio.Future[None]) -> None:
        if turn in self._running:
            self._slow.add(turn)
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and len(self._running) < self._most and len(self._running - self._slow) < self._few:
            _, turn = self._waiting.popleft()
            if not turn.done():
                self._running.add(turn)
                turn.set_result(None)


class WholeRequests(ASGIHandler):
    """Answers each request as a whole in one of a few threads; only streams live in the event loop.

    Django's own handler goes to and fro between a thread and the loop for every middleware, makes the thread and its
    connection anew for each request, and keeps a thread for each open stream.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        pool = settings.DATABASES["default"]["OPTIONS"].get("pool") or {"max_size": postgres.MOST_SHARE}
        self._most = max(2, pool["max_size"] - FOR_STREAMS)
        self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="request")
        self._turns = Turns(min(FEW, self._most), self._most)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Read a request, have it answered, and send the answer; too many at once are asked to come back."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        if self._turns.are_too_many():
            body.close()
            metrics.turned_away("busy")
            await _refuse_for_now(send)
            return
        response = await self._answered(scope, body)
        if response.streaming:
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    async def _answered(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
        named, loop = (logs.current(), time.perf_counter()), asyncio.get_running_loop()
        async with self._turns.turn():
            return await loop.run_in_executor(self._threads, self._counted, scope, body, *named)

    def _counted(self, scope: Any, body: IO[bytes], name: str, since: float) -> HttpResponseBase:
        """Answer a request in this thread, under its name; how long it has waited for the thread counts too."""
        with logs.of_request(name):
            view, response = self._answer(scope, body)
        metrics.answered(view, response.status_code, time.perf_counter() - since)
        return response

    def _answer(self, scope: Any, body: IO[bytes]) -> tuple[str, HttpResponseBase]:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        try:
            request, refusal = self.create_request(scope, body)
            response: Any = refusal if request is None else self.get_response(request)
            response._handler_class = type(self)
            if not response.streaming:
                response.close()  # in this thread, whose connection goes back with it
        finally:
            body.close()
        found = getattr(request, "resolver_match", None)
        return found.view_name if found else "none", response

    async def _stream(self, response: HttpResponseBase, receive: Any, send: Any) -> None:
        """Send a stream until it ends or nobody listens any more."""
        tasks = [
            asyncio.ensure_future(self.listen_for_disconnect(receive)),
            asyncio.ensure_future(self.send_response(response, send)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(self._threads, response.close)
        if isinstance(ends[1], Exception):
            raise ends[1]


class TooLarge(Exception):
    """More of a body has arrived than the installation takes."""


class Bounded:
    """Refuses a body over WORKFLOOR_MAX_BODY while it arrives, whatever length it announced or kept to itself.

    A form may bring one file as well, as large as a page of ours takes it.

    Django looks at the announced length alone, and stores all of a body that came in chunks before it looks at it.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        taken, most = 0, settings.WORKFLOOR_MAX_BODY + (LARGEST_SENT if _brings_files(scope) else 0)

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge
            return message

        try:
            await self.application(scope, receive_some, send)
        except TooLarge:
            metrics.turned_away("too large")
            await _refuse(send, most)


def _brings_files(scope: Mapping[str, Any]) -> bool:
    kinds = (value for name, value in scope.get("headers", ()) if name == b"content-type")
    is_form = next(kinds, b"").lower().startswith(b"multipart/form-data")
    return is_form and not scope.get("path", "").startswith("/api/")


async def _refuse(send: Send, most: int) -> None:
    detail = f"The body is larger than the {most:,} bytes taken at once: send less in one call."
    await _say(send, 413, detail, (b"connection", b"close"))


async def _refuse_for_now(send: Send) -> None:
    detail = "More is asked for than can be answered just now; send this again."
    await _say(send, 503, detail, (b"retry-after", b"5"), (b"x-turned-away", b"busy"))  # nothing of it was done


async def _say(send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
    headers = ((b"content-type", b"application/json"), *headers)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": detail}).encode()})


class Named:
    """Gives each request a name, which is in its answer and in all that is logged meanwhile; tells what is counted.

    What is counted is told here, so that it can be read while the database is away and all threads are taken.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        name = logs.request_id(_header(scope, logs.HEADER))

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (logs.HEADER, name.encode())]}
            await send(message)

        with logs.of_request(name):
            if scope["type"] == "http" and scope["path"] == METRICS:
                await _tell_metrics(scope, send_named)
            else:
                await self.application(scope, receive, send_named)


def _header(scope: Mapping[str, Any], wanted: bytes) -> bytes:
    found: bytes = next((value for name, value in scope.get("headers", ()) if name == wanted), b"")
    return found


async def _tell_metrics(scope: Mapping[str, Any], send: Send) -> None:
    if not may_read_metrics(scope):
        detail = "Metrics are read from the machine itself, or with WORKFLOOR_METRICS_TOKEN as a bearer token."
        await _say(send, 403, detail, (b"cache-control", b"no-store"))
        return
    told, media_type = await asyncio.to_thread(metrics.text)
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


def may_read_metrics(scope: Mapping[str, Any]) -> bool:
    """Whether a request shows the token for metrics, or comes from this machine and not through a proxy on it."""
    token = settings.WORKFLOOR_METRICS_TOKEN
    if token and hmac.compare_digest(_header(scope, b"authorization"), f"Bearer {token}".encode()):
        return True
    try:
        is_here = ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        is_here = False
    return is_here and not any(name in PASSED_ON for name, _ in scope.get("headers", ()))
