"""What was dumped or backed up goes on where it is restored: mail goes out, rules decide, work is offered."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction

from tests import conftest, mail, make
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import actions as event_log
from workfloor.kit.database import postgres, rls
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.playbooks import actions as playbooks

PATIENCE_SECONDS = 300.0
PLAYBOOK = """
[[rules]]
name = "stolen"
when = "received"
if = { words = ["stolen"] }
then = { tag = "fraud", priority = 3 }
"""
# As the listener does it, in a process of the restored database alone.
MAIL_COMES = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "workfloor.settings"
import django
django.setup()
from django.db import transaction
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email, models
with transaction.atomic():
    rls.enter_every_client()
    box = models.Mailbox.objects.get()
    email.store(mails=[email.Incoming(box, sys.stdin.buffer.read(), "", box.address)], now=clock.now())
"""
PROGRAM = [sys.executable, "-m", "workfloor"]


@contextmanager
def running(env: dict[str, str], logs: Path, *commands: str) -> Iterator[None]:
    with ExitStack() as stack:
        for command in commands:
            log = stack.enter_context((logs / f"{command}.log").open("wb"))
            stack.callback(conftest._end, subprocess.Popen([*PROGRAM, command], env=env, stdout=log, stderr=log))
        yield


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.1)


def asked(address: str, question: str, *values: object) -> Any:
    with psycopg.connect(address) as connection:
        connection.execute("SELECT set_config('workfloor.every_client', 'on', false)")
        [found] = connection.execute(question, values).fetchone() or [None]
        return found


def call(env: dict[str, str], *words: str) -> str:
    done = subprocess.run([*PROGRAM, *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def statement(env: dict[str, str]) -> dict[str, Any]:
    found = json.loads(call(env, "billing", "statement", "lisbon-light", "2026-03", "--format", "json"))
    assert found.pop("computed_at")
    return dict(found)


def burn_transaction_ids(address: str, count: int) -> None:
    """Let the cluster live on until its transaction ids are far beyond those of a new one."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            f"DO $$ BEGIN FOR n IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
        )


def fill() -> None:
    """A client with a mailbox, a playbook and an agent; a past month; a mail, and a reply that nobody has sent yet."""
    now = clock.now()
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
        playbooks.give(client=client, source=PLAYBOOK, by=actors.ROOT, now=now)
        box = email.open_mailbox(queue=make.queue("mail"), address="help@lisbon.example", by=actors.ROOT, now=now)
        for number in range(5):
            done_call(number)
        email.store(mails=[email.Incoming(box, mail.letter("Hello"), "", box.address)], now=now)
        email.take(arrivals=list(box.arrivals.all()), now=now)
    with transaction.atomic():
        event_log.advance_all(now=now)  # some facts have positions and were followed, and some not
    with transaction.atomic():
        rls.enter_every_client()
        item = box.arrivals.get().message.item
        to = [Address("rui@example.com")]
        conversations.reply(
            item=item, channel="email", content=Content("We see to it"), recipients=to, by=make.RULES, now=now
        )


def done_call(number: int) -> None:
    from workfloor.core.work import actions as work

    agent, item = make.agent(), make.call(at=make.later(minutes=number))
    at = make.later(minutes=number, seconds=10)
    work.offer(item=item, person=agent, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at)
    work.accept(item=item, by=agent, now=at)
    work.end(item=item, by=agent, now=at)
    work.wrap_up(item=item, by=agent, disposition="resolved", now=at)


@pytest.mark.installation
def test_a_dump_of_one_server_goes_on_in_another(real_database, tmp_path):
    fill()
    burn_transaction_ids(real_database, 20_000)
    before = os.environ | {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_DATA": str(tmp_path / "before")}
    stated = statement(before)
    dump = tmp_path / "workfloor.dump"
    with dump.open("wb") as file:
        entered = before | {"PGOPTIONS": "-c workfloor.every_client=on"}
        command = [postgres.binary("pg_dump"), "--enable-row-security", "-Fc", real_database]
        subprocess.run(command, env=entered, stdout=file, check=True)

    with sinks.running() as kept, postgres.Server(tmp_path / "theirs", {"fsync": "off"}).running() as server:
        command = [postgres.binary("pg_restore"), "--no-owner", "-d", server.address, str(dump)]
        subprocess.run(command, check=True)
        assert asked(server.address, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint") < 20_000
        env = os.environ | {
            "WORKFLOOR_DATABASE_URL": server.address,
            "WORKFLOOR_DATA": str(tmp_path),
            "WORKFLOOR_SMTP_URL": kept.url,
            "WORKFLOOR_MAIL_UNDO_SECONDS": "0",
        }
        assert statement(env) == stated
        with running(env, tmp_path, "worker", "router"):
            wait_until(lambda: kept.mails)  # what nobody had sent yet goes out
            raw = mail.letter("Stolen", Subject="My card was stolen", Message_ID="<second@example.com>")
            subprocess.run([sys.executable, "-c", MAIL_COMES], env=env, input=raw, check=True)
            said = "SELECT count(*) FROM event_log_fact WHERE event = %s"
            wait_until(lambda: asked(server.address, said, "playbook.rule-applied") == 1)
            wait_until(lambda: asked(server.address, "SELECT count(*) FROM work_item WHERE state = 'waiting'") == 0)
            lagging = [each for each in json.loads(doctor(env)) if each["check"] == "followers"]
    assert [each["state"] for each in lagging] == ["ok"]
    assert len(kept.mails) == 1
    assert kept.last()["Subject"] == "Re: My bill"


def doctor(env: dict[str, str]) -> str:
    return subprocess.run(
        [*PROGRAM, "admin", "doctor", "--format", "json"], env=env, capture_output=True, text=True
    ).stdout


@pytest.mark.installation
def test_a_backup_taken_while_work_goes_on_comes_back_to_the_moment_that_is_named(tmp_path):
    theirs = ("WORKFLOOR_DATABASE", "WORKFLOOR_FILES")
    env = {key: value for key, value in os.environ.items() if not key.startswith(theirs)}
    env |= {"WORKFLOOR_DATA": str(tmp_path / "data"), "WORKFLOOR_BACKUP": str(tmp_path / "backup")}
    call(env, "admin", "migrate")
    said(env, KEEPS, "before the backup")
    with ExitStack() as stack:
        holder = stack.enter_context(
            subprocess.Popen([*PROGRAM, "worker"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        stack.callback(conftest._end, holder)
        address = postgres.Server(tmp_path / "data").address
        wait_until(lambda: _answers(address))
        with writing(address) as written:
            wait_until(lambda: len(written) > 50)
            call(env, "admin", "backup")
            said(env, KEEPS, "after the backup")
            count = len(written)
            wait_until(lambda: len(written) > count + 50)
            moment = datetime.now(UTC)
            count = len(written)
            wait_until(lambda: len(written) > count + 50)
            said(env, DELETES)
            said(env, KEEPS, "after the moment")
            call(env, "admin", "backup", "--keep", "2")  # so that the log goes beyond the moment
        rehearsed = call(env, "admin", "backup", "--rehearse")
        assert "Restored in" in rehearsed
        assert "1 files of 16 bytes: none missing, none damaged." in rehearsed
        facts = asked(address, "SELECT count(*) FROM event_log_fact")
    assert f"{facts:,} facts" in rehearsed

    env["WORKFLOOR_DATA"] = str(tmp_path / "again")
    refused = subprocess.run(
        [*PROGRAM, "admin", "restore", "--to", "2030-01-01T00:00:00+00:00"], env=env, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert "does not go as far" in refused.stderr
    call(env, "admin", "restore", "--to", moment.isoformat())
    assert "2 files of 33 bytes: none missing, none damaged." in call(env, "admin", "files", "check")
    assert said(env, READS).split("\n")[:2] == ["before the backup", "after the backup"]
    with postgres.running(tmp_path / "again") as server, psycopg.connect(server.address) as connection:
        connection.execute("SELECT set_config('workfloor.every_client', 'on', false)")
        found = connection.execute("SELECT (details->>'number')::int FROM event_log_fact WHERE event = 'a.b'")
        there = {number for (number,) in found}
    before = {number for number, _, ended in written if ended < moment}
    begun = {number for number, began, _ in written if began < moment}
    assert before <= there <= begun  # one may have been at its commit in that moment
    assert len(begun - before) <= 1
    assert (
        "already" in subprocess.run([*PROGRAM, "admin", "restore"], env=env, capture_output=True, text=True).stderr
    )  # nothing is written over


KEEPS = """
import sys
from django.db import transaction
from workfloor.cli import edge
from workfloor.kit.database import rls
from workfloor.kit.time import clock
with edge.installation(), transaction.atomic():
    from workfloor.core.access import actors
    from workfloor.core.clients import actions as clients
    from workfloor.core.clients import queries as clients_queries
    from workfloor.core.files import actions as files
    rls.enter_every_client()
    now = clock.now()
    opened = {"slug": "north", "title": "North", "by": actors.ROOT, "now": now}
    client = clients_queries.by_slug("north") or clients.open_client(**opened)
    files.keep(client_id=client.id, handed=[files.Handed(sys.argv[1].encode(), "text/plain")], now=now)
"""
# What lies in the store no longer than its row, as after the time for which the store keeps it.
DELETES = """
from django.db import transaction
from workfloor.cli import edge
from workfloor.kit.database import rls
from workfloor.kit.time import clock
with edge.installation(), transaction.atomic():
    from workfloor.core.files import actions as files
    from workfloor.core.files import queries as files_queries
    from workfloor.core.files import tasks as files_tasks
    files_tasks.keep_copies(0)  # as each minute
    rls.enter_every_client()
    files.release(file_ids=[each.id for each in files_queries.files()], now=clock.now())
    files.forget(now=clock.now())
    files.drop(names=files_queries.expired(before=clock.now(), most=10))
"""
READS = """
from django.db import transaction
from workfloor.cli import edge
from workfloor.kit.database import rls
with edge.installation(), transaction.atomic():
    from workfloor.core.files import queries as files_queries
    rls.enter_every_client()
    for each in files_queries.contents(files_queries.files()).values():
        print(each.decode())
"""


def said(env: dict[str, str], program: str, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _answers(address: str) -> bool:
    with suppress(psycopg.Error):
        return asked(address, "SELECT count(*) FROM event_log_cursor") is not None
    return False


@contextmanager
def writing(address: str) -> Iterator[list[tuple[int, datetime, datetime]]]:
    """Facts are written one after the other during the block; gives each with the times before and after its commit."""
    written: list[tuple[int, datetime, datetime]] = []
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SELECT set_config('workfloor.every_client', 'on', false)")
            number = 0
            while not stop.is_set():
                number += 1
                row = {
                    "at": datetime.now(UTC).isoformat(),
                    "acted_as": "",
                    "event": "a.b",
                    "details": {"number": number},
                }
                began = datetime.now(UTC)
                connection.execute(event_log._INSERT, [json.dumps([row])])
                written.append((number, began, datetime.now(UTC)))
                time.sleep(0.005)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()
