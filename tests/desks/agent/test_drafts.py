"""What an agent has begun to write is kept for them until it is sent, for nobody else, and not for ever."""

from datetime import timedelta

import pytest

from tests import make
from tests.desks.agent.test_views import held, press
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.models import Draft, Message
from workfloor.core.retention import actions as retention
from workfloor.kit.time import clock

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture
def ana(client):
    make.client()
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


@pytest.fixture
def letter(ana):
    return held(ana, queue="mail")


def draft(client, item) -> str:
    return client.get(f"/desk/items/{item.id}/draft/").json()["text"]


def test_the_last_one_kept_is_the_draft_and_an_empty_one_is_none(client, letter):
    assert draft(client, letter) == ""
    for text in ("Dear", "Dear Rui,\r\nwe"):
        assert press(client, letter, "keep-draft", text=text).status_code == 204
    assert draft(client, letter) == "Dear Rui,\nwe"

    press(client, letter, "keep-draft", text=" ")
    assert Draft.objects.count() == 0


def test_a_draft_goes_when_it_is_sent(client, letter):
    press(client, letter, "keep-draft", text="Ask Bruno")
    press(client, letter, "note", text="Ask Bruno", key="key-0001", drafted="on")
    assert Draft.objects.count() == 0


def test_the_same_note_again_is_the_same_note(client, letter):
    for _ in range(2):
        assert press(client, letter, "note", text="Ask Bruno", key="key-0001").status_code == 204
    press(client, letter, "note", text="Ask Bruno", key="key-0002")
    assert Message.objects.filter(direction="note").count() == 2


def test_nobody_else_has_it_and_nobody_drafts_about_what_is_not_theirs(client, letter):
    press(client, letter, "keep-draft", text="Dear Rui")
    client.force_login(make.agent("Bruno").account)

    assert draft(client, letter) == ""
    refusal = press(client, letter, "keep-draft", text="Mine")
    assert (refusal.status_code, "not with you any more" in refusal.content.decode()) == (422, True)


def test_a_card_s_number_is_masked_in_a_draft_as_in_what_is_sent(client, letter):
    press(client, letter, "keep-draft", text="Your card 4111 1111 1111 1111")
    assert Draft.objects.get().text == "Your card •••• •••• •••• 1111"


def test_a_draft_that_nobody_touched_for_its_client_s_days_is_deleted(client, letter):
    press(client, letter, "keep-draft", text="Dear Rui")
    retention.set_days(kind="drafts", days=2, client=letter.client, by=actors.ROOT, now=clock.now())

    for days, count in ((1, 0), (3, 1)):
        later = clock.now() + timedelta(days=days)
        assert conversations.delete_old_drafts(client_id=letter.client_id, now=later) == count
    assert Draft.objects.count() == 0
