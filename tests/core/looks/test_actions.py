"""Who looks at personal data is recorded, once a quarter of an hour, and not when a page reads itself again."""

import pytest
from django.test import Client as Browser

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.event_log.models import Fact
from workfloor.core.looks import actions as looks
from workfloor.core.looks import models as looks_models
from workfloor.core.looks.models import Look
from workfloor.core.looks.requests import BY_ITSELF
from workfloor.core.people.models import Person
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.work import actions as work
from workfloor.kit.database import rls


def seen(number: int, client_id: int) -> looks.Seen:
    return looks.Seen(looks_models.CASE, number, client_id, number)


def rows() -> list[tuple[str, int, str]]:
    rls.enter_every_client()
    return list(Look.objects.order_by("id").values_list("what", "number", "place"))


def test_whoever_looks_twice_within_a_quarter_of_an_hour_has_looked_once(everyone):
    client, ana, rita = make.client(), make.person("leader"), make.person("leader")
    look = {"seen": [seen(7, client.id)], "place": "a page"}

    for minutes in (0, 3, 14):
        looks.look(by=ana, now=make.later(minutes=minutes), **look)
    assert Look.objects.count() == 1
    looks.look(by=rita, now=make.later(minutes=3), **look)
    looks.look(by=ana, now=make.later(minutes=15), **look)
    looks.look(by=actors.ROOT, now=make.later(minutes=15), **look)
    looks.look(by=actors.ROOT, now=make.later(minutes=16), **look)

    assert [(each.by_id, each.acted_as, each.at) for each in Look.objects.order_by("id")] == [
        (ana.id, "", make.NINE),
        (rita.id, "", make.later(minutes=3)),
        (ana.id, "", make.later(minutes=15)),
        (None, "root", make.later(minutes=15)),
    ]


def test_looks_at_a_client_are_behind_its_wall(everyone):
    north, south = make.client("north"), make.client("south")
    leader = make.in_charge("leader", north, south)
    looks.look(seen=[seen(1, north.id), seen(2, south.id)], place="a page", by=leader, now=make.NINE)

    rls.enter(north.id)
    assert list(Look.objects.values_list("number", flat=True)) == [1]


def test_looks_go_when_their_time_is_over_and_the_log_says_how_many(everyone):
    client, ana = make.client(), make.person("leader")
    looks.look(seen=[seen(1, client.id)], place="a page", by=ana, now=make.NINE)
    looks.look(seen=[seen(2, client.id)], place="a page", by=ana, now=make.later(days=300))
    retention.set_days(kind="looks", days=90, client=client, by=actors.ROOT, now=make.NINE)

    assert looks.delete_expired(client_id=client.id, now=make.later(days=301)) == 1
    assert looks.delete_expired(client_id=client.id, now=make.later(days=301)) == 0

    assert list(Look.objects.values_list("number", flat=True)) == [2]
    [fact] = Fact.objects.filter(event="retention.expired")
    assert fact.details == {"kind": "looks", "count": 1, "days": 90}
    with pytest.raises(kinds.Refused, match="kept for 90 to"):
        retention.set_days(kind="looks", days=30, client=client, by=actors.ROOT, now=make.NINE)


# --- which pages and calls ------------------------------------------------------------------------------------------


@pytest.fixture
def letter(everyone):
    """A customer's mail with a file, in an agent's hands; and a leader with a browser."""
    ana = make.agent("Ana")
    item = make.item("mail", customer=work.Customer("C-7", "Maria"))
    work.offer(item=item, person=ana, max_concurrency=3, offer_seconds=30, by=actors.engine("router"), now=make.NINE)
    message, _ = conversations.receive(
        case=item.case,
        item=item,
        channel="email",
        key="m-1",
        sender=Address("maria@example.com", "Maria"),
        content=Content("Hello", html="<p>Hello</p>"),
        files=[File("bill.txt", "text/plain", b"a bill")],
        by=actors.CUSTOMER,
        now=make.NINE,
    )
    return message


def browser(person):
    found = Browser()
    found.force_login(person.account)
    return found


def test_opening_a_conversation_a_customer_a_letter_a_file_and_an_item_are_looks_by_whoever_opens(letter):
    leader = make.in_charge("leader", make.client(), name="Rita")
    page, case = browser(leader), letter.case

    for address in (
        f"/conversations/cases/{case.id}/",
        f"/conversations/customers/{case.customer_id}/",
        f"/conversations/messages/{letter.id}/",
        f"/conversations/files/{letter.attachments.get().id}/",
        f"/floor/items/{letter.item_id}/",
        f"/floor/why/{letter.item_id}/",
    ):
        assert page.get(address).status_code == 200, address

    assert rows() == [
        ("case", case.id, "conversations/cases/…/"),
        ("customer", case.customer_id, "conversations/customers/…/"),
        ("message", letter.id, "conversations/messages/…/"),
        ("attachment", letter.attachments.get().id, "conversations/files/…/"),
        ("item", letter.item_id, "floor/items/…/"),
    ]
    assert set(Look.objects.values_list("by_id", flat=True)) == {leader.id}


def test_a_page_that_reads_itself_again_is_no_look(letter):
    page = browser(make.in_charge("leader", make.client()))

    page.get(f"/conversations/cases/{letter.case_id}/", headers={BY_ITSELF: "true"})

    assert rows() == []


def test_what_is_not_there_or_not_for_somebody_is_no_look(letter):
    stranger = make.in_charge("leader")

    assert browser(stranger).get(f"/conversations/cases/{letter.case_id}/").status_code == 404
    assert browser(make.person("planner")).get(f"/conversations/cases/{letter.case_id}/").status_code == 403
    assert rows() == []


def test_the_agent_who_takes_an_item_up_sees_its_customer_too(letter):
    page = browser(Person.objects.get(name="Ana"))

    page.get("/desk/")
    assert rows() == [], "an offer tells nothing of the customer"
    page.post(f"/desk/items/{letter.item_id}/accept/", headers={"HX-Request": "true"})

    page.get("/desk/")
    page.get("/desk/", headers={BY_ITSELF: "true"})
    assert rows() == [("item", letter.item_id, "desk/items/…/accept/")]


def test_a_clients_system_that_reads_work_is_named_by_its_token(letter):
    token = clients.issue_token(
        client=make.client(), title="their desk", scopes=["work:read"], by=actors.ROOT, now=make.NINE
    )
    sends = {"HTTP_AUTHORIZATION": f"Bearer {token}"}

    assert Browser().get(f"/api/work/{letter.item.key}", **sends).status_code == 200
    assert Browser().get("/api/work/nothing", **sends).status_code == 404

    rls.enter_every_client()
    [found] = Look.objects.all()
    assert (found.acted_as, found.what, found.number) == ("client's system their desk", "item", letter.item_id)
