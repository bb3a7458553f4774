"""Mail in and out while its processes are killed: `python -m benchmarks.mail_storm 2000 500 200`.

A listener and two workers are killed (SIGKILL) one after another at random moments and begin anew. Whoever sends mail
in behaves as mail servers do: what was not acknowledged is sent again. The server that replies go to keeps count.
"""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import IO, Any, Final

from benchmarks import mail
from workfloor.core.access import actors

PROCESSES: Final = ("listen", "worker", "worker")
SENDERS: Final = 8
PATIENCE_SECONDS: Final = 300  # after the last kill, for what was left to be looked after


@dataclass
class Told:
    """What the storm came to."""

    mails: int
    replies: int
    kills: Counter[str] = field(default_factory=Counter)
    again: int = 0  # mails that were sent in once more
    doubled: int = 0  # replies that the server got more than once
    in_doubt: int = 0  # replies of which we knew that it might
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = (
            f"{self.mails} mails in ({self.again} sent again), {self.replies} replies out, "
            f"{self.kills.total()} kills ({dict(self.kills)}), {self.seconds:.0f} s; "
            f"replies in doubt: {self.in_doubt}, of which delivered twice: {self.doubled}"
        )
        return "\n".join([said, *(self.faults or ["no faults: each mail is one item, each reply was delivered"])])


def storm(database: str, mails: int, replies: int, kills: int, seed: int = 1) -> Told:
    """Send mails in and replies out of a database with the benchmark's mailbox, killing processes all the while."""
    told, chance = Told(mails, replies), random.Random(seed)
    began = time.monotonic()
    with _sink() as sink, _zygote(database, sink.port) as zygote:
        pids = [zygote.begin(name) for name in PROCESSES]
        raws = mail.letters(mails)
        senders = [
            threading.Thread(target=_send_until_kept, args=[zygote.port, raws[at::SENDERS], told])
            for at in range(SENDERS)
        ]
        writer = threading.Thread(target=_write_replies, args=[replies])
        for thread in (*senders, writer):
            thread.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.02, 0.5))
            victim = chance.randrange(len(PROCESSES))
            _kill(pids[victim])
            told.kills[PROCESSES[victim]] += 1
            pids[victim] = zygote.begin(PROCESSES[victim])
        for thread in (*senders, writer):
            thread.join()
        _wait_until_settled(mails, replies)
        told.faults = list(_faults(mails, replies, sink.got, told))
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
    told.seconds = time.monotonic() - began
    return told


def _kill(pid: int) -> None:
    """Kill a process, and wait until it is gone: a supervisor begins no other before, for which its port is free."""
    os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.001)


# --- whoever sends in ------------------------------------------------------------------------------------------------


def _send_until_kept(port: int, raws: list[bytes], told: Told) -> None:
    for raw in raws:
        while True:
            try:
                mail.send(port, [raw])
                break
            except (OSError, RuntimeError):
                told.again += 1
                time.sleep(0.1)


# --- whoever answers --------------------------------------------------------------------------------------------------


def _write_replies(count: int) -> None:
    """Answer each of the first items as soon as it is there."""
    from django.db import connection

    done: set[int] = set()
    while len(done) < count:
        done |= _write_some(done, count - len(done))
        time.sleep(0.1)
    connection.close()


def _write_some(done: set[int], most: int) -> set[int]:
    from django.db import transaction

    from workfloor.core.conversations import actions as conversations
    from workfloor.core.conversations.messages import Address, Content
    from workfloor.core.work.models import Item
    from workfloor.kit.database import rls
    from workfloor.kit.time import clock

    with transaction.atomic():
        rls.enter_every_client()
        found = Item.objects.select_related("case__customer").exclude(id__in=done).order_by("id")[: min(most, 20)]
        for item in found:
            assert item.case and item.case.customer
            to = Address(item.case.customer.reference)
            content = Content(f"Answer to {item.id}", subject="Your mail")
            conversations.reply(
                item=item,
                channel="email",
                content=content,
                recipients=[to],
                by=actors.engine("playbooks"),
                now=clock.now(),
            )
        return {item.id for item in found}


# --- whoever is written to --------------------------------------------------------------------------------------------


class _Sink:
    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(0.05)  # as long as a server takes to write a mail down
        self.got[str(message_from_bytes(envelope.content)["Message-ID"]).strip("<> \r\n")] += 1
        return "250 taken"


@contextmanager
def _sink() -> Iterator[_Sink]:
    from aiosmtpd.controller import Controller

    sink = _Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        sink.port = int(probe.getsockname()[1])
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


# --- processes that begin at once, since they are forked from one that has everything in memory -----------------------


@dataclass
class _Zygote:
    port: int
    asked: IO[str]
    answers: IO[str]

    def begin(self, name: str) -> int:
        self.asked.write(name + "\n")
        self.asked.flush()
        return int(self.answers.readline())


@contextmanager
def _zygote(database: str, sink: int) -> Iterator[_Zygote]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="workfloor-storm-") as folder, open(f"{folder}/log", "wb") as log:
        env = os.environ | {
            "WORKFLOOR_DATABASE_URL": database,
            "WORKFLOOR_DATA": folder,
            "WORKFLOOR_MAIL_BIND": f"127.0.0.1:{port}",
            "WORKFLOOR_SMTP_URL": f"smtp://127.0.0.1:{sink}",
            "WORKFLOOR_MAIL_UNDO_SECONDS": "0",
        }
        command = [sys.executable, "-m", "benchmarks.mail_storm", "--zygote"]
        with subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process:
            assert process.stdin and process.stdout
            yield _Zygote(port, process.stdin, process.stdout)
            process.stdin.close()


def _fork_on_request() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
    django.setup()
    from workfloor.runtime import mail_in
    from workfloor.runtime import worker as runtime_worker

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    runs = {"listen": mail_in.listen, "worker": runtime_worker.run}
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _be(runs[line.strip()])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _be(run: Callable[[threading.Event], None]) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run(stop)
    os._exit(0)


# --- what it came to --------------------------------------------------------------------------------------------------


def _wait_until_settled(mails: int, replies: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and not _is_settled(mails, replies):
        time.sleep(0.5)


def _is_settled(mails: int, replies: int) -> bool:
    from django.db import transaction

    from workfloor.kit.database import rls
    from workfloor.ops.channels.email.models import Arrival, Delivery

    with transaction.atomic():
        rls.enter_every_client()
        waiting = Arrival.objects.filter(state="waiting").exists()
        return not waiting and Delivery.objects.filter(state="sent").count() == replies


def _faults(mails: int, replies: int, got: Counter[str], told: Told) -> Iterator[str]:
    from django.db import transaction

    from workfloor.core.conversations.models import Message
    from workfloor.core.work.models import Item
    from workfloor.kit.database import rls
    from workfloor.ops.channels.email import queries as email_queries
    from workfloor.ops.channels.email.models import Delivery

    with transaction.atomic():
        rls.enter_every_client()
        items, messages = Item.objects.count(), Message.objects.filter(direction="in").count()
        states = {state: many for state, many in email_queries.counts().items() if many and state != "taken"}
        deliveries = {each.message.external_id: each for each in Delivery.objects.select_related("message")}
    if items != mails or messages != mails:
        yield f"{mails} mails are {items} items and {messages} messages"
    if states:
        yield f"mails were not taken: {states}"
    unsent = [name for name, each in deliveries.items() if each.state != "sent"]
    if unsent or len(deliveries) != replies:
        yield f"{replies} replies are {len(deliveries)} deliveries, of which {len(unsent)} were not sent"
    if lost := [name for name in deliveries if not got[name]]:
        yield f"{len(lost)} replies never came to the server"
    doubled = [name for name, count in got.items() if count > 1]
    told.doubled, told.in_doubt = len(doubled), sum(each.in_doubt > 0 for each in deliveries.values())
    if unknown := [name for name in doubled if not deliveries[name].in_doubt]:
        yield f"{len(unknown)} replies were delivered twice although nothing was in doubt"


def main(mails: int, replies: int, kills: int) -> None:
    """Run a storm in a database of its own, and print what it came to."""
    from benchmarks import databases

    with databases.migrated() as template:
        databases.sign_example()
        with databases.copy(template) as database:
            mail.open_mailbox()
            told = storm(database, mails, replies, kills)
    print(told)
    sys.exit(bool(told.faults))


if __name__ == "__main__":
    if sys.argv[1:] == ["--zygote"]:
        _fork_on_request()
    else:
        main(*(int(each) for each in sys.argv[1:]))
