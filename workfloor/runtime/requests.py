"""How requests are answered: whole, in a few threads, and none larger than the installation takes."""

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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

FOR_STREAMS: Final = 4  # connections of the pool that are for those who read for streams
MOST_WAITING: Final = 1_000  # requests without a thread; at some milliseconds each the last of them waits some seconds
METRICS: Final = "/metrics"
PASSED_ON: Final = {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-real-ip"}  # as proxies say

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


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
        self._unanswered = 0

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Read a request, have it answered, and send the answer; too many at once are asked to come back."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        if self._unanswered >= self._most + MOST_WAITING:
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
        self._unanswered += 1
        try:
            named, loop = (logs.current(), time.perf_counter()), asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._counted, scope, body, *named)
        finally:
            self._unanswered -= 1

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
    await _say(send, 503, "More is asked for than can be answered just now; send this again.", (b"retry-after", b"5"))


async def _say(send: Send, status: int, detail: str, header: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"application/json"), header]
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
