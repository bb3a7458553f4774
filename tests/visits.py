"""Clients of a web server that take their time: each a connection, of which nothing is hidden."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Self

PATIENCE_SECONDS = 300.0


class Visit:
    """One connection of a client, in which it writes when it likes and all that comes back is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.heard, self.ended = reader, writer, b"", False
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def to(cls, port: int, **more: Any) -> Self:
        """Connect; `ssl` and so on as `asyncio.open_connection` takes them."""
        return cls(*await asyncio.open_connection("localhost", port, family=socket.AF_INET, **more))

    async def _listen(self) -> None:
        with suppress(OSError):
            while some := await self.reader.read(65536):
                self.heard += some
        self.ended = True

    async def says(self, data: bytes) -> None:
        """Write some bytes, heard or not."""
        with suppress(OSError):
            self.writer.write(data)
            await self.writer.drain()

    async def drips(self, data: bytes) -> None:
        """Write a byte a second until the other side ends it or there are no more."""
        for place in range(len(data)):
            if self.ended:
                return
            await self.says(data[place : place + 1])
            await asyncio.sleep(1)

    async def end(self) -> None:
        """Wait until the other side ends it."""
        await asyncio.wait_for(asyncio.shield(self._listening), PATIENCE_SECONDS)

    async def hears(self, words: bytes, times: int = 1) -> None:
        """Wait until something was said so often."""

        async def heard() -> None:
            while self.heard.count(words) < times:
                assert not self.ended, self.heard
                await asyncio.sleep(0.05)

        await asyncio.wait_for(heard(), PATIENCE_SECONDS)
