"""A client's system sends work, asks what became of it, and takes it back."""

import json
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work.models import Case, Customer, Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

ALL_SCOPES = ("work:write", "work:read", "statement:read")
LETTER = {"key": "letter-1", "queue": "mail", "title": "My bill is wrong"}


class System:
    """A client's system with its token, as it calls the API."""

    def __init__(self, slug="lisbon-light", scopes=ALL_SCOPES, token=None):
        rls.enter_every_client()
        if token is None:
            token = clients.issue_token(
                client=make.client(slug), title="test", scopes=scopes, by=actors.ROOT, now=make.NINE
            )
        self.token = token
        self.browser = Browser(headers={"Authorization": f"Bearer {self.token}"}, raise_request_exception=False)

    def send(self, body=LETTER, **more):
        raw = body if isinstance(body, bytes) else json.dumps(dict(body) | more).encode()
        answer = self.browser.post("/api/work", raw, content_type="application/json")
        rls.enter_every_client()
        return answer

    def state(self, key):
        answer = self.browser.get(f"/api/work/{quote(key, safe='')}")
        rls.enter_every_client()
        return answer

    def cancel(self, key, reason="not needed any more"):
        address = f"/api/work/{quote(key, safe='')}/cancel"
        answer = self.browser.post(address, json.dumps({"reason": reason}), content_type="application/json")
        rls.enter_every_client()
        return answer


@pytest.fixture
def system(everyone):
    return System()


def fields(answer):
    assert answer.status_code == 422, answer.content
    return {each["field"]: each["problem"] for each in answer.json()["fields"]}


# --- sending -----------------------------------------------------------------------------------------------------


def test_work_that_is_sent_waits_in_its_queue(system):
    answer = system.send(customer={"reference": "C-7", "name": "Maria Costa"}, case_kind="complaint")

    assert answer.status_code == 201
    assert (answer.json()["state"], answer.json()["queue"], answer.json()["kind"]) == ("waiting", "mail", "email")
    item = Item.objects.get(key="letter-1")
    assert [fact.event for fact in event_log_queries.of_item(item.id)] == ["work.received", "work.queued"]
    assert (item.case.kind, item.case.customer.name) == ("complaint", "Maria Costa")


def test_the_same_work_again_is_the_same_item(system):
    first, again = system.send(), system.send()

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Item.objects.count() == Case.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Another"},
        {"queue": "calls"},
        {"payload": {"a": 1}},
        {"customer": {"reference": "C-8"}},
        {"case_kind": "lead"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_key_that_brought_other_work_is_a_conflict(system, other):
    system.send()

    answer = system.send(**other)

    assert answer.status_code == 409
    assert "letter-1" in answer.json()["detail"]
    assert Item.objects.count() == 1


def test_two_clients_may_use_the_same_key(everyone):
    north, south = System("north"), System("south")

    assert north.send(title="from north").status_code == 201
    assert south.send(title="from south").status_code == 201
    assert north.state("letter-1").json()["title"] == "from north"


def test_an_unknown_queue_is_not_there(system):
    answer = system.send(queue="nowhere")

    assert answer.status_code == 404
    assert "nowhere" in answer.json()["detail"]


def test_a_customer_sent_without_a_name_keeps_the_one_known(system):
    system.send(customer={"reference": "C-7", "name": "Maria Costa"})
    system.send(key="letter-2", customer={"reference": "C-7"})

    assert Customer.objects.get().name == "Maria Costa"


# --- what is not understood -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "k" * 201}, "key"),
        ({"key": "two\nlines"}, "key"),
        ({"key": 7}, "key"),
        ({"queue": None}, "queue"),
        ({"title": "x" * 501}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"payload": []}, "payload"),
        ({"payload": {"a": "\x00"}}, "payload"),
        ({"payload": {"a": ["\udfff"]}}, "payload"),
        ({"payload": {"\x00": 1}}, "payload"),
        ({"payload": {"a": float("nan")}}, "payload"),
        ({"payload": {"a": float("inf")}}, "payload"),
        ({"customer": {"reference": ""}}, "customer.reference"),
        ({"customer": {"reference": "1", "name": "\x00"}}, "customer.name"),
        ({"customer": {}}, "customer.reference"),
        ({"case_kind": "rant"}, "case_kind"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_wrong_field_is_named(system, wrong, field):
    answer = system.send(**wrong)

    assert field in fields(answer)
    assert field in answer.json()["detail"]
    assert not Item.objects.exists()


def test_every_wrong_field_is_named_at_once(system):
    assert set(fields(system.send({"title": 5, "colour": "red"}))) == {"key", "queue", "title", "colour"}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b"7", b'"text"', b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 90_000, b"1" * 5000]
)
def test_a_body_that_is_no_json_object_is_named_as_such(system, raw):
    assert fields(system.send(raw))


def test_numbers_beyond_all_bounds_are_refused(system):
    raw = json.dumps(LETTER)[:-1] + ', "payload": {"n": %s}}'

    assert "payload" in fields(system.send((raw % "1e999").encode()))
    assert "payload" in fields(system.send((raw % "-Infinity").encode()))
    assert system.send((raw % ("9" * 4000)).encode()).status_code == 201
    assert system.send((raw % ("9" * 5000)).encode()).status_code == 422


def nested(levels):
    return json.loads('{"a":' * levels + "1" + "}" * levels)


def test_a_payload_may_be_deep_but_not_bottomless(system):
    assert "payload" in fields(system.send(payload=nested(21)))
    assert "payload" in fields(system.send(payload=nested(700)))
    assert system.send(payload=nested(20)).status_code == 201


# Beyond 2**53 the database gives a number back by its decimal digits, as another whole number than the float was.
FLOATS = st.floats(-(2.0**53), 2.0**53) | st.sampled_from([float("nan"), float("inf"), float("-inf")])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "key": st.text() | JSON,
        "queue": st.sampled_from(["calls", "mail"]) | st.text() | JSON,
        "title": st.text() | JSON,
        "payload": st.dictionaries(st.text(), JSON) | JSON,
        "customer": st.fixed_dictionaries({"reference": st.text()}, optional={"name": st.text()}) | JSON,
        "case_kind": st.sampled_from(["request", "lead"]) | JSON,
    },
)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
@example({"key": "k", "queue": "calls", "payload": {"": {"": -0.0}}})
def test_whatever_is_sent_is_taken_or_refused_but_never_fails(system, body):
    answer = system.send(body)

    assert answer.status_code in {200, 201, 404, 409, 422}, answer.content
    if answer.status_code == 201:
        assert system.state(body["key"]).json()["title"] == body.get("title", "")
        assert Item.objects.get(key=body["key"]).payload == body.get("payload", {})


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary())
def test_no_bytes_make_the_api_fail(system, raw):
    assert system.send(raw).status_code == 422


# --- reading and taking back ------------------------------------------------------------------------------------------

ODD_KEYS = ["a/b", "/", "a//b/", "números ✓", "50%", "a b?c#d&e=f", "x/cancel", "cancel", "..;", "a+b", "%2F", "😀"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_finds_its_work_whatever_is_in_it(system, key):
    assert system.send(key=key).status_code == 201
    assert system.state(key).json()["key"] == key
    taken_back = system.cancel(key).json()
    assert (taken_back["key"], taken_back["state"]) == (key, "cancelled")


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(min_size=1))
def test_no_key_in_an_address_makes_the_api_fail(system, key):
    address = "/api/work/" + quote(key.encode("utf-8", "surrogatepass"), safe="")

    answers = [
        system.browser.get(address),
        system.browser.post(f"{address}/cancel", "{}", content_type="application/json"),
    ]
    assert {each.status_code for each in answers} <= {400, 404, 422}
    assert all(each.json()["detail"] for each in answers)


def test_work_that_was_never_sent_is_not_there(system):
    assert system.state("nothing").status_code == system.cancel("nothing").status_code == 404


def test_the_state_follows_the_work(system):
    system.send()
    item, ana = Item.objects.get(), make.agent()
    work.offer(item=item, person=ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=make.NINE)
    assert system.state("letter-1").json()["state"] == "offered"

    work.accept(item=item, by=ana, now=make.NINE)
    assert system.state("letter-1").json()["connected_at"] == "2026-03-04T09:00:00Z"


def test_work_taken_back_is_cancelled_and_says_why(system):
    system.send()

    assert system.cancel("letter-1", "paid meanwhile").json()["state"] == "cancelled"
    assert Item.objects.get().cancelled_as == "paid meanwhile"


def test_finished_work_cannot_be_taken_back(system):
    system.send()
    system.cancel("letter-1")

    answer = system.cancel("letter-1")

    assert answer.status_code == 409
    assert "cancelled" in answer.json()["detail"]


# --- who may call ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wf_1_x", "wf_999999999999999999_" + "a" * 43, "Bearer", "é"])
def test_a_wrong_token_is_refused(everyone, token):
    stranger = System(token=token)

    answers = [stranger.send(), stranger.state("letter-1"), stranger.cancel("letter-1")]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"


def test_no_token_is_refused(everyone):
    assert Browser().get("/api/work/letter-1").status_code == 401


def test_a_right_number_with_a_wrong_secret_is_refused(system):
    number = system.token.split("_")[1]

    assert System(token=f"wf_{number}_{'a' * 43}").send().status_code == 401


def test_a_revoked_token_is_refused(system):
    assert system.send().status_code == 201
    clients.revoke_token(token=make.client().tokens.get(), by=actors.ROOT, now=make.NINE)

    assert system.state("letter-1").status_code == 401


def test_for_a_token_without_the_scope_there_is_nothing(everyone):
    writer, reader = System(scopes=["work:write"]), System(scopes=["work:read"])

    assert reader.send().status_code == 404
    assert writer.send().status_code == 201
    assert writer.state("letter-1").status_code == 404
    assert reader.cancel("letter-1").status_code == 404
    assert reader.state("letter-1").status_code == 200


def test_a_person_who_has_signed_in_has_no_way_in_without_a_token(everyone):
    browser = Browser()
    browser.force_login(make.agent().account)

    assert browser.get("/api/work/letter-1").status_code == 401


def test_of_another_clients_work_not_even_the_existence_shows(everyone):
    north, south = System("north"), System("south")
    south.send()

    unknown, of_south = north.state("nothing"), north.state("letter-1")

    assert (unknown.status_code, unknown.content) == (of_south.status_code, of_south.content)
    assert north.cancel("letter-1").status_code == 404


# --- scheduled, of a known case, for somebody --------------------------------------------------------------------


def test_work_that_is_not_before_a_time_waits_from_then_on(system):
    at = clock.now() + timedelta(hours=3)
    answer = system.send(not_before=at.isoformat())

    assert answer.status_code == 201
    assert datetime.fromisoformat(answer.json()["queued_at"]) == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert Item.objects.get().queued_at == at
    assert system.send(not_before=at.isoformat()).status_code == 200
    assert system.send(not_before=(at + timedelta(hours=1)).isoformat()).status_code == 409


def test_work_that_follows_earlier_work_is_of_its_case(system):
    system.send(customer={"reference": "C-1"})
    assert system.send(key="letter-2", follows="letter-1").status_code == 201

    assert len({item.case_id for item in Item.objects.all()}) == 1
    assert system.send(key="letter-3", follows="letter-9").status_code == 404
    assert System("another").send(key="letter-3", follows="letter-1").status_code == 404


def test_an_agent_can_be_asked_for_where_the_contract_keeps_work(system):
    ana = make.agent()
    refused = system.send(ask_for=ana.account.email)
    assert (refused.status_code, "sticky_for" in refused.content.decode()) == (422, True)
    make.amended(make.KEEPS)

    assert system.send(ask_for=ana.account.email).status_code == 201
    assert Item.objects.get().sticky_agent == ana


def test_nobody_can_be_asked_for_who_is_not_cleared(system):
    make.amended(make.KEEPS)
    for address in (make.agent(clear_for=None).account.email, "nobody@example.com"):
        assert system.send(ask_for=address).status_code == 404
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    "at", ["2099-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "tomorrow", "2026-12-01T10:00:00"]
)
def test_a_time_that_is_none_or_too_far_off_is_refused(system, at):
    assert system.send(not_before=at).status_code == 422
    assert not Item.objects.exists()
