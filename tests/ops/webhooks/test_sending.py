"""Events reach another system: signed, in order per item, at least once, and never another client's."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import transaction

from tests import make
from tests.ops.webhooks import floors, receivers
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import Fact
from workfloor.kit.database import rls
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import gateway as webhooks_gateway
from workfloor.ops.webhooks import retries

MINUTE = timedelta(minutes=1)
LETTER = ["work.received", "work.queued", "work.accepted", "work.connected", "work.ended", "work.wrapped-up"]


@pytest.fixture
def receiver():
    with receivers.running() as found:
        yield found


@pytest.fixture
def floor(real_database, settings):
    settings.WORKFLOOR_WEBHOOKS_INSIDE = ["127.0.0.0/8", "::1"]
    return floors.Floor()


def test_what_happens_is_told_signed_and_in_its_order(floor, receiver):
    endpoint, secret = floor.endpoint(receiver.url)
    letter = floor.mail("letter-1")
    floor.done(letter)
    floor.follows()
    floor.sends(endpoint)

    assert receiver.events() == LETTER
    first, last = receiver.came[0], receiver.came[-1]
    assert first.told == {
        "version": 1,
        "id": first.key,
        "event": "work.received",
        "at": "2026-03-04T09:00:00Z",
        "client": "lisbon-light",
        "item": {"number": letter.id, "key": "letter-1", "kind": "email", "process": "letters"},
        "case": letter.case_id,
        "data": {"kind": "email", "process": "letters", "due_at": "2026-03-04T13:00:00+00:00"},
    }
    assert receiver.came[1].told["data"]["queue"] == "mail"
    assert last.told["data"] == {"disposition": "answered"}
    assert all(each.is_signed_by(secret) for each in receiver.came)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["host"] == f"localhost:{receiver.port}"
    assert first.headers["webhook-timestamp"] == str(int(make.NINE.timestamp()))
    assert {each.state for each in floor.rows()} == {"accepted"}


def test_nothing_of_another_client_goes_out_and_nothing_from_before(floor, receiver):
    floor.mail("before")
    floor.does(event_log.place)  # the follower has not come to it yet
    endpoint, _ = floor.endpoint(receiver.url)
    with transaction.atomic():
        rls.enter_every_client()
        make.client("north")
    floor.mail("theirs", of="north")
    floor.mail("ours")
    floor.follows()
    floor.sends(endpoint)

    assert receiver.of_items() == {"ours": ["work.received", "work.queued"]}
    assert {each.told["client"] for each in receiver.came} == {"lisbon-light"}


def test_only_what_was_chosen_is_sent(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.wrapped-up", "case")
    floor.done(floor.mail("letter-1"))
    floor.follows()
    floor.sends(endpoint)

    assert sorted(receiver.events()) == ["case.opened", "case.resolved", "work.wrapped-up"]


def test_no_text_and_nobody_is_told_of(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    with transaction.atomic():
        rls.enter_every_client()
        from workfloor.core.work import actions as work

        item = make.item("mail", key="1", title="Zanzibar", customer=work.Customer("Zanzibar-7", "Zanzibar"))
        item = work.offer(
            item=item, person=floor.ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=make.NINE
        )
        item = work.accept(item=item, by=floor.ana, now=make.NINE)
        work.escalate(item=item, by=floor.ana, note="Zanzibar", now=make.NINE)
    floor.follows()
    floor.sends(endpoint)

    assert "work.escalated" in receiver.events()
    assert not any(word in each.body for each in receiver.came for word in (b"anzibar", b"Ana"))


def test_a_receiver_that_is_down_for_an_hour_gets_everything_once_it_is_back(floor):
    port = receivers.free_port()
    with receivers.running(port) as receiver:
        url = receiver.url
    endpoint, secret = floor.endpoint(url)
    items = [floor.mail(f"letter-{n}") for n in range(5)]
    floor.follows()
    floor.walks(endpoint, make.NINE, make.NINE + 60 * MINUTE, 5 * MINUTE)
    for item in items:
        floor.done(item, at=make.NINE + 30 * MINUTE)
    floor.follows(at=make.NINE + 30 * MINUTE)

    assert {each.state for each in floor.rows()} == {"waiting"}
    assert floor.attempts(floor.rows()[0])[0] == (None, "Connection refused")
    assert floor.now(endpoint).failing_since == make.NINE
    with receivers.running(port) as receiver:
        floor.walks(endpoint, make.NINE + 61 * MINUTE, make.NINE + 100 * MINUTE, MINUTE)

        assert receiver.of_items() == {f"letter-{n}": LETTER for n in range(5)}
        assert len({each.key for each in receiver.taken}) == 30 == len(receiver.taken)
        assert all(each.is_signed_by(secret) for each in receiver.taken)
    assert floor.now(endpoint).failing_since is None


def test_once_it_takes_something_nothing_waits_for_its_own_next_try(floor, receiver, monkeypatch):
    monkeypatch.setattr(retries, "BACK_OFF_SECONDS", (28800,))
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    receiver.answer = lambda came: 503
    for n in range(3):
        floor.mail(f"letter-{n}")
    floor.follows()
    floor.sends(endpoint)
    back = make.NINE + timedelta(hours=1)
    assert all(each.due_at > back for each in floor.rows())

    receiver.answer = lambda came: 200
    floor.mail("letter-3", at=back)
    floor.follows(at=back)
    floor.sends(endpoint, back)
    assert {each.state for each in floor.rows()} == {"accepted"} and len(floor.rows()) == 4


def test_while_it_is_down_it_is_asked_seldom(floor):
    endpoint, _ = floor.endpoint(f"http://localhost:{receivers.free_port()}/")
    for n in range(30):
        floor.mail(f"letter-{n}")
    floor.follows()
    floor.walks(endpoint, make.NINE, make.NINE + timedelta(hours=2), MINUTE)

    asked = sum(len(floor.attempts(each)) for each in floor.rows())
    assert asked < 30, "a dead receiver is left in peace for longer and longer"


def test_an_event_that_is_refused_keeps_its_item_and_no_other_waiting(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    refused = {"letter-1"}
    receiver.answer = lambda came: 422 if came.told["item"]["key"] in refused else 200
    floor.mail("letter-1")
    floor.mail("letter-2")
    floor.follows()
    floor.walks(endpoint, make.NINE, make.NINE + 10 * MINUTE, MINUTE)

    assert receiver.of_items() == {"letter-2": ["work.received", "work.queued"]}
    tried = [each for each in receiver.came if each.told["item"]["key"] == "letter-1"]
    assert {each.told["event"] for each in tried} == {"work.received"} and len({each.key for each in tried}) == 1
    assert len(tried) >= 3

    refused.clear()
    floor.walks(endpoint, make.NINE + 11 * MINUTE, make.NINE + 40 * MINUTE, MINUTE)
    assert receiver.of_items()["letter-1"] == ["work.received", "work.queued"]


def test_what_was_taken_without_an_answer_comes_again_under_the_same_id(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    broken = []

    def break_off(came):
        """It takes each event, and dies the first time before it has said so."""
        receiver.taken.append(came)
        if came.key not in broken:
            broken.append(came.key)
            return None
        return 200

    receiver.answer = break_off
    floor.done(floor.mail("letter-1"))
    floor.follows()
    floor.walks(endpoint, make.NINE, make.NINE + 30 * MINUTE, MINUTE)

    assert receiver.of_items() == {"letter-1": LETTER}
    assert [receiver.came[n].key == receiver.came[n + 1].key for n in range(0, 12, 2)] == [True] * 6
    assert {each.state for each in floor.rows()} == {"accepted"}


def test_items_go_beside_each_other_and_what_is_of_one_item_goes_one_after_the_other(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    under_way: list[str] = []
    together: list[set[str]] = []
    lock = threading.Lock()

    def slowly(came):
        item = came.told["item"]["key"]
        with lock:
            assert item not in under_way, "two events of one item at once"
            under_way.append(item)
            together.append(set(under_way))
        time.sleep(0.1)
        with lock:
            under_way.remove(item)
        return 204

    receiver.answer = slowly
    for n in range(4):
        floor.done(floor.mail(f"letter-{n}"))
    floor.follows()
    floor.sends(endpoint)

    assert receiver.of_items() == {f"letter-{n}": LETTER for n in range(4)}
    assert max(len(each) for each in together) == 4


def test_a_slow_receiver_is_waited_for_only_so_long(floor, receiver, monkeypatch):
    monkeypatch.setattr(webhooks_gateway, "SECONDS", 0.3)
    endpoint, _ = floor.endpoint(receiver.url)
    over = threading.Event()
    receiver.answer = lambda came: over.wait(300) and 200
    floor.mail("letter-1")
    floor.follows()
    began = time.monotonic()
    floor.sends(endpoint)
    took = time.monotonic() - began
    over.set()

    assert took < 60
    assert floor.attempts(floor.rows()[0]) == [(None, "no answer within 0 seconds")]


def test_three_failures_in_a_row_are_followed_by_rests_that_grow(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    receiver.answer = lambda came: 500
    for n in range(10):
        floor.mail(f"letter-{n}")
    floor.follows()
    floor.sends(endpoint)
    after_the_first = len(receiver.came)
    rests = []
    at = make.NINE
    for _ in range(4):
        rests_until = floor.now(endpoint).rests_until
        rests.append((rests_until - at).total_seconds())
        floor.sends(endpoint, rests_until - timedelta(seconds=1))  # nothing
        at = rests_until
        floor.sends(endpoint, at)

    assert after_the_first == 4  # as many as are sent at once
    assert len(receiver.came) == 4 + 4  # one at a time from then on
    assert rests == [30, 60, 120, 300]
    assert "500 a body that says why" in floor.now(endpoint).fault


def test_retry_after_is_honoured(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    receiver.answer = lambda came: (429, {"Retry-After": "1200"})
    floor.mail("letter-1")
    floor.follows()
    floor.sends(endpoint)
    assert floor.now(endpoint).rests_until == make.NINE + 20 * MINUTE

    receiver.answer = lambda came: 200
    floor.walks(endpoint, make.NINE, make.NINE + 19 * MINUTE, MINUTE)
    assert len(receiver.came) == 1
    floor.sends(endpoint, make.NINE + 20 * MINUTE)
    assert floor.states() == [("work.received", "accepted")]


def test_410_ends_it_and_says_so(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    receiver.answer = lambda came: 410
    floor.mail("letter-1")
    floor.mail("letter-2")
    floor.follows()
    floor.sends(endpoint)
    floor.mail("letter-3")
    floor.follows()

    assert floor.now(endpoint).state == "gone"
    assert {state for _, state in floor.states()} == {"failed"} and len(floor.rows()) == 4
    with transaction.atomic():
        rls.enter_every_client()
        told = list(Fact.objects.filter(event__startswith="webhook.").order_by("id").values_list("event", "details"))
    assert [event for event, _ in told] == [
        "webhook.endpoint-added",
        "webhook.endpoint-gone",
        "webhook.not-delivered",
    ]
    assert told[2][1]["count"] == 4


def test_after_three_days_it_is_tried_no_more_and_can_be_sent_again(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    receiver.answer = lambda came: 500
    floor.mail("letter-1")
    floor.mail("letter-2")
    floor.follows()
    floor.walks(endpoint, make.NINE, make.NINE + timedelta(days=3, hours=1), timedelta(minutes=20))
    assert floor.states() == [("work.received", "failed")] * 2
    came = len(receiver.came)
    later = make.NINE + timedelta(days=4)
    floor.sends(endpoint, later)
    assert len(receiver.came) == came

    receiver.answer = lambda came: 200
    again = floor.rows()[0]
    floor.does(webhooks.send_again, delivery=again, by=actors.ROOT, now=later)
    floor.sends(endpoint, later)
    assert [each.state for each in floor.rows()] == ["accepted", "failed"]
    assert receiver.came[-1].key == again.key


def test_while_paused_what_happens_waits(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    floor.does(webhooks.pause, endpoint=endpoint, by=actors.ROOT, now=make.NINE)
    floor.mail("letter-1")
    floor.follows()
    floor.sends(endpoint)
    assert receiver.came == [] and len(floor.rows()) == 2

    # A week later nothing of that is too old: nobody has tried to send it.
    floor.does(webhooks.resume, endpoint=endpoint, by=actors.ROOT, now=make.NINE + timedelta(days=7))
    floor.sends(endpoint, make.NINE + timedelta(days=7))
    assert receiver.of_items() == {"letter-1": ["work.received", "work.queued"]}


def test_what_is_removed_is_told_nothing_any_more(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url)
    floor.mail("letter-1")
    floor.follows()
    floor.does(webhooks.remove, endpoint=endpoint, by=actors.ROOT, now=make.NINE)
    floor.mail("letter-2")
    floor.follows()
    floor.sends(endpoint)

    assert receiver.came == []
    assert {state for _, state in floor.states()} == {"failed"} and len(floor.rows()) == 2


def test_after_a_rotation_both_secrets_hold_for_a_day(floor, receiver):
    endpoint, old = floor.endpoint(receiver.url, "work.received")
    new = floor.does(webhooks.rotate, endpoint=endpoint, by=actors.ROOT, now=make.NINE)
    floor.mail("letter-1")
    floor.follows()
    floor.sends(endpoint, make.NINE + timedelta(hours=23))
    floor.mail("letter-2")
    floor.follows()
    floor.sends(endpoint, make.NINE + timedelta(hours=25))

    first, second = receiver.came
    assert old != new
    assert (first.is_signed_by(old), first.is_signed_by(new)) == (True, True)
    assert (second.is_signed_by(old), second.is_signed_by(new)) == (False, True)


def test_a_test_event_goes_at_once_also_in_a_rest(floor, receiver):
    endpoint, secret = floor.endpoint(receiver.url, "case")
    receiver.answer = lambda came: (503, {"Retry-After": "86400"})
    floor.does(webhooks.send_test, endpoint=endpoint, by=actors.ROOT, now=make.NINE)
    floor.sends(endpoint)
    receiver.answer = lambda came: 200
    floor.does(webhooks.send_test, endpoint=endpoint, by=actors.ROOT, now=make.NINE + MINUTE)
    floor.sends(endpoint, make.NINE + MINUTE)

    assert receiver.events() == ["webhook.test"] * 3
    assert receiver.came[-1].is_signed_by(secret)
    assert {state for _, state in floor.states()} == {"accepted"}
