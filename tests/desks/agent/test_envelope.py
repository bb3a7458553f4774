"""An agent answers all, in copy and unseen copy, or forwards a mail: what goes out, is kept, and is said of it."""

from email import message_from_bytes

import pytest
from django.db import transaction

from tests import mail, make
from tests.desks.agent.test_replies import Desk, replies
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.conversations.models import Attachment, Draft, Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import Fact
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.desks.agent import mail_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import tasks as email_tasks
from workfloor.ops.channels.email.models import Mailbox

RUI = "Rui Costa <rui@example.com>"
WITH_A_FILE = b"""\
From: Rui Costa <rui@example.com>
To: help@lisbon.example, Eva <eva@example.com>
Cc: ines@example.com
Subject: The meter
Message-ID: <second@example.com>
In-Reply-To: <first@example.com>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Here is the picture.
--b
Content-Type: image/png
Content-Disposition: attachment; filename=meter.png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--b--
"""


class Letters(Desk):
    """The same desk; the customer's last mail names others and brings a picture."""

    def __init__(self) -> None:
        super().__init__()
        box = mail.Post.__new__(mail.Post)
        box.mailbox = Mailbox.objects.get()
        self.picture = box.comes(WITH_A_FILE).message
        rls.enter_every_client()

    def writes(self, mode="reply", **entered):
        return self.answers(**{"mode": mode, "to": RUI} | entered)

    def draft(self):
        return self.browser.get(f"/desk/items/{self.item.id}/draft/").json()


@pytest.fixture
def desk(everyone):
    return Letters()


@pytest.fixture
def sink():
    with sinks.running() as found:
        yield found


def last_fact(event: str) -> Fact:
    rls.enter_every_client()
    return Fact.objects.filter(event=event).order_by("id").last()


def test_the_composer_offers_to_answer_all_but_ourselves_and_to_forward(desk):
    shown = desk.shown()
    assert "Reply all" in shown and "Forward" in shown
    assert "Eva &lt;eva@example.com&gt;, ines@example.com" in shown.replace("\\u003C", "&lt;")
    assert "Fwd: The meter" in shown and "(1 file)" in shown
    assert "help@lisbon.example&quot;" not in shown


def test_whom_a_reply_goes_to_is_a_fact_and_stands_in_the_conversation(desk):
    assert desk.writes(cc="ines@example.com", bcc="law@example.com").status_code == 204

    fact = last_fact("message.reply-written")
    assert (fact.details["to"], fact.details["cc"], fact.details["bcc"]) == (
        ["rui@example.com"],
        ["ines@example.com"],
        ["law@example.com"],
    )
    shown = desk.shown()
    assert "To: Rui Costa &lt;rui@example.com&gt; · Cc: ines@example.com · Bcc: law@example.com" in shown
    assert replies()[0].subject == ""  # the usual one


@pytest.mark.parametrize(
    ("entered", "field"),
    [({"to": ""}, "to"), ({"cc": "ines@"}, "cc"), ({"bcc": "law"}, "bcc")],
)
def test_a_recipient_that_is_none_is_refused_at_its_field_and_nothing_is_sent(desk, entered, field):
    refusal = desk.writes(**entered)
    assert (refusal.status_code, f'data-field="{field}"' in refusal.content.decode()) == (422, True)
    assert replies() == []


def test_a_forwarded_mail_brings_its_head_its_words_and_its_files_and_answers_nobody(desk):
    assert (
        desk.writes(
            "forward", to="meters@example.org", text="Please look", subject="Fwd: The meter", with_files="on"
        ).status_code
        == 204
    )

    [forwarded] = replies()
    assert (forwarded.forwards_id, forwarded.subject) == (desk.picture.id, "Fwd: The meter")
    assert forwarded.folded_text.startswith(
        "---------- Forwarded message ----------\nFrom: Rui Costa <rui@example.com>"
    )
    assert forwarded.folded_text.endswith("Here is the picture.")
    assert [each.name for each in Attachment.objects.filter(message=forwarded)] == ["meter.png"]
    assert Item.objects.get().reply_seconds is None
    assert last_fact("message.reply-written").details["forwards"] == desk.picture.id
    assert "Forwarded · To: meters@example.org" in desk.shown()

    desk.writes(key="key-0002")
    assert Item.objects.get().reply_seconds is not None


def test_a_mail_of_another_case_is_not_forwarded_from_here(desk):
    box = mail.Post(address="other@lisbon.example")
    other = box.writes("My secret", Message_ID="<x@example.com>", From="eva@example.com").message

    refusal = desk.writes("forward", to="a@example.org", forwards=other.id)
    assert (refusal.status_code, replies()) == (422, [])


def test_a_forwarded_mail_that_comes_back_leaves_the_answer_to_the_customer_as_it_is(desk):
    desk.writes("forward", to="meters@example.org", with_files="on")
    desk.writes(key="key-0002")
    answered = Item.objects.get().reply_seconds
    [forwarded, _] = replies()
    email.delivering.bring_back(reply=forwarded, reason="no such user", by=make.MAIL, now=clock.now())

    assert Item.objects.get().reply_seconds == answered


def test_an_envelope_is_kept_with_the_draft_and_is_there_again_when_a_mail_is_taken_back(desk):
    path = f"/desk/items/{desk.item.id}/keep-draft/"
    desk.browser.post(path, {"text": "", "mode": "forward", "to": "meters@exam"}, headers={"HX-Request": "true"})
    assert desk.draft() == {"text": "", "envelope": {"mode": "forward", "to": "meters@exam"}}

    desk.writes(cc="ines@example.com", subject="About the meter", drafted="on")
    assert desk.draft() == {"text": "", "envelope": {}}
    taken = desk.browser.post("/desk/take-back/", {"message": replies()[0].id}, headers={"HX-Request": "true"}).json()
    typed = {"mode": "reply", "to": RUI, "cc": "ines@example.com", "subject": "About the meter"}
    assert (taken["envelope"], desk.draft()["envelope"]) == (typed, typed)
    assert Draft.objects.get().text == "We look into it"


def test_the_mailbox_s_signature_goes_below_the_text_and_above_what_is_quoted(desk):
    email.change_mailbox(mailbox=Mailbox.objects.get(), signature="{agent}\n{client}", by=actors.ROOT, now=clock.now())
    desk.writes(sign="on", quote="on")
    folded = replies()[0].folded_text
    assert folded.startswith("-- \nAna\nLisbon Light\n\nOn ") and folded.endswith("> Here is the picture.")

    desk.writes(key="key-0002")
    assert replies()[1].folded_text == ""


def test_a_reply_that_closes_finishes_the_work_in_the_same_press_and_again_is_the_same(desk):
    for _ in range(2):
        assert desk.writes(finish="answered").status_code == 204
    item = Item.objects.get()
    assert (item.state, item.disposition, len(replies())) == ("done", "answered", 1)


def test_with_a_disposition_that_is_none_nothing_is_sent(desk):
    assert desk.writes(finish="swept-away").status_code == 409
    rls.enter_every_client()
    assert (Item.objects.get().state, replies()) == ("held", [])


def test_the_server_gets_the_unseen_copy_which_no_header_names_and_the_thread_holds(real_database, settings, sink):
    settings.WORKFLOOR_SMTP_URL = sink.url
    with transaction.atomic(), clock.frozen(make.NINE):
        desk = Letters()
    with clock.frozen(make.NINE):
        desk.writes(cc="ines@example.com", bcc="law@example.com", subject="About the meter")
        desk.writes("forward", to="meters@example.org", key="key-0002", subject="Fwd: The meter", with_files="on")
    with transaction.atomic():
        rls.enter_every_client()
        event_log.advance_all(now=make.NINE)
        written = [each.id for each in Message.objects.filter(direction="out").order_by("id")]
    for each in written:
        with clock.frozen(make.later(minutes=1)):
            email_tasks.deliver(each)

    (_, to, raw), (_, to_others, raw_forwarded) = sink.mails
    reply, forwarded = message_from_bytes(raw), message_from_bytes(raw_forwarded)
    assert to == ["rui@example.com", "ines@example.com", "law@example.com"]
    assert (reply["Cc"], reply["Bcc"], reply["Subject"]) == ("ines@example.com", None, "About the meter")
    assert b"law@example.com" not in raw
    assert reply["In-Reply-To"] == "<second@example.com>"
    assert reply["References"] == "<first@example.com> <second@example.com>"
    assert to_others == ["meters@example.org"]
    assert [part.get_filename() for part in forwarded.walk() if part.get_filename()] == ["meter.png"]
    assert forwarded["Message-ID"] != reply["Message-ID"]


def test_a_case_that_nobody_wrote_in_is_answered_at_the_customer_s_own_address(everyone):
    make.client()
    ana = make.agent("Ana")
    item = make.item("mail", kind="email", customer=work.Customer("rui@example.com", "Rui"), at=clock.now())
    mail.hold(item, ana, clock.now())
    assert str(mail_queries.answers_to(Item.objects.get())) == "Rui <rui@example.com>"
