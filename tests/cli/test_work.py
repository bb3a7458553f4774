"""The worker's loop: what fails rests, the others go on; a lost database is waited for."""

import logging
import threading
import time
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from django.db import close_old_connections, transaction

from tests import make
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.runtime import worker as runtime_worker

_numbers = count()


@pytest.fixture
def turns(monkeypatch):
    """Which steps were taken by two followers of new clients, of which "broken" fails."""
    taken = []

    def advance(follower, *, now):
        taken.append(follower.name)
        if follower.name == "broken":
            raise ValueError("no such shelf")
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
