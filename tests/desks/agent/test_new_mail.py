"""An agent writes a mail that answers nothing: in hand at once, counted nowhere, and its answer is the customer's."""

import pytest
from django.db import transaction
from django.test import Client as Browser

from tests import mail, make
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.catalogue import population
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import queries as measures_queries
from workfloor.core.people import actions as people
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Case, Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.kit.time.calendars import Window
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import tasks as email_tasks
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.routing import queries as routing_queries

HTMX = {"HX-Request": "true"}


class Desk:
    """Ana is at work; mail to the client's mailbox waits in a queue of hers."""

    def __init__(self) -> None:
        rls.enter_every_client()
        self.post = mail.Post(title="Lisbon Light")
        rls.enter_every_client()
        self.ana = make.agent("Ana")
        self.browser = Browser()
        self.browser.force_login(self.ana.account)

    def begins(self, **entered):
        usual = {"key": "key-0001", "mailbox": self.post.mailbox.id, "to": "Eva Reis <eva@example.com>"}
        entered = usual | {"subject": "Your meter reading"} | entered
        return self.browser.post("/desk/new-mail/begin/", entered, headers=HTMX)

    def writes(self, item, **entered):
        usual = {"text": "Please send it", "key": "key-0002", "mode": "reply", "subject": "Your meter reading"}
        usual |= {"to": "Eva Reis <eva@example.com>"}
        return self.browser.post(f"/desk/items/{item.id}/reply/", usual | entered, headers=HTMX)

    def sheet(self, query=""):
        return self.browser.get(f"/desk/new-mail/{query}").content.decode()


@pytest.fixture
def desk(everyone):
    with clock.frozen(make.NINE):
        yield Desk()


@pytest.fixture
def sink():
    with sinks.running() as found:
        yield found


def begun() -> Item:
    rls.enter_every_client()
    return Item.objects.select_related("case__customer").get(kind="outbound-email")


def test_it_opens_a_case_of_whoever_is_written_to_and_is_in_hand_at_once(desk):
    answer = desk.begins()
    item = begun()

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/desk/?item={item.id}")
    assert (item.state, item.person, item.title) == ("held", desk.ana, "Your meter reading")
    assert (item.case.customer.reference, item.case.customer.name) == ("eva@example.com", "Eva Reis")
    assert (item.due_at, item.answer_by) == (None, None)
    shown = desk.browser.get("/desk/").content.decode()
    assert "New mail" in shown and "Eva Reis &lt;eva@example.com&gt;" in shown and "no service level counts it" in shown
    assert "await-customer" not in shown
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_pressed_twice_it_is_begun_once(desk):
    desk.begins()
    desk.begins()
    assert begun() and Case.objects.count() == 1


@pytest.mark.parametrize(
    ("entered", "field"), [({"to": ""}, "to"), ({"to": "eva@"}, "to"), ({"to": "a@b.example, c@d.example"}, "to")]
)
def test_an_address_that_is_none_is_refused_at_its_field(desk, entered, field):
    refusal = desk.begins(**entered)
    assert (refusal.status_code, f'data-field="{field}"' in refusal.content.decode()) == (422, True)
    assert Item.objects.count() == 0


def test_without_a_subject_it_is_not_begun(desk):
    assert 'data-field="subject"' in desk.begins(subject=" ").content.decode()


def test_only_mailboxes_are_offered_whose_work_one_may_do(desk):
    porto = mail.Post(of="porto-gas", address="help@porto.example")
    rls.enter_every_client()

    assert "help@lisbon.example" in desk.sheet() and "help@porto.example" not in desk.sheet()
    assert desk.begins(mailbox=porto.mailbox.id).status_code == 422
    assert Item.objects.count() == 0

    stranger = Browser()
    stranger.force_login(make.agent("Rita", portuguese=1).account)
    assert "no mailbox whose work you may do" in stranger.get("/desk/new-mail/").content.decode()


def test_whoever_is_signed_out_of_work_begins_nothing(desk):
    people.sign_out_of_work(person=desk.ana, by=desk.ana, now=make.NINE)
    refusal = desk.begins()
    assert (refusal.status_code, "Go available or not ready first" in refusal.content.decode()) == (409, True)


def test_a_mail_in_a_case_goes_to_its_customer_from_the_mailbox_that_it_came_to(desk):
    mail.Post(address="second@lisbon.example")
    arrival = desk.post.writes()
    mail.finish(mail.hold(arrival.message.item, desk.ana, make.NINE), desk.ana, make.NINE)
    shown = desk.sheet(f"?case={arrival.message.case_id}")
    assert "Rui Costa &lt;rui@example.com&gt;" in shown and "second@lisbon.example" not in shown

    assert desk.begins(case=arrival.message.case_id, to="rui@example.com").status_code == 204
    item = begun()
    assert item.case_id == arrival.message.case_id and item.case.resolved_at is None


def test_somebody_else_s_case_is_not_written_in(desk):
    porto = mail.Post(of="porto-gas", address="help@porto.example").writes().message
    rls.enter_every_client()
    assert desk.begins(case=porto.case_id).status_code == 422
    assert desk.browser.get(f"/desk/new-mail/?case={porto.case_id}").status_code == 404


def test_who_has_no_room_writes_all_the_same_and_is_given_no_less(desk):
    desk.begins()
    taken = work_queries.shares([desk.ana.id])[desk.ana.id]
    for number in range(5):
        desk.begins(key=f"key-100{number}")
    rls.enter_every_client()
    hands = list(Assignment.objects.filter(person=desk.ana))
    empty = [each for each in hands if each.share.isempty]
    assert len(hands) == 6 and empty and len(work_queries.shares([desk.ana.id])[desk.ana.id]) == 6 - len(empty)
    assert taken
    told = {each.item_id for each in routing_queries.all_things([desk.post.queue.id]) if each.person_id}
    assert told.isdisjoint(each.item_id for each in empty)
    assert desk.browser.get("/desk/").status_code == 200
    assert desk.browser.get("/desk/day/").status_code == 200


def test_of_what_nothing_was_sent_one_can_do_without(desk):
    desk.begins()
    item = begun()
    assert desk.browser.post(f"/desk/items/{item.id}/discard-mail/", headers=HTMX).status_code == 204
    assert begun().state == "cancelled" and Case.objects.get().resolved_at

    desk.begins(key="key-0009")
    other = Item.objects.get(state="held")
    desk.writes(other)
    assert desk.browser.post(f"/desk/items/{other.id}/discard-mail/", headers=HTMX).status_code == 409
    theirs = mail.hold(desk.post.writes().message.item, desk.ana, make.NINE)
    assert desk.browser.post(f"/desk/items/{theirs.id}/discard-mail/", headers=HTMX).status_code == 409


def test_it_counts_in_no_figure_open_or_done(desk):
    assert tuple(population.BEGUN_BY_US) == work_kinds.BEGUN_BY_US
    desk.begins()
    assert counted(desk) == 0
    desk.writes(begun(), finish="answered")

    item = begun()
    assert (item.state, item.reply_seconds is not None) == ("done", True)
    assert counted(desk) == 0
    made = measures_queries.recount(
        item.client_id, make.NINE.replace(hour=0), make.NINE.replace(hour=23), progress=lambda *_: None
    )
    assert (made.items, made.count, made.buckets_read) == (1, 0, 0)
    facts = list(Fact.objects.filter(item_id=item.id).order_by("id").values_list("event", flat=True))
    assert "work.reply-sent" not in facts and facts[0] == "work.received"


def counted(desk) -> int:
    """How many contacts the client's month has, by rollups and items together."""
    rls.enter_every_client()
    client = desk.post.queue.client
    contract = contracts_queries.in_force(client.id, make.NINE).contract
    queues = dict(Queue.objects.filter(client=client).values_list("name", "id"))
    scope = measures_queries.Scope(client.id, contract, queues, make.later(hours=1))
    window = Window("day", make.NINE.replace(hour=0), make.NINE.replace(hour=23))
    return dict(measures_queries.totals(scope, window)).get(None, [0])[0]


def test_the_customer_s_answer_begins_work_of_its_own_in_the_same_case(real_database, settings, sink):
    settings.WORKFLOOR_SMTP_URL = sink.url
    with transaction.atomic(), clock.frozen(make.NINE):
        desk = Desk()
    with clock.frozen(make.NINE):
        desk.begins()
        with transaction.atomic():
            item = begun()
        assert desk.writes(item, finish="answered").status_code == 204
    sent = delivered(sink)
    assert (sent["From"], sent["To"], sent["Subject"]) == (
        "Lisbon Light <help@lisbon.example>",
        "Eva Reis <eva@example.com>",
        "Your meter reading",
    )
    assert sent["In-Reply-To"] is None

    with transaction.atomic():
        answer = desk.post.writes(
            "It is 4711",
            at=make.later(days=40),
            From="Eva Reis <eva@example.com>",
            Subject="Re: Your meter reading",
            Message_ID="<answer@example.com>",
            In_Reply_To=sent["Message-ID"],
        )
        rls.enter_every_client()
        came = answer.message.item
        assert (answer.message.case_id, came.kind, came.state) == (item.case_id, "email", "waiting")
        assert came.received_at == make.later(days=40) and came.id != item.id
        assert begun().state == "done" and came.case.resolved_at is None
        assert counted_by(desk, make.later(days=40)) == 1


def counted_by(desk, at) -> int:
    rls.enter_every_client()
    return Item.objects.exclude(kind__in=work_kinds.BEGUN_BY_US).filter(received_at=at).count()


def test_a_mail_that_does_not_arrive_waits_again_for_its_writer(real_database, settings, sink):
    settings.WORKFLOOR_SMTP_URL = sink.url
    with transaction.atomic(), clock.frozen(make.NINE):
        desk = Desk()
    with clock.frozen(make.NINE):
        desk.begins()
        with transaction.atomic():
            item = begun()
        desk.writes(item, finish="answered")
    sent = delivered(sink)
    with transaction.atomic():
        rls.enter_every_client()
        recipient = Message.objects.get(direction="out")
        report = mail.REPORT.format(to="help@lisbon.example", name=recipient.external_id).encode()
        desk.post.comes(report, at=make.later(minutes=5), envelope_sender="<>", recipient=sent["Return-Path"] or "")
        rls.enter_every_client()
        item = begun()
        assert (item.state, item.reopened, Message.objects.get(direction="out").state) == ("waiting", 1, "failed")


def delivered(sink):
    """Let the follower and the job do their part; gives what the server got last."""
    with transaction.atomic():
        rls.enter_every_client()
        event_log.advance_all(now=make.NINE)
        written = list(Message.objects.filter(direction="out").order_by("id").values_list("id", flat=True))
    for each in written:
        with clock.frozen(make.later(minutes=1)):
            email_tasks.deliver(each)
    return sink.last()


# --- to whom a client lets write ------------------------------------------------------------------------------------


@pytest.fixture
def strict(desk):
    email.change_mailbox(mailbox=Mailbox.objects.get(), only_to="supplier.example", by=actors.ROOT, now=make.NINE)
    return desk


def test_a_client_may_name_the_domains_that_are_written_to(strict):
    refusal = strict.begins()
    said = refusal.content.decode()
    assert (refusal.status_code, 'data-field="to"' in said) == (422, True)
    assert "supplier.example and to the customer; eva@example.com is neither" in said
    assert strict.begins(to="parts@eu.supplier.example").status_code == 204


def test_customers_and_whom_they_named_are_answered_always_others_neither_in_copy_nor_by_forwarding(strict):
    item = mail.hold(strict.post.writes(Cc="ines@example.com").message.item, strict.ana, make.NINE)
    to = {"to": "rui@example.com", "cc": "ines@example.com", "subject": "Re: My bill"}
    assert strict.writes(item, **to).status_code == 204

    refusal = strict.writes(item, **to | {"bcc": "me@home.example", "key": "key-0003"})
    assert (refusal.status_code, 'data-field="bcc"' in refusal.content.decode()) == (422, True)
    forward = {"mode": "forward", "subject": "Fwd: My bill", "key": "key-0004"}
    assert 'data-field="to"' in strict.writes(item, **forward | {"to": "me@home.example"}).content.decode()
    assert strict.writes(item, **forward | {"to": "parts@supplier.example"}).status_code == 204
    rls.enter_every_client()
    assert Message.objects.filter(direction="out").count() == 2


def test_a_customer_who_is_known_may_be_written_to_anew(strict):
    strict.post.writes()
    assert strict.begins(to="rui@example.com").status_code == 204


@pytest.mark.parametrize("typed", ["nonsense", "a b@c"])
def test_what_is_no_domain_is_refused(strict, typed):
    with pytest.raises(email.Refused, match="is no domain"):
        email.change_mailbox(mailbox=Mailbox.objects.get(), only_to=typed, by=actors.ROOT, now=make.NINE)
