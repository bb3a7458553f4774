"""An agent asks for help, nobody answers for two minutes, people are mailed, the manager answers, she reads it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from tests import make
from tests.core.work.test_roles import in_hand, now_of
from tests.ops.channels.email import sink as sinks
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.outgoing import tasks as outgoing_tasks
from workfloor.core.outgoing.models import Mail
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.escalation import tasks as escalation_tasks
from workfloor.ops.escalation.models import Escalation

LIVE = {"HX-Request": "true"}


@pytest.fixture
def sink(settings):
    with sinks.running() as found:
        settings.WORKFLOOR_SMTP_URL, settings.WORKFLOOR_MAIL_FROM = found.url, "floor@porto.example"
        settings.WORKFLOOR_URL = "https://floor.porto.example"
        yield found


def signed_in(person) -> Client:
    browser = Client()
    browser.force_login(person.account)
    return browser


def a_minute_passes(at):
    """What the worker does: it follows, the clock looks, and mails go out."""
    with clock.frozen(at):
        while follow(at):
            pass
        escalation_tasks.look(0)
        for mail in waiting():
            outgoing_tasks.deliver(mail)


def follow(at):
    with transaction.atomic():
        rls.enter_every_client()
        return event_log.advance_all(now=at)


def waiting():
    with transaction.atomic():
        return list(Mail.objects.filter(state="waiting").values_list("id", flat=True))


def inside(read):
    with transaction.atomic():
        rls.enter_every_client()
        return read()


def test_an_agents_call_for_help_finds_somebody_who_answers(real_database, sink):
    def people():
        client = make.client()
        lead, boss = make.in_charge("leader", client, name="Leo"), make.in_charge("manager", client, name="Mia")
        ana = make.agent("Ana")
        return ana, lead, boss, in_hand(ana)

    ana, lead, boss, call = inside(people)
    desk, office = signed_in(ana), signed_in(boss)
    asked = make.later(minutes=1)

    # Ana asks. Her leader is told by the page, and does nothing.
    with clock.frozen(asked):
        asking = desk.post(f"/desk/items/{call.id}/escalate/", {"note": "May I refund 40 euros?"}, headers=LIVE)
        assert asking.status_code == 204
    a_minute_passes(asked)
    assert sink.mails == []
    assert "Nobody has answered yet" in desk.get("/desk/").content.decode()
    assert "May I refund 40 euros?" in signed_in(lead).get("/escalations/").content.decode()

    # A minute later nothing has changed; after two the leader is mailed, and after as many more the manager, once each.
    a_minute_passes(asked + timedelta(minutes=1))
    assert sink.mails == []
    for minutes in (2, 3):
        a_minute_passes(asked + timedelta(minutes=minutes))
        assert [to for _, to, _ in sink.mails] == [[lead.account.email]]
    a_minute_passes(asked + timedelta(minutes=4))
    assert [to for _, to, _ in sink.mails[1:]] == [[boss.account.email]]
    text = sink.last().get_payload(decode=True).decode()
    assert "Ana asks: May I refund 40 euros?" in text
    number = inside(lambda: Escalation.objects.get().id)
    assert f"https://floor.porto.example/escalations/#escalation-{number}" in text

    # She acknowledges it, which Ana sees, and answers, which Ana reads where she asked.
    with clock.frozen(asked + timedelta(minutes=5)):
        assert office.post(f"/escalations/{number}/acknowledge/", headers=LIVE).status_code == 204
        assert "Mia has seen it" in desk.get("/desk/").content.decode()
        answered = office.post(f"/escalations/{number}/answer/", {"text": "Yes, up to 50"}, headers=LIVE)
        assert answered.status_code == 204
        shown = desk.get("/desk/").content.decode()
    assert "Yes, up to 50" in shown and "Mia" in shown and "Nobody has answered yet" not in shown

    # The leader, who looks at last, is told that it was answered, and nobody is mailed any more.
    with clock.frozen(asked + timedelta(minutes=6)):
        late = signed_in(lead).post(f"/escalations/{number}/answer/", {"text": "No"}, headers=LIVE)
    assert late.status_code == 409 and "Mia was quicker" in late.content.decode()
    a_minute_passes(asked + timedelta(minutes=30))
    assert len(sink.mails) == 2

    def kept():
        told = [each.event for each in event_log_queries.of_item(call.id) if "escalat" in each.event]
        return told, work_queries.rebuilt(call.id) == work_queries.state_of(Item.objects.get(id=call.id)), now_of(call)

    told, adds_up, item = inside(kept)
    assert told == [
        "work.escalated",
        "escalation.raised",
        "escalation.step-told",
        "escalation.step-told",
        "escalation.acknowledged",
        "work.escalation-answered",
        "escalation.closed",
    ]
    assert adds_up and item.escalated_at is None and item.person_id == ana.id
