"""The web server's entry point."""

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

from workfloor.core.conversations.rules import LARGEST_SENT

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


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
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": detail}).encode()})


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
application = Bounded(ASGIStaticFilesHandler(get_asgi_application()))
