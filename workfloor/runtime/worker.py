"""The worker's loop: facts are placed, followers catch up with them, and jobs are run."""

import logging
import math
import threading
import time
from collections import Counter
from typing import Any, Final

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection, transaction

from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import jobs, rls
from workfloor.kit.text import masks
from workfloor.kit.time import clock
from workfloor.kit.web import metrics

TICK_SECONDS: Final = 1.0
LARGEST_PAUSE_SECONDS: Final = 30.0
GATHER_SECONDS: Final = 0.25  # after a notice, so that one step deals with what comes together
LOOK_AT: Final = 5000  # facts
LAG_SECONDS: Final = 10.0  # between looks at how far followers are behind
TRIES: Final = 5  # in a row, of what may pass by itself, before it counts as the facts' fault

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
        except (psycopg.OperationalError, OperationalError, InterfaceError, OSError) as fault:
            if not lost:
                log.warning("waiting for the database: %s", str(fault).strip())
            lost = True
            close_old_connections()
            stop.wait(TICK_SECONDS)


def _step_at_each_notice(listening: psycopg.Connection, stop: threading.Event) -> None:
    with transaction.atomic():
        event_log.make_partitions(first=clock.now())  # the nightly job may not have come for months
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
    """One turn of every follower that something is new for.

    A follower that fails over some facts is given half as many, until it fails over one: that is parked, and the rest
    goes on. What may pass by itself, and a single fact the first time, is tried again after a rest.
    """

    def __init__(self) -> None:
        self._resting: dict[str, tuple[float, float]] = {}  # name: (rests until, length of the next rest)
        self._batches: dict[str, int] = {}  # name: how many facts at once, where it has failed over more
        self._failed: Counter[str] = Counter()  # name: how often in a row
        self._due = set(event_log_events.register.followers)
        self._told_at = -math.inf
        self._position = event_log_queries.last_position()

    def take(self) -> int:
        """Returns how much was done; 0 means that nothing waits."""
        with transaction.atomic():
            placed = event_log.place()
        self._look()
        self._tell_of_lags()
        return placed + sum(self._advance(event_log_events.register.followers[name]) for name in sorted(self._due))

    def _look(self) -> None:
        """See which followers the facts since the last look are for."""
        self._position, names = event_log_queries.events_after(self._position, LOOK_AT)
        self._due |= {each.name for each in event_log_events.register.followers.values() if each.events & names}

    def _tell_of_lags(self) -> None:
        """Tell how far each is behind, and let all move on: what is not for one is not counted over again for ever."""
        now = clock.now()
        if now.timestamp() - self._told_at < LAG_SECONDS:
            return
        self._told_at = now.timestamp()
        self._due |= set(event_log_events.register.followers)
        with transaction.atomic():
            rls.enter_every_client()
            lags = event_log_queries.lags()
        for each in lags:
            metrics.lags(each.follower, each.seconds(now), each.parked)
            if each.seconds(now) > event_log_queries.ALARM_SECONDS:
                log.warning("%s is %.0f s behind: %d facts wait for it", each.follower, each.seconds(now), each.waiting)

    def _advance(self, follower: event_log_events.Follower) -> int:
        """Advance one; it is due again until nothing waits for it, also where another process is at it just now."""
        name = follower.name
        until, pause = self._resting.get(name, (0.0, TICK_SECONDS))
        if clock.now().timestamp() < until:
            return 0
        batch = self._batches.get(name, event_log.BATCH)
        try:
            with transaction.atomic():
                rls.enter_every_client()
                done = event_log.advance(follower, now=clock.now(), batch=batch)
        except Exception as fault:
            if isinstance(fault, DatabaseError) and not connection.is_usable():
                raise psycopg.OperationalError(str(fault)) from fault
            return self._look_after(follower, fault, batch, pause)
        self._resting.pop(name, None)
        self._failed.pop(name, None)
        if done is not None:
            self._batches[name] = min(batch * 2, event_log.BATCH)
        if done == 0:
            self._due.discard(name)
        elif done:
            metrics.followed(name, done)
        return done or 0

    def _look_after(self, follower: event_log_events.Follower, fault: Exception, batch: int, pause: float) -> int:
        """Decide how a follower that has failed goes on; returns how many facts were left out."""
        name = follower.name
        metrics.failed(name)
        self._failed[name] += 1
        may_pass = isinstance(fault, OperationalError) and self._failed[name] < TRIES
        if batch > 1 and not may_pass:
            self._batches[name] = batch // 2
            log.warning("%s failed over some of %d facts and is given fewer: %s", name, batch, fault)
            return 1  # at once
        if may_pass or (self._failed[name] < TRIES and name not in self._resting):
            log.exception("%s failed and rests for %.0f s", name, pause)
            self._resting[name] = (clock.now().timestamp() + pause, min(pause * 2, LARGEST_PAUSE_SECONDS))
            return 0
        self._resting.pop(name, None)
        self._failed.pop(name, None)
        error = masks.worded(fault)
        with transaction.atomic():
            rls.enter_every_client()
            parked = event_log.park(follower, error=error, now=clock.now())
        if parked is None:
            return 0
        log.error(
            "%s left out the fact at %d (%s), over which it fails: %s", name, parked.position, parked.event, error
        )
        return 1


def _parameters() -> dict[str, Any]:
    """How Django reaches the database, as far as a plain connection takes it."""
    parameters = connection.get_connection_params()
    return {key: value for key, value in parameters.items() if key not in ("cursor_factory", "context")}
