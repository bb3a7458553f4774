"""For how long things are kept is data: said for all or for one client, told, and refused where it must be."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction

from tests import mail, make
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.conversations.models import Attachment
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import Fact
from workfloor.core.files import actions as files
from workfloor.core.files import queries as files_queries
from workfloor.core.periods.models import Dispute
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.core.retention.models import Retention
from workfloor.core.work.models import Case
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email.models import Arrival

LONG_AFTER = make.later(days=2000)


def said() -> list[tuple[int | None, dict]]:
    """What the log says was set."""
    return list(Fact.objects.filter(event="retention.set").order_by("id").values_list("client_id", "details"))


def expired() -> list[tuple[int | None, dict]]:
    return list(Fact.objects.filter(event="retention.expired").order_by("id").values_list("client_id", "details"))


def test_what_is_said_for_a_client_goes_before_what_is_said_for_all(everyone):
    one, other = make.client("north"), make.client("south")

    assert retention.set_days(kind="raw-mail", days=60, by=actors.ROOT, now=make.NINE) == 180
    assert retention.set_days(kind="raw-mail", days=30, client=one, by=actors.ROOT, now=make.NINE) == 60
    retention.set_days(kind="raw-mail", days=30, client=one, by=actors.ROOT, now=make.NINE)  # the same is no fact

    days = [retention_queries.days("raw-mail", each) for each in (one.id, other.id, None)]
    assert days == [30, 60, 60]
    assert retention.reset_days(kind="raw-mail", client=one, by=actors.ROOT, now=make.NINE) == 30
    assert retention_queries.days("raw-mail", one.id) == 60
    assert said() == [
        (None, {"kind": "raw-mail", "days_before": 180, "days": 60}),
        (one.id, {"kind": "raw-mail", "days_before": 60, "days": 30}),
        (one.id, {"kind": "raw-mail", "days_before": 30}),
    ]


@pytest.mark.parametrize("kind", kinds.KEPT)
def test_what_the_law_or_an_invoice_rests_on_cannot_be_shortened(everyone, kind):
    with pytest.raises(kinds.Refused, match="cannot be shortened"):
        retention.set_days(kind=kind, days=30, by=actors.ROOT, now=make.NINE)


@pytest.mark.parametrize(
    ("kind", "days", "words"),
    [
        ("raw-mail", 6, "7 to"),
        ("raw-mail", 36_501, "36,500"),
        ("calls", 30, "Nothing is called calls"),
        ("logs", 0, "1 to"),
    ],
)
def test_what_cannot_be_is_refused_and_said(everyone, kind, days, words):
    with pytest.raises(kinds.Refused, match=words):
        retention.set_days(kind=kind, days=days, by=actors.ROOT, now=make.NINE)
    assert not Retention.objects.exists()


def test_logs_are_nobodys_of_the_clients(everyone):
    with pytest.raises(kinds.Refused, match="not a client's"):
        retention.set_days(kind="logs", days=30, client=make.client(), by=actors.ROOT, now=make.NINE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Retention.objects.create(client=make.client(), kind="logs", days=3, set_at=make.NINE)


@pytest.fixture
def post(everyone) -> mail.Post:
    for days in (181, 401, 2000):
        event_log.make_partitions(first=make.later(days=days), count=1)
    return mail.Post()


def resolve(case: Case, at=make.NINE) -> None:
    Case.objects.filter(id=case.id).update(resolved_at=at)


def test_mail_as_it_came_goes_once_its_time_is_over_and_what_became_of_it_stays(post):
    arrival = post.writes("My bill is wrong")
    resolve(arrival.message.case)
    file, client_id = arrival.file, arrival.client_id

    assert email.delete_expired(client_id=client_id, now=make.later(days=179)) == 0
    assert email.delete_expired(client_id=client_id, now=make.later(days=181)) == 1
    assert email.delete_expired(client_id=client_id, now=make.later(days=181)) == 0

    files.forget(now=make.later(days=181))
    assert not files_queries.files().filter(id=file.id).exists()
    kept = Arrival.objects.get(id=arrival.id)
    assert (kept.file, kept.sender, kept.message.text) == (None, "rui@example.com", "My bill is wrong")
    assert expired() == [(client_id, {"kind": "raw-mail", "count": 1, "days": 180})]
    with pytest.raises(email.Refused, match="no longer kept"):
        Arrival.objects.filter(id=arrival.id).update(state="set-aside")
        email.run_again(arrivals=[Arrival.objects.get(id=arrival.id)], by=make.ROOT, now=LONG_AFTER)


def test_mail_of_an_open_case_and_mail_that_somebody_is_to_look_at_stay(post):
    opened, looked_at = post.writes(), post.writes(Message_ID="<second@example.com>", Auto_Submitted="auto-replied")
    Arrival.objects.filter(id=looked_at.id).update(state="held")

    assert email.delete_expired(client_id=opened.client_id, now=LONG_AFTER) == 0

    resolve(opened.message.case, at=LONG_AFTER - timedelta(days=100))
    assert email.delete_expired(client_id=opened.client_id, now=LONG_AFTER) == 0  # its case was open until lately
    resolve(opened.message.case)
    Arrival.objects.filter(id=looked_at.id).update(state="discarded")
    assert email.delete_expired(client_id=opened.client_id, now=LONG_AFTER) == 2


def test_nothing_of_a_client_goes_while_it_disputes_a_figure(post):
    arrival = attached(post)
    resolve(arrival.message.case)
    dispute = Dispute.objects.create(
        client_id=arrival.client_id,
        period="2026-03",
        figure="m1",
        words="wrong",
        raised_at=make.NINE,
        raised_by=make.person("manager"),
    )

    assert deleted(arrival.client_id) == (0, 0)
    Dispute.objects.filter(id=dispute.id).update(state="rejected", decided_at=make.NINE, decided_by=dispute.raised_by)
    assert deleted(arrival.client_id) == (1, 1)


def deleted(client_id: int) -> tuple[int, int]:
    return (
        email.delete_expired(client_id=client_id, now=LONG_AFTER),
        conversations.delete_expired(client_id=client_id, now=LONG_AFTER),
    )


def attached(post: mail.Post) -> Arrival:
    """A mail to whose case a paper is attached."""
    arrival = post.writes()
    conversations.receive(
        case=arrival.message.case,
        item=arrival.message.item,
        channel="chat",
        key="k",
        sender=Address("rui@example.com"),
        content=Content("See my paper"),
        files=[File("paper.pdf", "application/pdf", b"%PDF")],
        by=make.CUSTOMER,
        now=make.NINE,
    )
    return arrival


def test_what_an_attachment_held_goes_long_after_its_case_and_its_name_stays(post):
    arrival = attached(post)
    attachment = Attachment.objects.get()
    retention.set_days(kind="attachments", days=400, client=post.mailbox.client, by=actors.ROOT, now=make.NINE)
    resolve(arrival.message.case)

    assert conversations.delete_expired(client_id=arrival.client_id, now=make.later(days=399)) == 0
    assert conversations.delete_expired(client_id=arrival.client_id, now=make.later(days=401)) == 1

    files.forget(now=make.later(days=401))
    kept = Attachment.objects.get()
    assert (kept.id, kept.file, kept.name, kept.size) == (attachment.id, None, "paper.pdf", 4)
    assert not files_queries.files().filter(id=attachment.file_id).exists()
    assert expired() == [(arrival.client_id, {"kind": "attachments", "count": 1, "days": 400})]


def test_the_same_file_stays_while_an_open_case_has_it_too(post):
    first, second = attached(post), post.writes("Another", Message_ID="<b@example.com>")
    conversations.receive(
        case=second.message.case,
        item=second.message.item,
        channel="chat",
        key="k2",
        sender=Address("rui@example.com"),
        content=Content("Again"),
        files=[File("copy.pdf", "application/pdf", b"%PDF")],
        by=make.CUSTOMER,
        now=make.NINE,
    )
    resolve(first.message.case)

    assert conversations.delete_expired(client_id=first.client_id, now=LONG_AFTER) == 1
    files.forget(now=LONG_AFTER)

    [held] = [each for each in Attachment.objects.select_related("file") if each.file]
    assert (held.name, files_queries.content(held.file)) == ("copy.pdf", b"%PDF")


def test_sign_ins_that_expired_go(everyone):
    for days in (-2, 1):
        Session.objects.create(session_key=f"s{days}", session_data="", expire_date=make.later(days=days))

    assert retention.delete_sessions(now=make.NINE) == 1
    assert [each.session_key for each in Session.objects.all()] == ["s1"]
    assert expired() == [(None, {"kind": "sessions", "count": 1, "days": 1})]
