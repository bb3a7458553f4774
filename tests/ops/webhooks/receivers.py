"""Another system on this machine, which is sent events: it keeps what comes, and answers as a test has it answer."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.conftest import free_port
from workfloor.ops.webhooks import signing

# What an answer is made of: a code; or a code with headers; or None to break off without one.
Answer = int | tuple[int, dict[str, str]] | None


@dataclass
class Came:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]

    def is_signed_by(self, secret: str) -> bool:
        given = signing.signature(signing.read(secret), self.key, int(self.headers["webhook-timestamp"]), self.body)
        return given in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """It answers 200 unless a test says otherwise."""

    port: int
    scheme: str = "http"
    answer: Callable[[Came], Answer] = lambda came: 200
    body: bytes = b"a body that says why"
    came: list[Came] = field(default_factory=list)
    taken: list[Came] = field(default_factory=list)  # those that it answered with 2xx
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/hooks?of=workfloor"

    def events(self) -> list[str]:
        """What came, by its name, in its order."""
        return [each.told["event"] for each in self.came]

    def of_items(self) -> dict[str, list[str]]:
        """What was taken, by item, each event once as a receiver that looks at the id has it."""
        found: dict[str, list[str]] = {}
        known = set()
        for each in self.taken:
            if each.key not in known:
                known.add(each.key)
                found.setdefault(each.told["item"]["key"], []).append(each.told["event"])
        return found

    def waits_for(self, count: int, seconds: float = 300) -> None:
        """Until so many came."""
        until = time.monotonic() + seconds
        while len(self.came) < count and time.monotonic() < until:
            time.sleep(0.05)
        assert len(self.came) >= count, f"{len(self.came)} of {count} came: {self.events()}"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                came = Came({name.lower(): value for name, value in self.headers.items()}, body)
                with receiver.lock:
                    receiver.came.append(came)
                    receiver.under_way += 1
                    receiver.most_under_way = max(receiver.most_under_way, receiver.under_way)
                try:
                    answer = receiver.answer(came)
                finally:
                    with receiver.lock:
                        receiver.under_way -= 1
                code, headers = answer if isinstance(answer, tuple) else (answer, {})
                if code is None:
                    return
                if 200 <= code < 300:
                    receiver.taken.append(came)
                with suppress(ConnectionError):  # whoever waits no longer has gone
                    self.send_response(code)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(receiver.body)

            def log_message(self, *said: Any) -> None:
                pass

        return Handler


@contextmanager
def running(port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver listens on 127.0.0.1 during the block."""
    receiver = Receiver(port or free_port(), "https" if tls else "http")
    server = ThreadingHTTPServer(("127.0.0.1", receiver.port), receiver.handler())
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def drips(server: socket.socket) -> Iterator[None]:
    """A server that answers whoever connects with a letter of a header now and then, without end."""
    over = threading.Event()

    def answer() -> None:
        server.settimeout(0.1)
        while not over.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                    while not over.wait(0.1):
                        connection.sendall(b"x")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
