"""A mail server that keeps what it is sent and answers as a test wants it to."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller


class Sink:
    """What was delivered; `refuse` maps a recipient to the answer that it gets, `answers` are those to mails."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.refuse: dict[str, str] = {}
        self.answers: list[str] = []
        self.url = ""
        self.holds = False  # whoever names a recipient gets no answer
        self.asked = threading.Event()

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        self.asked.set()
        while self.holds:
            await asyncio.sleep(0.05)
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer == "breaks":  # the line, when the mail has been taken
            server.transport.abort()
        if answer.startswith("250") or answer == "breaks":
            self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return answer

    def last(self) -> Message:
        return message_from_bytes(self.mails[-1][2])


@contextmanager
def running() -> Iterator[Sink]:
    sink = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    sink.url = f"smtp://127.0.0.1:{port}"
    try:
        yield sink
    finally:
        controller.stop()
