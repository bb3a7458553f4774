"""The peer of live_pages: the same pages by Django Channels with Redis, each as small as it can be.

A page opens a stream of server-sent events over Channels' own HTTP consumer, which tells it what changed; then it reads
its part again over a plain view. No person is looked up and no permission asked, which ours does. Run by uvicorn.
"""

import os
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

settings.configure(
    SECRET_KEY="of a benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["PEER_REDIS"]], "capacity": 10_000},
        }
    },
)
django.setup()

from channels.generic.http import AsyncHttpConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

PART = "<li>something was said</li>" * 60


class Stream(AsyncHttpConsumer):  # type: ignore[misc]
    """What changed, for one page."""

    async def handle(self, body: bytes) -> None:
        """Begin, and stay open: what is heard is told below."""
        self.topic = self.scope["query_string"].decode().partition("=")[2]
        await self.channel_layer.group_add(self.topic, self.channel_name)
        await self.send_headers(headers=[(b"Content-Type", b"text/event-stream")])
        await self.send_body(b"data: open\n\n", more_body=True)

    async def http_request(self, message: dict[str, Any]) -> None:
        """As Channels' own, without ending the answer where `handle` returns."""
        if not message.get("more_body"):
            await self.handle(b"")

    async def changed(self, event: dict[str, Any]) -> None:
        """A group was told of a change."""
        await self.send_body(f"data: {event['topic']}\n\n".encode(), more_body=True)

    async def disconnect(self) -> None:
        await self.channel_layer.group_discard(self.topic, self.channel_name)


def part(request: HttpRequest, number: int) -> HttpResponse:
    """What a page reads again."""
    return HttpResponse(PART)


urlpatterns = [path("part/<int:number>/", part)]
application = ProtocolTypeRouter(
    {"http": URLRouter([path("live/", Stream.as_asgi()), re_path("", get_asgi_application())])}  # type: ignore[arg-type]
)
