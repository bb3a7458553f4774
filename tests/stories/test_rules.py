"""A playbook's rules decide before anybody sees the work, and what they answer goes out once, whoever is killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.conversations.models import Message
from workfloor.core.event_log.models import Fact
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks.models import Tag

PLAYBOOK = """
[[answers]]
name = "blocked"
text = "We have blocked it."

[[rules]]
name = "stolen"
when = "received"
if = { words = ["stolen"], queues = ["calls"] }
then = { tag = "fraud", queue = "mail", priority = 3 }

[[rules]]
name = "stolen-chat"
when = "message"
if = { words = ["stolen"] }
then = { tag = "fraud", answer = "blocked" }
"""
CALLS = 100


@pytest.fixture
def token(real_database: str) -> str:
    """A client with a chat, a playbook and 60 free agents; its token."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client(chats=True)
        playbooks.give(client=client, source=PLAYBOOK, by=actors.ROOT, now=clock.now())
        chats.add_widget(
            queue=make.queue("chats"),
            origins=["https://a.example"],
            source='title = { en = "Light" }',
            by=actors.ROOT,
            now=clock.now(),
        )
        for _ in range(60):
            make.agent()
        return clients.issue_token(client=client, title="calls", scopes=["work:write"], by=actors.ROOT, now=clock.now())


def inside(do: Callable[[], object]) -> object:
    with transaction.atomic():
        rls.enter_every_client()
        return do()


def wait_for(so: Callable[[], object], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not inside(so):
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.1)


@pytest.mark.installation
def test_with_free_agents_and_all_processes_running_the_rule_decides_on_every_call(token, installation):
    api = httpx.Client(base_url=f"{installation}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    for number in range(CALLS):
        sent = {"key": f"call-{number}", "queue": "calls", "title": "My card was stolen"}
        answered = api.post("/work", json=sent)
        assert answered.status_code == 201, answered.text
        assert answered.json()["queue"] == "mail"
    wait_for(lambda: not Item.objects.filter(state="waiting").exists())

    with transaction.atomic():
        rls.enter_every_client()
        assert set(Item.objects.values_list("queue__name", "priority")) == {("mail", 3)}
        assert Tag.objects.filter(name="fraud").count() == CALLS
        told = Fact.objects.filter(item_id__isnull=False).order_by("id").values_list("item_id", "event", "details")
        by_item: dict[int, list[str]] = {}
        for item_id, event, details in told:
            by_item.setdefault(item_id, []).append(event)
            if event == "playbook.rule-applied":
                assert details["queue"] == make.queue("mail").id
    assert len(by_item) == CALLS
    for events in by_item.values():
        assert events.count("playbook.rule-applied") == 1
        assert events.index("work.transferred") < events.index("work.offered")


@pytest.fixture
def begin(token: str, real_database: str, tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Begin a worker, as often as asked; all are gone after the test."""
    env = os.environ | {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_DATA": str(tmp_path)}
    begun: list[subprocess.Popen[bytes]] = []

    def worker() -> "subprocess.Popen[bytes]":
        with (tmp_path / f"worker{len(begun)}.log").open("wb") as log:
            command = [Path(sys.executable).with_name("workfloor"), "worker"]
            begun.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
        return begun[-1]

    yield worker
    for process in begun:
        process.kill()
        process.wait()


def a_visitor_chats() -> None:
    with transaction.atomic():
        rls.enter_every_client()
        chats.begin(
            widget=make.client().widgets.get(),
            secret="s" * 43,
            key="first-message",
            message="My card was stolen",
            answers={},
            address="192.0.2.1",
            now=clock.now(),
        )


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')")
        return bool(cursor.fetchone()[0])


@pytest.mark.installation
def test_a_worker_killed_in_the_middle_of_an_answer_leaves_nothing_half_done_and_the_next_one_sends_it_once(begin):
    a_visitor_chats()
    with transaction.atomic():
        rls.enter_every_client()
        Item.objects.select_for_update().get()  # whoever answers has to wait
        worker = begin()
        wait_for_waiting = time.monotonic() + 300
        while not somebody_waits():
            assert time.monotonic() < wait_for_waiting
            time.sleep(0.1)
        worker.kill()
        worker.wait()
        assert not Message.objects.filter(direction="out").exists()
        assert not Fact.objects.filter(event="playbook.rule-answered").exists()

    begin()
    wait_for(lambda: Fact.objects.filter(event="playbook.rule-answered").exists())
    with transaction.atomic():
        rls.enter_every_client()
        assert [each.text for each in Message.objects.filter(direction="out")] == ["We have blocked it."]
        assert Fact.objects.filter(event="playbook.rule-applied").count() == 1
