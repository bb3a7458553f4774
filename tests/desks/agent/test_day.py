from datetime import timedelta

import pytest

from tests import make
from tests.desks.agent.test_views import LIVE, held, press
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.desks.agent import day_queries
from workfloor.desks.agent import queries as agent_queries
from workfloor.kit.time import clock

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture
def ana(client):
    make.client(chats=True)
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


def offered_at(by, at, queue):
    item = make.item(queue, title="My bill", at=at, customer=work.Customer("C-7", "Rui Costa"))
    most = 1 if queue == "calls" else 3
    return work.offer(item=item, person=by, max_concurrency=most, offer_seconds=20, by=make.ROUTER, now=at)


def done(by, queue, waited, took):
    """Something that came, waited and was done within so many seconds each, and has just been finished."""
    end = clock.now()
    item = offered_at(by, end - timedelta(seconds=waited + took), queue)
    item = work.accept(item=item, by=by, now=end - timedelta(seconds=took))
    item = work.end(item=item, by=by, now=end)
    disposition = "resolved" if queue == "calls" else "answered"
    return work.wrap_up(item=item, by=by, disposition=disposition, now=end)


def test_my_day_says_what_was_handled_how_long_it_took_and_what_met_its_target(client, ana):
    done(ana, "calls", waited=5, took=60)
    done(ana, "calls", waited=15, took=180)
    done(ana, "calls", waited=600, took=120)  # the target is 20 seconds
    now = clock.now()
    day = day_queries.my_day(ana, now)

    assert (day.sums.done, day.sums.mean_seconds) == (3, 120)
    assert (day.sums.in_time, day.sums.with_target, day.sums.in_time_percent) == (2, 3, 66)
    assert [(item.queue.name, sums.done) for item, sums in day.queues] == [("calls", 3)]
    page = client.get("/desk/day/").content.decode()
    assert all(
        words in page for words in ("2 of 3 within target", "66 %", "Rui Costa", "No shifts of yours are planned")
    )


def test_work_of_which_three_go_at_once_occupies_a_third_of_somebody_and_a_call_all_of_them(ana):
    now = clock.now()
    people.go_away(person=ana, by=ana, reason="break", now=now - timedelta(seconds=1000))
    people.go_available(person=ana, by=ana, now=now - timedelta(seconds=400))
    midnight = now - timedelta(seconds=2000)
    mail = day_queries.Done(done(ana, "mail", waited=1, took=300), 300, None)
    call = day_queries.Done(done(ana, "calls", waited=1, took=100), 100, None)

    assert day_queries.staffed_seconds(ana, midnight, now) == 1000 + 400
    assert day_queries.busy_seconds(ana, [mail, call], midnight, now) == pytest.approx(200)
    assert day_queries.busy_percent(350, 1400) == 25
    assert day_queries.busy_percent(900, 600) == 100
    assert day_queries.busy_percent(0, 0) is None


def test_my_shifts_stand_there_and_what_is_offered_meanwhile_is_told(client, ana):
    now = clock.now()
    people.plan_shift(
        person=ana, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1), by=actors.ROOT, now=now
    )
    offered_at(ana, clock.now(), "calls")

    page = client.get("/desk/day/").content.decode()

    assert ">now</span>" in page
    assert "Offer: Call for Lisbon Light, Calls." in page


def test_the_list_says_which_customer_waits_for_an_answer_and_opens_what_is_chosen(client, ana):
    first, second = held(ana, queue="mail", title="First letter"), held(ana, queue="mail", title="Second letter")

    page = client.get(f"/desk/hands/?item={second.id}").content.decode()

    assert f'data-item="{second.id}" aria-current="true"' in page
    assert f'data-item="{first.id}" data-key="n"' in page
    assert press(client, first, "finish", disposition="answered").status_code == 204
    assert "First letter" not in client.get("/desk/hands/").content.decode()
    assert client.post("/desk/hands/", headers=LIVE).status_code == 405


def test_the_keys_open_what_comes_before_and_after_round_and_round():
    assert agent_queries.neighbours([5, 6, 7], 7) == {6: "b", 5: "n"}
    assert agent_queries.neighbours([5, 6], 5) == {6: "n"}
    assert agent_queries.neighbours([5], 5) == {}
    assert agent_queries.neighbours([5, 6], None) == {}
