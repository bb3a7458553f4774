"""With Postfix and Dovecot: in through one, fetched from the other, out through the first, back into the same case."""

import os
import smtplib
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import transaction

from tests import mail, make
from tests.ops.channels.email import servers
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email.models import Arrival, Delivery, Place

pytestmark = [pytest.mark.installation, pytest.mark.skipif(bool(servers.missing()), reason=servers.missing())]

KEPT = ["customer.example", "porto.example"]
PLACES = 7  # a test takes one


class Floor:
    """A client of the test's own: a mailbox delivered to and one fetched, an agent, and a customer's box."""

    def __init__(self, mta: servers.Servers, number: int, password: Path) -> None:
        self.mta, self.slug, self.rui = mta, f"client-{number}", f"rui-{number}"
        self.help, self.fetched = f"help-{number}@lisbon.example", f"fetched-{number}@porto.example"
        self.customer = f"{self.rui}@customer.example"
        self.client = make.client(self.slug, chats=True)
        self.ana = make.agent(f"Ana {number}", clear_for=self.slug)
        url = f"imap://{quote(self.fetched)}@127.0.0.1:{mta.imap}/INBOX"
        for address, source, secret in ((self.help, "", ""), (self.fetched, url, password.read_text().strip())):
            email.open_mailbox(
                queue=make.queue("mail", self.slug),
                address=address,
                by=actors.ROOT,
                now=clock.now(),
                source_url=source,
                password=secret,
            )

    def of(self, model):
        """What is there of the test's client."""
        return model.objects.filter(client=self.client)

    def customer_sends(self, raw: bytes, to: str, sender: str = "") -> None:
        with smtplib.SMTP("127.0.0.1", self.mta.smtp) as server:
            server.sendmail(sender or self.customer, [to], raw)

    def reply(self, item: Item, text: str, to: str) -> Message:
        with _entered():
            item = Item.objects.get(id=item.id)
            work.offer(item=item, person=self.ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=clock.now())
            item = work.accept(item=item, by=self.ana, now=clock.now())
            said = {"content": Content(text), "recipients": [Address(to)]}
            reply = conversations.reply(item=item, channel="email", by=self.ana, now=clock.now(), **said)
            work.set_pending_customer(item=item, by=self.ana, now=clock.now())
            return reply


@contextmanager
def _entered():
    with transaction.atomic():
        rls.enter_every_client()
        yield


def wait_for(look, what: str, mta: servers.Servers, seconds: float = 300):
    """Whatever `look` finds, within five minutes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with _entered():
            if found := look():
                return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come about. The servers said:\n{mta.said()}")


@pytest.fixture(scope="module")
def places(shared_database, tmp_path_factory):
    """Postfix, Dovecot and what takes mail in and sends it, once for all tests; a floor for each of them."""
    port, folder = servers.free_port(), tmp_path_factory.mktemp("mail")
    (folder / "password").write_text("secret\n")
    numbers = range(1, PLACES + 1)
    boxes = [f"rui-{each}@customer.example" for each in numbers] + [f"fetched-{each}@porto.example" for each in numbers]
    with ExitStack() as stack:
        elsewhere = stack.enter_context(sinks.running())
        elsewhere.refuse = {"full@gone.example": "552 5.2.2 the mailbox is full"}
        relayed = {"lisbon.example": port, "gone.example": int(elsewhere.url.rpartition(":")[2])}
        mta = stack.enter_context(servers.running(relayed, KEPT, boxes))
        with _entered():
            event_log.make_partitions(first=clock.now())
            floors = [Floor(mta, number, folder / "password") for number in numbers]
        env = os.environ | {
            "WORKFLOOR_DATABASE_URL": shared_database,
            "WORKFLOOR_DATA": str(folder),
            "WORKFLOOR_MAIL_BIND": f"127.0.0.1:{port}",
            "WORKFLOOR_SMTP_URL": f"smtp://127.0.0.1:{mta.smtp}",
            "WORKFLOOR_MAIL_UNDO_SECONDS": "0",
        }
        for command in ("channels mail listen", "channels mail fetch", "worker"):
            stack.enter_context(_running(command, env, folder))
        servers.wait_for(port, mta)
        yield iter(floors)


@pytest.fixture
def floor(places):
    return next(places)


@contextmanager
def _running(command: str, env: dict[str, str], folder: Path):
    with (folder / f"{command}.log").open("wb") as log:
        program = Path(sys.executable).with_name("workfloor")
        process = subprocess.Popen([program, *command.split()], env=env, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.parametrize("way", ["help", "fetched"], ids=["delivered", "fetched"])
def test_a_mail_goes_in_an_answer_out_and_what_comes_back_is_in_the_same_case(floor, way):
    address = getattr(floor, way)
    floor.customer_sends(mail.letter("My bill is wrong", to=address, From=f"Rui <{floor.customer}>"), address)
    item = wait_for(floor.of(Item).first, "the item", floor.mta)

    reply = floor.reply(item, "We look into it", to=floor.customer)
    wait_for(lambda: floor.mta.inbox(floor.rui), "the reply in Rui's box", floor.mta)
    wait_for(Message.objects.filter(id=reply.id, state="sent").exists, "the reply's being sent", floor.mta)
    [raw] = floor.mta.inbox(floor.rui)
    got = message_from_bytes(raw)
    assert "We look into it" in got.get_payload()
    assert got["In-Reply-To"] == "<first@example.com>"

    answer = mail.letter(
        "Thank you",
        to=got["Reply-To"],
        From=f"Rui <{floor.customer}>",
        Message_ID="<second@customer.example>",
        In_Reply_To=got["Message-ID"],
    )
    floor.customer_sends(answer, address)
    again = wait_for(floor.of(Message).filter(text="Thank you").first, "the answer", floor.mta)
    assert again.case_id == item.case_id
    with _entered():
        assert (floor.of(Case).count(), floor.of(Item).count()) == (1, 1)
        assert floor.of(Item).get().pending_customer_since is None
        assert not floor.of(Delivery).filter(in_doubt__gt=0).exists()


def test_a_reply_that_bounces_comes_back_to_the_agent_and_opens_no_case(floor):
    letter = mail.letter("Hello", From="Full <full@gone.example>")
    floor.customer_sends(letter, floor.help, sender="full@gone.example")
    item = wait_for(floor.of(Item).first, "the item", floor.mta)

    reply = floor.reply(item, "We look into it", to="full@gone.example")
    failed = wait_for(Message.objects.filter(id=reply.id, state="failed").first, "the report", floor.mta)

    assert "the mailbox is full" in failed.fault
    with _entered():
        assert (floor.of(Case).count(), floor.of(Item).count()) == (1, 1)
        assert (floor.of(Item).get().state, floor.of(Item).get().pending_customer_since) == ("waiting", None)
        assert floor.of(Arrival).get(state="set-aside").message_id == reply.id


def copied(floor, to: str) -> Message:
    """A visitor chats with Ana, and has the copy sent to an address."""
    with _entered():
        now = clock.now()
        widget = chats.add_widget(
            queue=make.queue("chats", floor.slug),
            origins=["https://x.example"],
            by=actors.ROOT,
            now=now,
            source='title = { en = "Chat" }',
        )
        visit = chats.begin(
            widget=widget,
            secret=f"{floor.slug:s<43}",
            key="first-001",
            message="My bill is wrong",
            answers={},
            address="x",
            now=now,
        )
        item = work.offer(
            item=visit.item, person=floor.ana, max_concurrency=4, offer_seconds=30, by=make.ROUTER, now=now
        )
        item = work.accept(item=item, by=floor.ana, now=now)
        chats.reply(chat=visit, by=floor.ana, text="It is corrected.", now=now)
        work.wrap_up(item=work.end(item=item, by=floor.ana, now=now), by=floor.ana, disposition="resolved", now=now)
        asked = {"key": "copy-0001", "address": "x", "zone": "Europe/Lisbon", "now": now}
        return chats.send_transcript(chat=visit, to=to, **asked).message


def test_the_copy_of_a_chat_is_delivered_once_and_what_is_answered_comes_into_its_case(floor):
    copy = copied(floor, floor.customer)
    wait_for(Message.objects.filter(id=copy.id, state="sent").exists, "the copy's being sent", floor.mta)
    [raw] = wait_for(lambda: floor.mta.inbox(floor.rui), "the copy in Rui's box", floor.mta)
    got = message_from_bytes(raw)
    assert [part.get_content_type() for part in got.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "It is corrected." in got.get_payload()[0].get_payload()

    answer = mail.letter("Thank you", to=got["Reply-To"], From=f"Rui <{floor.customer}>", Subject="Re: copy")
    floor.customer_sends(answer, parseaddr(got["Reply-To"])[1])
    again = wait_for(floor.of(Message).filter(text="Thank you").first, "the answer", floor.mta)
    assert again.case_id == copy.case_id


def test_the_copy_of_a_chat_that_bounces_is_a_fact_and_nobodys_work(floor):
    copy = copied(floor, "full@gone.example")
    failed = wait_for(Message.objects.filter(id=copy.id, state="failed").first, "the report", floor.mta)

    assert "the mailbox is full" in failed.fault
    with _entered():
        assert (floor.of(Case).count(), floor.of(Item).get().state) == (1, "done")


def test_an_address_that_does_not_exist_is_refused_while_the_sender_waits(floor):
    with smtplib.SMTP("127.0.0.1", floor.mta.smtp) as server:
        server.sendmail(floor.customer, ["nobody@lisbon.example"], mail.letter("For nobody"))

    wait_for(lambda: floor.mta.inbox(floor.rui), "Postfix's own report to Rui", floor.mta)
    assert b"No such mailbox here" in floor.mta.inbox(floor.rui)[0]
    with _entered():
        assert not Arrival.objects.filter(recipient__startswith="nobody@").exists()


def test_what_waits_on_the_server_is_fetched_once_by_however_many(floor, shared_database, tmp_path):
    env = os.environ | {"WORKFLOOR_DATABASE_URL": shared_database, "WORKFLOOR_DATA": str(tmp_path / "other")}
    (tmp_path / "other").mkdir()
    with _running("channels mail fetch", env, tmp_path / "other"):
        for number in range(40):
            raw = mail.letter(f"Number {number}", Message_ID=f"<{number}@x>", From=f"{number}@customer.example")
            floor.customer_sends(raw, floor.fetched)
        wait_for(lambda: floor.of(Item).count() == 40, "forty items", floor.mta)

    with _entered():
        assert floor.of(Arrival).count() == 40
        assert sorted(floor.of(Arrival).values_list("uid", flat=True)) == list(range(1, 41))
        assert floor.of(Place).get().uid == 40
