"""A chat is work like any other: it waits, is answered, goes on and ends, and nothing of it comes twice."""

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import models as chat_models
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import visitors

NINE, later = make.NINE, make.later


def take(chat, by, now=NINE):
    item = work.offer(item=chat.item, person=by, max_concurrency=4, offer_seconds=20, by=make.ROUTER, now=now)
    return work.accept(item=item, by=by, now=now)


def events(item) -> list[str]:
    return [fact.event for fact in event_log_queries.of_item(item.id)]


def told(chat, after=0) -> list[str]:
    return [each["text"] for each in chat_queries.messages(chat, after)]


def test_a_chat_begins_as_work_that_waits_in_the_widgets_queue(begin):
    chat = begin(message="My bill is wrong\nIt says 100")

    item = chat.item
    assert (item.kind, item.state, item.queue.name, item.title) == ("chat", "waiting", "chats", "My bill is wrong")
    assert item.payload == {"name": "Rui"}
    assert events(item) == ["work.received", "work.queued", "message.received"]
    assert chat_queries.state(chat, NINE)["place"] == 1


def test_begun_again_after_a_lost_answer_it_is_the_same_chat(begin):
    once, again = begin(), begin()

    assert once.id == again.id
    assert Item.objects.count() == 1
    assert told(once) == ["My bill is wrong"]


def test_what_was_changed_before_it_was_begun_again_is_not_lost(begin):
    chat = begin()
    begin(message="My bill is wrong, and my name", key="first-again")

    assert told(chat) == ["My bill is wrong", "My bill is wrong, and my name"]
    assert chat_models.Chat.objects.count() == 1


def test_whoever_types_a_customers_address_into_a_chat_is_not_that_customer_before_one_of_us_confirms_it(begin):
    make.item(customer=work.Customer("rui@example.com", "Rui Costa"))  # as the client's own system names him
    chat, ana = begin("a", answers={"name": "Mallory", "email": "Rui@Example.com"}), make.agent("Ana")

    assert (chat.case.customer, chat.case.claimed_reference, chat.case.claimed_name) == (
        None,
        "rui@example.com",
        "Mallory",
    )
    with pytest.raises(work.NotYours):
        work.confirm_customer(case=chat.case, by=ana, now=NINE)

    take(chat, ana)
    case = work.confirm_customer(case=chat.case, by=ana, now=later(minutes=1))

    assert (str(case.customer), case.claimed_reference) == ("Rui Costa", "")
    fact = Fact.objects.get(event="case.customer-confirmed")
    assert (fact.case_id, fact.by_id) == (case.id, ana.id)
    assert fact.details == {
        "claimed_reference": "rui@example.com",
        "claimed_name": "Mallory",
        "customer": case.customer_id,
        "known_name": "Rui Costa",
        "is_new": False,
    }
    with pytest.raises(lifecycle.NotNow):
        work.confirm_customer(case=case, by=ana, now=later(minutes=1))


def test_a_claim_that_is_confirmed_may_make_a_new_customer(begin):
    chat, ana = begin("a", answers={"name": "Rui", "email": "Rui@Example.com"}), make.agent("Ana")
    take(chat, ana)

    case = work.confirm_customer(case=chat.case, by=ana, now=NINE)

    assert (case.customer.reference, case.customer.name) == ("rui@example.com", "Rui")


def test_cases_of_whoever_says_to_be_somebody_are_not_made_one_with_that_persons_before(begin):
    chat, ana = begin("a", answers={"name": "Mallory", "email": "rui@example.com"}), make.agent("Ana")
    item = make.item(customer=work.Customer("rui@example.com", "Rui Costa"))
    take(chat, ana)

    with pytest.raises(conversations.Refused):
        conversations.merge(case=chat.case, into=item.case, by=ana, now=NINE)


def test_the_same_message_again_is_the_same_message(begin):
    chat = begin()

    one, new = chats.say(chat=chat, key="message-1", text="Hello?", now=later(seconds=1))
    same, newer = chats.say(chat=chat, key="message-1", text="Hello?", now=later(seconds=9))

    assert (one.id, new, newer) == (same.id, True, False)
    assert told(chat) == ["My bill is wrong", "Hello?"]


def test_two_visitors_may_choose_the_same_name_for_a_message(begin):
    ana, rui = begin("a"), begin("b")

    chats.say(chat=ana, key="message-1", text="Ana's", now=later(seconds=1))
    chats.say(chat=rui, key="message-1", text="Rui's", now=later(seconds=1))

    assert (told(ana)[-1], told(rui)[-1]) == ("Ana's", "Rui's")


def test_card_and_account_numbers_are_covered_before_they_are_stored(begin):
    chat = begin(message="Take 4111 1111 1111 1111", answers={"name": "Rui", "card": "5555555555554444"})
    chats.say(chat=chat, key="message-1", text="or DE89370400440532013000", now=later(seconds=1))

    assert told(chat) == ["Take •••• •••• •••• 1111", "or ••••••••••••••••••3000"]
    assert chat.item.title == "Take •••• •••• •••• 1111"
    assert chat.item.payload["card"] == "••••••••••••4444"
    assert "4444444" not in str(chat_models.Chat.objects.values().get())


def test_whoever_writes_faster_than_people_do_has_to_wait(begin):
    chat = begin()
    for number in range(14):
        chats.say(chat=chat, key=f"message-{number}", text="!", now=later(seconds=1))

    with pytest.raises(visitors.TooMany):
        chats.say(chat=chat, key="message-14", text="!", now=later(seconds=9))
    chats.say(chat=chat, key="message-14", text="!", now=later(seconds=12))


def test_a_flood_of_chats_from_one_network_is_held_and_others_go_on(begin):
    for letter in "abcdefghijklmnopqrst":
        begin(letter)

    with pytest.raises(visitors.TooMany):
        begin("u")
    begin("u", address="192.0.2.2")
    begin("v", now=later(minutes=11))


def test_the_visitor_reads_replies_and_never_the_notes(begin):
    chat, ana = begin(), make.agent("Ana Duarte")
    item = take(chat, ana)

    reply = chats.reply(chat=chat, by=ana, text="Let me look.", now=later(seconds=5), key="reply-1")
    same = chats.reply(chat=chat, by=ana, text="Let me look.", now=later(seconds=6), key="reply-1")
    conversations.note(case=item.case, item=item, text="Angry", by=ana, now=later(seconds=7))

    assert reply.id == same.id
    shown = chat_queries.messages(chat)
    assert [(each["text"], each["name"], each["mine"]) for each in shown] == [
        ("My bill is wrong", "", True),
        ("Let me look.", "Ana", False),
    ]
    chats.read(chat=chat, up_to=reply.id, now=later(seconds=8))
    chats.read(chat=chat, up_to=reply.id, now=later(seconds=9))
    assert events(item)[-4:] == ["message.sent", "work.reply-sent", "message.note-written", "message.read"]


def test_whoever_has_not_the_chat_in_hand_cannot_write_in_it(begin):
    chat, bruno = begin(), make.agent("Bruno")

    with pytest.raises(conversations.Refused):
        chats.reply(chat=chat, by=bruno, text="Hello", now=NINE)


def test_a_visitor_who_leaves_while_waiting_has_abandoned(begin):
    chat = begin()

    assert chats.sweep(by=make.ROUTER, now=later(seconds=179)) == 0
    assert chats.sweep(by=make.ROUTER, now=later(seconds=180)) == 1
    assert chats.sweep(by=make.ROUTER, now=later(seconds=90)) == 0
    chat.refresh_from_db()
    chat.item.refresh_from_db()
    assert (chat.closed_as, chat.item.state) == ("left", "abandoned")


def test_a_visitor_whose_page_is_open_keeps_their_place(begin):
    chat = begin()
    chats.note_seen(chat_ids=[chat.id], now=later(seconds=55))

    assert chats.sweep(by=make.ROUTER, now=later(seconds=60)) == 0


def test_a_visitor_who_ends_the_chat_while_waiting_has_abandoned_and_else_the_agent_ends_the_item(begin):
    waiting, held = begin("a"), begin("b")
    ana = make.agent("Ana")
    item = take(held, ana)

    chats.leave(chat=waiting, now=later(seconds=5))
    chats.leave(chat=held, now=later(seconds=5))

    waiting.item.refresh_from_db()
    item.refresh_from_db()
    assert (waiting.item.state, item.state) == ("abandoned", "held")
    with pytest.raises(chats.Refused, match="has gone"):
        chats.reply(chat=held, by=ana, text="Are you there?", now=later(seconds=6))


def test_when_the_agent_ends_the_item_the_chat_is_over_and_the_visitor_may_rate_it(begin):
    chat, ana = begin(), make.agent("Ana")
    item = work.end(item=take(chat, ana), by=ana, now=later(minutes=3))

    chats.close_with(item_ids=[item.id], by=make.ROUTER, now=later(minutes=3))
    chat.refresh_from_db()
    assert (chat_queries.state(chat, later(minutes=3))["state"], chat.closed_as) == ("over", "agent")

    chats.rate(chat=chat, score=4, comment="Quick. 4111111111111111", now=later(minutes=4))
    chat.refresh_from_db()
    assert (chat.score, chat.comment) == (4, "Quick. ••••••••••••1111")
    assert [fact.details for fact in event_log_queries.of_item(item.id) if fact.event == "chat.rated"] == [{"score": 4}]
    with pytest.raises(visitors.Refused):
        chats.rate(chat=chat, score=6, comment="", now=later(minutes=4))


def test_written_in_again_a_finished_chat_goes_on_as_new_work_of_the_same_case(begin):
    chat, ana = begin(), make.agent("Ana")
    item = work.end(item=take(chat, ana), by=ana, now=later(minutes=3))
    work.wrap_up(item=item, by=ana, disposition="resolved", now=later(minutes=4))
    chats.close_with(item_ids=[item.id], by=make.ROUTER, now=later(minutes=4))

    chats.say(chat=chat, key="message-2", text="It is wrong again", now=later(minutes=30))
    chats.say(chat=chat, key="message-2", text="It is wrong again", now=later(minutes=31))

    chat.refresh_from_db()
    assert (chat.closed_at, chat.item.state, chat.item.case_id) == (None, "waiting", item.case_id)
    assert chat.item_id != item.id
    assert told(chat) == ["My bill is wrong", "It is wrong again"]
    assert Item.objects.count() == 2


def test_whose_telephone_was_locked_for_too_long_waits_again_at_the_place_they_had(begin):
    first = begin("a")
    second = begin("b", now=later(minutes=1))
    assert chats.sweep(by=make.ROUTER, now=later(seconds=150)) == 0, "minutes of grace"
    chats.note_seen(chat_ids=[second.id], now=later(minutes=3))
    assert chats.sweep(by=make.ROUTER, now=later(minutes=4)) == 1
    first.refresh_from_db()
    gone = chat_queries.state(first, later(minutes=5))
    assert (gone["state"], gone["closed_as"], gone["place_kept"]) == ("over", "left", True)

    for minute in (5, 6):  # pressed again, they wait once
        chats.come_back(chat=first, now=later(minutes=minute))

    first.refresh_from_db()
    places = [chat_queries.state(chat, later(minutes=6))["place"] for chat in (first, second)]
    assert (places, Item.objects.count()) == ([1, 2], 3)
    assert events(first.item)[:3] == ["work.received", "work.queued", "work.place-kept"]
    assert first.item.place_at == NINE


def test_who_comes_back_writing_has_their_place_and_after_half_an_hour_waits_anew(begin):
    chats_left = begin("a"), begin("b")
    chats.sweep(by=make.ROUTER, now=later(minutes=4))

    chats.say(chat=chats_left[0], key="message-2", text="Still there?", now=later(minutes=10))
    chats.come_back(chat=chats_left[1], now=later(minutes=40))
    chats.say(chat=chats_left[1], key="message-2", text="Still there?", now=later(minutes=41))

    for chat in chats_left:
        chat.refresh_from_db()
    assert [chat.item.place_at for chat in chats_left] == [NINE, later(minutes=41)]


def test_whom_nobody_took_has_nothing_to_rate(begin):
    chat = begin()
    chats.leave(chat=chat, now=later(minutes=1))

    with pytest.raises(visitors.Refused) as refused:
        chats.rate(chat=chat, score=1, comment="", now=later(minutes=2))

    assert [each.name for each in refused.value.faults] == ["not-answered"]


def test_a_late_repeat_of_an_old_message_opens_nothing(begin):
    chat = begin()
    chats.say(chat=chat, key="message-1", text="Hello?", now=later(seconds=1))
    chats.leave(chat=chat, now=later(seconds=5))

    chats.say(chat=chat, key="message-1", text="Hello?", now=later(seconds=9))

    chat.refresh_from_db()
    assert chat.closed_as == "visitor"


def test_who_will_not_wait_leaves_word_and_that_is_work_of_its_own_kind(begin, widget):
    chat = begin()

    item = chats.turn(
        widget=widget,
        into="callback",
        contact="+351 21 000 000",
        text="Call me",
        key="word-0001",
        address="192.0.2.1",
        now=later(minutes=2),
        chat=chat,
    )

    chat.refresh_from_db()
    chat.item.refresh_from_db()
    assert (item.kind, item.queue.name, item.case_id) == ("callback", "calls", chat.case_id)
    assert item.payload == {"contact": "+351 21 000 000", "message": "Call me"}
    assert (chat.closed_as, chat.item.state) == ("turned", "abandoned")


def test_outside_hours_an_email_is_left_and_sent_twice_it_is_one(widget):
    word = {
        "widget": widget,
        "into": "email",
        "contact": "Rui@example.com",
        "text": "Write to me",
        "key": "word-0001",
        "address": "192.0.2.1",
    }
    one, same = chats.turn(**word, now=NINE), chats.turn(**word, now=later(seconds=9))

    assert one.id == same.id
    assert (one.kind, one.queue.name, one.case.claimed_reference) == ("email", "mail", "rui@example.com")
    assert Message.objects.get(item=one).sender == "Rui@example.com"


def test_word_whose_answer_was_lost_is_the_same_from_another_network_and_other_words_are_not(begin, widget):
    chat = begin()
    word = {"widget": widget, "into": "callback", "contact": "+351 21 000 000", "key": "word-0001", "chat": chat}
    one = chats.turn(**word, text="Call me", address="192.0.2.1", now=NINE)
    chat.refresh_from_db()
    same = chats.turn(**word, text="Call me", address="198.51.100.7", now=later(seconds=9))

    assert one.id == same.id
    with pytest.raises(visitors.Refused, match="sent-already"):
        chats.turn(**word, text="Call me today", address="192.0.2.1", now=later(seconds=20))


def test_a_call_that_was_asked_for_outside_hours_waits_until_they_begin(widget):
    # 20:00 in Lisbon on a Wednesday; calls are made from 9:00 to 18:00.
    word = {"widget": widget, "into": "callback", "contact": "+351 21 000 000", "text": "Call me", "address": "x"}
    item = chats.turn(**word, key="word-0001", now=later(hours=11))
    at_once = chats.turn(**word, key="word-0002", now=later(days=1, hours=1))

    assert (item.state, item.queued_at) == ("waiting", later(days=1))
    assert at_once.queued_at == later(days=1, hours=1)
    assert "work.scheduled" in events(item) and "work.scheduled" not in events(at_once)


@pytest.mark.parametrize(
    ("into", "contact"), [("email", "rui"), ("callback", "tomorrow"), ("letter", "Rua 1"), ("email", "")]
)
def test_word_that_nobody_could_answer_is_refused(widget, into, contact):
    with pytest.raises(visitors.Refused):
        chats.turn(widget=widget, into=into, contact=contact, text="Hello", key="word-0001", address="x", now=NINE)


def test_a_widget_needs_an_origin_and_settings_that_hold(everyone):
    make.client(chats=True)
    for origins, source in (([], 'title = { en = "x" }'), (["www.example.com"], 'title = { en = "x" }')):
        with pytest.raises(chats.Refused):
            chats.add_widget(queue=make.queue("chats"), origins=origins, source=source, by=actors.ROOT, now=NINE)


def test_a_visitor_never_reads_what_another_chat_of_a_merged_case_says(begin):
    given = {"name": "Rui", "email": "rui@example.com"}
    one, other, ana = begin("a", answers=given), begin("b", message="The other's", answers=given), make.agent("Ana")
    take(one, ana)
    chats.reply(chat=one, by=ana, text="For the first", now=NINE)

    conversations.merge(case=other.case, into=one.case, by=ana, now=later(minutes=1))
    chats.move(item_ids=[one.item_id, other.item_id], now=later(minutes=1))

    one.refresh_from_db()
    other.refresh_from_db()
    assert one.case_id == other.case_id
    assert told(one) == ["My bill is wrong", "For the first"]
    assert told(other) == ["The other's"]
