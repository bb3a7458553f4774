import pytest

from tests import make
from workfloor.core.people import actions as people

pytestmark = pytest.mark.usefixtures("everyone")


def test_a_leader_sees_only_the_clients_they_are_cleared_for(client):
    mine, foreign = make.client(), make.client("porto-post")
    leader = make.person("leader")
    people.clear(person=leader, client=mine, now=make.NINE)
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
    people.clear(person=leader, client=served, now=make.NINE)
    client.force_login(leader.account)
    call = make.call(title="No power", payload={"meterNumber": "PT-48"})

    page = client.get(f"/floor/items/{call.id}/").content.decode()

    assert all(words in page for words in ("No power", "Meter number", "PT-48", "Queued", "Received"))


def test_an_item_of_a_client_that_a_leader_is_not_cleared_for_is_not_there(client):
    make.client()
    client.force_login(make.person("leader").account)

    assert client.get(f"/floor/items/{make.call().id}/").status_code == 404
