"""A mail that is built to be slow, or to fell whoever reads it, waits in its page, and nobody waits for it."""

import os
import resource
import signal
import time

import pytest

from tests import mail, make
from workfloor.kit.database import rls
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email import reading
from workfloor.ops.channels.email import tasks as email_tasks

SIZE = 2_000_000
MOST_SECONDS = 2.0  # of the processor, whatever a mail of this size holds
STARTS_SECONDS = 2.0  # a reader's start, for the next mail


def filled(start: str, pump: str, end: str = "") -> str:
    return start + pump * ((SIZE - len(start) - len(end)) // len(pump)) + end


def html(body: str) -> bytes:
    return mail.letter(body, Content_Type="text/html; charset=utf-8")


def boxes(depth: int) -> bytes:
    """Parts within parts, and the rest of the size in the innermost."""
    parts = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return mail.letter().partition(b"\r\n\r\n")[0] + b"\r\n" + filled(parts, "x" * 75 + "\n").encode()


SLOW = {
    "parts within parts": boxes(5000),
    "many parts": mail.letter(filled("", "--b\n\nx\n"), Content_Type='multipart/mixed; boundary="b"'),
    "many boundaries": mail.letter(filled("", "--b--b--b\n"), Content_Type='multipart/mixed; boundary="b"'),
    "many headers": b"".join(b"X-%d: a\r\n" % n for n in range(SIZE // 12)) + mail.letter(),
    "one header of many lines": mail.letter(X_Long=filled("", "a\r\n ")),
    "encoded words": mail.letter(Subject=filled("", "=?utf-8?q?a?= ")),
    "encoded words that never end": mail.letter(Subject=filled("", "=?utf-8?q?a")),
    "addresses": mail.letter(To=filled("", "a@b.example,")),
    "comments": mail.letter(To=filled("", "(")),
    "quoted names": mail.letter(To=filled("", '"\\')),
    "parameters": mail.letter(Content_Type=filled("text/plain", ";a=b")),
    "references": mail.letter(References=filled("", "<a@b>")),
    "deep HTML": html(filled("", "<div>")),
    "formatting that is never closed": html(filled("", "<b><p>")),
    "tables in tables": html(filled("", "<table><tr><td>")),
    "links in links": html(filled("", "<a href=http://a.example>x")),
    "an attribute without end": html(filled("<p ", "a=b ")),
    "styles": html(filled('<p style="', "margin:-", '">x')),
    "ampersands": html(filled("", "&")),
    "comments in HTML": html(filled("", "<!--")),
    "doctypes": html(filled("", "<!doctype ")),
    "numbers": mail.letter(filled("", "4111 ")),
    "numbers in HTML": html(filled("", "4<b>1</b>")),
    "quotes": mail.letter(filled("", "> ")),
    "quotes in lines": mail.letter(filled("", ">\n")),
    "carriage returns": mail.letter() + b"\r" * SIZE,
    "winmail.dat": mail.letter(
        filled("", "eJ8+IgAAAQCAAQAAAAAA\n"), Content_Type="application/ms-tnef", Content_Transfer_Encoding="base64"
    ),
    "uuencoded": mail.letter(filled("begin 644 a\n", "M" * 61 + "\n"), Content_Transfer_Encoding="x-uuencode"),
    "UTF-7": mail.letter(filled("", "+AGE-"), Content_Type="text/plain; charset=utf-7"),
    "a report": mail.letter(
        filled("--b\nContent-Type: message/delivery-status\n\n", "Action: failed\n\n"),
        Content_Type='multipart/report; report-type=delivery-status; boundary="b"',
    ),
}


def stored(post: mail.Post, *raws: bytes) -> None:
    rls.enter(post.mailbox.client_id)
    mails = [email.Incoming(post.mailbox, raw, "", post.mailbox.address) for raw in raws]
    email.store(mails=mails, now=make.NINE)


@pytest.fixture
def readers():
    """The readers, of which none runs before and after."""
    email.READERS.end()
    yield email.READERS
    email.READERS.end()


def seconds_of_children() -> float:
    """The processor's time of all processes of ours that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("kind", SLOW)
def test_a_mail_of_two_million_bytes_costs_little_whatever_it_holds(post, readers, kind):
    stored(post, SLOW[kind])
    readers.ask("glanced", b"", seconds=5)
    readers.end()
    before, own = seconds_of_children(), time.process_time()

    email_tasks.take_arrivals()

    arrival = email_models.Arrival.objects.get()
    readers.end()
    assert arrival.state in ("taken", "failed", "set-aside", "held")
    assert seconds_of_children() - before < MOST_SECONDS + 2 * STARTS_SECONDS
    assert time.process_time() - own < MOST_SECONDS


def test_a_mail_over_its_budget_waits_in_its_page_and_those_after_it_go_on(post, readers, monkeypatch):
    slow = mail.letter("1234567890" * 190_000, Subject="Read me", Message_ID="<slow@example.com>")
    stored(post, mail.letter(Message_ID="<a@example.com>"), slow, mail.letter(Message_ID="<b@example.com>"))
    monkeypatch.setattr(reading, "seconds_for", lambda size: 0.1 if size > 1_000_000 else 5.0)

    email_tasks.take_arrivals()

    assert list(email_models.Arrival.objects.order_by("id").values_list("state", flat=True)) == [
        "taken",
        "failed",
        "taken",
    ]
    [waits] = email_queries.to_be_looked_at()
    assert (waits.sender, waits.subject) == ("rui@example.com", "Read me")
    assert waits.reason.startswith("it took more than 0.1 seconds of the processor; it has 1,9")

    monkeypatch.undo()
    email.run_again(arrivals=[email_queries.arrival(waits.id)], by=make.ROOT, now=make.NINE)
    email_tasks.take_arrivals()
    assert email_models.Arrival.objects.get(id=waits.id).state == "taken"


def test_a_reader_that_is_killed_costs_one_mail_at_most(post, readers):
    stored(post, mail.letter())
    readers.ask("glanced", b"", seconds=5)
    [reader] = readers.processes()
    os.kill(reader, signal.SIGKILL)

    email_tasks.take_arrivals()

    assert [each.reason for each in email_queries.to_be_looked_at()] == [
        f"the process that read it ended (SIGKILL); it has {len(mail.letter())} bytes"
    ]
    stored(post, mail.letter(Message_ID="<next@example.com>"))
    email_tasks.take_arrivals()
    assert email_models.Arrival.objects.filter(state="taken").count() == 1
