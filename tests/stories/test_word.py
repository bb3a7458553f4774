"""Nobody was there: the visitor leaves word, and is answered by mail or called back in the hours that were agreed."""

import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.db import transaction
from django.test import Client as Browser

from tests import mail, make
from tests.ops.channels.chat.conftest import ORIGIN, SETTINGS
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import tasks as email_tasks
from workfloor.ops.routing import leader as routing_leader

LIVE = {"HX-Request": "true"}
NIGHT, MORNING = make.later(hours=11), make.later(days=1)  # 20:00 in Lisbon on a Wednesday; 9:00 the day after


@pytest.fixture
def floor(real_database, settings):
    """A client whose site chats in office hours, its mailbox, Ana at her desk, and a mail server to send through."""
    with sinks.running() as sink:
        settings.WORKFLOOR_SMTP_URL = sink.url
        with transaction.atomic():
            post = mail.Post()
            rls.enter_every_client()
            make.client(chats=True)
            widget = chats.add_widget(
                queue=make.queue("calls"),
                origins=[ORIGIN],
                source=SETTINGS,
                by=actors.ROOT,
                now=make.NINE,
            )
            ana = make.agent("Ana Duarte")
        yield Floor(post, widget, ana, sink)


class Floor:
    def __init__(self, post, widget, ana, sink) -> None:
        self.post, self.widget, self.ana, self.sink = post, widget, ana, sink

    def asks(self, path, at, **body):
        with clock.frozen(at):
            sent = json.dumps(body)
            return Browser().post(f"/chat/{path}", sent, content_type="application/json", headers={"Origin": ORIGIN})

    def leaves_word(self, at, into, contact, key="word-0001"):
        sent = {"id": key, "into": into, "contact": contact, "text": "My bill is wrong"}
        return self.asks(f"of/{self.widget.key}/word/", at, **sent)

    def at_the_desk(self, item, verb, when, **entered):
        browser = Browser()
        browser.force_login(self.ana.account)
        with clock.frozen(when):
            answer = browser.post(f"/desk/items/{item.id}/{verb}/", entered, headers=LIVE)
        assert answer.status_code == 204, answer.content
        return self.now(item)

    def offers(self, at):
        """What the router offers, with Ana at work."""
        with transaction.atomic():
            rls.enter_every_client()
            routing_leader.pulse(now=at)
            return list(Item.objects.filter(state="offered"))

    def now(self, item):
        with transaction.atomic():
            rls.enter_every_client()
            return Item.objects.select_related("queue", "case").get(id=item.id)

    def only_item(self, **where):
        with transaction.atomic():
            rls.enter_every_client()
            return Item.objects.select_related("queue", "case").get(**where)

    def goes_out(self, at):
        """The follower, and the job once nothing can be taken back any more; gives the mail that was sent."""
        with transaction.atomic():
            rls.enter_every_client()
            event_log.advance_all(now=at)
            number = Message.objects.filter(direction="out", channel="email").latest("id").id
        with clock.frozen(at + timedelta(seconds=10)):
            email_tasks.deliver(number)
        _, recipients, raw = self.sink.mails[-1]
        return recipients, message_from_bytes(raw, policy=policy.default)


def test_word_left_at_night_is_answered_by_mail_and_the_visitors_answer_comes_back_into_the_case(floor):
    assert floor.asks(f"of/{floor.widget.key}/begin/", NIGHT, **BEGUN).json()["faults"] == ["closed"]
    assert floor.leaves_word(NIGHT, "email", "rui@example.com").status_code == 200
    item = floor.only_item()
    assert (item.kind, item.queue.name, item.state) == ("email", "mail", "waiting")

    assert floor.offers(MORNING) == [item]
    floor.at_the_desk(item, "accept", MORNING)
    floor.at_the_desk(item, "reply", MORNING, text="We have corrected it.", key="answer-0001")
    recipients, got = floor.goes_out(MORNING)
    assert recipients == ["rui@example.com"]
    assert "We have corrected it." in got.get_content() and got["Subject"] == "Re: My bill is wrong"

    answer = mail.letter("Thank you", to=str(got["Reply-To"]), In_Reply_To=str(got["Message-ID"]))
    with transaction.atomic():
        rls.enter_every_client()
        incoming = email.Incoming(floor.post.mailbox, answer, "rui@example.com", floor.post.mailbox.address)
        email.store(mails=[incoming], now=make.later(days=1, minutes=5))
    email_tasks.take_arrivals()
    with transaction.atomic():
        rls.enter_every_client()
        assert Message.objects.get(text="Thank you").case_id == item.case_id
        assert Case.objects.count() == 1


def test_a_call_asked_for_at_night_is_offered_when_the_hours_begin(floor):
    assert floor.leaves_word(NIGHT, "callback", "+351 210 000 000").status_code == 200
    item = floor.only_item()
    assert (item.kind, item.queue.name, item.payload["contact"]) == ("callback", "calls", "+351 210 000 000")

    assert floor.offers(NIGHT) == []
    assert floor.offers(MORNING - timedelta(seconds=1)) == []
    assert floor.offers(MORNING) == [item]


def test_a_chat_that_ended_with_a_promise_is_followed_by_a_mail_of_the_same_case_at_its_time(floor):
    assert floor.asks(f"of/{floor.widget.key}/begin/", make.NINE, **BEGUN).status_code == 200
    item = floor.only_item()
    assert floor.offers(make.NINE) == [item]
    floor.at_the_desk(item, "accept", make.NINE)
    with transaction.atomic():
        rls.enter_every_client()
        mails = make.queue("mail").id
    floor.at_the_desk(item, "end", make.later(minutes=5))
    agreed = {"at": "2026-03-04T12:00", "kind": "email", "queue": mails}
    floor.at_the_desk(item, "come-back", make.later(minutes=6), **agreed)
    floor.at_the_desk(item, "wrap-up", make.later(minutes=7), disposition="resolved")

    target = floor.only_item(kind="email")
    assert (target.case_id, target.queue.name) == (item.case_id, "mail")
    assert floor.offers(make.later(hours=2)) == []  # 12:00 by the clock of the site, in UTC
    assert floor.offers(make.later(hours=3)) == [target]
    floor.at_the_desk(target, "accept", make.later(hours=3))
    floor.at_the_desk(target, "reply", make.later(hours=3), text="It is corrected.", key="answer-0001")
    recipients, got = floor.goes_out(make.later(hours=3))
    assert (recipients, "It is corrected." in got.get_content()) == (["rui@example.com"], True)


BEGUN = {
    "secret": "s" * 43,
    "id": "first-001",
    "text": "My bill is wrong",
    "answers": {"name": "Rui", "email": "rui@example.com"},
}
