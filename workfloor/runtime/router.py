"""The router's loop: lead the pool or stand by, follow the event log, and make the offers that follow from it."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Final

import psycopg
from django.db import DatabaseError, connection, transaction

from workfloor.core.contracts import events as contracts_events
from workfloor.core.conversations import events as conversations_events
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.kit.web import metrics
from workfloor.ops.routing import actions as routing
from workfloor.ops.routing import decision_log, state
from workfloor.ops.routing import events as routing_events
from workfloor.ops.routing import leader as routing_leader
from workfloor.ops.routing import queries as routing_queries

TICK_SECONDS: Final = 0.25
LINES_SECONDS: Final = 60.0  # terms change by the calendar, urgency with what was attained
READ_AGAIN_SECONDS: Final = 2.0  # after a reading of them that failed
LONGEST_PAUSE_SECONDS: Final = 30.0
TRIES: Final = 5
# What is received is queued in the same moment; what is said moves no work, but by facts of its own.
IGNORED: Final = ("work.received", *(event.name for event in conversations_events.MESSAGES))
CHANGES_LINES: Final = (
    contracts_events.ContractSigned.name,
    contracts_events.ContractAmended.name,
    routing_events.PutIntoPool.name,
    routing_events.EvensOut.name,
)

log = logging.getLogger(__name__)


class Log:
    """A file with what a router was told and decided, numbered through, whoever leads meanwhile."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._number = 1

    def write(self, news: state.News, offers: Iterable[lifecycle.Offer], *, begins: bool) -> None:
        """Write one telling and the offers that followed."""
        for line in decision_log.written(self._number, news, offers, begins):
            self._file.write(line + "\n")
            self._number += 1
        self._file.flush()


def run(stop: threading.Event, pool: str, log_file: Log | None = None) -> None:
    """Route until `stop` is set. Whatever goes wrong, the lead is given up, and taken again with a fresh mind."""
    pause, said = TICK_SECONDS, ""
    while not stop.is_set():
        began = time.monotonic()
        try:
            _lead(stop, pool, log_file)
        except (DatabaseError, psycopg.Error, OSError, routing_leader.Deposed) as fault:
            said = _say_once(str(fault).strip() or type(fault).__name__, said)
            pause = TICK_SECONDS
        except Exception:
            log.exception("the router of %s failed and begins anew in %.0f s", pool, pause)
            pause = TICK_SECONDS if time.monotonic() - began > LONGEST_PAUSE_SECONDS else pause * 2
        finally:
            _let_go()
        stop.wait(min(pause, LONGEST_PAUSE_SECONDS))


def _say_once(words: str, said: str) -> str:
    if words != said:
        log.warning("gave up the lead, and tries to take it again: %s", words)
    return words


def _let_go() -> None:
    """End the connection, and with it the lead."""
    try:
        connection.close()
    except (DatabaseError, psycopg.Error):
        connection.connection = None


def _lead(stop: threading.Event, pool: str, log_file: Log | None) -> None:
    epoch = _stand_by(stop, pool)
    if epoch is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {event_log.CHANNEL}")
    with Reader(pool).reading() as reader:
        router = Router(pool, epoch, log_file, reader)
        router.begin()
        log.info("leads %s, epoch %s: %d lines, %d people, %d items", pool, epoch, *router.size())
        while not stop.is_set():
            if not router.step():
                wait(min(TICK_SECONDS, router.idle_seconds()))


def _stand_by(stop: threading.Event, pool: str) -> int | None:
    """Wait until nobody leads the pool; the epoch of our lead, None if we are to stop."""
    process = f"{socket.gethostname()}:{os.getpid()}"
    while not stop.is_set():
        with transaction.atomic():
            epoch = routing_leader.take_over(pool=pool, process=process, now=clock.now())
        if epoch is not None:
            return epoch
        with transaction.atomic():
            if routing_leader.cut_off_a_silent_leader(pool=pool):
                log.warning("the router that leads %s hangs; it is cut off", pool)
        stop.wait(TICK_SECONDS)
    return None


def wait(seconds: float) -> None:
    """Return when another process has recorded a fact that may matter, at the latest after so long."""
    listening = connection.connection
    for notice in listening.notifies(timeout=max(seconds, 0.0)):
        if notice.pid != listening.info.backend_pid and not event_log_events.tells_only_of(notice.payload, IGNORED):
            return


Read = tuple[tuple[state.Line, ...], dict[int, float]]  # lines, and people's handicaps


def read(pool: str, now: datetime) -> Read:
    """What decides how urgent lines are, and who stands further back; it measures every client's service levels."""
    found = routing_queries.lines(pool, now)
    return found, routing_queries.handicaps(pool, found, now)


class Reader:
    """Reads beside the loop that decides, each minute and when asked: measuring takes longer than an offer may."""

    def __init__(self, pool: str) -> None:
        self._pool = pool
        self._asked, self._stop = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._found: Read | None = None

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        """It reads during the block, on a connection of its own."""
        thread = threading.Thread(target=self._run, name="reader", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._asked.set()
            thread.join()

    def ask(self) -> None:
        """Have it read anew now, for the terms have changed."""
        self._asked.set()

    def take(self) -> Read | None:
        """What was read since the last look; None where nothing was."""
        with self._lock:
            found, self._found = self._found, None
        return found

    def _run(self) -> None:
        self._asked.set()
        pause = LINES_SECONDS
        while not self._stop.is_set():
            self._asked.wait(pause)
            self._asked.clear()
            if not self._stop.is_set():
                pause = LINES_SECONDS if self._read() else READ_AGAIN_SECONDS
        _let_go()

    def _read(self) -> bool:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                found = read(self._pool, clock.now())
        except Exception:
            log.exception("the lines of %s could not be read, and stay as they are", self._pool)
            _let_go()
            return False
        with self._lock:
            self._found = found
        return True


class Router:
    """The leader of one pool: a mind that is told what is new, and the connection on which its offers are written."""

    def __init__(self, pool: str, epoch: int, log_file: Log | None = None, reader: Reader | None = None) -> None:
        self.pool, self.epoch, self._log, self._reader = pool, epoch, log_file, reader
        self.mind = state.Mind()
        self._snapshot = ""
        self.last_offers = 0  # the transaction of the last ones, whose facts are no news
        self._undone: list[lifecycle.Offer] = []
        self._tries = 0
        self._looked_at = self._read_lines_at = self._swept_at = clock.now()

    def begin(self) -> None:
        """Learn everything, and offer what can be offered."""
        now = clock.now()
        with transaction.atomic():
            rls.enter_every_client()
            self._snapshot = event_log_queries.snapshot()
            news = routing_queries.everything(self.pool, now, measured=self._reader is None)
        self._hear(news, now, begins=True)
        routing_leader.lead_on()

    def step(self) -> bool:
        """Learn what is new, offer what follows from it, take back what was not answered; whether anything was."""
        now = clock.now()
        with transaction.atomic():
            rls.enter_every_client()
            snapshot, hints = event_log_queries.unseen(self._snapshot, but=self.last_offers, ignoring=IGNORED)
            news = self._news(hints, now)
        self._snapshot = snapshot
        lapsed = self._take_back(now) if (now - self._swept_at).total_seconds() >= TICK_SECONDS else 0
        if not any(news[1:]) and now.timestamp() < self.mind.next_change(self._looked_at.timestamp()):
            return lapsed > 0
        self._hear(news, now)
        return True

    def idle_seconds(self) -> float:
        """How long nothing will happen by itself."""
        now = clock.now().timestamp()
        return max(0.0, self.mind.next_change(self._looked_at.timestamp()) - now)

    def size(self) -> tuple[int, int, int]:
        """How many lines, people and items are in mind."""
        return len(self.mind.lines), len(self.mind.workers), len(self.mind.things)

    def _news(self, hints: Iterable[event_log_queries.Hint], now: datetime) -> state.News:
        """What is so by now of all that the hints and the offers that did not stand name."""
        hints = list(hints)
        items = {each.item_id for each in hints if each.item_id} | {each.item_id for each in self._undone}
        people = {each.person_id for each in hints if each.person_id and not each.event.startswith("work.")}
        people |= {each.person_id for each in self._undone}
        people.update(self.mind.outdated(now.timestamp()))
        fresh = self._read(hints, now)
        lines = fresh[0] if fresh and fresh[0] != tuple(self.mind.lines.values()) else None
        joined = {line.queue_id for line in lines or ()} - set(self.mind.lines)
        return state.News(
            now.timestamp(),
            lines,
            routing_queries.workers(now, people) if people else (),
            routing_queries.things(items) + (routing_queries.all_things(joined) if joined else ()),
            routing_queries.refusals(now, [each.id for each in hints if each.event in routing_queries.REFUSALS]),
            tuple(each.item_id for each in reversed(self._undone)),
            self._handicaps(fresh[1]) if fresh else (),
        )

    def _read(self, hints: Iterable[event_log_queries.Hint], now: datetime) -> Read | None:
        """Lines and handicaps, where they were read again: by the reader beside, else here."""
        told = any(each.event in CHANGES_LINES for each in hints)
        if self._reader is not None:
            if told:
                self._reader.ask()
            return self._reader.take()
        if not told and (now - self._read_lines_at).total_seconds() < LINES_SECONDS:
            return None
        self._read_lines_at = now
        return read(self.pool, now)

    def _handicaps(self, found: dict[int, float]) -> tuple[tuple[int, float], ...]:
        """Those that have changed; nobody has one where the pool evens out no more."""
        known = self.mind.handicaps
        if not found:
            found = dict.fromkeys(known, 0.0)
        return tuple((person, seconds) for person, seconds in sorted(found.items()) if known.get(person) != seconds)

    def _hear(self, news: state.News, now: datetime, begins: bool = False) -> None:
        offers = self.mind.hear(news)
        if self._log is not None:
            self._log.write(news, offers, begins=begins)
        self._looked_at, self._undone = now, []
        if not offers:
            return
        try:
            with transaction.atomic():
                rls.enter_every_client()
                own = routing_leader.fence(pool=self.pool, epoch=self.epoch)
                work.offer_all(offers=offers, by=routing.ROUTER, now=now)
        except work.TooLate:
            # The facts that tell why are there or about to be; the offers are decided anew with them.
            self._undone, self._tries = offers, self._tries + 1
            if self._tries > TRIES:
                raise
        else:
            self.last_offers, self._tries = own, 0
            metrics.offered(self.pool, len(offers))

    def _take_back(self, now: datetime) -> int:
        self._swept_at = now
        with transaction.atomic():
            rls.enter_every_client()
            if not work_queries.left_aside() and not routing_queries.unanswered(now, self.mind.lines):
                return 0
            routing_leader.fence(pool=self.pool, epoch=self.epoch)
            return routing.resume_preempted(now=now) + routing.lapse_offers(queue_ids=list(self.mind.lines), now=now)
