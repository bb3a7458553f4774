"""What the listener says to those who deliver: only known addresses, only so large, and 250 only for what is kept."""

import asyncio
import smtplib
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager

import pytest

from tests.ops.channels.email import servers
from workfloor.ops.channels.email import gateway as email_gateway


class Kept:
    """What was kept; `fails` as the database may."""

    def __init__(self) -> None:
        self.mails, self.fails = [], False
        self.why: Exception = OSError("the database is away")

    async def knows(self, address: str) -> bool:
        return address.startswith(("help@", "help+"))

    async def keep(self, sender, recipients, raw) -> None:
        if self.fails:
            raise self.why
        self.mails.append((sender, list(recipients), raw))


@contextmanager
def listening(kept: Kept, **more):
    """A listener in a thread of its own; gives its port."""
    port, ready, loop = servers.free_port(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        told = email_gateway.Listening(know=kept.knows, keep=kept.keep, host_name="mx.test", largest=10_000, **more)
        async with await email_gateway.listen(told, "127.0.0.1", port):
            ready.set()
            await asyncio.Event().wait()

    task = loop.create_task(serve())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    assert ready.wait(60)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(60)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def server(kept):
    with listening(kept) as port, smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
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


def test_where_there_is_no_room_the_sender_is_told_so(server, kept):
    kept.fails, kept.why = True, email_gateway.Full("no space left on device")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        server.sendmail("rui@example.com", ["help@lisbon.example"], b"x")

    assert refused.value.smtp_code == 452
    assert kept.mails == []


def test_the_limit_is_announced_and_with_it_what_the_listener_can(server):
    server.ehlo()

    assert server.esmtp_features["size"] == "10000"
    assert {"8bitmime", "smtputf8"} <= server.esmtp_features.keys()


def test_a_whole_dialogue_sent_at_once_is_answered_line_by_line(kept):
    said = [
        b"EHLO a",
        b"MAIL FROM:<rui@example.com>",
        b"RCPT TO:<help@lisbon.example>",
        b"RCPT TO:<eva@lisbon.example>",
    ]
    with listening(kept) as port, socket.create_connection(("127.0.0.1", port), 10) as line:
        answers = line.makefile("rb")
        line.sendall(b"\r\n".join([*said, b"DATA", b""]))
        codes = []
        while not codes or codes[-1] != b"354":
            answer = answers.readline()
            if answer[3:4] == b" ":
                codes.append(answer[:3])
        line.sendall(b"one\r\n.\r\nQUIT\r\n")
        codes += [answers.readline()[:3] for _ in range(2)]

    assert codes == [b"220", b"250", b"250", b"250", b"550", b"354", b"250", b"221"]
    assert len(kept.mails) == 1


@pytest.mark.parametrize("recipients", [101])
def test_more_recipients_than_a_hundred_are_for_another_time(server, kept, recipients):
    everybody = [f"help+{number}@lisbon.example" for number in range(recipients)]
    refused = server.sendmail("rui@example.com", everybody, b"x")

    assert {code for code, _ in refused.values()} == {452}
    assert len(kept.mails[0][1]) == 100


def test_addresses_and_mails_beyond_ascii_come_as_they_are(server, kept):
    raw = "Subject: Olá\r\n\r\nOlá\r\n".encode()
    server.sendmail("josé@example.com", ["help@lisbon.example"], raw, mail_options=["SMTPUTF8", "BODY=8BITMIME"])

    assert kept.mails == [("josé@example.com", ["help@lisbon.example"], raw)]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r\n\0.\r\n"])
def test_only_a_whole_line_with_a_dot_ends_a_mail(server, kept, end):
    """Or a second mail could be smuggled in within the first."""
    server.ehlo()
    server.mail("rui@example.com")
    server.rcpt("help@lisbon.example")
    server.docmd("DATA")
    smuggled = b"MAIL FROM:<eva@example.com>\r\nRCPT TO:<help@lisbon.example>\r\nDATA\r\ntwo"
    server.send(b"one" + end + smuggled + b"\r\n.\r\n")
    server.getreply()
    assert server.docmd("NOOP")[0] == 250  # and nothing is left that would be taken for a command

    [(_, _, raw)] = kept.mails
    assert b"MAIL FROM:<eva" in raw and b"two" in raw


def test_whoever_comes_when_all_places_are_taken_is_asked_to_come_again(kept):
    with (
        listening(kept, most_sessions=1) as port,
        smtplib.SMTP("127.0.0.1", port, timeout=60),
        pytest.raises(smtplib.SMTPConnectError) as refused,
    ):
        smtplib.SMTP("127.0.0.1", port, timeout=60)

    assert refused.value.smtp_code == 421


def test_one_host_leaves_places_for_others(kept):
    with (
        listening(kept, most_sessions=5, most_of_one_host=1) as port,
        smtplib.SMTP("127.0.0.1", port, timeout=60),
        pytest.raises(smtplib.SMTPConnectError) as refused,
    ):
        smtplib.SMTP("127.0.0.1", port, timeout=60)

    assert refused.value.smtp_code == 421


def test_whoever_goes_on_for_too_long_loses_the_place_and_what_had_not_ended_is_not_taken(kept):
    with listening(kept, longest_session=5) as port, smtplib.SMTP("127.0.0.1", port, timeout=60) as server:
        server.ehlo()
        server.mail("rui@example.com")
        server.rcpt("help@lisbon.example")
        server.docmd("DATA")
        server.send(b"one\r\n")
        assert server.getreply()[0] == 421

    assert kept.mails == []


def test_with_a_certificate_the_listener_speaks_tls(kept, tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=mx.test"]
    subprocess.run([*command, "-keyout", key, "-out", chain], check=True, capture_output=True)

    with listening(kept, tls=email_gateway.certificate(chain, key)) as port, smtplib.SMTP("127.0.0.1", port) as server:
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
        email_gateway.source(url)


def test_a_source_is_read_whole():
    found = email_gateway.source("imap+starttls://help%40x.example@mail.example/Work%20in")

    assert (found.host, found.port, found.user, found.folder) == ("mail.example", 143, "help@x.example", "Work in")
