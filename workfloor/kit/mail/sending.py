"""The mail server that mail goes out through, and when a mail that it did not take is tried again."""

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

SENDING_SECONDS: Final = 60  # that a server may take for anything but the end of a mail
LAST_LINE_SECONDS: Final = 600  # as RFC 5321 has it


class NotSent(Exception):
    """A server did not take a mail, for good or for now; `in_doubt` if it had all of it, and the line broke then."""

    def __init__(self, answer: str, is_final: bool, in_doubt: bool = False) -> None:
        super().__init__(answer)
        self.answer, self.is_final, self.in_doubt = answer, is_final, in_doubt


@dataclass(frozen=True)
class Handed:
    """What a server said to a mail that it took, and the recipients for whom it did not."""

    answer: str
    refused: tuple[str, ...]


def send(url: str, sender: str, recipients: Sequence[str], raw: bytes, hand_over: Callable[[], bool]) -> Handed:
    """Send a mail through the server at `url`. Raises NotSent.

    `hand_over` is called when the server has everything but the line that ends the mail: up to there a mail that broke
    off was not taken. Where it says no, the mail is not ended.
    """
    ended = False
    try:
        with _server(url) as server:
            refused = _addressed(server, sender, recipients)
            _accepted(server.docmd("DATA"), 354)
            server.send(_stuffed(raw))
            if not hand_over():
                server.close()
                raise NotSent("another process sends it", is_final=False)
            if server.sock:
                server.sock.settimeout(LAST_LINE_SECONDS)
            ended = True
            server.send(b".\r\n")
            return Handed(_accepted(server.getreply(), 250), refused)
    except smtplib.SMTPResponseException as fault:
        if fault.smtp_code < 200:  # no answer at all
            raise NotSent(_said(fault.smtp_code, fault.smtp_error), is_final=False, in_doubt=ended) from fault
        raise NotSent(_said(fault.smtp_code, fault.smtp_error), 500 <= fault.smtp_code < 600) from fault
    except (smtplib.SMTPException, OSError) as fault:
        host = urlsplit(url).hostname or "the mail server"
        raise NotSent(f"{host}: {fault}", is_final=False, in_doubt=ended) from fault


@contextlib.contextmanager
def _server(url: str) -> Iterator[smtplib.SMTP]:
    """smtp:// as it comes, smtp+starttls:// and smtps:// only encrypted; the URL may hold a user and a password."""
    parts = urlsplit(url)
    tls = ssl.create_default_context()
    host, port = parts.hostname or "localhost", parts.port
    server = (
        smtplib.SMTP_SSL(host, port or 465, timeout=SENDING_SECONDS, context=tls)
        if parts.scheme == "smtps"
        else smtplib.SMTP(host, port or 25, timeout=SENDING_SECONDS)
    )
    try:
        server.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp+starttls":
            server.starttls(context=tls)
            server.ehlo()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _addressed(server: smtplib.SMTP, sender: str, recipients: Sequence[str]) -> tuple[str, ...]:
    """Say whom it is from and for; the recipients that the server refuses. Raises where it refuses all of them."""
    options = ["SMTPUTF8"] if not all(each.isascii() for each in [sender, *recipients]) else []
    _accepted(server.mail(sender, options), 250)
    answers = {each: server.rcpt(each) for each in recipients}
    refused = {each: answer for each, answer in answers.items() if answer[0] not in (250, 251)}
    if len(refused) == len(recipients):
        # One that may be taken later keeps the others waiting rather than lost.
        code, said = min(refused.values(), default=(550, b"nobody to send it to"))
        raise smtplib.SMTPResponseException(code, said)
    return tuple(f"{each} ({_said(*answer)})" for each, answer in refused.items())


def _accepted(answer: tuple[int, bytes], code: int) -> str:
    if answer[0] != code:
        raise smtplib.SMTPResponseException(*answer)
    return _said(*answer)


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"[:500]


def _stuffed(raw: bytes) -> bytes:
    """A mail's lines as they travel: CRLF at each end, and a further dot where a line begins with one."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw if raw.endswith(b"\n") else raw + b"\r\n")
    return re.sub(rb"(?m)^\.", b"..", lines)


def signed(raw: bytes, domain: str, keys: Path | None, selector: str) -> bytes:
    """A mail with a DKIM signature, where the folder of keys holds one for the domain: DOMAIN.pem."""
    key = keys / f"{domain}.pem" if keys else None
    if key is None or not key.is_file():
        return raw
    headers = [b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to"]
    import dkim  # brings a resolver along, which commands that send nothing need not wait for

    signature = dkim.sign(
        raw,
        selector.encode(),
        domain.encode(),
        key.read_bytes(),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[*headers, b"mime-version", b"content-type"],
    )
    return bytes(signature) + raw


# --- trying again --------------------------------------------------------------------------------------------------

BACK_OFF_SECONDS: Final = (60, 300, 900, 1800, 3600, 7200, 14400)
GIVE_UP_AFTER: Final = timedelta(days=4)


def next_try(tries: int, first: datetime, now: datetime) -> datetime | None:
    """When to try again after so many tries since `first`: later each time; None once it has lasted too long."""
    if now - first >= GIVE_UP_AFTER:
        return None
    return now + timedelta(seconds=BACK_OFF_SECONDS[min(tries, len(BACK_OFF_SECONDS)) - 1])
