"""A month is closed by the worker while people look on: the page says how far it is, also when the worker is killed."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from tests import conftest, make
from tests.ops.billing.test_closing_actions import MARCH, answered
from tests.stories.test_errand import eventually, signed_in
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.periods import queries as periods_queries
from workfloor.kit.database import partitions, rls
from workfloor.kit.time import clock
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing.models import ClosingStep
from workfloor.runtime import worker as runtime_worker

pytestmark = pytest.mark.installation
PAGE = "/clients/lisbon-light/closing/"


def inside(do: Callable[[], Any]) -> Any:
    with transaction.atomic():
        rls.enter_every_client()
        return do()


@pytest.fixture
def office(real_database: str) -> SimpleNamespace:
    """A client with ten calls in March, and two who may close it."""

    def work() -> SimpleNamespace:
        client, teresa, marta = (
            make.client(),
            make.person("leader", name="Teresa"),
            make.person("manager", name="Marta"),
        )
        for each in (teresa, marta):
            people.clear(person=each, client=client, by=actors.ROOT, now=make.NINE)
        ana = make.agent()
        for number in range(10):
            answered(ana, make.later(minutes=10 * number), wait=10, key=f"call-{number}")
        return SimpleNamespace(client=client, teresa=teresa, marta=marta, database=real_database)

    found: SimpleNamespace = inside(work)
    return found


@contextmanager
def worker(database: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    env = os.environ | {"WORKFLOOR_DATABASE_URL": database, "WORKFLOOR_DATA": str(folder)}
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("workfloor"), "worker"], env=env, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            conftest._end(process)


@contextmanager
def held(database: str, client: str) -> Iterator[None]:
    """Whoever wants to propose a month of the client has replayed its facts, and waits, until the block ends."""
    with psycopg.connect(database) as holding:
        holding.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"periods/{client}"])
        yield


def step() -> ClosingStep | None:
    found: ClosingStep | None = inside(ClosingStep.objects.first)
    return found


def asked_for(office: SimpleNamespace, name: str, by: Any) -> None:
    inside(lambda: billing.ask_for_step(client=office.client, period=MARCH, step=name, by=by, now=clock.now()))


def told(office: SimpleNamespace) -> list[str]:
    facts = event_log_queries.of_client(office.client.id).filter(event__startswith="period")
    found: list[str] = inside(lambda: list(facts.values_list("event", flat=True)))
    return found


def let_its_heart_have_stopped(database: str) -> None:
    """The worker that was killed counts as silent for long enough: half a minute."""
    with psycopg.connect(database, autocommit=True) as looking:
        looking.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def test_a_worker_that_is_killed_in_the_middle_has_closed_nothing_and_the_next_one_ends_it(office, tmp_path):
    with held(office.database, office.client.slug):
        with worker(office.database, tmp_path) as first:
            asked_for(office, "propose", office.teresa)
            eventually(lambda: (found := step()) and found.percent == 60)  # the facts are replayed
            first.kill()
            first.wait()
        assert inside(lambda: periods_queries.state(office.client.id, MARCH)) == "open"
        assert (told(office), step().percent) == ([], 60)
    let_its_heart_have_stopped(office.database)

    with worker(office.database, tmp_path):
        eventually(lambda: step() is None)
        assert told(office) == ["period.proposed"]
        asked_for(office, "approve", office.marta)
        eventually(lambda: step() is None)

    assert told(office) == ["period.proposed", "period.closed"]
    assert inside(lambda: periods_queries.state(office.client.id, MARCH)) == "closed"
    connection.close()


def test_a_worker_that_was_down_over_months_ends_does_what_was_due_and_nothing_was_refused_meanwhile(office):
    later = clock.now() + timedelta(days=200)
    with clock.frozen(later):
        call = inside(lambda: make.call(at=later))  # work comes in, people work and press
        asked_for(office, "propose", office.teresa)
        assert f"{later:%Y-%m}" in event_log_queries.partition_months()
        after = partitions.following(partitions.following(later.date()))
        assert f"{after:%Y-%m}" not in event_log_queries.partition_months()

        with working():  # it is back
            eventually(lambda: step() is None)
            eventually(lambda: f"{after:%Y-%m}" in event_log_queries.partition_months())
            eventually(lambda: not any(each.waiting for each in inside(event_log_queries.lags)))

    facts = event_log_queries.of_item(call.id)
    assert inside(lambda: [fact.event for fact in facts])[:1] == ["work.received"]
    assert told(office) == ["period.proposed"]
    connection.close()


@contextmanager
def working() -> Iterator[None]:
    """A worker in a thread of this process, for whom it is as late as for the test."""
    stop = threading.Event()
    thread = threading.Thread(target=copy_context().run, args=[runtime_worker.run, stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(300)


def test_who_pressed_sees_how_far_it_is_and_two_who_press_at_once_close_once(office, installation):
    teresa, marta = signed_in(installation, office.teresa), signed_in(installation, office.marta)
    pages = [(browser, browser.get(PAGE).text) for browser in (teresa, marta)]
    with held(office.database, office.client.slug):
        for browser, first in pages:
            [token] = {*re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', first)}
            sent = {"csrfmiddlewaretoken": token}
            browser.post(f"{PAGE}{MARCH}/propose/", data=sent, headers={"Referer": installation}).raise_for_status()
        eventually(lambda: "Proposing 2026-03: 60 %" in marta.get(PAGE).text)
        topic = f"closing:{office.client.id}"
        stream = marta.stream("GET", f"/live/?topic={topic}", timeout=300)
        lines = (line for line in stream.__enter__().iter_lines() if line.startswith("data:"))
        assert next(lines) == f"data: {topic}"  # at first everything is named
    assert next(lines) == f"data: {topic}"  # and whenever it is further
    stream.__exit__(None, None, None)
    eventually(lambda: "Proposed by Teresa" in marta.get(PAGE).text)

    assert told(office) == ["period.proposed"]
    assert "Proposing" not in teresa.get(PAGE).text
    connection.close()
