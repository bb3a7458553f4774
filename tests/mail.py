"""A mailbox in a test, and short ways to write to it."""

from datetime import datetime
from pathlib import Path

from tests import make
from workfloor.core.access import actors
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries

REAL_MAIL = Path(__file__).parents[2] / "shared" / "data" / "mail"


class Post:
    """What comes to a client's mailbox, and what becomes of it."""

    def __init__(self, of: str = "lisbon-light", address: str = "help@lisbon.example", **more) -> None:
        rls.enter_every_client()
        self.queue = make.queue("mail", of)
        self.mailbox = email.open_mailbox(queue=self.queue, address=address, by=actors.ROOT, now=make.NINE, **more)

    def comes(
        self, raw: bytes, at: datetime = make.NINE, envelope_sender: str = "", recipient: str = ""
    ) -> email_models.Arrival:
        """A mail arrives and is read, as the listener and the worker do it."""
        rls.enter(self.mailbox.client_id)
        mail = email.Incoming(self.mailbox, raw, envelope_sender, recipient or self.mailbox.address)
        email.store(mails=[mail], now=at)
        [arrival] = email_queries.waiting(2)
        email.take(arrivals=[arrival], now=at)
        return email_models.Arrival.objects.select_related("message__item", "message__case").get(id=arrival.id)

    def writes(self, text: str = "My bill is wrong", at: datetime = make.NINE, **headers: str) -> email_models.Arrival:
        """Rui writes; headers go by their names with underscores, and None leaves one out."""
        raw = letter(text, to=self.mailbox.address, **headers)
        return self.comes(raw, at)


def letter(text: str = "My bill is wrong", to: str = "help@lisbon.example", **headers: str | None) -> bytes:
    usual = {
        "From": "Rui Costa <rui@example.com>",
        "To": to,
        "Subject": "My bill",
        "Message-ID": "<first@example.com>",
        "Date": "Wed, 4 Mar 2026 08:59:30 +0000",
    }
    given = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in given.items() if value is not None]
    return "\r\n".join([*lines, "", *text.split("\n"), ""]).encode()


REPORT = """\
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

I could not deliver your mail.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; rui@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: message/rfc822

Message-ID: <{name}>
Subject: Re: My bill

We look into it
--b--
"""


def hold(item: Item, by, at: datetime) -> Item:
    """An agent takes an item in hand."""
    work.offer(item=item, person=by, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=at)
    return work.accept(item=item, by=by, now=at)


def finish(item: Item, by, at: datetime, disposition: str = "answered") -> Item:
    """An agent ends an item that is in hand."""
    item = work.end(item=item, by=by, now=at)
    return work.wrap_up(item=item, by=by, disposition=disposition, now=at)
