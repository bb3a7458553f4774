"""Into which case a customer's mail goes, and what it does there."""

from datetime import timedelta

import pytest
from django.conf import settings

from tests import mail, make
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Case, Item
from workfloor.kit.mail import bounces
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import delivering, sorting
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries


@pytest.fixture
def ana(post):
    return make.agent("Ana")


def answered(post, by, at=None):
    """Rui wrote, Ana answered, and the mail is on its way: the arrival and the reply."""
    at = at or make.later(minutes=5)
    arrival = post.writes()
    item = mail.hold(arrival.message.item, by, at)
    reply = conversations.reply(
        item=item,
        channel="email",
        content=Content("We look into it"),
        recipients=[Address("rui@example.com")],
        by=by,
        now=at,
    )
    delivering.post(message=reply, now=at)
    reply.refresh_from_db()
    conversations.mark_sent(message=reply, by=make.MAIL, now=at)
    return arrival, reply


def facts_of(item, *kinds):
    return [fact.event for fact in event_log_queries.of_item(item.id) if fact.event.startswith(kinds)]


# --- a case of its own ----------------------------------------------------------------------------------------------


def test_what_somebody_writes_opens_a_case_and_waits_since_it_arrived(post):
    arrival = post.writes(at=make.NINE)

    item = arrival.message.item
    assert (item.kind, item.state, item.queue, item.received_at) == ("email", "waiting", post.queue, make.NINE)
    assert item.title == arrival.message.subject == "My bill"
    assert (str(item.case.customer), item.case.customer.reference) == ("Rui Costa", "rui@example.com")
    assert arrival.message.sent_at == make.NINE - timedelta(seconds=30)
    assert facts_of(item, "work", "message") == ["work.received", "work.queued", "message.received"]


def test_no_mail_gives_a_customer_another_name(post):
    first = post.writes()
    second = post.writes("Again", From="Mallory <rui@example.com>", Message_ID="<2@x>")

    assert second.message.case.customer == first.message.case.customer
    assert (str(second.message.case.customer), second.message.sender_name) == ("Rui Costa", "Mallory")


def test_a_mail_whose_answers_go_elsewhere_is_not_its_senders_before_one_of_us_says_so(post):
    post.writes()
    forged = post.writes("Where is my money?", Reply_To="mallory@example.com", Message_ID="<2@x>")

    case = forged.message.case
    assert (case.customer, case.claimed_reference, case.claimed_name) == (None, "rui@example.com", "Rui Costa")


def test_the_same_mail_on_two_ways_is_one_item(post):
    raw = mail.letter()
    first = post.comes(raw)
    again = post.comes(b"Received: from relay.example by mx.example;\r\n Wed, 4 Mar 2026 09:01:00 +0000\r\n" + raw)

    assert (again.state, again.reason, again.message) == ("taken", "it came before", first.message)
    assert Item.objects.count() == 1


def test_two_mails_that_share_a_message_id_are_two(post):
    post.writes("My bill is wrong")
    post.writes("And so was the last one")

    assert Item.objects.count() == 2


def test_the_same_subject_is_another_case(post):
    post.writes()
    post.writes("I too", From="eva@example.com", Message_ID="<eva@example.com>", Subject="Re: My bill")

    assert Case.objects.count() == 2


# --- an answer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["In-Reply-To", "References"])
def test_an_answer_that_names_our_mail_goes_into_its_case(post, ana, header):
    arrival, reply = answered(post, ana)

    answer = post.comes(
        mail.letter("Thank you", Message_ID="<second@example.com>", **{header: f"<{reply.external_id}>"})
    )

    assert answer.message.case == arrival.message.case
    assert answer.message.item == arrival.message.item
    assert Item.objects.count() == 1


def test_a_further_mail_that_names_the_customers_own_first_one_goes_there_too(post):
    first = post.writes()
    second = post.writes("PS: the meter", Message_ID="<second@example.com>", References="<x@y> <first@example.com>")

    assert second.message.case == first.message.case


def test_an_answer_without_any_such_header_goes_by_the_signed_address(post, ana):
    arrival, _ = answered(post, ana)
    address = sorting.signed_address(post.mailbox.address, "c", arrival.message.case_id, settings.SECRET_KEY)

    by_header = post.comes(mail.letter("Thank you", to=address, Message_ID="<2@example.com>"))
    by_envelope = post.comes(mail.letter("Thanks", Message_ID="<3@example.com>"), recipient=address)

    assert {by_header.message.case, by_envelope.message.case} == {arrival.message.case}


def test_a_made_up_address_leads_nowhere(post, ana):
    arrival, _ = answered(post, ana)
    forged = f"help+c{arrival.message.case_id}-aaaaaaaaaaaaaaaa@lisbon.example"

    answer = post.comes(mail.letter("Let me in", to=forged, Message_ID="<2@example.com>"))

    assert answer.message.case != arrival.message.case


def test_nothing_of_one_client_leads_into_anothers_case(post, ana):
    arrival, reply = answered(post, ana)
    other = mail.Post(of="porto-power", address="help@porto.example")
    address = sorting.signed_address("help@lisbon.example", "c", arrival.message.case_id, settings.SECRET_KEY)

    named = mail.letter("Hello", Message_ID="<2@example.com>", In_Reply_To=f"<{reply.external_id}>")
    answers = [other.comes(named), other.comes(mail.letter("Hi", to=address, Message_ID="<3@example.com>"))]

    for answer in answers:
        assert answer.message.client_id == other.mailbox.client_id
        assert answer.message.case_id != arrival.message.case_id


def test_an_answer_that_was_waited_for_lets_the_clock_go_on(post, ana):
    arrival, reply = answered(post, ana)
    work.set_pending_customer(item=arrival.message.item, by=ana, now=make.later(minutes=10))

    post.writes(
        "Here it is", at=make.later(hours=2), Message_ID="<2@example.com>", In_Reply_To=f"<{reply.external_id}>"
    )

    item = Item.objects.get()
    assert (item.state, item.pending_customer_since, item.paused_seconds) == ("waiting", None, 110 * 60)


def test_an_answer_within_the_contracts_limit_opens_the_case_again(post, ana):
    arrival, reply = answered(post, ana)
    mail.finish(arrival.message.item, ana, at=make.later(minutes=20))

    answer = post.writes(
        "Still wrong", at=make.later(days=14), Message_ID="<2@example.com>", In_Reply_To=f"<{reply.external_id}>"
    )

    item = Item.objects.get()
    assert (item.state, item.reopened, answer.message.item) == ("waiting", 1, item)
    assert item.case.resolved_at is None
    assert facts_of(item, "work.reopened") == ["work.reopened"]


def test_an_answer_after_the_limit_opens_a_new_case_of_the_same_customer(post, ana):
    arrival, reply = answered(post, ana)
    mail.finish(arrival.message.item, ana, at=make.later(minutes=20))

    answer = post.writes(
        "It is back", at=make.later(days=14, minutes=21), Message_ID="<2@x>", In_Reply_To=f"<{reply.external_id}>"
    )

    assert answer.message.case != arrival.message.case
    assert answer.message.case.customer == arrival.message.case.customer
    assert Item.objects.filter(state="done").count() == 1


# --- what is no answer ------------------------------------------------------------------------------------------------


def test_an_automatic_reply_in_the_thread_changes_nothing(post, ana):
    arrival, reply = answered(post, ana)
    work.set_pending_customer(item=arrival.message.item, by=ana, now=make.later(minutes=10))

    away = post.writes(
        "I am back on Monday",
        Subject="Automatic reply: My bill",
        Auto_Submitted="auto-generated",
        Message_ID="<2@example.com>",
        In_Reply_To=f"<{reply.external_id}>",
    )

    assert (away.state, away.reason) == ("set-aside", "an automatic reply")
    assert Item.objects.get().pending_customer_since


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied (vacation)"}, "an automatic reply"),
        ({"X_Autoreply": "yes"}, "an automatic reply"),
        ({"Subject": "Abwesenheitsnotiz: Ihre Anfrage"}, "an automatic reply"),
        ({"Return_Path": "<>"}, "an automatic reply"),
        ({"List_Id": "Gardeners <gardeners.lists.example>"}, "a list's mail"),
        ({"Precedence": "bulk", "List_Unsubscribe": "<mailto:no@shop.example>"}, "a list's mail"),
        ({"From": "Help <help@lisbon.example>"}, "our own mail"),
        ({"From": "help+c1-aaaaaaaaaaaaaaaa@lisbon.example"}, "our own mail"),
        ({"Content_Type": "multipart/report; report-type=disposition-notification; boundary=b"}, "a receipt"),
    ],
)
def test_what_programs_write_is_set_aside_with_the_reason(post, headers, why):
    arrival = post.writes(**headers)

    assert (arrival.state, arrival.reason) == ("set-aside", why)
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "no"},
        {"Auto_Submitted": "auto-generated", "Subject": "A form was filled in"},
        {"List_Id": "Help <help.lisbon.example>", "Precedence": "list"},
        {"Subject": "Re: Automatic reply: My bill"},
        {"List_Unsubscribe": "<mailto:no@shop.example>"},
    ],
)
def test_what_only_looks_like_it_opens_a_case(post, headers):
    assert post.writes(**headers).state == "taken"


def test_a_mail_that_goes_round_is_stopped(post):
    arrival = post.comes(b"Received: from a by b\r\n" * 101 + mail.letter())

    assert (arrival.state, arrival.reason) == ("set-aside", "a loop")


def test_a_flood_from_one_sender_is_held_and_another_is_not(post):
    several = [post.writes(f"Number {n}", Message_ID=f"<{n}@example.com>") for n in range(32)]
    other = post.writes("Hello", From="eva@example.com", Message_ID="<eva@example.com>")
    later = post.writes("Later", at=make.later(minutes=11), Message_ID="<later@example.com>")

    assert [each.state for each in several] == ["taken"] * 30 + ["held"] * 2
    assert "rui@example.com sent more than 30" in several[-1].reason
    assert (other.state, later.state) == ("taken", "taken")


# --- what somebody looked at ----------------------------------------------------------------------------------------


def test_what_was_set_aside_by_mistake_is_taken_in(post):
    arrival = post.writes(List_Id="Gardeners <gardeners.lists.example>")
    email.run_again(arrivals=[arrival], by=make.ROOT, now=make.later(minutes=1))

    [again] = email_queries.waiting(2)
    email.take(arrivals=[again], now=make.later(minutes=2))

    assert (email_models.Arrival.objects.get().state, Item.objects.get().received_at) == ("taken", make.NINE)
    with pytest.raises(email.Refused, match="dealt with already"):
        email.run_again(arrivals=[again], by=make.ROOT, now=make.later(minutes=3))


# --- reports of our replies -------------------------------------------------------------------------------------------


def report(post, reply, action="failed", status="5.1.1", code="550 5.1.1 no such user", to="help@lisbon.example"):
    raw = mail.REPORT.format(to=to, name=reply.external_id)
    for known, told in (("Action: failed", f"Action: {action}"), ("Status: 5.1.1", f"Status: {status}")):
        raw = raw.replace(known, told)
    raw = raw.replace("smtp; 550 5.1.1 no such user", f"smtp; {code}")
    return post.comes(raw.encode(), at=make.later(hours=1), envelope_sender="<>")


def test_a_report_that_our_reply_did_not_arrive_is_a_fact_of_its_case_and_brings_the_item_back(post, ana):
    arrival, reply = answered(post, ana)
    work.set_pending_customer(item=arrival.message.item, by=ana, now=make.later(minutes=10))

    told = report(post, reply)

    reply.refresh_from_db()
    item = Item.objects.get()
    assert (told.state, told.message) == ("set-aside", reply)
    assert (reply.state, reply.fault) == ("failed", "smtp; 550 5.1.1 no such user")
    assert (item.state, item.pending_customer_since) == ("waiting", None)
    assert facts_of(item, "message")[-1] == "message.undelivered"
    assert facts_of(item, "work.")[-2:] == ["work.reply-undelivered", "work.waited-in-vain"]
    assert "work.customer-answered" not in facts_of(item, "work.")
    assert (item.paused_seconds, item.reply_seconds) == (0, None)  # nobody was asked, and nobody has been answered
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_whoever_had_a_later_reply_of_ours_goes_on_owing_the_answer(post, ana):
    """Ana wrote at 9:05 and at 9:08; the first is reported an hour later. First reply: 8 minutes, not 5."""
    _, lost = answered(post, ana)
    later = conversations.reply(
        item=Item.objects.get(),
        channel="email",
        content=Content("To your other address"),
        by=ana,
        recipients=[Address("rui@example.com")],
        now=make.later(minutes=8),
    )
    conversations.mark_sent(
        message=conversations.start_sending(message=later, by=make.MAIL, now=make.later(minutes=8)),
        by=make.MAIL,
        now=make.later(minutes=8),
    )
    work.set_pending_customer(item=Item.objects.get(), by=ana, now=make.later(minutes=10))
    assert Item.objects.get().reply_seconds == 5 * 60

    report(post, lost)

    item = Item.objects.get()
    assert (item.pending_customer_since, item.reply_seconds) == (make.later(minutes=10), 8 * 60)
    assert facts_of(item, "message.undelivered", "work.waited") == ["message.undelivered"]


def test_an_item_in_hand_stays_there_and_its_first_reply_is_still_to_come(post, ana):
    _, lost = answered(post, ana)

    report(post, lost)

    item = Item.objects.get()
    assert (item.state, item.person, item.reply_seconds) == ("held", ana, None)


def test_an_item_that_is_being_wrapped_up_is_not_done(post, ana):
    _, lost = answered(post, ana)
    work.end(item=Item.objects.get(), by=ana, now=make.later(minutes=59))

    report(post, lost)

    item = Item.objects.get()
    assert (item.state, item.person, item.ended_at) == ("waiting", None, None)
    assert facts_of(item, "work.")[-3:] == ["work.reply-undelivered", "work.wrapped-up", "work.reopened"]


def test_a_rules_reply_that_did_not_arrive_brings_nothing_back(post, ana):
    arrival = post.writes()
    sent = conversations.reply(
        item=arrival.message.item,
        channel="email",
        content=Content("We have your mail"),
        by=make.RULES,
        now=make.NINE,
        recipients=[Address("rui@example.com")],
    )
    delivering.post(message=sent, now=make.NINE)
    sent.refresh_from_db()
    conversations.mark_sent(
        message=conversations.start_sending(message=sent, by=make.MAIL, now=make.NINE), by=make.MAIL, now=make.NINE
    )
    mail.finish(mail.hold(arrival.message.item, ana, make.later(minutes=5)), ana, at=make.later(minutes=20))

    report(post, sent)

    sent.refresh_from_db()
    assert (sent.state, Item.objects.get().state) == ("failed", "done")


def test_a_done_item_whose_reply_did_not_arrive_is_opened_again(post, ana):
    arrival, reply = answered(post, ana)
    mail.finish(arrival.message.item, ana, at=make.later(minutes=20))

    report(post, reply)

    assert (Item.objects.get().state, Item.objects.get().reopened) == ("waiting", 1)


def test_a_report_of_a_delay_changes_nothing(post, ana):
    _, reply = answered(post, ana)

    told = report(post, reply, action="delayed", status="4.4.1", code="451 4.4.1 no answer")

    reply.refresh_from_db()
    assert (told.state, reply.state) == ("set-aside", "sent")
    assert told.reason == "a report of a delay: smtp; 451 4.4.1 no answer"


def test_a_report_in_no_known_form_is_known_by_the_address_that_it_comes_to(post, ana):
    _, reply = answered(post, ana)
    address = sorting.signed_address(post.mailbox.address, "r", reply.id, settings.SECRET_KEY)
    raw = mail.letter("Die Mail kam nicht an: 550 unbekannt", to=address, From="postmaster@mx.example", Subject="Hallo")

    told = post.comes(raw, at=make.later(hours=1), envelope_sender="<>")

    reply.refresh_from_db()
    assert (told.state, reply.state) == ("set-aside", "failed")


IN_WORDS = "Undeliverable to rui@example.com\n\nOriginal message follows.\n\nMy bill is wrong"
IN_NO_STANDARD_FORM = {"X_Mailer": "<SMTP32 v8.05>", "Subject": "Re: My bill"}


@pytest.mark.parametrize("sender", ["postmaster@mx.example", "IMail <daemon@mx.example>"])
def test_a_report_in_a_servers_own_words_is_one(post, sender):
    envelope_sender = "" if sender.startswith("postmaster") else "<>"
    raw = mail.letter(IN_WORDS, From=sender, **IN_NO_STANDARD_FORM)

    told = post.comes(raw, envelope_sender=envelope_sender)

    assert (told.state, told.reason) == ("set-aside", "a delivery report")


def test_whoever_passes_such_a_report_on_and_asks_what_it_means_has_a_case(post):
    raw = mail.letter(IN_WORDS, **IN_NO_STANDARD_FORM)

    assert bounces.names_a_failure(raw)  # by its words it would be one
    assert post.comes(raw, envelope_sender="<rui@example.com>").state == "taken"


@pytest.mark.parametrize("more", [{"From": None}, {"From": ""}, {"To": None}, {"Content_Type": "multipart/mixed"}])
def test_what_the_list_of_such_words_stumbles_over_is_told_as_before(post, more):
    told = post.comes(mail.letter(IN_WORDS, **more), envelope_sender="<>")

    assert (told.state, told.reason) == ("set-aside", "an automatic reply")


def test_an_automatic_reply_to_the_replys_own_address_is_no_report(post, ana):
    _, reply = answered(post, ana)
    address = sorting.signed_address(post.mailbox.address, "r", reply.id, settings.SECRET_KEY)

    told = post.comes(mail.letter("Away", to=address, Auto_Submitted="auto-replied"), envelope_sender="<>")

    reply.refresh_from_db()
    assert (told.reason, reply.state) == ("an automatic reply", "sent")


def test_a_report_about_nothing_of_ours_is_set_aside(post):
    class Nobody:
        external_id = "unknown@elsewhere.example"

    told = report(post, Nobody)

    assert (told.state, told.reason, told.message) == ("set-aside", "a delivery report", None)
