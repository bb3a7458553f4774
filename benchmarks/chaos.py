"""A floor in a storm: leaders killed, agents cut off, the database restarted, while people work; then the audit."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg

from benchmarks.figures import Figure
from workfloor.kit import pg, postmaster

ROUTERS = 2  # one that leads, and one that stands by
HANDS = 2  # processes that play the agents
THREADS = 2
LEVELS = (1, 2, 3)
COMES_BACK = 0.1  # of the rounds in which somebody looks after those who are away
DECLINES = 0.05  # of the offers
# level, at once, answer within, offered for
QUEUES = {"calls": (3, 1, "20s", "20s"), "chats": (2, 3, "60s", "2 minutes"), "mail": (1, 6, "30 minutes", "2 minutes")}
STUCK_SECONDS = 30.0  # without anything being done: then the rest will never be
HEAD = """
[contract]
client = "storm"
title = "Storm"
signed_on = 2025-12-01
starts_on = 2026-01-01
ends_on = 2035-12-31
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"

[calendars.always]
week = { mon = ["00:00-24:00"], tue = ["00:00-24:00"], wed = ["00:00-24:00"], thu = ["00:00-24:00"] }

[[processes]]
name = "desk"
kind = "chat"
location = "onshore"
calendar = "always"
dispositions = ["done"]
"""
QUEUE = """
  [[processes.queues]]
  name = "{name}"
  requires = {{ portuguese = {level} }}
  answer_within = "{within}"
  at_once = {at_once}
  offer_for = "{offered}"
"""
TAIL = """
[[prices]]
title = "Fixed"
unit = "fixed"
rate = "1.00"
"""


@dataclass
class Storm:
    """What happened, and what the journal says of it afterwards."""

    items: int
    kills: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)  # seconds without offers after each kill
    restarts: int = 0
    cuts: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


def storm(agents: int = 200, items: int = 2_000, kills: int = 10, every_seconds: float = 3.0) -> Storm:
    """Run it on a server of its own and audit it; `faults` names whatever must not have happened."""
    began, told = time.monotonic(), Storm(items)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-", ignore_cleanup_errors=True)))
        server = stack.enter_context(pg.Server(folder, creates_databases=True).running())
        address = _prepare(server, agents)
        environment = os.environ | {"WORKFLOOR_DATABASE_URL": address, "WORKFLOOR_DATA": str(folder)}
        family = stack.enter_context(_family(environment, items, folder))
        _rage(server, address, family, told, kills, every_seconds)
        family.settle(address, items)
        told.faults += _in_process(environment, "audit")
        told.gaps = _gaps(address, told.kills)
    told.seconds = time.monotonic() - began
    return told


# --- the floor -------------------------------------------------------------------------------------------------------


def _prepare(server: pg.Server, agents: int) -> str:
    """A migrated database with a contract and people who take work; its address."""
    environment = os.environ | {"WORKFLOOR_DATABASE_URL": server.address, "WORKFLOOR_DATA": str(server.data)}
    subprocess.run([sys.executable, "-m", "workfloor", "migrate"], env=environment, check=True, capture_output=True)
    _in_process(environment, "staff", agents)
    return server.address


def _in_process(environment: dict[str, str], what: str, *numbers: int) -> list[str]:
    """Run a function of this module where Django is set up for that database; the lines that it printed."""
    ran = subprocess.run(_line(what, *numbers), env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stderr[-3000:])
    return ran.stdout.splitlines()


def _line(what: str, *numbers: int) -> list[str]:
    words = ", ".join(map(str, numbers))
    code = f"""
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "workfloor.settings"
from django.conf import settings
settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
import django
django.setup()
from benchmarks import chaos
chaos.{what}({words})
"""
    return [sys.executable, "-c", code]


def _inside(do: Any, *args: Any, **named: Any) -> Any:
    from django.db import transaction

    from workfloor.kit import rls

    with transaction.atomic():
        rls.enter_every_client()
        return do(*args, **named)


def staff(count: int) -> None:
    """Sign the contract and take people on, of whom some can more than others."""
    _inside(_staff, count)


def _staff(count: int) -> None:
    from workfloor.core.clients.models import Client
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.journal import actions as journal
    from workfloor.core.people import actions as people
    from workfloor.kit import clock

    now = clock.now()
    journal.make_partitions(first=now, count=2)
    queues = "".join(
        QUEUE.format(name=name, level=level, at_once=at_once, within=within, offered=offered)
        for name, (level, at_once, within, offered) in QUEUES.items()
    )
    contracts.sign(source=HEAD + queues + TAIL, now=now)
    client = Client.objects.get()
    for number in range(count):
        person = people.hire(name=f"Agent {number}", roles=["agent"], now=now)
        level = LEVELS[number % len(LEVELS)]
        people.certify(person=person, skill="portuguese", level=level, proof="test", valid_from=now.date(), now=now)
        people.clear(person=person, client=client, now=now)
        people.go_available(person=person, now=now)


def produce(items: int, seconds: int) -> None:
    """Let work arrive, evenly over so long; what a lost connection interrupted is sent again under its key."""
    began = time.monotonic()
    for number in range(items):
        time.sleep(max(0.0, began + seconds * number / items - time.monotonic()))
        while not _survives(_receive, number):
            time.sleep(0.2)


def _receive(number: int) -> None:
    from workfloor.core.contracts.models import Queue
    from workfloor.core.work import actions as work
    from workfloor.kit import clock

    queue = Queue.objects.get(name=list(QUEUES)[number % len(QUEUES)])
    work.receive(queue=queue, key=f"storm-{number}", now=clock.now())


def work(part: int) -> None:
    """Play a part of the agents: take offers, or decline a few, work a moment, wrap up, come back after lapses."""
    threads = [threading.Thread(target=_work, args=[part * THREADS + n], daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(part: int) -> None:
    chance = random.Random(part)
    while True:
        for item_id, person_id, state in _survives(_in_hand, part) or ():
            _survives(_go_on, item_id, person_id, state, chance)
        if chance.random() < COMES_BACK:
            _survives(_come_back, part)
        time.sleep(0.1)


def _survives(do: Any, *args: Any) -> Any:
    """Do something in a transaction; None or False when the connection was lost or somebody was quicker."""
    from django.db import DatabaseError, connection

    from workfloor.core.people import actions as people
    from workfloor.core.work import actions as work
    from workfloor.core.work import rules

    try:
        found = _inside(do, *args)
    except (DatabaseError, psycopg.Error):
        with suppress(DatabaseError, psycopg.Error):
            connection.close()
        return None
    except (work.Refused, rules.NotNow, people.Refused):
        return None
    return True if found is None else found


def _in_hand(part: int) -> list[tuple[int, int, str]]:
    from workfloor.core.work.models import Item

    mine = Item.objects.filter(person__isnull=False).order_by("queued_at").values_list("id", "person_id", "state")
    return [each for each in mine if each[1] % (HANDS * THREADS) == part]


def _go_on(item_id: int, person_id: int, state: str, chance: random.Random) -> None:
    from workfloor.core.people.models import Person
    from workfloor.core.work import actions as work
    from workfloor.core.work.models import Item
    from workfloor.kit import clock

    item, person, now = Item(id=item_id), Person(id=person_id), clock.now()
    if state == "offered" and chance.random() < DECLINES:
        work.decline(item=item, by=person, now=now)
    elif state == "offered":
        work.accept(item=item, by=person, now=now)
    elif state == "held":
        work.end(item=item, by=person, now=now)
        work.wrap_up(item=item, by=person, disposition="done", now=now)
    else:
        work.wrap_up(item=item, by=person, disposition="done", now=now)


def _come_back(part: int) -> None:
    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Person
    from workfloor.kit import clock

    for person in Person.objects.filter(presence__state="away").order_by("id"):
        if person.id % (HANDS * THREADS) == part:
            people.go_available(person=person, now=clock.now())


# --- the storm -------------------------------------------------------------------------------------------------------


@dataclass
class Family:
    """The processes at work: routers, which are replaced when they are killed, and those who play the people."""

    environment: dict[str, str]
    folder: Path
    routers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    others: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def add_router(self) -> None:
        """Start one more."""
        with (self.folder / "routers.log").open("ab") as said:
            line = [sys.executable, "-m", "workfloor", "router"]
            self.routers.append(subprocess.Popen(line, env=self.environment, stdout=said, stderr=said))

    def keep_alive(self) -> None:
        """Start routers again that ended, as `workfloor up` does: one that starts while the database is away ends."""
        self.routers = [each for each in self.routers if each.poll() is None]
        while len(self.routers) < ROUTERS:
            self.add_router()

    def settle(self, address: str, items: int) -> None:
        """Wait until all work is done, or nothing moves any more."""
        done, moved = -1, time.monotonic()
        while done < items and time.monotonic() - moved < STUCK_SECONDS:
            self.keep_alive()
            [(now,)] = _ask(address, "SELECT count(*) FROM work_item WHERE state = 'done'")
            if now > done:
                done, moved = now, time.monotonic()
            time.sleep(0.5)


@contextmanager
def _family(environment: dict[str, str], items: int, folder: Path) -> Iterator[Family]:
    routers = environment | {
        "WORKFLOOR_DATABASE_URL": environment["WORKFLOOR_DATABASE_URL"] + " application_name=router"
    }
    family = Family(routers, folder)
    for _ in range(ROUTERS):
        family.add_router()
    hands = environment | {"WORKFLOOR_DATABASE_URL": environment["WORKFLOOR_DATABASE_URL"] + " application_name=hands"}
    lines = [_line("work", part) for part in range(HANDS)] + [_line("produce", items, 30)]
    family.others = [subprocess.Popen(line, env=hands, stdout=subprocess.DEVNULL) for line in lines]
    try:
        yield family
    finally:
        for process in family.routers + family.others:
            process.kill()
            process.wait()


def _rage(server: pg.Server, address: str, family: Family, told: Storm, kills: int, every_seconds: float) -> None:
    _until(lambda: _ask(address, "SELECT 1 FROM journal_fact WHERE event = 'work.offered' LIMIT 1"))
    for number in range(kills):
        time.sleep(every_seconds)
        _until(lambda: _stands_by(address, family))
        _kill_the_leader(address, family, told)
        told.cuts += len(_ask(address, _CUT))
        if number == kills // 2:
            _restart(server, address)
            told.restarts += 1


_STANDS_BY = "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE application_name LIKE 'router%'"


def _stands_by(address: str, family: Family) -> bool:
    family.keep_alive()
    return bool(_ask(address, _STANDS_BY)[0][0] >= ROUTERS)


# A third of those who work are cut off, in the middle of whatever they do.
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hands' AND random() < 0.34
"""


def _kill_the_leader(address: str, family: Family, told: Storm) -> None:
    [(process,)] = _ask(address, "SELECT process FROM dispatch_leader WHERE pool = 'main'")
    leader = int(process.rpartition(":")[2])
    told.kills.append(time.time())
    with suppress(ProcessLookupError):
        os.kill(leader, signal.SIGKILL)
    for router in [each for each in family.routers if each.pid == leader]:
        router.wait()
    family.keep_alive()


def _restart(server: pg.Server, address: str) -> None:
    """Stop the server at once, without a checkpoint; its guard starts it again."""
    process = postmaster.process_of(server.folder)
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    with suppress(psutil.TimeoutExpired):
        process.wait(20)
    _until(lambda: _ask(address, "SELECT 1"))


def _until(true: Any, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(psycopg.Error):
            if true():
                return
        time.sleep(0.1)
    raise TimeoutError("it did not come to that")


def _ask(address: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address, autocommit=True) as asking:
        asking.execute("SELECT set_config('workfloor.every_client', 'on', false)")
        return asking.execute(question).fetchall()


def _gaps(address: str, kills: list[float]) -> list[float]:
    """From each kill, how long it took until an offer was written again."""
    query = "SELECT extract(epoch FROM recorded_at)::float8 FROM journal_fact WHERE event = 'work.offered' ORDER BY 1"
    offers = [row[0] for row in _ask(address, query)]
    return [min((at - kill for at in offers if at > kill), default=float("inf")) for kill in kills]


# --- the audit -------------------------------------------------------------------------------------------------------


def audit() -> None:
    """Print a line for whatever the journal and the tables say that must not be."""
    for fault in _inside(_faults):
        print(fault)


def _faults() -> list[str]:
    from workfloor.core.journal.models import Fact
    from workfloor.core.work.models import Assignment, Item
    from workfloor.ops.fairness import rules as fairness

    facts = list(Fact.objects.filter(item_id__isnull=False).order_by("id"))
    items = {item.id: item for item in Item.objects.select_related("queue")}
    faults = [f"item {item.id} is {item.state}" for item in items.values() if item.state != "done"]
    faults += [f"{each.item_id} is still with {each.person_id}" for each in Assignment.objects.all()]
    faults += [str(each) for each in fairness.passed_over(facts)]
    return faults + _unlike_their_facts(facts, items) + _overladen(facts, items)


def _unlike_their_facts(facts: list[Any], items: dict[int, Any]) -> list[str]:
    """Items whose state is not what their facts add up to, or whose facts cannot follow one another."""
    from workfloor.core.work import queries, rules

    told = defaultdict(list)
    for fact in facts:
        told[fact.item_id].append(fact)
    faults = []
    for item in items.values():
        try:
            if rules.replay(told[item.id]) != queries.state_of(item):
                faults.append(f"item {item.id} is not what its facts add up to")
        except rules.NotNow as fault:  # held twice, for one
            faults.append(f"item {item.id}: {fault}")
    return faults


def _overladen(facts: list[Any], items: dict[int, Any]) -> list[str]:
    """Whoever had more than they can, for a moment: parts of 60 by what the journal says was with them."""
    size = {item.id: 60 // QUEUES[item.queue.name][1] for item in items.values()}
    load: dict[int, int] = defaultdict(int)
    faults = []
    for fact in facts:
        if fact.event == "work.offered":
            load[fact.person_id] += size[fact.item_id]
            if load[fact.person_id] > 60:
                faults.append(f"{fact.person_id} has {load[fact.person_id]} parts at fact {fact.id}")
        elif fact.event in ("work.declined", "work.offer-expired", "work.transferred", "work.wrapped-up"):
            load[fact.person_id] -= size[fact.item_id]
    return faults


def measure() -> list[Figure]:
    """The longer form: the time without offers after each of thirty kills."""
    told = storm(items=6_000, kills=30)
    if told.faults:
        raise AssertionError(told.faults[:20])
    what = f"Without offers after each of {len(told.gaps)} kills"
    return [
        Figure(f"{what}: median", median(told.gaps), "s", "limit", 2.0),
        Figure(f"{what}: longest", max(told.gaps), "s", "limit, with a restart of PostgreSQL", 10.0),
    ]
