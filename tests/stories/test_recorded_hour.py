"""A recorded hour through a live router: real actions, a real database; then the policy decides all of it again.

The hour is the fullest of the bank's log where that is at hand, else of a made-up one; what people do about offers, and
when they come and go, is drawn. The clock is set from happening to happening, so that an hour takes seconds.
"""

import csv
import io
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections, transaction

from benchmarks import call_log
from tests import compiling, conftest
from tests.ops.routing.test_decision_log import log_of
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState, Person
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.figures import compiled
from workfloor.kit.time import clock
from workfloor.ops.routing import decision_log, policy
from workfloor.ops.routing import leader as routing_leader
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing.state import Mind
from workfloor.runtime import router as runtime_router

BANK = Path(__file__).parents[3] / "shared/data/calls/bank_1999_02.csv"
ZONE = ZoneInfo("Asia/Jerusalem")
QUEUES = {
    "PS": "regular",
    "PE": "regular-english",
    "IN": "internet-support",
    "NE": "stock-exchange",
    "NW": "prospective",
    "TT": "called-back",
}
SKILLS = {"hebrew": 5, "english": 5, "retail-banking": 1, "internet-banking": 2, "sales": 1, "securities": 3}
TICK = timedelta(seconds=1)
WHAT = (*("arrive", "keep", "end", "back") * 2, "schedule", "decline", "away", "shift", "even", "wait", "undo")


def agent(person_id: int) -> Person:
    """An agent by their number, with what an action asks of them."""
    return Person(id=person_id, roles=["agent"])


def inside(do: Callable[..., Any], *args: Any, **named: Any) -> Any:
    with transaction.atomic():
        rls.enter_every_client()
        return do(*args, **named)


def fullest_hour(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The calls of the hour in which the most agents answered, and of these the one with the most calls."""
    calls = Counter(row["arrived_at"][:13] for row in rows)
    agents = Counter(hour for hour, _ in {(row["arrived_at"][:13], row["agent"]) for row in rows if row["agent"]})
    hour = max(calls, key=lambda each: (agents[each], calls[each]))
    return [row for row in rows if row["arrived_at"].startswith(hour)]


class Hour:
    """The floor in that hour: what is to happen, in order, and the router that is told of it."""

    def __init__(self, calls: list[dict[str, str]], log: runtime_router.Log) -> None:
        self.chance, self.log, self.order = random.Random(1999), log, count()
        self.coming: list[tuple[datetime, int, Callable[..., None], tuple[Any, ...]]] = []
        self.starts_at = datetime.fromisoformat(calls[0]["arrived_at"][:13] + ":00").replace(tzinfo=ZONE)
        self.now, self.router = self.starts_at, None
        self.seen: dict[int, datetime] = {}
        self.happened: Counter[str] = Counter()
        self.service: dict[int, int] = {}
        for call in calls:
            self.later(datetime.fromisoformat(call["arrived_at"]).replace(tzinfo=ZONE), self.arrive, call)
        self.later(self.starts_at + timedelta(minutes=20), self.race)
        self.later(self.starts_at + timedelta(minutes=30), self.take_over)

    def later(self, at: datetime, do: Callable[..., None], *given: Any) -> None:
        heappush(self.coming, (at, next(self.order), do, given))

    def after(self, seconds: float, do: Callable[..., None], *given: Any) -> None:
        self.later(self.now + timedelta(seconds=seconds), do, *given)

    def run(self) -> None:
        self.take_over()
        while self.coming:
            at, _, do, given = heappop(self.coming)
            self.now = max(at, self.now)
            with clock.frozen(self.now):
                do(*given)
                self.look()

    def look(self) -> None:
        """Let the router do what follows, and people see what they are offered."""
        while self.router.step():
            pass
        for item_id, person_id, expires_at in inside(self._offered):
            if self.seen.get(item_id) != expires_at:
                self.seen[item_id] = expires_at
                self.answer(item_id, person_id, expires_at)

    def _offered(self) -> list[tuple[int, int, datetime]]:
        return list(Item.objects.filter(state="offered").values_list("id", "person_id", "offer_expires_at"))

    # --- what happens

    def take_over(self) -> None:
        """A router leads from now on; the one before, if there was one, is no more."""
        connection.close()
        with clock.frozen(self.now):
            epoch = inside(routing_leader.take_over, pool=routing_models.MAIN, process="test", now=clock.now())
            self.router = runtime_router.Router(routing_models.MAIN, epoch, self.log)
            self.router.begin()
        self.happened["led"] += 1

    def arrive(self, call: dict[str, str]) -> None:
        queue = inside(Queue.objects.get, name=QUEUES[call["type"]])
        item, _ = inside(
            work.receive, queue=queue, by=actors.CUSTOMER, key=f"{call['call_id']}-{next(self.order)}", now=self.now
        )
        self.service[item.id] = int(call["service_seconds"]) or 1
        self.happened["arrived"] += 1
        if call["outcome"] == "HANG":
            self.after(int(call["queue_seconds"]), self.abandon, item)
        self.after(45, self.nothing)  # a ring is reached

    def nothing(self) -> None:
        """Time passes; the router looks."""

    def abandon(self, item: Item) -> None:
        if inside(lambda: Item.objects.get(id=item.id).state) in ("waiting", "offered"):
            inside(work.abandon, item=item, by=actors.CUSTOMER, now=self.now)
            self.happened["abandoned"] += 1

    def answer(self, item_id: int, person_id: int, expires_at: datetime) -> None:
        lot = self.chance.random()
        if lot < 0.03:
            self.happened["lapsed"] += 1
            self.later(expires_at + TICK, self.nothing)
            self.later(expires_at + timedelta(minutes=2), self.come_back, person_id)
        else:
            do = self.decline if lot < 0.08 else self.accept
            self.after(self.chance.uniform(1, 6), do, item_id, person_id, expires_at)

    def _still(self, item_id: int, state: str) -> bool:
        return bool(inside(Item.objects.filter(id=item_id, state=state).exists))

    def decline(self, item_id: int, person_id: int, expires_at: datetime) -> None:
        if self._still(item_id, "offered"):
            inside(work.decline, item=Item(id=item_id), by=agent(person_id), now=self.now)
            self.happened["declined"] += 1
            self.after(31, self.nothing)  # the refusal is over

    def accept(self, item_id: int, person_id: int, expires_at: datetime) -> None:
        if self._still(item_id, "offered"):
            inside(work.accept, item=Item(id=item_id), by=agent(person_id), now=self.now)
            self.happened["accepted"] += 1
            self.after(self.service[item_id], self.end, item_id, person_id)

    def end(self, item_id: int, person_id: int) -> None:
        inside(work.end, item=Item(id=item_id), by=agent(person_id), now=self.now)
        self.after(self.chance.uniform(2, 20), self.wrap_up, item_id, person_id)

    def wrap_up(self, item_id: int, person_id: int) -> None:
        item, person = Item(id=item_id), agent(person_id)
        inside(work.wrap_up, item=item, by=person, disposition="resolved", now=self.now)
        self.happened["done"] += 1
        if self.chance.random() < 0.1:
            self.go_away(person_id)
            self.after(self.chance.uniform(60, 600), self.come_back, person_id)

    def go_away(self, person_id: int) -> None:
        if inside(lambda: AgentState.objects.get(person_id=person_id).state) == "available":
            inside(people.go_away, person=agent(person_id), by=agent(person_id), reason="break", now=self.now)
            self.happened["went away"] += 1

    def come_back(self, person_id: int) -> None:
        if inside(lambda: AgentState.objects.get(person_id=person_id).state) == "away":
            inside(people.go_available, person=Person.objects.get(id=person_id), by=agent(person_id), now=self.now)

    def race(self) -> None:
        """Of the next offers, one cannot stand: that person goes away between its decision and its writing."""
        fence, mind = routing_leader.fence, self.router.mind

        def late(**named: Any) -> int:
            routing_leader.fence = fence
            decided = [thing.person_id for thing in mind.things.values() if thing.state == "with"]
            free = inside(lambda: set(decided) - set(Item.objects.values_list("person_id", flat=True)))
            elsewhere(people.go_away, person=agent(min(free)), by=agent(min(free)), reason="lunch", now=self.now)
            self.happened["undone"] += 1
            return int(fence(**named))

        routing_leader.fence = late


def elsewhere(do: Callable[..., Any], **named: Any) -> None:
    """Do something over a connection of its own."""

    def run() -> None:
        try:
            inside(do, **named)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(300)


def staff(calls: list[dict[str, str]], now: datetime) -> None:
    """Sign the bank's contract, and take on whoever answered in that hour, for the queues in which they did."""
    event_log.make_partitions(first=now)
    contracts.sign(
        source=(call_log.EXAMPLE / "contract.toml").read_text(), by=actors.ROOT, now=now - timedelta(days=30)
    )
    client = Client.objects.get(slug="first-bank")
    for name in sorted({call["agent"] for call in calls if call["agent"]}):
        person = people.hire(name=name, roles=["agent"], by=actors.ROOT, now=now)
        for number, (skill, level) in enumerate(SKILLS.items()):
            if skill == "hebrew" or (int(name[1:]) + number) % 3:
                enough = level + (skill == "retail-banking" and int(name[1:]) % 2)
                people.certify(
                    person=person,
                    skill=skill,
                    level=enough,
                    proof="test",
                    valid_from=now.date() - TICK,
                    by=actors.ROOT,
                    now=now,
                )
        people.clear(person=person, client=client, by=actors.ROOT, now=now)
        people.go_available(person=person, by=person, now=now)


@contextmanager
def unfrozen() -> Iterator[None]:
    fence = routing_leader.fence
    try:
        yield
    finally:
        routing_leader.fence = fence


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path = BANK
    if not path.exists():
        path = tmp_path_factory.mktemp("log") / "calls.csv"
        call_log.write(path, 100_000)
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outcome"] != "PHANTOM"]
    return fullest_hour(rows)


@pytest.fixture(scope="module")
def hour(
    template: str, django_db_setup: None, django_db_blocker: Any, calls: list[dict[str, str]]
) -> Iterator[tuple[Counter[str], list[str]]]:
    """What happened in that hour, and the lines of the router's log."""
    before, written = str(connections["default"].settings_dict["NAME"]), io.StringIO()
    with conftest._database(f"workfloor_hour_{os.getpid()}", template) as name, django_db_blocker.unblock():
        conftest._use(name)
        floor = Hour(calls, runtime_router.Log(written))
        inside(staff, calls, floor.starts_at)
        with unfrozen():
            floor.run()
        yield floor.happened, written.getvalue().splitlines()
        conftest._use(before)


def test_the_hour_had_all_that_happens_on_a_floor(hour, calls):  # type: ignore[no-untyped-def]
    happened, lines = hour

    assert happened["arrived"] == len(calls)
    assert happened["accepted"] + happened["abandoned"] == len(calls)
    assert all(happened[each] for each in ("declined", "lapsed", "abandoned", "went away", "undone"))
    assert happened["led"] == 2
    assert sum('"begins"' in line for line in lines) == 2
    assert any(json.loads(line).get("told", [None] * 6)[5] for line in lines)  # offers that did not stand


def test_what_the_live_router_decided_is_what_the_policy_decides_of_the_same(hour, tmp_path):  # type: ignore[no-untyped-def]
    happened, lines = hour

    found = decision_log.compared(lines)

    assert found.difference is None
    assert found.tellings + found.offers == len(lines)
    assert found.offers >= happened["accepted"] + happened["declined"] + happened["lapsed"]


@pytest.mark.installation  # for it takes so long to compile
def test_and_what_the_policy_decides_compiled(hour, compiled_store):  # type: ignore[no-untyped-def]
    _, lines = hour
    chance = random.Random(7)
    drawn = log_of([(chance.choice(WHAT), chance.randrange(40)) for _ in range(2_000)])

    with compiling.kept(compiled_store, policy, test=__file__):
        twin = compiled.compiled(policy, _nrt=False, cache=True)
        for each in (lines, drawn):
            assert decision_log.compared(each, lambda: Mind(twin, compiled.arrays)).difference is None
