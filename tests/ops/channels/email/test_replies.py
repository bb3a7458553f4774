"""A reply on its way out: as the contract words it, once, signed, tried again, taken back in time."""

import base64
import subprocess
from datetime import timedelta
from email import message_from_bytes

import dkim
import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from tests import mail, make
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors, permissions
from workfloor.core.contracts import actions as contracts
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File, NotNow
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.outgoing import actions as outgoing
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import delivering
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import tasks as email_tasks

UNDO = timedelta(seconds=10)


@pytest.fixture
def sink():
    with sinks.running() as found:
        yield found


@pytest.fixture
def desk(real_database, settings, sink):
    """Rui's letter in Ana's hands, in a database where transactions really commit."""
    settings.WORKFLOOR_SMTP_URL = sink.url
    return Desk()


class Desk:
    def __init__(self) -> None:
        with transaction.atomic():
            self.post = mail.Post(title="Lisbon Light")
            rls.enter_every_client()
            self.ana = make.agent("Ana")
            self.item = mail.hold(self.post.writes().message.item, self.ana, make.NINE)

    def replies(
        self, text="We look into it", files=(), to=("rui@example.com",), by_a_rule=False, at=make.NINE, folded_text=""
    ):
        """Ana writes, and the follower puts it on its way."""
        with transaction.atomic():
            rls.enter_every_client()
            reply = conversations.reply(
                item=Item.objects.get(),
                channel="email",
                content=Content(text, folded_text),
                files=files,
                now=at,
                recipients=[Address(each) for each in to],
                by=make.RULES if by_a_rule else self.ana,
            )
        with transaction.atomic():
            rls.enter_every_client()
            event_log.advance_all(now=at)
        return reply

    def delivers(self, reply, at=make.NINE + UNDO):
        """The job runs; gives the reply and its delivery as they are then."""
        with clock.frozen(at):
            email_tasks.deliver(reply.id)
        with transaction.atomic():
            rls.enter_every_client()
            delivery = email_models.Delivery.objects.select_related("message").get(message_id=reply.id)
            return delivery.message, delivery

    def item_now(self):
        with transaction.atomic():
            rls.enter_every_client()
            return Item.objects.get()


def test_a_reply_goes_out_as_an_answer_in_the_customers_thread(desk, sink):
    reply, delivery = desk.delivers(desk.replies())

    sent = sink.last()
    sender, recipients, _ = sink.mails[0]
    assert (reply.state, delivery.state, delivery.answer) == ("sent", "sent", "250 taken")
    assert (sent["From"], sent["To"], sent["Subject"]) == (
        "Lisbon Light <help@lisbon.example>",
        "rui@example.com",
        "Re: My bill",
    )
    assert (sent["In-Reply-To"], sent["References"]) == ("<first@example.com>", "<first@example.com>")
    assert sent["Message-ID"] == f"<{reply.external_id}>" and reply.external_id.endswith("@lisbon.example")
    assert sent["Reply-To"].startswith(f"Lisbon Light <help+c{reply.case_id}-")
    assert (sender.startswith(f"help+r{reply.id}-"), recipients) == (True, ["rui@example.com"])
    assert sent.get_content_type() == "text/plain" and "We look into it" in sent.get_payload()
    assert sent["Auto-Submitted"] is None


def test_what_goes_out_comes_back_into_the_same_case(desk, sink):
    reply, _ = desk.delivers(desk.replies())
    sent = sink.last()

    with transaction.atomic():
        named = mail.letter("Thanks", Message_ID="<2@example.com>", In_Reply_To=sent["Message-ID"])
        addressed = mail.letter("And", Message_ID="<3@example.com>", to=sent["Reply-To"])
        cases = {desk.post.comes(raw).message.case_id for raw in (named, addressed)}

    assert cases == {reply.case_id}


def test_nothing_goes_out_while_it_can_be_taken_back_and_then_it_cannot(desk, sink):
    early, late = desk.replies(), desk.replies("Another")

    reply, delivery = desk.delivers(early, at=make.NINE + UNDO / 2)
    assert (reply.state, delivery.state, sink.mails) == ("waiting", "waiting", [])
    with transaction.atomic():
        rls.enter_every_client()
        conversations.withdraw(message=reply, by=desk.ana, now=make.NINE + UNDO / 2)
    assert desk.delivers(early)[1].state == "withdrawn"
    late, _ = desk.delivers(late)
    with transaction.atomic(), pytest.raises(NotNow):
        rls.enter_every_client()
        conversations.withdraw(message=late, by=desk.ana, now=make.NINE + UNDO)
    assert len(sink.mails) == 1


def test_a_job_that_comes_twice_sends_once(desk, sink):
    reply = desk.replies()

    for _ in range(3):
        desk.delivers(reply)

    assert len(sink.mails) == 1


def test_what_is_refused_for_now_is_tried_again_later_each_time(desk, sink):
    sink.answers = ["451 4.7.1 greylisted", "421 busy"]
    reply, delivery = desk.delivers(desk.replies())

    assert (reply.state, reply.fault, delivery.due_at) == (
        "waiting",
        "451 4.7.1 greylisted",
        make.NINE + UNDO + timedelta(minutes=1),
    )
    reply, delivery = desk.delivers(reply, at=delivery.due_at)
    assert delivery.due_at == make.NINE + UNDO + timedelta(minutes=1 + 5)
    reply, delivery = desk.delivers(reply, at=delivery.due_at)
    assert (reply.state, reply.fault, delivery.tries, len(sink.mails)) == ("sent", "", 3, 1)


def test_what_is_refused_for_good_comes_back_to_the_agent(desk, sink):
    sink.refuse = {"rui@example.com": "550 5.1.1 no such user"}
    reply = desk.replies()
    with transaction.atomic():
        rls.enter_every_client()
        work.set_pending_customer(item=desk.item, by=desk.ana, now=make.NINE)

    reply, delivery = desk.delivers(reply)

    assert (reply.state, reply.fault, delivery.state) == ("failed", "550 5.1.1 no such user", "failed")
    assert desk.item_now().pending_customer_since is None


def test_what_nobody_takes_for_four_days_has_failed(desk, sink):
    sink.answers = ["451 no"] * 40
    reply, at, tries = desk.replies(), make.NINE + UNDO, 0
    while (found := desk.delivers(reply, at=at))[0].state == "waiting":
        at, tries = found[1].due_at, tries + 1

    assert found[0].state == "failed"
    assert timedelta(days=4) <= at - make.NINE <= timedelta(days=4, hours=5)
    # After 1, 5, 15, 30, 60 and 120 minutes (231 in all), then every 240 until 5760 have passed: 6 + 24 tries in vain.
    assert tries == 30


def test_a_failed_reply_is_sent_again_when_somebody_says_so(desk, sink):
    sink.refuse = {"rui@example.com": "550 no"}
    reply, _ = desk.delivers(desk.replies())
    sink.refuse = {}

    with transaction.atomic():
        rls.enter_every_client()
        with pytest.raises(permissions.Refused, match="takes the role leader or manager"):
            email.send_again(message=reply, by=desk.ana, now=make.later(hours=1))
        email.send_again(message=reply, by=make.in_charge("leader", reply.client), now=make.later(hours=1))
    reply, _ = desk.delivers(reply, at=make.later(hours=1) + UNDO)

    assert (reply.state, len(sink.mails)) == ("sent", 1)


def test_one_recipient_who_is_refused_keeps_it_from_no_other(desk, sink):
    sink.refuse = {"eva@example.com": "550 no such user"}

    reply, _ = desk.delivers(desk.replies(to=["rui@example.com", "eva@example.com"]))

    assert (reply.state, reply.fault) == ("sent", "not delivered to eva@example.com (550 no such user)")


def test_without_a_server_to_send_through_a_reply_fails_at_once_and_has_answered_nobody(desk, sink, settings):
    settings.WORKFLOOR_SMTP_URL = ""
    reply = desk.replies()
    with transaction.atomic():
        rls.enter_every_client()
        mail.finish(Item.objects.get(), desk.ana, make.later(seconds=5))

    reply, _ = desk.delivers(reply)

    assert (reply.state, "WORKFLOOR_SMTP_URL" in reply.fault) == ("failed", True)
    with transaction.atomic():
        rls.enter_every_client()
        item = Item.objects.get()
        assert (item.state, item.reply_seconds, item.reopened) == ("waiting", None, 1)


def test_lines_that_begin_with_a_dot_names_and_files_arrive_whole(desk, sink):
    picture = File("Zähler über 7.png", "image/png", bytes(range(256)))
    desk.delivers(desk.replies("Olá\n.\n..two\nFrom me", files=[picture]))

    text, file = sink.last().get_payload()
    assert text.get_payload(decode=True).decode().splitlines() == ["Olá", ".", "..two", "From me"]
    assert (file.get_filename(), file.get_payload(decode=True)) == (picture.name, picture.content)


def test_a_rules_reply_says_that_a_program_wrote_it(desk, sink):
    desk.delivers(desk.replies(by_a_rule=True))

    assert sink.last()["Auto-Submitted"] == "auto-generated"


def test_the_contracts_words_stand_around_what_the_agent_wrote(desk, sink):
    letter = 'letter = { opening = "Dear {customer},", closing = "Kind regards,\\n{agent}, {client}, case {case}" }'
    amended = make.CONTRACT.format(slug="lisbon-light").replace('name = "letters"', f'name = "letters"\n{letter}')
    with transaction.atomic():
        rls.enter_every_client()
        contracts.sign(source=amended, effective_on=make.NINE.date(), by=actors.ROOT, now=make.NINE)

    reply, _ = desk.delivers(desk.replies())

    assert sink.last().get_payload().splitlines() == [
        "Dear Rui Costa,",
        "",
        "We look into it",
        "",
        "Kind regards,",
        f"Ana, Lisbon Light, case {reply.case_id}",
    ]


def test_a_reply_quotes_what_it_answers_below_and_our_own_reader_cuts_it_off_again(desk, sink):
    quoted = "On 2026-03-04 at 08:59, Rui Costa wrote:\n> My bill is wrong"
    reply, _ = desk.delivers(desk.replies(folded_text=quoted))
    sent = sink.last()

    assert sent.get_payload().splitlines() == ["We look into it", "", *quoted.splitlines()]
    theirs = "".join(f"> {line}\n" for line in sent.get_payload().splitlines())
    with transaction.atomic():
        answer = desk.post.writes(
            f"Thanks\n\nOn Wed, 4 Mar 2026 at 09:10, Lisbon Light wrote:\n{theirs}",
            Message_ID="<2@example.com>",
            In_Reply_To=sent["Message-ID"],
        )
    assert (answer.message.case_id, answer.message.text) == (reply.case_id, "Thanks")
    assert "My bill is wrong" in answer.message.folded_text


def test_nobody_smuggles_headers_in_through_what_a_customer_wrote(desk, sink):
    with transaction.atomic():
        hostile = mail.letter(
            "x",
            Message_ID="<2@example.com>",
            Subject="=?utf-8?q?Hi=0D=0ABcc:_eva@example.com?=",
            From="=?utf-8?q?Rui=0D=0ABcc:_eva@example.com?= <rui2@example.com>",
        )
        item = mail.hold(desk.post.comes(hostile).message.item, desk.ana, make.NINE)
        rls.enter_every_client()
        conversations.reply(item=item, channel="email", content=Content("x"), recipients=[], by=desk.ana, now=make.NINE)
    with transaction.atomic():
        rls.enter_every_client()
        event_log.advance_all(now=make.NINE)
        reply = Message.objects.get(direction="out")

    desk.delivers(reply)

    assert sink.last()["Bcc"] is None
    assert sink.mails[0][1] == ["rui2@example.com"]


def test_a_reply_is_signed_where_there_is_a_key_for_its_domain(desk, sink, settings, tmp_path):
    key = tmp_path / "lisbon.example.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "2048"], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    settings.WORKFLOOR_DKIM_KEYS = tmp_path

    desk.delivers(desk.replies("Olá"))

    raw = sink.mails[0][2]
    assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: record)
    assert not dkim.verify(raw.replace(b"Subject: Re", b"Subject: No"), dnsfunc=lambda name, timeout=5: record)


def test_a_reply_whose_sender_died_before_the_last_line_is_sent_once_and_one_after_it_is_counted(desk, sink):
    reply, other = desk.replies(), desk.replies("Another")
    with transaction.atomic():
        rls.enter_every_client()
        for each in (reply, other):
            delivering.begin(message_id=each.id, now=make.NINE + UNDO)
        assert outgoing.hand_over(way=email_models.Delivery.objects.get(message=other), now=make.NINE + UNDO)

    _, before = desk.delivers(reply)
    _, after = desk.delivers(other)

    assert (before.state, before.tries, before.in_doubt) == ("sent", 2, 0)
    assert (after.state, after.tries, after.in_doubt) == ("sent", 2, 1)


def test_a_line_that_breaks_before_the_servers_last_word_leaves_it_in_doubt_and_is_counted(desk, sink):
    """The server has the mail and nobody knows: the customer has it twice under one name, but never not at all."""
    sink.answers = ["breaks"]
    reply, delivery = desk.delivers(desk.replies())
    assert (reply.state, delivery.state, delivery.in_doubt) == ("waiting", "waiting", 1)

    reply, delivery = desk.delivers(reply, at=delivery.due_at)

    assert (reply.state, delivery.tries, delivery.in_doubt) == ("sent", 2, 1)
    names = [message_from_bytes(raw)["Message-ID"] for _, _, raw in sink.mails]
    assert names == [f"<{reply.external_id}>"] * 2


def test_a_mailbox_with_many_replies_yields_to_one_with_few(desk):
    """Three of one mailbox have 0, 1 and 2 before them; the first of another has none, and goes before two of these."""
    for number in range(3):
        desk.replies(f"Number {number}")
    with transaction.atomic():
        rls.enter_every_client()
        other = mail.Post(of="porto-power", address="help@porto.example")
        arrival = other.comes(mail.letter("Hello", to="help@porto.example"))
        rls.enter_every_client()
        conversations.reply(
            item=arrival.message.item,
            channel="email",
            content=Content("x"),
            recipients=[Address("a@x.example")],
            by=make.RULES,
            now=make.NINE,
        )
    with transaction.atomic():
        rls.enter_every_client()
        event_log.advance_all(now=make.NINE)
        jobs = ProcrastinateJob.objects.filter(task_name=delivering.DELIVER).order_by("-priority", "id")
        found = list(jobs.values_list("priority", "queue_name"))

    assert found == [(0, "outside"), (0, "outside"), (-1, "outside"), (-2, "outside")]


def test_a_queue_without_a_mailbox_tells_the_agent(desk):
    with transaction.atomic():
        rls.enter_every_client()
        email.close_mailbox(mailbox=desk.post.mailbox, by=actors.ROOT, now=make.NINE)

    reply = desk.replies()

    with transaction.atomic():
        rls.enter_every_client()
        reply.refresh_from_db()
    assert (reply.state, "workfloor channels mailbox add" in reply.fault) == ("failed", True)
