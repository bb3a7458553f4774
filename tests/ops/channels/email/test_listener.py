"""What the listener says to those who deliver: only known addresses, only so large, and 250 only for what is kept."""

import asyncio
import smtplib
import ssl
import subprocess
import threading
from contextlib import contextmanager

import pytest

from tests.ops.channels.email import servers
from workfloor.ops.channels.email import gateway


class Kept:
    """What was kept; `fails` as the database may."""

    def __init__(self) -> None:
        self.mails, self.fails = [], False

    async def knows(self, address: str) -> bool:
        return address.startswith(("help@", "help+"))

    async def keep(self, sender, recipients, raw) -> None:
        if self.fails:
            raise OSError("the database is away")
        self.mails.append((sender, list(recipients), raw))


@contextmanager
def listening(kept: Kept, **more):
    """A listener in a thread of its own; gives its port."""
    port, ready, loop = servers.free_port(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        told = gateway.Listening(know=kept.knows, keep=kept.keep, host_name="mx.test", largest=10_000, **more)
        async with await gateway.listen(told, "127.0.0.1", port):
            ready.set()
            await asyncio.Event().wait()

    task = loop.create_task(serve())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    assert ready.wait(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def server(kept):
    with listening(kept) as port, smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        yield server


def test_a_mail_to_a_mailbox_is_kept_byte_by_byte(server, kept):
    raw = b"Subject: x\r\n\r\n.dot\r\n\xff\xfe" + b"a" * 5000 + b"\r\n"

    assert server.sendmail("rui@example.com", ["help@lisbon.example", "help+c1@lisbon.example"], raw) == {}
    assert kept.mails == [("rui@example.com", ["help@lisbon.example", "help+c1@lisbon.example"], raw)]


def test_nobody_else_is_written_to(server, kept):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        server.sendmail("rui@example.com", ["eva@lisbon.example"], b"x")

    assert refused.value.recipients["eva@lisbon.example"][0] == 550
    assert kept.mails == []


def test_the_null_sender_is_told_from_others(server, kept):
    server.sendmail("", ["help@lisbon.example"], b"x")

    assert kept.mails[0][0] == "<>"


def test_what_is_too_large_is_refused(server, kept):
    with pytest.raises((smtplib.SMTPDataError, smtplib.SMTPSenderRefused)) as refused:
        server.sendmail("rui@example.com", ["help@lisbon.example"], b"a\r\n" * 10_000)

    assert refused.value.smtp_code == 552
    assert kept.mails == []


def test_what_cannot_be_kept_is_to_be_sent_again(server, kept):
    kept.fails = True
    with pytest.raises(smtplib.SMTPDataError) as refused:
        server.sendmail("rui@example.com", ["help@lisbon.example"], b"x")

    assert refused.value.smtp_code == 451
    kept.fails = False
    server.sendmail("rui@example.com", ["help@lisbon.example"], b"x")
    assert len(kept.mails) == 1


def test_a_lone_line_feed_and_dot_ends_no_mail(server, kept):
    """Or a second mail could be smuggled in within the first."""
    server.ehlo()
    server.mail("rui@example.com")
    server.rcpt("help@lisbon.example")
    server.docmd("DATA")
    server.send(b"one\n.\nMAIL FROM:<eva@example.com>\nRCPT TO:<help@lisbon.example>\nDATA\ntwo\r\n.\r\n")
    server.getreply()

    [(_, _, raw)] = kept.mails
    assert b"MAIL FROM:<eva" in raw and b"two" in raw


def test_whoever_comes_when_all_places_are_taken_is_asked_to_come_again(kept):
    with (
        listening(kept, most_sessions=1) as port,
        smtplib.SMTP("127.0.0.1", port, timeout=10),
        pytest.raises(smtplib.SMTPConnectError) as refused,
    ):
        smtplib.SMTP("127.0.0.1", port, timeout=10)

    assert refused.value.smtp_code == 421


def test_with_a_certificate_the_listener_speaks_tls(kept, tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=mx.test"]
    subprocess.run([*command, "-keyout", key, "-out", chain], check=True, capture_output=True)

    with listening(kept, tls=gateway.certificate(chain, key)) as port, smtplib.SMTP("127.0.0.1", port) as server:
        trusting = ssl.create_default_context(cafile=chain)
        trusting.check_hostname = False
        server.starttls(context=trusting)
        server.sendmail("rui@example.com", ["help@lisbon.example"], b"x")

    assert len(kept.mails) == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("pop3://a@b/", "begins with imaps://"),
        ("imaps://mail.example/INBOX", "names a user and a host"),
        ("imaps://a:secret@mail.example/INBOX", "holds no password"),
    ],
)
def test_a_faulty_source_is_refused_in_words(url, says):
    with pytest.raises(ValueError, match=says):
        gateway.source(url)


def test_a_source_is_read_whole():
    found = gateway.source("imap+starttls://help%40x.example@mail.example/Work%20in")

    assert (found.host, found.port, found.user, found.folder) == ("mail.example", 143, "help@x.example", "Work in")
