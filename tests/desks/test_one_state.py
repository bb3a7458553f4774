"""One state a person: what an agent's desk says of them, the floor and their page say too, as the router goes by it."""

import re

import pytest

from tests import make
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.desks.agent import queries as agent_queries
from workfloor.desks.leader import detail_queries, thresholds
from workfloor.desks.leader import queries as leader_queries

pytestmark = pytest.mark.usefixtures("everyone")


def offered(agent, queue="calls", at_once=1):
    return work.offer(
        item=make.item(queue), person=agent, max_concurrency=at_once, offer_seconds=20, by=make.ROUTER, now=make.NINE
    )


def taken(agent, queue="calls", at_once=1):
    return work.accept(item=offered(agent, queue, at_once), by=agent, now=make.NINE)


def on_hold(agent):
    work.hold(item=taken(agent), by=agent, now=make.NINE)


def wrapping(agent):
    work.end(item=taken(agent), by=agent, now=make.NINE)


def chatting(agent, count):
    for _ in range(count):
        taken(agent, "chats", 4)


def at_lunch_with_a_letter(agent):
    taken(agent, "mail", 3)
    people.go_away(person=agent, by=agent, reason="lunch", now=make.NINE)


def signed_out_in_a_call(agent):
    taken(agent)
    people.sign_out_of_work(person=agent, by=agent, now=make.NINE)


@pytest.mark.parametrize(
    ("do", "on_the_desk", "words", "on_the_floor"),
    [
        (lambda agent: None, "available", "Available", "available"),
        (offered, "busy", "Offered, 1 of 1 taken", "offered"),
        (taken, "busy", "On a call, 1 of 1 taken", "on-call"),
        (on_hold, "busy", "On hold, 1 of 1 taken", "on-hold"),
        (wrapping, "busy", "Wrap-up (ACW), 1 of 1 taken", "wrap-up"),
        (lambda agent: chatting(agent, 1), "available", "Available, 1 of 4 taken", "available"),
        (lambda agent: chatting(agent, 4), "busy", "On a chat, 4 of 4 taken", "on-chat"),
        (lambda agent: taken(agent, "mail"), "busy", "Busy, 1 of 1 taken", "working"),
        (at_lunch_with_a_letter, "away", "Not ready: lunch, 1 in hand", "not-ready"),
        (signed_out_in_a_call, "signed-out", "Signed out, 1 in hand: finish it", "on-call"),
    ],
)
def test_desk_floor_and_the_persons_page_say_one_state(do, on_the_desk, words, on_the_floor):
    make.client(chats=True)
    leader, ana = make.person("leader"), make.agent("Ana")
    do(ana)
    held, shares = list(work_queries.held_by(ana)), work_queries.shares([ana.id])[ana.id]

    desk = agent_queries.standing(AgentState.objects.get(person=ana), held, shares)
    floor = leader_queries.floor(leader, None, None, make.NINE)
    page = detail_queries.looked_up(leader, ana.id, make.NINE)

    assert page is not None
    [worker] = floor.at_work
    assert (desk.state, desk.words) == (on_the_desk, words)
    assert (worker.standing.state, page.worker.standing.state) == (on_the_floor, on_the_floor)
    assert worker.parts == page.worker.parts
    assert worker.parts.many == len(shares)
    assert floor.free == (desk.state == "available")


def test_who_has_room_for_more_is_available_until_something_in_hand_takes_too_long():
    wrapping = thresholds.InHand("wrapping", "chat", 1, make.NINE, None, make.NINE)

    def state(minutes):
        now, on_shift = make.later(minutes=minutes), {"is_on_shift": True, "has_room": True}
        return thresholds.standing("available", "", make.NINE, [wrapping], {}, now=now, **on_shift).state

    assert (state(2), state(4)) == ("available", "wrap-up")


def test_the_page_of_a_person_says_what_the_router_goes_by(client):
    served = make.client()
    leader, ana = make.in_charge("leader", served), make.agent("Ana")
    taken(ana)
    client.force_login(leader.account)

    for address in ("/floor/", f"/floor/people/{ana.id}/"):
        said = " ".join(client.get(address).content.decode().split())
        assert re.search('On a call ?</span> <span class="wf-quiet">1 of 1 taken', said)
