"""The page that says why an item was offered to whom it was."""

import pytest
from django.urls import reverse

from tests import make
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.kit.time import clock
from workfloor.ops.routing import leader as routing_leader


@pytest.fixture
def leader(everyone, client):
    found = make.person("leader", name="Lena")
    people.clear(person=found, client=make.client(), by=actors.ROOT, now=make.NINE)
    client.force_login(found.account)
    return found


def page(client, item):
    return client.get(reverse("routing:why", args=[item.id]))


def test_a_leader_reads_who_could_have_had_it(leader, client):
    make.agent("Able"), make.agent("Unskilled", portuguese=1)
    call = make.call(at=clock.now())
    routing_leader.pulse(now=clock.now())
    said = page(client, call).content.decode()

    assert "Offered to <strong>Able</strong>" in said
    assert "no, lacks portuguese 3" in said


def test_what_waits_says_that_nobody_could(leader, client):
    call = make.call(at=clock.now())
    make.agent("Unskilled", portuguese=1)

    assert "is offered to nobody" in page(client, call).content.decode()


def test_work_that_left_without_an_offer_says_so(leader, client):
    from workfloor.core.work import actions as work

    call = make.call(at=clock.now())
    work.abandon(item=call, by=make.CUSTOMER, now=clock.now())

    assert "was never offered" in page(client, call).content.decode()


def test_other_clients_work_is_not_there(leader, client):
    assert page(client, make.item("calls", of="another")).status_code == 404


def test_agents_do_not_read_it(everyone, client):
    agent, call = make.agent(), make.call()
    client.force_login(agent.account)

    assert page(client, call).status_code == 403
