"""From an item on the floor to the reasons for its offer."""

from tests import make
from workfloor.core.access import actors
from workfloor.core.people import actions as people


def test_a_leader_gets_from_an_item_to_who_could_have_it(client, everyone):
    leader = make.person("leader")
    people.clear(person=leader, client=make.client(), by=actors.ROOT, now=make.NINE)
    item = make.call(title="Where is my parcel?")
    client.force_login(leader.account)

    assert f"/floor/why/{item.id}/" in client.get(f"/floor/items/{item.id}/").content.decode()
    assert "Where is my parcel?" in client.get(f"/floor/why/{item.id}/").content.decode()
