"""One router and forty clients with contracts as the bank's: how long arrivals wait for their offers over an hour."""

import os
import subprocess
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from statistics import quantiles

from django.db import connection

from benchmarks import call_log, databases, floors, hands, month
from benchmarks.figures import Figure
from benchmarks.floors import inside
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.kit.time import clock
from workfloor.ops.routing.models import Leader
from workfloor.runtime import router as runtime_router

LIMIT_SECONDS = 0.050
HOUR_SECONDS = 3600.0
SETTLES_SECONDS = 60.0
# Each agent works for so many clients, and knows all of their queues or those of every day.
CLEARED_FOR = 4
EVERYDAY = {"hebrew": 3, "english": 3, "retail-banking": 2, "internet-banking": 2, "sales": 1}
SKILLS = (EVERYDAY, {"hebrew": 3, "retail-banking": 2}, EVERYDAY | {"securities": 3})


def measure(
    template: str, clients: int = 40, agents: int = 200, arrivals: int = 3_000, past: int = 5_000, seconds: int = 180
) -> list[Figure]:
    """An hour's arrivals and an hour's readings of what is at stake, in so many seconds; each client has a past month.

    The time from an arrival to its offer is that between the two facts, as the server's clock has them. There are many
    more agents than they have work for, so that somebody who may be offered it is free.
    """
    with databases.copy(template) as address, ExitStack() as stack:
        inside(staff, clients, agents)
        begins = clock.now() - timedelta(days=31)
        for client_id in inside(lambda: list(Client.objects.values_list("id", flat=True))):
            inside(_past, client_id, begins, past)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        environment = os.environ | {"WORKFLOOR_DATABASE_URL": address}
        lines = [floors.elsewhere("clients", "route", seconds)]
        lines += [floors.elsewhere("hands", "work", part) for part in range(hands.PROCESSES)]
        for line in lines:
            process = stack.enter_context(subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
        subprocess.run(floors.elsewhere("clients", "produce", arrivals, seconds), env=environment, check=True)
        waits = _all_waits(arrivals)
    points = quantiles(waits, n=100)
    what = f"Arrival to offer, an hour of {arrivals:,} arrivals for {clients} clients"
    return [
        Figure(f"{what}: median", points[49], "s", "limit", LIMIT_SECONDS),
        Figure(f"{what}: 99th percentile", points[98], "s", "limit", LIMIT_SECONDS),
        Figure(f"{what}: longest", max(waits), "s", "limit", 1.0),
    ]


def bank(number: int) -> str:
    """The bank's contract, for another client and for today."""
    text = (call_log.EXAMPLE / "contract.toml").read_text()
    for before, after in (
        ('client = "first-bank"', f'client = "bank-{number}"'),
        ("1998-12-15", "2025-12-15"),
        ("1999-01-01", "2026-01-01"),
        ("2003-12-31", "2035-12-31"),
        ("1999-03-02", "2026-03-03"),
        ("dispositions = [", 'dispositions = ["done", '),
    ):
        assert before in text
        text = text.replace(before, after)
    return text


def staff(clients: int, agents: int) -> None:
    now = clock.now()
    event_log.make_partitions(first=now - timedelta(days=62), count=5)
    for number in range(clients):
        contracts.sign(source=bank(number), by=actors.ROOT, now=now)
    signed = list(Client.objects.filter(slug__startswith="bank-").order_by("id"))
    for number in range(agents):
        person = people.hire(name=f"Agent {number}", roles=["agent"], by=actors.ROOT, now=now)
        for skill, level in SKILLS[number % len(SKILLS)].items():
            people.certify(
                person=person, skill=skill, level=level, proof="test", valid_from=now.date(), by=actors.ROOT, now=now
            )
        for place in {(number + step * 7) % len(signed) for step in range(CLEARED_FOR)}:
            people.clear(person=person, client=signed[place], by=actors.ROOT, now=now)
        people.go_available(person=person, by=person, now=now)


def route(seconds: int) -> None:
    """Lead the pool; what is at stake is read as often in so many seconds as in an hour. A process of its own."""
    runtime_router.LINES_SECONDS *= seconds / HOUR_SECONDS  # type: ignore[misc]
    runtime_router.run(threading.Event(), "main")


def produce(arrivals: int, seconds: int) -> None:
    """Let work arrive evenly, a transaction each, after the router has begun; a process of its own runs this."""
    ours = Queue.objects.filter(client__slug__startswith="bank-").select_related("client", "process")
    queues = inside(lambda: list(ours.order_by("name", "client_id")))
    while not inside(lambda: list(Leader.objects.filter(pool="main"))):
        time.sleep(0.1)
    began = time.monotonic()
    for number in range(arrivals):
        time.sleep(max(0.0, began + seconds * number / arrivals - time.monotonic()))
        inside(_receive, queues[number * 7 % len(queues)], number)


def _receive(queue: Queue, number: int) -> None:
    work.receive(queue=queue, key=f"call-{number}", by=actors.CUSTOMER, now=clock.now())


def _past(client_id: int, begins: datetime, count: int) -> None:
    with connection.cursor() as cursor:
        for one in filter(str.strip, month.LIVES.split(";")):
            cursor.execute(one, {"client": client_id, "begins": begins, "count": count})
        for statement in (month.ITEMS, month.HAPPENED):
            cursor.execute(statement, {"first": 0, "batch": count})
        cursor.execute("DROP TABLE lives")


WAITS = """
SELECT extract(epoch FROM min(offered.recorded_at) - queued.recorded_at)::float8
FROM work_item item
JOIN event_log_fact queued ON queued.item_id = item.id AND queued.event = 'work.queued'
JOIN event_log_fact offered ON offered.item_id = item.id AND offered.event = 'work.offered'
WHERE item.key LIKE 'call-%' GROUP BY item.id, queued.recorded_at
"""


def _all_waits(arrivals: int) -> list[float]:
    until = time.monotonic() + SETTLES_SECONDS
    while len(found := inside(_waits)) < arrivals and time.monotonic() < until:
        time.sleep(0.5)
    assert len(found) == arrivals, f"{arrivals - len(found)} of {arrivals} were never offered"
    return found


def _waits() -> list[float]:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return [row[0] for row in cursor.fetchall()]
