"""Those who play the people of a storm, in processes of their own: who sends work, and who does it."""

import random
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import floors
from benchmarks.floors import inside
from workfloor.core.access import actors

PROCESSES = 2  # that play the agents
THREADS = 2
LEVELS = (1, 2, 3)
COMES_BACK = 0.1  # of the rounds in which somebody looks after those who are away
DECLINES = 0.05  # of the offers
LINES = (
    floors.Line("calls", "portuguese = 3", "20s", 1, "20s"),
    floors.Line("chats", "portuguese = 2", "60s", 3, "2 minutes"),
    floors.Line("mail", "portuguese = 1", "30 minutes", 6, "2 minutes"),
)


def staff(count: int) -> None:
    """Sign the contract and take people on, of whom some can more than others."""
    inside(_staff, count)


def _staff(count: int) -> None:
    from workfloor.core.access import actors
    from workfloor.core.clients.models import Client
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.event_log import actions as event_log
    from workfloor.core.people import actions as people
    from workfloor.kit.time import clock

    now = clock.now()
    event_log.make_partitions(first=now, count=2)
    contracts.sign(source=floors.contract(LINES), by=actors.ROOT, now=now)
    client = Client.objects.get()
    for number in range(count):
        person = people.hire(name=f"Agent {number}", roles=["agent"], by=actors.ROOT, now=now)
        level = LEVELS[number % len(LEVELS)]
        people.certify(
            person=person, skill="portuguese", level=level, proof="test", valid_from=now.date(), by=actors.ROOT, now=now
        )
        people.clear(person=person, client=client, by=actors.ROOT, now=now)
        people.go_available(person=person, by=person, now=now)


def produce(items: int, seconds: int, enough: str) -> None:
    """Let work arrive evenly, so much in so long, and on until a file says enough.

    What a lost connection interrupted is sent again under its key.
    """
    began, stop, number = time.monotonic(), Path(enough), 0
    while number < items or not stop.exists():
        time.sleep(max(0.0, began + seconds * number / items - time.monotonic()))
        while not _survives(_receive, number):
            time.sleep(0.2)
        number += 1


def _receive(number: int) -> None:
    from workfloor.core.contracts.models import Queue
    from workfloor.core.work import actions as work
    from workfloor.kit.time import clock

    queue = Queue.objects.get(name=LINES[number % len(LINES)].name)
    work.receive(queue=queue, key=f"storm-{number}", by=actors.CUSTOMER, now=clock.now())


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
    from workfloor.core.work import lifecycle

    try:
        found = inside(do, *args)
    except (DatabaseError, psycopg.Error):
        with suppress(DatabaseError, psycopg.Error):
            connection.close()
        return None
    except (work.Refused, lifecycle.NotNow, people.Refused):
        return None
    return True if found is None else found


def _in_hand(part: int) -> list[tuple[int, int, str]]:
    from workfloor.core.work.models import Item

    mine = Item.objects.filter(person__isnull=False).order_by("queued_at").values_list("id", "person_id", "state")
    return [each for each in mine if each[1] % (PROCESSES * THREADS) == part]


def _go_on(item_id: int, person_id: int, state: str, chance: random.Random) -> None:
    from workfloor.core.people.models import Person
    from workfloor.core.work import actions as work
    from workfloor.core.work.models import Item
    from workfloor.kit.time import clock

    item, person, now = Item(id=item_id), Person(id=person_id, roles=["agent"]), clock.now()
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
    from workfloor.kit.time import clock

    for person in Person.objects.filter(agent_state__state="away").order_by("id"):
        if person.id % (PROCESSES * THREADS) == part:
            people.go_available(person=person, by=person, now=clock.now())
