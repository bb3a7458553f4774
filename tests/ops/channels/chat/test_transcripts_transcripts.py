"""A visitor asks for a copy of the chat by mail: only their own, once a request, through the client's mailbox."""

import json
from email import message_from_bytes, policy

import pytest
from django.test import Client as Browser

from tests import mail, make
from tests.ops.channels.chat.conftest import ORIGIN, SETTINGS
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import File
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work.models import Case, Item
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import models as chat_models
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import visitors
from workfloor.ops.channels.email import tasks as email_tasks
from workfloor.ops.channels.email.models import Arrival, Delivery

NINE, later = make.NINE, make.later
ASKED_AT = later(minutes=2)


class Visit:
    """Rui's chat with Ana, who has answered and noted something, and the page that he has open."""

    def __init__(self, mailbox: bool = True, answered: bool = True, language: str = "en") -> None:
        from workfloor.kit.database import rls

        rls.enter_every_client()
        self.client = make.client(chats=True)
        self.post = mail.Post() if mailbox else None
        rls.enter_every_client()
        self.ana = make.agent("Ana Duarte")
        self.widget = chats.add_widget(
            queue=make.queue("chats"), origins=[ORIGIN], source=SETTINGS, by=actors.ROOT, now=NINE
        )
        headers = {"Origin": ORIGIN}
        sent = {
            "secret": "s" * 43,
            "id": "first-001",
            "text": "Is 4111 1111 1111 1111 on file?",
            "language": language,
            "answers": {"name": "Rui", "email": "rui@example.com"},
        }
        with clock.frozen(NINE):
            made = Browser().post(
                f"/chat/of/{self.widget.key}/begin/", json.dumps(sent), content_type="application/json", headers=headers
            )
        self.headers = headers | {"Authorization": f"Bearer {made.json()['token']}"}
        rls.enter_every_client()
        self.chat = chat_queries.chats().get()
        if answered:
            self.item = work.offer(
                item=self.chat.item, person=self.ana, max_concurrency=4, offer_seconds=20, by=make.ROUTER, now=NINE
            )
            self.item = work.accept(item=self.item, by=self.ana, now=NINE)
            bill = File("bill.pdf", "application/pdf", b"%PDF-1.7")
            chats.reply(chat=self.chat, by=self.ana, text="Yes, it is.", files=[bill], now=later(minutes=1))
            conversations.note(case=self.chat.case, item=self.item, text="Sounds angry", by=self.ana, now=NINE)

    def asks(self, to="rui@example.com", key="copy-0001", at=ASKED_AT, **more):
        body = json.dumps({"id": key, "to": to, "zone": "America/New_York"} | more)
        with clock.frozen(at):
            return Browser().post(
                "/chat/my/transcript/", body, content_type="application/json", headers=self.headers | more.get("h", {})
            )

    def offered(self):
        with clock.frozen(later(minutes=2)):
            return Browser().get("/chat/my/transcript/", headers=self.headers).json()


@pytest.fixture
def visit(everyone):
    return Visit()


def test_the_choice_is_offered_with_the_address_that_the_visitor_gave(visit):
    assert visit.offered() == {"offered": True, "to": "rui@example.com"}


def test_without_a_mailbox_of_the_client_the_choice_is_not_offered(everyone):
    visit = Visit(mailbox=False)
    mail.Post(of=make.client("porto-power", chats=True).slug, address="help@porto.example")  # another client's

    assert visit.offered()["offered"] is False
    assert visit.asks().json()["faults"] == ["no-copy"]
    assert chat_models.Transcript.objects.count() == 0


def test_one_request_is_one_mail_however_often_it_comes_and_a_fact_on_the_item(visit):
    assert visit.asks().json() == visit.asks(at=later(minutes=3)).json() == {"to": "rui@example.com"}

    message = Message.objects.get(channel="email")
    assert (Delivery.objects.get().message_id, message.item_id, message.direction) == (message.id, None, "out")
    assert [
        fact.details for fact in event_log_queries.of_item(visit.item.id) if fact.event == "chat.transcript-asked"
    ] == [{"message": message.id}]
    event_log.advance_all(now=later(minutes=4))  # the outbox hears of it too, and has it already
    assert Delivery.objects.count() == 1


def test_it_holds_that_visitors_chat_alone_without_notes_and_with_numbers_covered(visit):
    other = chats.begin(
        widget=visit.widget,
        secret="t" * 43,
        key="first-002",
        message="The other's",
        answers={"name": "Eva"},
        address="192.0.2.9",
        now=NINE,
    )
    conversations.merge(case=other.case, into=visit.chat.case, by=visit.ana, now=NINE)
    visit.asks()

    sent = Message.objects.get(channel="email")
    assert sent.subject == "Your chat with Lisbon Light, March 4, 2026"
    for written in (sent.folded_text, sent.html):
        assert "Is •••• •••• •••• 1111 on file?" in written and "Yes, it is." in written and "bill.pdf" in written
        assert "angry" not in written and "The other" not in written and "4111" not in written


def test_times_are_by_the_visitors_clock_and_where_it_is_unknown_by_the_clients(visit):
    visit.asks()
    visit.asks(key="copy-0002", zone="Moon/Crater")

    there, here = Message.objects.filter(channel="email").order_by("id")
    # 9:00 in UTC is 4:00 in New York in winter, and 9:00 in Lisbon.
    assert "04:00  You:" in there.folded_text and "clock of America/New York" in there.folded_text
    assert "09:00  You:" in here.folded_text and "clock of Europe/Lisbon" in here.folded_text


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("de", "Ihr Chat mit Lisbon Light, 4. März 2026"),
        ("es", "Su chat con Lisbon Light, 4 de marzo de 2026"),
        ("he", "הצ'אט שלך עם Lisbon Light,\u200f 4 במרץ 2026"),
        ("pt", "Your chat with Lisbon Light, March 4, 2026"),
    ],
)
def test_it_is_written_in_the_language_of_the_chat(everyone, language, subject):
    Visit(language=language).asks()

    assert Message.objects.get(channel="email").subject == subject


@pytest.mark.parametrize(
    "to",
    ["", "rui", "rui@localhost", "rui@example.com, eva@example.com", "rui@example.com\nBcc: x@y.example", "x" * 250, 7],
)
def test_what_is_no_single_address_gets_nothing(visit, to):
    answer = visit.asks(to=to)

    assert (answer.status_code, answer.json()["faults"]) == (422, ["no-email"])
    assert Delivery.objects.count() == 0


def test_before_anybody_has_answered_there_is_nothing_to_copy(everyone):
    # So that nobody has us mail what they wrote themselves to whomever they like.
    assert Visit(answered=False).asks().json()["faults"] == ["nothing-to-copy"]


def test_a_chat_is_copied_three_times_and_no_more(visit):
    answers = [visit.asks(key=f"copy-000{number}").status_code for number in range(4)]

    assert answers == [200, 200, 200, 429]
    assert Delivery.objects.count() == 3


def test_an_address_gets_five_copies_a_day_from_whichever_chats(visit):
    statuses = []
    for number, letter in enumerate("abcdef"):
        begun = chats.begin(
            widget=visit.widget,
            secret=letter * 43,
            key="first-001",
            message="Hello",
            answers={"name": "Rui"},
            address=f"192.0.2.{number}",
            now=NINE,
        )
        item = work.offer(
            item=begun.item, person=make.agent(), max_concurrency=4, offer_seconds=20, by=make.ROUTER, now=NINE
        )
        chats.reply(chat=begun, by=work.accept(item=item, by=item.person, now=NINE).person, text="Hello", now=NINE)
        asked = {"to": "victim@example.com", "key": "copy-0001", "zone": "", "now": NINE}
        try:
            chats.send_transcript(chat=begun, address=f"192.0.2.{number}", **asked)
            statuses.append("sent")
        except visitors.TooMany:
            statuses.append("refused")

    assert statuses == ["sent"] * 5 + ["refused"]


def test_from_another_site_or_with_another_visitors_token_nothing_is_sent(visit):
    assert visit.asks(h={"Origin": "https://evil.example"}).status_code == 403
    assert visit.asks(h={"Authorization": "Bearer 1.1.forged:x"}).status_code == 401
    with clock.frozen(later(minutes=2)):
        assert Browser().get("/chat/my/transcript/").status_code == 401
    assert Delivery.objects.count() == 0


def test_a_copy_that_bounces_is_a_fact_and_nobody_has_work_with_it(visit):
    ended = work.end(item=visit.item, by=visit.ana, now=later(minutes=2))
    work.wrap_up(item=ended, by=visit.ana, disposition="resolved", now=later(minutes=2))
    visit.asks()
    sent = Message.objects.get(channel="email")
    conversations.start_sending(message=sent, by=make.MAIL, now=later(minutes=3))
    conversations.mark_sent(message=sent, by=make.MAIL, now=later(minutes=3))

    from django.conf import settings

    from workfloor.ops.channels.email.sorting import signed_address

    to = signed_address(visit.post.mailbox.address, "r", sent.id, settings.SECRET_KEY)
    report = mail.REPORT.format(name=sent.external_id, to=to).encode()
    visit.post.comes(report, at=later(minutes=4), envelope_sender="<>", recipient=to)

    sent.refresh_from_db()
    assert sent.state == "failed"
    assert Arrival.objects.get().state == "set-aside"
    assert (Case.objects.count(), Item.objects.count(), Item.objects.get().state) == (1, 1, "done")


@pytest.fixture
def real(real_database, settings):
    from django.db import transaction

    with sinks.running() as sink:
        settings.WORKFLOOR_SMTP_URL = sink.url
        with transaction.atomic():
            yield_visit = Visit()
        yield yield_visit, sink


def test_it_goes_out_through_the_mailbox_as_text_and_html_and_is_tried_again(real):
    from django.db import transaction

    from workfloor.kit.database import rls

    visit, sink = real
    sink.answers = ["451 come back later"]
    assert visit.asks().status_code == 200
    with transaction.atomic():
        rls.enter_every_client()
        message = Message.objects.get(channel="email")

    for at in (later(minutes=2, seconds=10), later(minutes=3, seconds=10), later(minutes=9)):
        with clock.frozen(at):
            email_tasks.deliver(message.id)

    [(sender, recipients, raw)] = sink.mails
    got = message_from_bytes(raw, policy=policy.default)
    assert (sender.startswith(f"help+r{message.id}-"), recipients) == (True, ["rui@example.com"])
    assert (got["Subject"], got["Auto-Submitted"]) == (message.subject, "auto-generated")
    assert got["Reply-To"].addresses[0].addr_spec.startswith(f"help+c{message.case_id}-")
    plain, html = got.get_body(["plain"]).get_content(), got.get_body(["html"]).get_content()
    assert plain.startswith("This is the copy of your chat") and "Yes, it is." in plain
    assert "<strong>Ana</strong>" in html and 'lang="en"' in html
