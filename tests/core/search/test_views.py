"""The page and the call that search: for whom, what they show, and that it is recorded who was shown."""

import re

import pytest

from tests import make
from tests.core.search.test_queries import MARIA, written
from workfloor.core.access import actors
from workfloor.core.looks.models import Look
from workfloor.core.people import actions as people
from workfloor.core.people import own_account
from workfloor.kit.time import clock

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture(autouse=True)
def soon_after():
    with clock.frozen(make.later(minutes=5)):
        yield


@pytest.fixture
def ana(client):
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


def page(client, /, **asked):
    answer = client.get("/search/", asked)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_an_agent_finds_what_was_said_and_goes_there(client, ana):
    message = written("My electricity bill is wrong", customer=MARIA, subject="Bill")

    shown = page(client, words="electricity wrong")
    assert f"/conversations/cases/{message.case_id}/?before={message.id + 1}#said-{message.id}" in shown
    assert "My <mark>electricity</mark> bill is <mark>wrong</mark>" in shown
    assert "Customer wrote" in shown and "María Fernández Costa" in shown


def test_what_a_customer_wrote_is_never_part_of_the_page(client, ana):
    written("<script>alert(1)</script> & <b>bill</b>", subject="<img src=x onerror=alert(2)> bill")

    shown = page(client, words="bill")
    assert "<script>alert" not in shown and "<img src=x" not in shown
    assert "&lt;b&gt;<mark>bill</mark>&lt;/b&gt;" in shown
    assert "<b>" not in page(client, words="<b>x</b>")


def test_of_a_client_that_one_is_not_cleared_for_nothing_is_found(client, ana):
    written("zanzibar", of="porto-power", customer=MARIA)

    for words in ("zanzibar", "fernandez", "C-1007"):
        assert "Nothing was found" in page(client, words=words)
    assert "Choose one of the clients" in page(client, words="zanzibar", client="porto-power")


def test_whoever_is_cleared_for_two_clients_finds_in_both_or_in_one(client, ana):
    people.clear(person=ana, client=make.client("porto-power"), by=actors.ROOT, now=make.NINE)
    here, there = written("zanzibar"), written("zanzibar", of="porto-power")

    assert cases_in(page(client, words="zanzibar")) == {here.case_id, there.case_id}
    assert cases_in(page(client, words="zanzibar", client="porto-power")) == {there.case_id}


def cases_in(shown):
    return {int(number) for number in re.findall(r"/conversations/cases/(\d+)/", shown)}


@pytest.mark.parametrize("role", ["planner", "administrator", "client"])
def test_others_may_not_search(client, role):
    of = make.client() if role == "client" else None
    client.force_login(make.person(role, of=of).account)

    assert client.get("/search/", {"words": "bill"}).status_code == 403


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"words": "a\0b"}, 400),
        ({"words": "x" * 100_000}, 400),
        ({"words": "x" * 300}, 200),
        ({"words": "''\"\""}, 200),
        ({"words": "😀"}, 200),
        ({"words": "बिल"}, 200),
        ({"words": "الغاء"}, 200),
        ({"words": "   "}, 200),
        ({"words": ""}, 200),
        ({}, 200),
        ({"words": "x", "first": "yesterday"}, 200),
        ({"words": "x", "last": "9999-12-31"}, 200),
        ({"words": "x", "first": "0001-01-01", "last": "0001-01-01"}, 200),
        ({"words": "x", "channel": "pigeon"}, 200),
        ({"words": "x", "after": "1-2"}, 200),
        ({"words": "x", "after": "999999999999999999-9999999999999999999-1-1"}, 200),
        ({"words": "x", "after": "0-1-1-1"}, 200),
    ],
)
def test_whatever_is_sent_is_answered(client, ana, asked, status):
    assert client.get("/search/", asked).status_code == status


def test_it_is_recorded_whom_a_search_showed(client, ana):
    message = written("meter", customer=MARIA)
    page(client, words="meter")
    page(client, words="fernandez")

    seen = {(each.what, each.number, each.by_id, each.place) for each in Look.objects.all()}
    assert seen == {
        ("case", message.case_id, ana.id, "search/"),
        ("customer", message.case.customer_id, ana.id, "search/"),
    }


def test_days_are_those_of_the_persons_site(client, ana):
    written("meter")

    assert "Nothing was found" in page(client, words="meter", last="2026-03-03")
    assert "Nothing was found" not in page(client, words="meter", first="2026-03-04", last="2026-03-04")


# --- the call ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def call(client):
    """Ask the API as a person."""

    def call(person, **asked):
        _, token = own_account.sign_in(person=person, title="a machine", now=clock.now())
        return client.get("/api/search", asked, headers={"Authorization": f"Bearer {token}"})

    return call


def test_a_call_finds_what_the_page_finds(call):
    message = written("zanzibar meter", customer=MARIA)
    written("zanzibar", of="porto-power")

    answer = call(make.agent("Ana"), words="zanzibar").json()
    [case] = answer["cases"]
    assert (case["client"], case["case"], case["message"], case["excerpt"], answer["after"]) == (
        "lisbon-light",
        message.case_id,
        message.id,
        "zanzibar meter",
        None,
    )
    [customer] = call(make.agent("Eva"), words="fernandez").json()["customers"]
    assert (customer["reference"], customer["customer"]) == ("C-1007", message.case.customer_id)
    assert {each.place for each in Look.objects.all()} == {"api/search"}


def test_a_call_that_may_not_or_that_says_nonsense_is_told_so(call):
    ana = make.agent("Ana")

    assert call(make.person("planner"), words="x").status_code == 403
    assert call(ana, words="x", client="porto-power").status_code == 404
    assert call(ana).status_code == call(ana, words="x" * 300).status_code == 422
    assert call(ana, words="x", after="1-2").status_code == call(ana, words="x", since="soon").status_code == 422
    assert call(ana, words="😀").json()["cases"] == []
