"""The worker's loop: what fails rests or is left out, the others go on; a lost database is waited for."""

import json
import logging
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import ClassVar

import psycopg
import pytest
from click.testing import CliRunner
from django.db import OperationalError, close_old_connections, transaction

from tests import make
from workfloor.cli import admin
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log import tasks as event_log_tasks
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.runtime import worker as runtime_worker

_numbers = count()


@dataclass(frozen=True)
class Happened(event_log_events.Event):
    name: ClassVar[str] = "test.happened"
    what: str


@pytest.fixture
def followed(monkeypatch):
    """What two followers have dealt with; the one called "careful" fails over whatever is called "bad"."""
    seen = {"careful": [], "easy": []}

    def react(name, facts):
        if name == "careful" and any(fact.details["what"] == "bad" for fact in facts):
            raise ValueError("no card 4111 1111 1111 1111")
        seen[name] += [fact.details["what"] for fact in facts]

    events = frozenset({"test.happened"})
    known = {
        name: event_log_events.Follower(name, events, lambda facts, _, name=name: react(name, facts)) for name in seen
    }
    monkeypatch.setattr(event_log_events.register, "followers", known)
    return seen


def tell(*whats):
    with transaction.atomic():
        rls.enter_every_client()
        event_log.record_all([event_log_events.Entry(Happened(what), clock.now(), by=make.ROOT) for what in whats])


def steps_until_nothing_waits(steps, at):
    with clock.frozen(at):
        while steps.take():
            pass


def test_a_fact_that_breaks_a_follower_is_left_out_and_all_the_others_come(followed, real_database, caplog):
    steps, at = runtime_worker.Steps(), clock.now()
    whats = [str(number) for number in range(700)]
    tell(*whats[:300], "bad", *whats[300:])
    steps_until_nothing_waits(steps, at)
    assert sorted(followed["easy"]) == sorted([*whats, "bad"])
    assert followed["careful"] == whats[:300]  # the first time it rests: it may pass

    steps_until_nothing_waits(steps, at + timedelta(seconds=2))
    assert followed["careful"] == whats
    with transaction.atomic():
        rls.enter_every_client()
        [left_out] = event_log_queries.parked()
    assert (left_out.follower, left_out.event, left_out.tries) == ("careful", "test.happened", 1)
    assert left_out.error.startswith("ValueError: no card ")
    assert "4111 1111" not in left_out.error
    assert "careful left out the fact at" in caplog.text

    tell("later")
    steps_until_nothing_waits(steps, at + timedelta(seconds=3))
    assert followed["careful"][-1] == "later"


def test_a_follower_moves_past_what_is_not_for_it_though_nothing_ever_is(followed, real_database):
    steps, at = runtime_worker.Steps(), clock.now()
    steps_until_nothing_waits(steps, at)
    _open_client()
    steps_until_nothing_waits(steps, at + timedelta(seconds=1))
    steps_until_nothing_waits(steps, at + timedelta(seconds=runtime_worker.LAG_SECONDS + 2))

    places = set(event_log_models.Cursor.objects.values_list("position", flat=True))
    assert places == {event_log_queries.last_position()}


def test_what_was_left_out_is_listed_runs_again_after_the_repair_and_is_then_forgotten(followed, real_database):
    steps, at = runtime_worker.Steps(), clock.now()
    tell("bad")
    steps_until_nothing_waits(steps, at)
    steps_until_nothing_waits(steps, at + timedelta(seconds=2))
    [name] = [row["name"] for row in json.loads(run("list", "--format", "json").stdout)]
    assert "careful over test.happened" in run("list").stdout

    assert run("run-again", name).output == f"{name}: tried again in a moment.\n"
    event_log_tasks.run_parked(int(name.removeprefix("fact-")))
    assert json.loads(run("list", "--format", "json").stdout)[0]["tries"] == 2

    broken = event_log_events.register.followers["careful"]
    mended = replace(broken, react=lambda facts, _: followed["careful"].extend(f.details["what"] for f in facts))
    event_log_events.register.followers["careful"] = mended
    event_log_tasks.run_parked(int(name.removeprefix("fact-")))
    assert followed["careful"] == ["bad"]
    assert "Nothing failed." in run("list").stdout
    assert f"There is no failure called “{name}”." in run("run-again", name).stderr


def test_what_may_pass_is_tried_again_before_anything_is_left_out(monkeypatch, real_database):
    tried = []

    def react(facts, now):
        tried.append(len(facts))
        if len(tried) < 4:
            raise OperationalError("deadlock detected")

    known = {"test": event_log_events.Follower("test", frozenset({"test.happened"}), react)}
    monkeypatch.setattr(event_log_events.register, "followers", known)
    steps, at = runtime_worker.Steps(), clock.now()
    tell("one", "two")
    for second in (0, 2, 5, 10):
        steps_until_nothing_waits(steps, at + timedelta(seconds=second))

    assert tried == [2, 2, 2, 2]
    assert not event_log_queries.parked().exists()


def run(*words):
    return CliRunner().invoke(admin.failed, words)


@pytest.fixture
def turns(monkeypatch):
    """Which steps were taken by two followers of new clients, of which "broken" fails."""
    taken = []

    def advance(follower, *, now, batch):
        taken.append(follower.name)
        if follower.name == "broken":
            raise OperationalError("no such shelf")
        return 0

    events = frozenset({"client.opened"})
    known = {name: event_log_events.Follower(name, events, lambda facts, now: None) for name in ("broken", "sound")}
    monkeypatch.setattr(event_log_events.register, "followers", known)
    monkeypatch.setattr(event_log, "advance", advance)
    return taken


def test_a_failing_follower_rests_while_the_others_go_on(turns, real_database, caplog):
    steps, at = runtime_worker.Steps(), clock.now()
    with clock.frozen(at):
        for _ in range(3):
            _open_client()
            steps.take()
        steps.take()  # nothing is new
    with clock.frozen(at + timedelta(milliseconds=999)):
        steps.take()

    assert turns.count("broken") == 1
    assert turns.count("sound") == 3
    assert [record.message for record in caplog.records] == ["broken failed and rests for 1 s"]
    with clock.frozen(at + timedelta(seconds=1)):
        steps.take()
    assert turns.count("broken") == 2


def test_the_worker_takes_a_step_at_each_fact_and_survives_a_lost_connection(turns, real_database, caplog):
    caplog.set_level(logging.WARNING)
    stop = threading.Event()
    following = threading.Thread(target=runtime_worker.follow, args=[stop])
    following.start()
    try:
        _wait_for(lambda: turns.count("sound") >= 1)
        with psycopg.connect(real_database, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        before = turns.count("sound")
        _wait_for(lambda: turns.count("sound") > before)  # what was missed meanwhile
        _open_client()
        _wait_for(lambda: turns.count("sound") > before + 1)
    finally:
        stop.set()
        following.join(300)

    assert not following.is_alive()
    assert [record.message for record in caplog.records].count("the database is back") == 1


def _open_client():
    close_old_connections()
    with transaction.atomic():
        rls.enter_every_client()
        make.client(f"client-{next(_numbers)}")


def _wait_for(true, seconds=300):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)
