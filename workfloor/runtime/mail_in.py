"""Mail comes in: delivered to us or fetched by us, stored in groups, acknowledged once it is durable."""

import asyncio
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import click
import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from workfloor.core.event_log import actions as event_log
from workfloor.core.files import gateway as files_gateway
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import gateway as email_gateway
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email import sorting

KNOWN_SECONDS: Final = 5  # for which we remember who has a mailbox
MOST_BYTES: Final = 20_000_000  # that are stored in one transaction
MOST_MAILS: Final = 100
LOOK_SECONDS: Final = 60  # between two looks where a server does not tell
NEW_SECONDS: Final = 15  # until a new mailbox is fetched
LONGEST_PAUSE_SECONDS: Final = 300
log = logging.getLogger(__name__)


def _begin(engine: str) -> None:
    with transaction.atomic():
        event_log.enter_every_client(engine=engine, now=clock.now())


# --- delivered to us --------------------------------------------------------------------------------------------------
@dataclass
class _Waiting:
    """A mail that its sender waits to have acknowledged."""

    sender: str
    recipients: Sequence[str]
    raw: bytes
    kept: "Future[None]" = field(default_factory=Future)


class Store:
    """One thread that stores whatever mail has come meanwhile in one transaction, and then acknowledges all of it."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(maxsize=1000)
        self._thread = threading.Thread(target=self._run, name="store")
        self._thread.start()

    async def keep(self, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        """Return once a mail is durable; raise if it is not."""
        mail = _Waiting(sender, recipients, raw)
        self._waiting.put_nowait(mail)
        await asyncio.wrap_future(mail.kept)

    def close(self) -> None:
        """Store what has come, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while mail := self._waiting.get():
            group, size = [mail], len(mail.raw)
            while len(group) < MOST_MAILS and size < MOST_BYTES and not self._waiting.empty():
                further = self._waiting.get()
                if further is None:
                    self._waiting.put(None)
                    break
                group.append(further)
                size += len(further.raw)
            self._store(group)
        connection.close()

    def _store(self, group: list[_Waiting]) -> None:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                known = {each.address: each for each in email_queries.mailboxes()}
                mails = [mail for each in group for mail in _addressed(each, known)]
                email.store(mails=mails, now=clock.now())
        except Exception as fault:
            connection.close()
            is_full = isinstance(fault.__cause__, psycopg.errors.InsufficientResources)
            is_full |= isinstance(fault, files_gateway.Full)
            for each in group:
                each.kept.set_exception(email_gateway.Full(str(fault)) if is_full else fault)
        else:
            for each in group:
                each.kept.set_result(None)


def _addressed(mail: _Waiting, known: dict[str, email_models.Mailbox]) -> list[email.Incoming]:
    """A mail for each client that it is for: to the first of its mailboxes. Raises LookupError where none is left."""
    found: dict[int, email.Incoming] = {}
    for recipient in mail.recipients:
        if mailbox := known.get(sorting.split(recipient)[0]):
            incoming = email.Incoming(mailbox, mail.raw, mail.sender, recipient)
            found.setdefault(mailbox.client_id, incoming)
    if not found:
        raise LookupError("the mailbox was closed in this moment")
    return list(found.values())


class Known:
    """Who has a mailbox, asked of the database every few seconds at most."""

    def __init__(self) -> None:
        self._addresses: frozenset[str] = frozenset()
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def knows(self, address: str) -> bool:
        """Whether a mailbox takes what is sent to an address."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() >= self._until:
                self._addresses = await loop.run_in_executor(None, self._read)
                self._until = loop.time() + KNOWN_SECONDS
        return sorting.split(address)[0] in self._addresses

    @staticmethod
    def _read() -> frozenset[str]:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                return frozenset(email_queries.mailboxes().values_list("address", flat=True))
        finally:
            connection.close()


def listen(stop: threading.Event) -> None:
    """Take mail on WORKFLOOR_MAIL_BIND until `stop` is set."""
    host, _, port = settings.WORKFLOOR_MAIL_BIND.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        words = f"WORKFLOOR_MAIL_BIND is {settings.WORKFLOOR_MAIL_BIND!r}; write it like 0.0.0.0:25"
        raise click.ClickException(words)
    _begin("mail listener")
    connection.close()
    store = Store()
    try:
        asyncio.run(_listen(stop, store, host.strip("[]") or "127.0.0.1", int(port)))
    except OSError as fault:
        raise click.ClickException(f"{host}:{port} cannot be used: {fault.strerror or fault}") from fault
    finally:
        store.close()


async def _listen(stop: threading.Event, store: Store, host: str, port: int) -> None:
    chain, key = settings.WORKFLOOR_MAIL_CERTIFICATE, settings.WORKFLOOR_MAIL_CERTIFICATE_KEY
    listening = email_gateway.Listening(
        know=Known().knows,
        keep=store.keep,
        host_name=settings.WORKFLOOR_MAIL_HOST,
        largest=settings.WORKFLOOR_MAIL_LARGEST,
        tls=email_gateway.certificate(chain, key) if chain and key else None,
    )
    server = await email_gateway.listen(listening, host, port)
    log.info("mail is taken on %s:%s", host, port)
    async with server:
        while not stop.is_set():
            await asyncio.sleep(0.2)


# --- fetched by us ----------------------------------------------------------------------------------------------------
def fetch(stop: threading.Event) -> None:
    """Fetch the mail of every mailbox that has a source, a thread each, until `stop` is set."""
    _begin("mail fetcher")
    fetchers: dict[int, threading.Thread] = {}
    while not stop.is_set():
        with transaction.atomic():
            rls.enter_every_client()
            mailboxes = list(email_queries.fetched())
        connection.close()
        for mailbox in mailboxes:
            if mailbox.id not in fetchers or not fetchers[mailbox.id].is_alive():
                # What a thread knows is in the database: it may be cut off anywhere.
                fetchers[mailbox.id] = threading.Thread(target=_fetch, args=[mailbox, stop], daemon=True)
                fetchers[mailbox.id].start()
        stop.wait(NEW_SECONDS)


def _fetch(mailbox: email_models.Mailbox, stop: threading.Event) -> None:
    """Fetch one mailbox while it is open; what goes wrong is said once, and tried again later each time.

    A line that breaks is no fault: only what is wrong with the next one too is said.
    """
    pause, told, was_well = 1.0, "", False
    while not stop.is_set():
        try:
            current = _still_fetched(mailbox)
            if current is None:
                return
            source = email_gateway.source(current.source_url)
            password = email_queries.password(current)
            with email_gateway.folder(source, password) as folder:
                fetch_once(folder, current)
                _tell(current, "")
                pause, told, was_well = 1.0, "", True
                _fetch_from(folder, current, stop)
        except email_gateway.NoIdle:
            stop.wait(LOOK_SECONDS)
        except Exception as fault:
            if str(fault) != told and not was_well:
                log.warning("%s is not fetched just now: %s", mailbox.address, fault)
                _tell(mailbox, str(fault) or type(fault).__name__)
                told = str(fault)
            pause, was_well = min(pause * 2, LONGEST_PAUSE_SECONDS), False
            stop.wait(pause)


@contextmanager
def _in_client_of(mailbox: email_models.Mailbox) -> Iterator[None]:
    """One transaction; no connection to the database is held while a mail server is waited for."""
    try:
        with transaction.atomic():
            rls.enter(mailbox.client_id)
            yield
    finally:
        connection.close()


def _tell(mailbox: email_models.Mailbox, fault: str) -> None:
    """Leave word of what keeps a mailbox from being fetched, where the database is there to take it."""
    with suppress(OperationalError, InterfaceError), _in_client_of(mailbox):
        email.mark_fetching(mailbox=mailbox, fault=fault, now=clock.now())


def _still_fetched(mailbox: email_models.Mailbox) -> email_models.Mailbox | None:
    with _in_client_of(mailbox):
        return email_queries.fetched().filter(id=mailbox.id).first()


def _fetch_from(folder: email_gateway.Folder, mailbox: email_models.Mailbox, stop: threading.Event) -> None:
    while not stop.is_set() and _still_fetched(mailbox):
        folder.wait(email_gateway.IDLE_SECONDS)
        fetch_once(folder, mailbox)


def fetch_once(folder: email_gateway.Folder, mailbox: email_models.Mailbox) -> int:
    """Fetch and store what has come since the last time; returns how many mails."""
    with _in_client_of(mailbox):
        place = email_queries.place(mailbox)
    begin, count = place.uid if place.uid_validity == folder.uid_validity else 0, 0
    for letters in folder.after(begin, settings.WORKFLOOR_MAIL_LARGEST):
        mails = [email.Fetched(each.uid, each.raw, each.size) for each in letters]
        with _in_client_of(mailbox):
            email.store_fetched(mailbox=mailbox, uid_validity=folder.uid_validity, mails=mails, now=clock.now())
        count += len(mails)
    return count
