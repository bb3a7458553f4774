"""How requests are answered: whole, in a few threads, and none larger than the installation takes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Final

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from workfloor.core.conversations.messages import LARGEST_SENT

THREADS: Final = 12  # with the few that read for streams no more than the pool has connections


MOST_WAITING: Final = 1_000  # requests without a thread; at some milliseconds each the last of them waits some seconds


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
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._unanswered = 0

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Read a request, have it answered, and send the answer; too many at once are asked to come back."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        if self._unanswered >= THREADS + MOST_WAITING:
            body.close()
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
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, scope, body)
        finally:
            self._unanswered -= 1

    def _answer(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
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
        found: HttpResponseBase = response
        return found

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
