"""What helps with work of every kind: texts with their places filled in, scripts, macros in one press, and notes."""

from datetime import timedelta

import pytest

from tests import mail, make
from tests.desks.agent.test_views import held, press
from workfloor.core.access import actors
from workfloor.core.conversations.models import Message
from workfloor.core.event_log.models import Fact
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks.models import Tag

PLAYBOOK = """
[[answers]]
name = "thanks"
title = "Thank you"
text = "Dear {customer}, thank you. {agent}"

[[scripts]]
name = "greeting"
title = "Greeting"
text = "Good morning, this is {agent} for {client}."

[[macros]]
name = "close"
title = "Thank and close"
then = { tag = "thanked", answer = "thanks", disposition = "answered" }

[[macros]]
name = "wait"
title = "Wait two days"
then = { tag = "waits", snooze = "2d" }

[[macros]]
name = "odd"
title = "Odd"
then = { tag = "odd", answer = "thanks", disposition = "swept-away" }
"""


@pytest.fixture
def ana(everyone, client):
    house = make.client()
    playbooks.give(client=house, source=PLAYBOOK, by=actors.ROOT, now=clock.now())
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


@pytest.fixture
def letter(ana):
    return mail.hold(mail.Post().writes("Hello", at=clock.now()).message.item, ana, clock.now())


def facts(event):
    rls.enter_every_client()
    return list(Fact.objects.filter(event=event))


def tags():
    rls.enter_every_client()
    return list(Tag.objects.values_list("name", flat=True))


def written(direction="out"):
    rls.enter_every_client()
    return list(Message.objects.filter(direction=direction).values_list("text", flat=True))


def test_beside_a_mail_stand_texts_with_their_places_filled_in_and_macros_with_their_steps(client, letter):
    shown = client.get(f"/desk/items/{letter.id}/help/").content.decode()
    assert 'data-insert="Dear Rui Costa, thank you. Ana"' in shown
    assert "<mark>Rui Costa</mark>" in shown
    assert "Wait two days" in shown and "Snooze for 2d." in shown


def test_beside_a_call_stand_scripts_and_a_place_for_notes_also_in_wrap_up(client, ana):
    call = held(ana)
    shown = client.get("/desk/").content.decode()
    assert "Internal note" in shown and "the customer does not see them" in shown
    assert (
        "this is <mark>Ana</mark> for <mark>Lisbon Light</mark>"
        in client.get(f"/desk/items/{call.id}/help/").content.decode()
    )

    press(client, call, "end")
    assert "Internal note" in client.get("/desk/").content.decode()
    assert press(client, call, "note", text="Wants a receipt", key="key-0001").status_code == 204
    assert written("note") == ["Wants a receipt"]


def test_nobody_else_is_helped_with_it(client, letter):
    client.force_login(make.agent("Bruno").account)
    assert client.get(f"/desk/items/{letter.id}/help/").status_code == 404
    assert press(client, letter, "macro", macro="close").status_code in (409, 422)
    assert (tags(), written()) == ([], [])


def test_a_macro_tags_answers_and_closes_in_one_press_and_pressed_twice_is_pressed_once(client, letter):
    for _ in range(2):
        assert press(client, letter, "macro", macro="close").status_code == 204

    item = Item.objects.get()
    assert (item.state, item.disposition, tags()) == ("done", "answered", ["thanked"])
    assert written() == ["Dear Rui Costa, thank you. Ana"]
    [fact] = facts("playbook.macro-run")
    assert fact.by_id == item.done_by_id
    told = {name: fact.details.get(name) for name in ("macro", "version", "tag", "disposition")}
    assert told == {"macro": "close", "version": 1, "tag": "thanked", "disposition": "answered"}
    assert fact.details["message"] == Message.objects.get(direction="out").id


def test_a_macro_snoozes_for_its_time(client, letter):
    before = clock.now()
    assert press(client, letter, "macro", macro="wait").status_code == 204
    item = Item.objects.get()
    assert item.state == "waiting" and item.queued_at >= before + timedelta(days=2)
    assert [each.details["macro"] for each in facts("playbook.macro-run")] == ["wait"]


def test_where_one_step_cannot_be_none_is_taken(client, letter):
    assert press(client, letter, "macro", macro="odd").status_code == 409
    assert (tags(), written(), facts("playbook.macro-run")) == ([], [], [])
    assert Item.objects.get().state == "held"


def test_a_call_is_neither_snoozed_nor_finished_by_a_macro_while_the_customer_is_there(client, ana):
    call = held(ana)
    refusal = press(client, call, "macro", macro="wait")
    assert (refusal.status_code, "cannot be snoozed" in refusal.content.decode()) == (409, True)
    assert tags() == []
