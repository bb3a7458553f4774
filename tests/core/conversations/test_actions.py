"""What is said about a case: once each, in order, inside the wall, and with its fact."""

import pytest

from tests import make
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.conversations import models as conversations_models
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.files import queries as files_queries
from workfloor.core.work import actions as work

pytestmark = pytest.mark.usefixtures("everyone")
RUI = Address("rui@example.com", "Rui Costa")


@pytest.fixture
def held():
    """A letter in Ana's hands."""
    ana = make.agent("Ana")
    item = make.item("mail", title="My bill", customer=work.Customer(RUI.address, RUI.name))
    work.offer(item=item, person=ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=make.NINE)
    return work.accept(item=item, by=ana, now=make.NINE), ana


def received(item, key="m1", **more):
    more = {"content": Content("My bill is wrong", subject="My bill")} | more
    return conversations.receive(
        case=item.case, item=item, channel="email", key=key, sender=RUI, by=make.CUSTOMER, now=make.NINE, **more
    )


def written(item, by, **more):
    more = {"content": Content("We look into it")} | more
    return conversations.reply(item=item, channel="email", recipients=[RUI], by=by, now=make.later(minutes=5), **more)


def facts_of(item):
    return [fact.event for fact in event_log_queries.of_item(item.id) if fact.event.startswith("message.")]


def test_a_conversation_is_read_in_the_order_in_which_it_was_said(held):
    item, ana = held
    received(item)
    written(item, ana)
    conversations.note(case=item.case, item=item, text="Called the meter reader", by=ana, now=make.later(minutes=6))

    said = [(each.direction, each.text, each.state) for each in conversations_queries.of_case(item.case_id)]

    assert said == [
        ("in", "My bill is wrong", "received"),
        ("out", "We look into it", "waiting"),
        ("note", "Called the meter reader", "noted"),
    ]
    assert facts_of(item) == ["message.received", "message.reply-written", "message.note-written"]
    assert list(conversations_queries.of_customer(item.case.customer_id)) == list(
        conversations_queries.of_case(item.case_id)
    )


def test_the_same_key_again_is_the_same_message(held):
    item, ana = held

    first, again = received(item), received(item, content=Content("sent twice"))
    one, other = written(item, ana, key="k1"), written(item, ana, key="k1")

    assert (first[1], again[1]) == (True, False)
    assert first[0].id == again[0].id and one.id == other.id
    assert conversations_models.Message.objects.count() == 2


def test_files_are_kept_whole_and_within_bounds(held):
    item, ana = held
    picture = File("meter.png", "image/png", b"\x89PNG\x00", content_id="meter")
    message, _ = received(item, files=[picture])

    kept = conversations_queries.attachment(message.attachments.get().id)

    assert (kept.name, files_queries.content(kept.file), kept.size) == ("meter.png", b"\x89PNG\x00", 5)
    with pytest.raises(conversations.Refused, match="the most is 25,000,000"):
        written(item, ana, files=[File("film.mp4", "video/mp4", bytes(conversations_messages.LARGEST_FILE + 1))])
    with pytest.raises(conversations.Refused, match="51 files are too many"):
        written(item, ana, files=[picture] * 51)


def test_only_whoever_has_the_item_in_hand_replies_and_says_something(held):
    item, ana = held

    with pytest.raises(conversations.Refused, match="not with you"):
        written(item, make.agent("Bruno"))
    with pytest.raises(conversations.Refused, match="Write something"):
        written(item, ana, content=Content("  "))
    assert not conversations_models.Message.objects.exists()


def test_a_reply_is_sent_and_read_or_fails_and_is_tried_again(held):
    item, ana = held
    reply = written(item, ana)

    conversations.mark_undelivered(message=reply, reason="550 no such user", by=make.MAIL, now=make.later(minutes=6))
    assert conversations_queries.message(reply.id).fault == "550 no such user"
    lead = make.in_charge("leader", item.client)
    conversations.try_again(message=reply, by=lead, now=make.later(minutes=7))
    conversations.mark_sent(message=reply, by=make.MAIL, now=make.later(minutes=8))
    conversations.mark_read(
        messages=conversations_models.Message.objects.all(), by=make.CUSTOMER, now=make.later(minutes=9)
    )
    read = conversations_queries.message(reply.id)

    assert (read.state, read.fault, read.sent_at, read.read_at) == (
        "read",
        "",
        make.later(minutes=8),
        make.later(minutes=9),
    )
    assert facts_of(item)[1:] == ["message.undelivered", "message.tried-again", "message.sent", "message.read"]


def test_a_reply_is_taken_back_until_it_is_sent(held):
    item, ana = held
    early, late = written(item, ana), written(item, ana)
    conversations.mark_sent(message=late, by=make.MAIL, now=make.later(minutes=6))

    assert conversations.withdraw(message=early, by=ana, now=make.later(minutes=6)).state == "withdrawn"
    with pytest.raises(conversations_messages.NotNow, match="The message was sent; “withdrawn” cannot follow"):
        conversations.withdraw(message=late, by=ana, now=make.later(minutes=6))


def test_a_reply_that_is_being_sent_cannot_be_taken_back_but_a_delayed_one_can(held):
    item, ana = held
    reply = conversations.start_sending(message=written(item, ana), by=make.MAIL, now=make.later(minutes=6))

    with pytest.raises(conversations_messages.NotNow, match="is being sent"):
        conversations.withdraw(message=reply, by=ana, now=make.later(minutes=6))
    delayed = conversations.mark_delayed(message=reply, reason="451 busy", by=make.MAIL, now=make.later(minutes=7))
    assert (delayed.state, delayed.fault) == ("waiting", "451 busy")
    assert conversations.withdraw(message=reply, by=ana, now=make.later(minutes=8)).state == "withdrawn"
