"""The pages of endpoints and deliveries, as a leader uses them."""

import re
import threading
import time

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from django.urls import reverse

from tests import make
from tests.ops.webhooks import floors, receivers
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.kit.database import rls
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import models as webhooks_models


@pytest.fixture
def receiver():
    with receivers.running() as found:
        yield found


@pytest.fixture
def floor(real_database, settings):
    settings.WORKFLOOR_WEBHOOKS_INSIDE = ["127.0.0.0/8", "::1"]
    return floors.Floor()


@pytest.fixture
def leader(floor):
    return signed_in("leader", floor)


def signed_in(role, floor):
    with transaction.atomic():
        rls.enter_every_client()
        person = make.person(role)
        people.clear(person=person, client=floor.client, by=actors.ROOT, now=make.NINE)
        browser = Browser()
        browser.force_login(person.account)
    return browser


def text(answer):
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def press(browser, name, **where):
    """Press a button; gives what the page says then."""
    return text(browser.post(reverse(f"webhooks:{name}", kwargs=where), follow=True))


def test_an_endpoint_is_added_and_its_secret_shown_once(floor, leader, receiver):
    said = {"client": floor.client.id, "title": "Their CRM", "url": receiver.url, "groups": ["case"]}
    answer = leader.post(reverse("webhooks:endpoints"), said | {"names": "work.wrapped-up, work.ended"})
    secret = re.search(r"whsec_[\w+/=]+", answer.content.decode())[0]

    assert answer["Cache-Control"] == "no-store"
    assert len(secret) == len("whsec_") + 44
    with transaction.atomic():
        rls.enter_every_client()
        endpoint = webhooks_models.Endpoint.objects.get()
    assert endpoint.events == ["case", "work.ended", "work.wrapped-up"]
    stored = bytes(endpoint.secret)
    assert secret.encode() not in stored and len(stored) == 12 + 32 + 16, "sealed: a nonce, the secret, a tag"
    for page in (reverse("webhooks:endpoints"), reverse("webhooks:deliveries", args=[endpoint.id])):
        assert "Their CRM" in text(leader.get(page)) and "whsec_" not in leader.get(page).content.decode()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"url": "https://192.168.1.1/"}, "192.168.1.1, which is not in the public internet"),
        ({"url": "mailto:x@example.com"}, "begins with https://"),
        ({"groups": [], "names": ""}, "Choose what is sent"),
        ({"names": "work.declined"}, "No event or group is called work.declined"),
        ({"client": 0}, "Select a valid choice"),
        ({"title": ""}, "Say which system it is"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(floor, leader, wrong, says):
    said = {"client": floor.client.id, "title": "CRM", "url": "https://crm.example/", "groups": ["case"], "names": ""}
    answer = leader.post(reverse("webhooks:endpoints"), said | wrong)

    assert says in text(answer).replace("&#x27;", "'")
    with transaction.atomic():
        rls.enter_every_client()
        assert not webhooks_models.Endpoint.objects.exists()


def test_the_page_shows_each_attempt_with_its_answer_and_how_long_it_took(floor, leader, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    answers = iter([500, 422, 200])
    receiver.answer = lambda came: next(answers)
    floor.mail("letter-1")
    floor.follows()
    page = reverse("webhooks:deliveries", args=[endpoint.id])
    for minutes, says in ((0, "waiting, tried again from"), (1, "waiting, tried again from"), (9, "accepted")):
        floor.sends(endpoint, make.later(minutes=minutes))
        assert says in text(leader.get(page))

    shown = text(leader.get(page))
    [delivery] = floor.rows()
    assert delivery.key in shown and "work.received" in shown
    assert re.search(
        r"9:00:00: 500 a body that says why \(\d+ ms\) .*9:01:00: 422 a body that says why \(\d+ ms\) .*9:09:00: 200",
        shown,
    )
    assert "Nothing was sent there that is failed yet" in text(leader.get(page, {"state": "failed"}))


def test_the_page_of_endpoints_shows_how_each_is(floor, leader, receiver):
    floor.endpoint(receiver.url, "period")
    dead, _ = floor.endpoint(f"http://127.0.0.1:{receivers.free_port()}/", "work.received")
    floor.mail("letter-1")
    floor.follows()
    floor.sends(dead)
    shown = text(leader.get(reverse("webhooks:endpoints")))

    assert re.search(r"work\.received failing Connection refused 1 4 Mar 09:00", shown)
    assert " period well 0 – 0 –" in shown


def test_the_buttons(floor, leader, receiver):
    endpoint, old = floor.endpoint(receiver.url, "work.received")
    where = {"endpoint_id": endpoint.id}
    assert "Nothing is sent there until it is resumed" in press(leader, "pause", **where)
    assert "It is not enabled" in press(leader, "pause", **where)
    assert "Resume it first" in press(leader, "test", **where)
    floor.mail("letter-1")
    floor.follows()
    floor.sends(endpoint)
    assert receiver.came == []

    assert "What waits is sent in a moment" in press(leader, "resume", **where)
    assert "A test event is sent in a moment" in press(leader, "test", **where)
    new = re.search(r"whsec_\S+", press(leader, "rotate", **where))[0]
    floor.sends(endpoint, make.later(days=4000))  # the test is made by this machine's own time
    assert sorted(receiver.events()) == ["webhook.test", "work.received"]
    assert receiver.came[0].is_signed_by(new) and not receiver.came[0].is_signed_by(old)

    delivery = floor.rows(event="work.received")[0]
    assert "It is sent again in a moment" in press(leader, "send-again", delivery_id=delivery.id)
    assert "It is on its way already" in press(leader, "send-again", delivery_id=delivery.id)
    floor.sends(endpoint, make.later(days=4000))
    assert [each.key for each in receiver.came].count(delivery.key) == 2

    assert "is told nothing any more" in press(leader, "remove", **where)
    assert leader.get(reverse("webhooks:deliveries", kwargs=where)).status_code == 404


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')"


def test_a_secret_that_is_rotated_while_the_endpoint_is_removed_is_refused_in_words(floor, leader, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    answers: list[str] = []

    def rotates() -> None:
        answers.append(press(leader, "rotate", endpoint_id=endpoint.id))
        connection.close()

    presses = threading.Thread(target=rotates)
    with transaction.atomic():
        rls.enter_every_client()
        webhooks.remove(endpoint=endpoint, by=actors.ROOT, now=make.NINE)
        presses.start()
        until = time.monotonic() + 300
        with connection.cursor() as cursor:
            while cursor.execute(WAITING).fetchone()[0] == 0 and time.monotonic() < until:
                time.sleep(0.05)
    presses.join(300)

    [said] = answers
    assert "It was removed." in said and "whsec_" not in said


def test_who_neither_leads_nor_manages_is_not_let_in(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    agent = signed_in("agent", floor)

    assert agent.get(reverse("webhooks:endpoints")).status_code == 403
    assert agent.post(reverse("webhooks:rotate", args=[endpoint.id])).status_code == 403
    with pytest.raises(webhooks.Refused, match="that takes the role"):
        floor.does(webhooks.rotate, endpoint=endpoint, by=floor.ana, now=make.NINE)
