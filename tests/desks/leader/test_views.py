import re
from datetime import timedelta

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.desks.leader import views as leader_views
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats

pytestmark = pytest.mark.usefixtures("everyone")


def test_a_leader_sees_only_the_clients_they_are_cleared_for(client):
    mine, foreign = make.client(), make.client("porto-post")
    leader = make.person("leader")
    people.clear(person=leader, client=mine, by=actors.ROOT, now=make.NINE)
    client.force_login(leader.account)

    page = client.get("/floor/").content.decode()

    assert str(mine) in page
    assert str(foreign) not in page
    assert str(foreign) not in client.get(f"/floor/?client={foreign.id}").content.decode()


@pytest.mark.parametrize("query", ["?client=x", "?client=-1", "?site=99999999999999999999", "?client=&site="])
def test_a_filter_that_names_nothing_is_no_error(client, query):
    make.client()
    client.force_login(make.person("leader").account)

    assert client.get(f"/floor/{query}").status_code == 200


def test_a_floor_without_queues_says_what_to_do(client):
    client.force_login(make.person("leader").account)

    assert "sign one with" in client.get("/floor/").content.decode()


@pytest.mark.parametrize("role", ["agent", "client"])
def test_the_floor_is_for_those_who_lead_on_it(client, role):
    of = make.client() if role == "client" else None
    client.force_login(make.person(role, of=of).account)

    assert client.get("/floor/").status_code == 403


def test_a_leader_looks_into_an_item_and_its_facts(client):
    served = make.client()
    leader = make.person("leader")
    people.clear(person=leader, client=served, by=actors.ROOT, now=make.NINE)
    client.force_login(leader.account)
    call = make.call(title="No power", payload={"meterNumber": "PT-48"})

    page = client.get(f"/floor/items/{call.id}/").content.decode()

    assert all(words in page for words in ("No power", "Meter number", "PT-48", "Queued", "Received"))


def test_an_item_of_a_client_that_a_leader_is_not_cleared_for_is_not_there(client):
    make.client()
    client.force_login(make.person("leader").account)

    assert client.get(f"/floor/items/{make.call().id}/").status_code == 404


def test_what_visitors_answered_is_counted_by_client_queue_and_agent_for_who_may_see_the_client(client):
    mine, foreign = make.client(chats=True), make.client("porto-post", chats=True)
    leader = make.person("leader")
    people.clear(person=leader, client=mine, by=actors.ROOT, now=make.NINE)
    for of, name, scores in ((mine, "Ana", (5, 4, 1)), (mine, "Ben", (3,)), (foreign, "Cia", (5,))):
        agent = make.agent(name, clear_for=of.slug)
        widget = chats.add_widget(
            queue=make.queue("chats", of.slug),
            origins=["https://x.example"],
            by=actors.ROOT,
            now=make.NINE,
            source='title = { en = "Chat" }',
        )
        for number, score in enumerate(scores):
            begun = chats.begin(
                widget=widget,
                secret=f"{name}{number}".ljust(43, "x"),
                key="first-001",
                message="Hello",
                answers={},
                address=f"192.0.2.{number}",
                now=make.NINE,
            )
            item = work.offer(
                item=begun.item, person=agent, max_concurrency=4, offer_seconds=20, by=make.ROUTER, now=make.NINE
            )
            item = work.end(item=work.accept(item=item, by=agent, now=make.NINE), by=agent, now=make.NINE)
            work.wrap_up(item=item, by=agent, disposition="resolved", now=make.NINE)
            chats.rate(chat=begun, score=2, comment="", now=make.NINE)  # the last answer counts
            chats.rate(chat=begun, score=score, comment="", now=make.NINE)
    client.force_login(leader.account)

    with clock.frozen(make.later(days=29)):
        page = client.get("/floor/satisfaction/").content.decode()
    with clock.frozen(make.later(days=31)):
        later = client.get("/floor/satisfaction/").content.decode()

    table = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('id="answered"')[2]))
    # Ana: 5 and 4 of three answers are 2/3, or 66 %. Ben: none of one.
    assert "Lisbon Light Ana 3 66 %" in table and "Lisbon Light Ben 1 0 %" in table
    assert "Cia" not in table
    assert "No visitor has rated a chat" in later


def test_mail_of_our_own_that_did_not_go_out_is_among_the_failures_of_whoever_runs_the_installation(client):
    by = {"by": actors.ROOT, "now": clock.now()}
    people.take_on(name="Joao Reis", email="joao@example.com", roles=["agent"], **by)  # no mail server is set up

    client.force_login(make.person("manager").account)
    page = client.get("/floor/failures/").content.decode()
    assert "Mail of our own that did not go out" in page
    assert "joao@example.com" in page
    assert "No mail server is set up" in page

    client.force_login(make.person("leader").account)
    assert "joao@example.com" not in client.get("/floor/failures/").content.decode()


def test_the_wallboard_shows_the_queues_at_risk_with_more_than_colour_and_is_reached_from_the_floor(client):
    client.force_login(make.in_charge("leader", make.client()).account)
    make.call(at=clock.now() - timedelta(minutes=5))
    make.item("mail", at=clock.now())

    assert "/floor/wallboard/" in client.get("/floor/").content.decode()
    page = client.get("/floor/wallboard/").content.decode()

    rows = re.findall(r'<li id="line-[\w-]+" data-mood="(\w+)"( data-sound)?>', page)
    assert rows == [("late", " data-sound"), ("calm", "")]
    board = page.partition("wall-queues")[2]
    assert board.index("Calls") < board.index(" missed") < board.index("Mail") < board.index(" fine")


def test_a_wallboard_can_be_of_one_client(client):
    mine, other = make.client(), make.client("porto-post")
    client.force_login(make.in_charge("leader", mine, other).account)
    make.call(at=clock.now(), of="porto-post")

    assert str(other) in client.get(f"/floor/wallboard/?client={other.id}").content.decode()
    assert "All queues are quiet" in client.get(f"/floor/wallboard/?client={mine.id}").content.decode()


def test_of_many_queues_those_at_risk_are_in_the_table_and_the_others_when_asked_for(client, monkeypatch):
    monkeypatch.setattr(leader_views, "MOST_QUEUES", 1)
    client.force_login(make.in_charge("leader", make.client()).account)
    make.call(at=clock.now() - timedelta(minutes=5))
    make.item("mail", at=clock.now())

    some, every = (client.get(f"/floor/{query}").content.decode() for query in ("", "?queues=all"))

    assert [re.findall(r'<tr data-risk="(\w+)"', page) for page in (some, every)] == [["late"], ["late", "calm"]]
    assert "1 more queue, less at risk" in some and "less at risk" not in every
