"""The worker's loop: followers catch up with the event log, and jobs are run."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import psycopg
from django.db import DatabaseError, close_old_connections, connection, transaction

from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import jobs, rls
from workfloor.kit.time import clock
from workfloor.kit.web import metrics

TICK_SECONDS: Final = 1.0
LARGEST_PAUSE_SECONDS: Final = 30.0
GATHER_SECONDS: Final = 0.1  # after a notice, so that one step deals with what comes together
LOOK_AT: Final = 5000  # facts

log = logging.getLogger(__name__)


def run(stop: threading.Event) -> None:
    """Work until `stop` is set; a lost database is reported once and waited for."""
    background = threading.Thread(target=jobs.run, args=[stop], name="jobs")
    background.start()
    try:
        follow(stop)
    finally:
        stop.set()
        background.join()


def follow(stop: threading.Event) -> None:
    """Take a step at each fact and at least each second."""
    lost = False
    while not stop.is_set():
        try:
            with psycopg.connect(**_parameters(), autocommit=True) as listening:
                listening.execute(f"LISTEN {event_log.CHANNEL}")
                if lost:
                    log.warning("the database is back")
                lost = False
                _step_at_each_notice(listening, stop)
        except (psycopg.OperationalError, OSError) as fault:
            if not lost:
                log.warning("waiting for the database: %s", str(fault).strip())
            lost = True
            close_old_connections()
            stop.wait(TICK_SECONDS)


def _step_at_each_notice(listening: psycopg.Connection, stop: threading.Event) -> None:
    with transaction.atomic():
        event_log.enter_every_client(engine="worker", now=clock.now())
    steps = Steps()
    while not stop.is_set():
        if not steps.take() and _told(listening):
            stop.wait(GATHER_SECONDS)
        listening.execute("")  # a lost connection shows here


def _told(listening: psycopg.Connection) -> bool:
    """Wait for a notice of a fact that somebody follows, at most for a tick; whether there was one."""
    followed = frozenset().union(*(each.events for each in event_log_events.register.followers.values()))
    until = time.monotonic() + TICK_SECONDS
    while (left := until - time.monotonic()) > 0:
        if any(
            event_log_events.tells_of(each.payload, followed) for each in listening.notifies(timeout=left, stop_after=1)
        ):
            return True
    return False


class Steps:
    """One turn of every follower that something is new for; what fails rests for a while, the others go on."""

    def __init__(self) -> None:
        self._resting: dict[str, tuple[float, float]] = {}  # name: (rests until, length of the next rest)
        self._due = set(event_log_events.register.followers)
        with transaction.atomic():
            self._place = event_log_queries.settled_place()

    def take(self) -> int:
        """Returns how much was done; 0 means that nothing waits."""
        self._look()
        return sum(self._advance(event_log_events.register.followers[name]) for name in sorted(self._due))

    def _look(self) -> None:
        """See which followers the facts since the last look are for."""
        with transaction.atomic():
            rls.enter_every_client()
            self._place, names = event_log_queries.events_after(self._place, LOOK_AT)
        self._due |= {each.name for each in event_log_events.register.followers.values() if each.events & names}

    def _advance(self, follower: event_log_events.Follower) -> int:
        """Advance one; it is due again until nothing waits for it, also where another process is at it just now."""
        done = self._try(follower.name, partial(event_log.advance, follower, now=clock.now()))
        if done == 0:
            self._due.discard(follower.name)
        elif done:
            metrics.followed(follower.name, done)
        return done or 0

    def _try(self, name: str, step: Callable[[], int | None]) -> int | None:
        now = clock.now().timestamp()
        until, pause = self._resting.get(name, (0.0, TICK_SECONDS))
        if now < until:
            return None
        try:
            with transaction.atomic():
                rls.enter_every_client()
                done = step()
        except Exception as fault:
            if isinstance(fault, DatabaseError) and not connection.is_usable():
                raise psycopg.OperationalError(str(fault)) from fault
            metrics.failed(name)
            log.exception("%s failed and rests for %.0f s", name, pause)
            self._resting[name] = (now + pause, min(pause * 2, LARGEST_PAUSE_SECONDS))
            return None
        self._resting.pop(name, None)
        return done


def _parameters() -> dict[str, Any]:
    """How Django reaches the database, as far as a plain connection takes it."""
    parameters = connection.get_connection_params()
    return {key: value for key, value in parameters.items() if key not in ("cursor_factory", "context")}
