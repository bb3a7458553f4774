"""Connections of the web server: how long a client may take over a request's head, its body, and between requests."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from workfloor.kit.web import addresses, metrics

HEAD_SECONDS: Final = 10.0  # for the whole head, from its first byte, or from the connection's beginning
BODY_SECONDS: Final = 20.0  # for a body of any size, and besides as long as the slowest rate takes
LEAST_RATE: Final = 10_000  # bytes of a body a second
IDLE_SECONDS: Final = 15  # between two requests; the proxies of deploy/ give a connection up before
TIMED_OUT: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """A connection that ends when its client takes too long to say what it wants.

    uvicorn waits for ever for the rest of a head or a body. Here a request that is on its way has a deadline, which
    each piece of a body puts off by as much as it may have taken; while it is answered there is none: a stream lasts.
    """

    _heard: bool = False
    _deadline: float | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin; whoever connects has something to ask before long."""
        super().connection_made(transport)
        if self.client:
            self.client = (addresses.plain(self.client[0]), self.client[1])
        self._allow(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and look no more."""
        self._deadline = None
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some of a request; the first byte of a further one, be it only an empty line, begins its head."""
        self._heard = True
        if self._deadline is None and self.cycle.response_complete:
            self._allow(HEAD_SECONDS)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A head begins, maybe behind another request that came with it."""
        super().on_message_begin()
        if self._deadline is None:
            self._allow(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """The head is there; a body may follow."""
        self._allow(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body came."""
        if self._deadline is not None:
            self._deadline += len(body) / LEAST_RATE
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the request is there."""
        self._deadline = None
        super().on_message_complete()

    def _allow(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        if self._timer is None:  # one that runs finds by itself that the deadline has moved
            self._timer = self.loop.call_later(HEAD_SECONDS, self._look)

    def _look(self) -> None:
        """End the client if it is late; else look again, never later than the shortest of deadlines could be."""
        self._timer = None
        if self._deadline is None or self.transport.is_closing():
            return
        left = self._deadline - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(min(left, HEAD_SECONDS), self._look)
        else:
            self._end_the_late()

    def _end_the_late(self) -> None:
        if not self._heard:  # browsers connect before they have something to ask, and would show what they were told
            self.transport.close()
            return
        metrics.turned_away("slow")
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(TIMED_OUT)
            self.transport.close()
        else:
            self.transport.abort()  # the body's reader is told that nobody is there any more
