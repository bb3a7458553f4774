"""Chat on a busy floor: from a message's POST until it stands on the other side, both ways, over real connections.

A thousand visitors' pages and their agents' desks are held open by one process of raw connections in place of browsers
(benchmarks/chat_pages.py), against `workfloor up` with all of its processes on this machine. A message that is refused,
lost or doubled fails the run. Beside the figures stands what each process used of the processor for a message. What the
pages' own process used is told and not counted: browsers run elsewhere. Here it takes its part of the same processors.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import Progress

from benchmarks import databases
from benchmarks.chat_pages import ORIGIN, Floor, Heard, Pair
from benchmarks.figures import Figure
from workfloor.core.access import actors

LIMIT_MS = 300.0
PROCESSOR_MS = 10.0
AT_ONCE = 4  # chats in one agent's hands
STARTS_IN_SECONDS = 240.0  # even on a machine that does much else
CONTRACT = """
[contract]
client = "chatter"
title = "Chatter"
signed_on = 2025-12-01
starts_on = 2026-01-01
ends_on = 2035-12-31
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"

[calendars.always.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]

[[processes]]
name = "desk"
kind = "chat"
location = "onshore"
calendar = "always"
dispositions = ["done"]

  [[processes.queues]]
  name = "chats"
  requires = { portuguese = 1 }
  answer_within = "60s"
  max_concurrency = 4

[[prices]]
title = "Fixed"
unit = "fixed"
rate = "1.00"
"""


def measure(
    template: str, visitors: int = 1_000, rate: float = 50.0, seconds: float = 60.0, runs: int = 1
) -> list[Figure]:
    """Open so many visitors' pages, let both sides write `rate` messages a second, and take the 99th percentiles."""
    heard, spent = Heard(), Spent()
    with databases.copy(template) as address, served(address, spent) as port:
        made = pairs(visitors, port)
        for _ in range(runs):
            _run(port, made, heard, rate, seconds, spent)
        _check(heard)
    return [*_figures(heard, visitors, rate), spent.figure(int(rate * seconds) * runs, rate)]


def _run(port: int, pairs: list[Pair], heard: Heard, rate: float, seconds: float, spent: "Spent") -> None:
    pages = len(pairs) + len({pair.person for pair in pairs})
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bars = {
            "open": progress.add_task("Opening pages", total=pages),
            "sent": progress.add_task("Writing", total=int(rate * seconds)),
        }
        floor = Floor(port, pairs, heard, lambda what: progress.advance(bars[what]))
        asyncio.run(floor.run(rate, seconds, spent.steady))


def _check(heard: Heard) -> None:
    """Every message came, once, and stands in the database once; raises RuntimeError."""
    from django.db import transaction

    from workfloor.core.conversations.models import Message
    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        stored = Message.objects.filter(text__regex="^(visitor|agent)-[0-9]+$").count()
    if stored != (sent := sum(map(len, heard.took.values()))):
        heard.faults.append(f"{sent} arrived and {stored} are stored")
    if heard.faults or heard.sent:
        raise RuntimeError(f"{len(heard.sent)} lost, {len(heard.faults)} faults: {heard.faults[:3]}")


def _figures(heard: Heard, visitors: int, rate: float) -> Iterator[Figure]:
    ways = {"visitor": "visitor to agent's desk", "agent": "agent to visitor's page"}
    for side, took in heard.took.items():
        ordered = sorted(1000 * each for each in took)
        told = tuple(ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.9, 0.99, 1.0))
        what = f"chat, {ways[side]}, p99 of {len(took):,} at {rate:.0f}/s, {visitors:,} open (p50, p90, p99, most)"
        yield Figure(what, told[2], "ms", "target at most", LIMIT_MS, told)


class Spent:
    """What the processes used of the processor while both sides wrote, in seconds, by their names."""

    def __init__(self) -> None:
        self.up: psutil.Process | None = None
        self.server: psutil.Process | None = None
        self.used: dict[str, float] = defaultdict(float)

    def steady(self, begins: bool) -> None:
        """Begin counting, or end it."""
        for name, used in self._by_now():
            self.used[name] += -used if begins else used

    def _by_now(self) -> Iterator[tuple[str, float]]:
        assert self.up and self.server
        yield "pages", sum(psutil.Process().cpu_times()[:2])
        for child in self.up.children(recursive=True):
            yield _role(child), _used(child)
        with_ended = sum(self.server.cpu_times()[:4])
        yield "postgres", with_ended + sum(map(_used, self.server.children()))

    def figure(self, messages: int, rate: float) -> Figure:
        """What a message cost the processes that serve, beside what it may."""
        each = {name: 1000 * used / messages for name, used in sorted(self.used.items())}
        pages = each.pop("pages", 0.0)
        each.pop("compile", 0.0)  # once in an installation's life, which here is a minute old
        told = ", ".join(f"{name} {used:.1f}" for name, used in each.items())
        has = 1000 * (os.cpu_count() or 1) / rate
        what = (
            f"chat, processor for a message ({told}; beside it the pages {pages:.1f} of the {has:.0f} that there are)"
        )
        return Figure(what, sum(each.values()), "ms", "target at most", PROCESSOR_MS)


def _role(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        words = process.cmdline()
        return next((word for word in ("web", "worker", "router", "compile") if word in words), "other")
    return "other"


def _used(process: psutil.Process) -> float:
    """Nothing by one that ended since it was listed, as a connection's does: its parent has what it used."""
    with suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:2]))
    return 0.0


# --- the floor -------------------------------------------------------------------------------------------------------


@contextmanager
def served(address: str, spent: Spent) -> Iterator[int]:
    """An installation on that database, as `workfloor up` has it; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="chat-", ignore_cleanup_errors=True) as folder:
        environment = os.environ | {
            "WORKFLOOR_DATABASE_URL": address,
            "WORKFLOOR_DATA": folder,
            "WORKFLOOR_BIND": f"127.0.0.1:{port}",
            "WORKFLOOR_SECRET_KEY": _key(),
        }
        said = Path(folder, "said")
        with said.open("wb") as log:
            up = subprocess.Popen([sys.executable, "-m", "workfloor", "up"], env=environment, stdout=log, stderr=log)
        spent.up, spent.server = psutil.Process(up.pid), _server()
        try:
            _wait_for(said)
            yield port
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait()


def _key() -> str:
    from django.conf import settings

    return str(settings.SECRET_KEY)


def _server() -> psutil.Process | None:
    """The database server, which is on this machine."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).parent()


def _wait_for(said: Path) -> None:
    until = time.monotonic() + STARTS_IN_SECONDS
    while "Ctrl-C" not in said.read_text():
        if time.monotonic() > until:
            raise RuntimeError(f"the installation did not begin: {said.read_text()}")
        time.sleep(0.1)


def pairs(visitors: int, port: int) -> list[Pair]:
    """So many chats, in the hands of as many agents as they need."""
    from django.db import transaction

    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        return list(_made(visitors, port))


def _made(visitors: int, port: int) -> Iterator[Pair]:
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.contracts.models import Queue
    from workfloor.core.work import actions as work
    from workfloor.kit.time import clock
    from workfloor.ops.channels.chat import actions as chats
    from workfloor.ops.channels.chat import queries as chat_queries

    now = clock.now()
    contracts.sign(source=CONTRACT, by=actors.ROOT, now=now)
    queue = Queue.objects.select_related("client").get(name="chats", client__slug="chatter")
    widget = chats.add_widget(queue=queue, origins=[ORIGIN], source='title = { en = "Chat" }', by=actors.ROOT, now=now)
    agent: tuple[Any, str, str] | None = None
    for number in range(visitors):
        if number % AT_ONCE == 0:
            agent = _agent(queue.client, number)
        assert agent
        person, cookie, csrf = agent
        secret = f"{number:043d}"
        begun = chats.begin(
            widget=widget,
            secret=secret,
            key=f"first-{number:06}",
            message="Hello",
            answers={},
            address=str(number),
            now=now,
        )
        item = work.offer(
            item=begun.item,
            person=person,
            max_concurrency=AT_ONCE,
            offer_seconds=60,
            by=actors.engine("router"),
            now=now,
        )
        work.accept(item=item, by=person, now=now)
        cookies = f"workfloor_session_{port}={cookie}; workfloor_csrf_{port}={csrf}"
        yield Pair(chat_queries.written(begun, secret), item.id, person.id, cookies, csrf)


def _agent(client: Any, number: int) -> tuple[Any, str, str]:
    """Somebody at work who is signed in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Account
    from workfloor.kit.time import clock

    now = clock.now()
    account = Account.objects.create(email=f"agent{number}@example.com", password="!")
    person = people.hire(name=f"Agent {number}", roles=["agent"], account=account, by=actors.ROOT, now=now)
    people.clear(person=person, client=client, by=actors.ROOT, now=now)
    people.go_available(person=person, by=person, now=now)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = (
        str(account.pk),
        "allauth.account.auth_backends.AuthenticationBackend",
    )
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.create()
    return person, str(session.session_key), "c" * 32
