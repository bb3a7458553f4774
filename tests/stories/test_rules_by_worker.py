"""A real worker applies a playbook's rules to what comes in, once each, also when it is killed in the middle."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests import mail, make
from workfloor.core.event_log.models import Fact
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks.models import Tag

PLAYBOOK = """
[[rules]]
name = "stolen"
when = "message"
if = { words = ["stolen"] }
then = { tag = "fraud", priority = 3 }
"""


@pytest.fixture
def floor(real_database: str) -> str:
    """A client with a mailbox, a chat and a playbook, and no worker yet."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client(chats=True)
        playbooks.give(client=client, source=PLAYBOOK, now=clock.now())
        mail.Post()
        chats.add_widget(
            client=client,
            queue=make.queue("chats"),
            origins=["https://a.example"],
            source='title = { en = "Light" }',
            now=clock.now(),
        )
    return real_database


@pytest.fixture
def begin(floor: str, tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Begin a worker, as often as asked; all are gone after the test."""
    env = os.environ | {"WORKFLOOR_DATABASE_URL": floor, "WORKFLOOR_DATA": str(tmp_path)}
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


def a_mail_comes(name: str, text: str = "My card was stolen") -> None:
    with transaction.atomic():
        rls.enter_every_client()
        [mailbox] = Mailbox.objects.all()
        raw = mail.letter(text, Message_ID=f"<{name}@example.com>")
        email.store(mails=[email.Incoming(mailbox, raw, "", mailbox.address)], now=clock.now())


def a_visitor_chats(text: str = "My card was stolen") -> None:
    with transaction.atomic():
        rls.enter_every_client()
        widget = make.client().widgets.get()
        chats.begin(
            widget=widget,
            secret="s" * 43,
            key="first-message",
            message=text,
            answers={},
            address="192.0.2.1",
            now=clock.now(),
        )


def applied() -> Counter[str]:
    """How often the rule was applied to an item of each kind, by the facts."""
    with transaction.atomic():
        rls.enter_every_client()
        facts = Fact.objects.filter(event="playbook.rule-applied").values_list("item_id", flat=True)
        kinds = dict(Item.objects.values_list("id", "kind"))
        return Counter(f"{kinds[each]} {each}" for each in facts if each is not None)


def wait_for(so: Callable[[], bool], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.1)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')")
        return bool(cursor.fetchone()[0])


@pytest.mark.installation
def test_a_mail_and_a_chat_that_come_in_are_treated_as_the_rule_says_once_each(begin):
    begin()

    a_mail_comes("one")
    a_visitor_chats()
    a_mail_comes("two", "nothing is missing")
    wait_for(lambda: applied().total() >= 2)
    a_mail_comes("last")  # followers read in order: once it was its turn, nothing before it is left
    wait_for(lambda: applied().total() >= 3)

    assert sorted(name.split()[0] for name in applied()) == ["chat", "email", "email"]
    assert set(applied().values()) == {1}
    with transaction.atomic():
        rls.enter_every_client()
        assert sorted(Item.objects.values_list("kind", "priority")) == [
            ("chat", 3),
            ("email", 0),
            ("email", 3),
            ("email", 3),
        ]


@pytest.mark.installation
def test_a_worker_killed_in_the_middle_of_a_rule_leaves_nothing_half_done_and_the_next_one_does_it_once(begin):
    a_visitor_chats()
    with transaction.atomic():
        rls.enter_every_client()
        item = Item.objects.select_for_update().get()  # the tag can be given, the priority has to wait
        worker = begin()
        wait_for(somebody_waits)
        worker.kill()
        worker.wait()
        assert not Fact.objects.filter(event="playbook.rule-applied").exists()
        assert not Tag.objects.exists()

    begin()
    wait_for(lambda: applied().total() >= 1)
    a_mail_comes("last")
    wait_for(lambda: applied().total() >= 2)

    assert set(applied().values()) == {1}
    with transaction.atomic():
        rls.enter_every_client()
        assert Tag.objects.filter(item=item).count() == 1
        assert Fact.objects.filter(event="work.prioritised", item_id=item.id).count() == 1
