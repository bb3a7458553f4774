"""Mail in, from SMTP to the durable item, beside Python's bare parsing of the same mails."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from functools import partial
from io import BufferedReader
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import databases
from benchmarks.figures import Figure, seconds

REAL: Final = Path(__file__).parents[2] / "shared" / "data" / "mail"
FOLDERS: Final = ("replies", "ordinary", "malformed")
ADDRESS: Final = "help@bank.example"
ORDINARY: Final = (
    b"""To: help@bank.example
Subject: My card
Date: Wed, 4 Mar 2026 08:59:30 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

"""
    + b"Good morning, my card was declined at the till although there is money enough. Why?\n" * 12
)


def measure(template: str, mails: int = 3_000, runs: int = 3, senders: int = 16) -> list[Figure]:
    """Deliver mails over `senders` connections to the listener, and wait until the worker has made an item of each."""
    raws = letters(mails)
    with ExitStack() as stack:
        address = stack.enter_context(databases.copy(template))
        open_mailbox()
        port = stack.enter_context(installation(address))
        rates = [mails / seconds(partial(_deliver, port, raws, senders, run)) for run in range(runs)]
    bare = median(seconds(lambda: [message_from_bytes(raw) for raw in raws]) for _ in range(runs))
    return [Figure("Mail in, SMTP to durable item", median(rates), "a second", "bare message_from_bytes", mails / bare)]


def letters(count: int) -> list[bytes]:
    """Mails of the collection over and over, or an ordinary one where it is absent; each from somebody else."""
    found = [path.read_bytes() for folder in FOLDERS for path in sorted((REAL / folder).glob("*.eml"))] or [ORDINARY]
    bare = [_without_sender(re.sub(rb"\r\n|\r", b"\n", raw)) for raw in found]
    return [
        (b"From: Customer <c%d@customer.example>\nMessage-ID: <%d@customer.example>\n" % (number, number))
        + bare[number % len(bare)]
        for number in range(count)
    ]


def _without_sender(raw: bytes) -> bytes:
    head, blank, body = raw.lstrip(b"\n").partition(b"\n\n")
    kept = re.sub(rb"(?im)^(from|sender|message-id|in-reply-to|references|from )[: ].*(\n[ \t].*)*\n?", b"", head)
    return kept.strip(b"\n") + blank + body


def open_mailbox() -> None:
    """Let mail to the benchmark's address wait in the first queue."""
    from django.db import connection, transaction

    from workfloor.core.access import actors
    from workfloor.core.contracts.models import Queue
    from workfloor.core.event_log import actions as event_log
    from workfloor.kit.database import rls
    from workfloor.kit.time import clock
    from workfloor.ops.channels.email import actions as email

    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=clock.now())
        queue = Queue.objects.select_related("client").order_by("id").first()
        assert queue is not None
        email.open_mailbox(queue=queue, address=ADDRESS, by=actors.ROOT, now=clock.now())
    connection.close()


@contextmanager
def installation(database: str) -> Iterator[int]:
    """A listener and a worker on a database; gives the listener's port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="workfloor-mail-") as folder, ExitStack() as stack:
        env = os.environ | {
            "WORKFLOOR_DATABASE_URL": database,
            "WORKFLOOR_DATA": folder,
            "WORKFLOOR_MAIL_BIND": f"127.0.0.1:{port}",
        }
        for command in ("channels mail listen", "worker"):
            stack.enter_context(_running(command, env, Path(folder)))
        _wait_for(port, Path(folder))
        yield port


@contextmanager
def _running(command: str, env: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workfloor", *command.split()], env=env, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int, folder: Path) -> None:
    until = time.monotonic() + 240  # even on a machine that does much else
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("\n".join(path.read_text(errors="replace") for path in folder.glob("*.log")))


def _deliver(port: int, raws: list[bytes], senders: int, run: int) -> None:
    before = _items()
    numbered = [raw.replace(b"@customer.example>\n", b"@r%d.example>\n" % run, 2) for raw in raws]
    threads = [threading.Thread(target=send, args=[port, numbered[start::senders]]) for start in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while _items() < before + len(raws):
        time.sleep(0.05)


def send(port: int, raws: list[bytes]) -> None:
    """Deliver mails one after the other over one connection, each acknowledged before the next."""
    with socket.create_connection(("127.0.0.1", port), 60) as server, server.makefile("rb") as answers:
        _expect(answers.readline(), b"220")
        _say(server, b"HELO bench\r\n")
        _expect(answers.readline(), b"250")
        for raw in raws:
            _send_one(server, answers, raw)
        _say(server, b"QUIT\r\n")


def _send_one(server: socket.socket, answers: BufferedReader, raw: bytes) -> None:
    dialogue = [
        (b"MAIL FROM:<c@customer.example>\r\n", b"250"),
        (b"RCPT TO:<" + ADDRESS.encode() + b">\r\n", b"250"),
        (b"DATA\r\n", b"354"),
        (_as_sent(raw), b"250"),
    ]
    for line, code in dialogue:
        _say(server, line)
        _expect(answers.readline(), code)


def _as_sent(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^\.", b"..", raw).replace(b"\n", b"\r\n") + b"\r\n.\r\n"


def _say(server: socket.socket, line: bytes) -> None:
    server.sendall(line)


def _expect(answer: bytes, code: bytes) -> None:
    if not answer.startswith(code):
        raise RuntimeError(f"{code.decode()} was expected, and the listener said {answer.decode(errors='replace')!r}")


def _items() -> int:
    from django.db import transaction

    from workfloor.core.work.models import Item
    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        return Item.objects.count()
