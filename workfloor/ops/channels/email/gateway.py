"""Mail servers: those that deliver to us, and those that we fetch from."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from aiosmtpd import smtp
from django.utils.translation import gettext as _
from imapclient import IMAPClient

SECONDS: Final = 60  # that a server may take for anything but the end of a mail
IDLE_SECONDS: Final = 240
AT_A_TIME: Final = 50  # fetched mails that are stored in one go
BYTES_AT_A_TIME: Final = 20_000_000  # of them; one that is larger comes alone
UIDS_AT_A_TIME: Final = 50_000  # that a server is asked about at once, or its answer is a line that nobody reads
LONGEST_LINE: Final = 200_000  # of a mail that comes in; the standard's 998 are not what is sent
log = logging.getLogger(__name__)

# --- mail is delivered to us ------------------------------------------------------------------------------------------
Know = Callable[[str], Awaitable[bool]]
Keep = Callable[[str, Sequence[str], bytes], Awaitable[None]]


class Full(Exception):
    """There is no room for a mail just now; raised by whoever is to keep it."""


@dataclass(frozen=True)
class Listening:
    """How mail is taken: `know` says whether an address is a mailbox, `keep` returns once a mail is durable."""

    know: Know
    keep: Keep
    host_name: str
    largest: int  # bytes
    most_sessions: int = 200
    most_of_one_host: int = 50
    longest_session: float = 1800  # seconds, however slowly somebody goes on
    tls: ssl.SSLContext | None = None


class _Handler:
    """What the SMTP dialogue asks of us, answered in its own codes."""

    def __init__(self, listening: Listening) -> None:
        self.listening = listening

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= 100:
            return "452 4.5.3 Too many recipients at once"
        try:
            known = await self.listening.know(address)
        except Exception:
            log.exception("whether %s is a mailbox cannot be looked up", address)
            return "451 4.3.0 Try again later"
        if not known:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        raw = envelope.original_content or envelope.content or b""
        try:
            await self.listening.keep(envelope.mail_from or "<>", envelope.rcpt_tos, raw)
        except Full:
            log.exception("there is no room for a mail, and its sender is told to try again")
            return "452 4.3.1 There is no room for it now, try again later"
        except Exception:
            log.exception("a mail could not be stored, and its sender is told to try again")
            return "451 4.3.0 Try again later"
        return "250 2.0.0 It is kept"


class _Session(smtp.SMTP):
    """One connection; long lines are taken as they are."""

    line_length_limit = LONGEST_LINE


async def listen(listening: Listening, host: str, port: int) -> asyncio.Server:
    """Take mail on an address until the server that is returned is closed."""
    handler, sessions = _Handler(listening), set[Any]()

    def session() -> Any:
        found = _Session(
            handler,
            data_size_limit=listening.largest,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=listening.host_name,
            ident="Workfloor",
            tls_context=listening.tls,
            timeout=300,
        )
        return _counted(found, sessions, listening)

    return await asyncio.get_running_loop().create_server(session, host, port, reuse_address=True)


def _counted(session: Any, sessions: set[Any], listening: Listening) -> Any:
    """Turn away whoever comes when all places are taken, or all that one host may have; they try again later."""
    made, lost = session.connection_made, session.connection_lost

    def connection_made(transport: Any) -> None:
        session.host = (transport.get_extra_info("peername") or ("",))[0]
        of_host = sum(each.host == session.host for each in sessions)
        is_new = transport.get_extra_info("sslcontext") is None
        if is_new and (len(sessions) >= listening.most_sessions or of_host >= listening.most_of_one_host):
            transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
            transport.close()
            return
        if is_new:
            loop = asyncio.get_running_loop()
            session.ends = loop.call_later(listening.longest_session, _end, session)
        sessions.add(session)
        made(transport)

    def connection_lost(error: Exception | None) -> None:
        if session in sessions:
            sessions.discard(session)
            session.ends.cancel()
            lost(error)

    session.connection_made, session.connection_lost = connection_made, connection_lost
    return session


def _end(session: Any) -> None:
    """Whoever holds a place for so long loses it; a mail that had not ended was not taken."""
    session.transport.write(b"421 4.4.2 This has taken too long\r\n")
    session.transport.close()


def certificate(chain: Path, key: Path) -> ssl.SSLContext:
    """The certificate with which a listener answers STARTTLS. Raises OSError where the files are no such thing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    return context


# --- mail is fetched -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Source:
    """Where mail is fetched from: imaps (TLS), imap+starttls, or imap without either."""

    scheme: str
    host: str
    port: int
    user: str
    folder: str


def source(url: str) -> Source:
    """Read imaps://user%40example.com@mail.example.com:993/INBOX. Raises ValueError with what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in ("imaps", "imap", "imap+starttls"):
        raise ValueError(_("begins with imaps://, imap+starttls:// or imap://"))
    if not parts.hostname or not parts.username:
        raise ValueError(_("names a user and a host, as in imaps://user%40example.com@mail.example.com/INBOX"))
    if parts.password:
        raise ValueError(_("holds no password: give that by itself"))
    port = parts.port or (993 if parts.scheme == "imaps" else 143)
    return Source(
        parts.scheme, parts.hostname, port, unquote(parts.username), unquote(parts.path.strip("/")) or "INBOX"
    )


@dataclass(frozen=True)
class Letter:
    """A mail on a server: `raw` is None where it is larger than we fetch."""

    uid: int
    raw: bytes | None
    size: int


class Folder:
    """A folder on an IMAP server, open for reading; nothing in it is changed or marked."""

    def __init__(self, client: Any, uid_validity: int, next_uid: int = 0) -> None:
        self.client, self.uid_validity, self.next_uid = client, uid_validity, next_uid

    def after(self, uid: int, largest: int) -> Iterator[list[Letter]]:
        """What came after a UID, in its order, a batch at a time."""
        self._told_of_more()
        for uids in self._uids(uid):
            for start in range(0, len(uids), AT_A_TIME):
                yield from self._fetched(uids[start : start + AT_A_TIME], largest)

    def _uids(self, after: int) -> Iterator[list[int]]:
        while after + UIDS_AT_A_TIME < self.next_uid:
            yield sorted(self.client.search(["UID", f"{after + 1}:{after + UIDS_AT_A_TIME}"]))
            after += UIDS_AT_A_TIME
        yield sorted(each for each in self.client.search(["UID", f"{after + 1}:*"]) if each > after)

    def _fetched(self, uids: list[int], largest: int) -> Iterator[list[Letter]]:
        told = {uid: found[b"RFC822.SIZE"] for uid, found in self.client.fetch(uids, ["RFC822.SIZE"]).items()}
        # What somebody has deleted meanwhile is not in the answers, and is not there any more.
        for group in _groups([(uid, told[uid]) for uid in uids if uid in told], largest):
            fit = [uid for uid, size in group if size <= largest]
            bodies = self.client.fetch(fit, ["BODY.PEEK[]"]) if fit else {}
            raws = {uid: found.get(b"BODY[]") for uid, found in bodies.items()}
            yield [Letter(uid, raws.get(uid), size) for uid, size in group if uid in raws or size > largest]

    def _told_of_more(self) -> bool:
        """Whether the server has said that mail came, in its answers to what we asked since we last asked this."""
        _, told = self.client._imap.response("EXISTS")
        return bool(told != [None])

    def wait(self, seconds: float) -> None:
        """Return when something has changed since `after` began, or after so long. Raises NoIdle where nobody tells.

        A server tells of a mail once. What came while it was being asked, it told of then, and not again in IDLE.
        """
        if not self.client.has_capability("IDLE"):
            self.client.noop()
            raise NoIdle
        if self._told_of_more():
            return
        self.client.idle()
        try:
            if not self._has_more_to_read():
                self.client.idle_check(timeout=min(seconds, IDLE_SECONDS))
        finally:
            self.client.idle_done()

    def _has_more_to_read(self) -> bool:
        """Whether the server's first words in IDLE came with its yes: read already, so that no socket tells of them."""
        line = self.client.socket()
        line.settimeout(0)
        try:
            return bool(self.client._imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            line.settimeout(SECONDS)


def _groups(sizes: Sequence[tuple[int, int]], largest: int) -> Iterator[list[tuple[int, int]]]:
    """Mails with their sizes in their order, as many together as are fetched at once."""
    group: list[tuple[int, int]] = []
    together = 0
    for uid, size in sizes:
        counted = size if size <= largest else 0
        if group and together + counted > BYTES_AT_A_TIME:
            yield group
            group, together = [], 0
        group.append((uid, size))
        together += counted
    if group:
        yield group


class NoIdle(Exception):
    """The server does not tell when mail comes; the caller looks now and then."""


@contextlib.contextmanager
def folder(source: Source, password: str) -> Iterator[Folder]:
    """Open a folder. Raises OSError or imapclient's errors, with what the server said."""
    tls = ssl.create_default_context()
    client = IMAPClient(
        source.host, port=source.port, ssl=source.scheme == "imaps", ssl_context=tls, timeout=SECONDS, use_uid=True
    )
    try:
        if source.scheme == "imap+starttls":
            client.starttls(tls)
        client.login(source.user, password)
        opened = client.select_folder(source.folder, readonly=True)
        yield Folder(client, int(opened[b"UIDVALIDITY"]), int(opened.get(b"UIDNEXT", 0)))
    finally:
        with contextlib.suppress(Exception):
            client.logout()
