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
from imapclient import IMAPClient

SECONDS: Final = 60  # that a server may take for anything but the end of a mail
IDLE_SECONDS: Final = 240
AT_A_TIME: Final = 50  # fetched mails that are stored in one go
LONGEST_LINE: Final = 200_000  # of a mail that comes in; the standard's 998 are not what is sent

log = logging.getLogger(__name__)


# --- mail is delivered to us ------------------------------------------------------------------------------------------

Know = Callable[[str], Awaitable[bool]]
Keep = Callable[[str, Sequence[str], bytes], Awaitable[None]]


@dataclass(frozen=True)
class Listening:
    """How mail is taken: `know` says whether an address is a mailbox, `keep` returns once a mail is durable."""

    know: Know
    keep: Keep
    host_name: str
    largest: int  # bytes
    most_sessions: int = 200
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
            handler, data_size_limit=listening.largest, enable_SMTPUTF8=True, decode_data=False,
            hostname=listening.host_name, ident="Workfloor", tls_context=listening.tls, timeout=300,
        )  # fmt: skip
        return _counted(found, sessions, listening.most_sessions)

    return await asyncio.get_running_loop().create_server(session, host, port, reuse_address=True)


def _counted(session: Any, sessions: set[Any], most: int) -> Any:
    """Turn away whoever comes when all places are taken; they try again later."""
    made, lost = session.connection_made, session.connection_lost

    def connection_made(transport: Any) -> None:
        if len(sessions) >= most and transport.get_extra_info("sslcontext") is None:
            transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
            transport.close()
            return
        sessions.add(session)
        made(transport)

    def connection_lost(error: Exception | None) -> None:
        if session in sessions:
            sessions.discard(session)
            lost(error)

    session.connection_made, session.connection_lost = connection_made, connection_lost
    return session


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
        raise ValueError("begins with imaps://, imap+starttls:// or imap://")
    if not parts.hostname or not parts.username:
        raise ValueError("names a user and a host, as in imaps://user%40example.com@mail.example.com/INBOX")
    if parts.password:
        raise ValueError("holds no password: name the file that holds it")
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

    def __init__(self, client: Any, uid_validity: int) -> None:
        self.client, self.uid_validity = client, uid_validity

    def after(self, uid: int, largest: int) -> Iterator[list[Letter]]:
        """What came after a UID, in its order, a batch at a time."""
        uids = sorted(each for each in self.client.search(["UID", f"{uid + 1}:*"]) if each > uid)
        for start in range(0, len(uids), AT_A_TIME):
            yield self._fetched(uids[start : start + AT_A_TIME], largest)

    def _fetched(self, uids: list[int], largest: int) -> list[Letter]:
        sizes = {uid: found[b"RFC822.SIZE"] for uid, found in self.client.fetch(uids, ["RFC822.SIZE"]).items()}
        fit = [uid for uid in uids if sizes.get(uid, 0) <= largest]
        bodies = self.client.fetch(fit, ["BODY.PEEK[]"]) if fit else {}
        # What somebody has deleted meanwhile is not in the answer, and is not there any more.
        raws = {uid: found.get(b"BODY[]") for uid, found in bodies.items()}
        return [
            Letter(uid, raws.get(uid), sizes[uid]) for uid in uids if uid in sizes and (uid in raws or uid not in fit)
        ]

    def wait(self, seconds: float) -> None:
        """Return when something has changed, or after so long; where the server cannot tell, after a minute."""
        if not self.client.has_capability("IDLE"):
            self.client.noop()
            raise NoIdle
        self.client.idle()
        try:
            self.client.idle_check(timeout=min(seconds, IDLE_SECONDS))
        finally:
            self.client.idle_done()


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
        yield Folder(client, int(opened[b"UIDVALIDITY"]))
    finally:
        with contextlib.suppress(Exception):
            client.logout()
