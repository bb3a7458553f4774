"""Who changed what, as sentences; who saw whose data; each client's to those alone who are cleared for it."""

import pytest

from tests import make
from tests.house.test_words import recorded
from workfloor.core.access import actors
from workfloor.core.audit import queries as audit_queries
from workfloor.core.audit import sentences
from workfloor.core.audit.queries import Asked, Cursor
from workfloor.core.clients import actions as clients
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.looks import actions as looks
from workfloor.core.people import actions as people
from workfloor.core.retention import actions as retention
from workfloor.core.work import actions as work
from workfloor.kit.database import rls


def says(asked: Asked = Asked(), seen: bool = False, most: int = 100) -> list[str]:  # noqa: B008
    return [each.says for each in (audit_queries.looks if seen else audit_queries.changes)(asked, most)]


@pytest.fixture
def olga(everyone):
    return make.person("administrator", name="Olga")


def test_every_event_that_is_no_step_of_work_has_a_sentence_of_its_own():
    told = {name for name in recorded() if not name.startswith("work.")}

    assert told - sentences.SAYS.keys() == set(), "say in core/audit/sentences.py what these facts are as sentences"
    assert sentences.SAYS.keys() - told == set(), "nothing records these any more"


def test_a_change_is_a_sentence_with_what_was_before_and_after(olga):
    manila = people.open_site(name="A", country="PH", zone="Asia/Manila", by=olga, now=make.NINE)
    people.change_site(site=manila, name="B", by=olga, now=make.later(hours=1))
    joao = make.person("agent", name="Joao")
    people.assign_roles(person=joao, roles=["agent", "planner"], by=olga, now=make.later(hours=2))

    found = says(Asked(who="olga"))

    assert found == [
        "Olga changed the person Joao: roles from agent to agent, planner",
        "Olga changed the site B: name from A to B",
        "Olga opened the site A (PH, Asia/Manila)",
    ]
    assert says(Asked(who="root"))[0] == "The root of the installation took Joao on as agent"


def test_what_somebody_did_to_nobody_but_themselves_is_said_so(olga):
    ana = make.agent("Ana", available=False)
    people.go_available(person=ana, by=ana, now=make.NINE)
    people.go_away(person=ana, by=ana, reason="lunch", now=make.later(hours=1))

    assert says(Asked(who="ana", with_work=True))[:2] == ["Ana went to Not ready: lunch", "Ana went available"]


def test_what_is_kept_for_how_long_is_told_in_words(olga):
    retention.set_days(kind="raw-mail", days=30, by=olga, now=make.NINE)

    assert says(Asked(who="olga")) == [
        "Olga changed for how many days this is kept: mail as it came, after it was dealt with; from 180 to 30"
    ]


def test_what_happened_to_work_is_told_where_it_is_asked_for(olga):
    ana = make.agent("Ana")
    call = make.call()
    work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=60, by=actors.engine("router"), now=make.NINE)
    work.accept(item=call, by=ana, now=make.later(seconds=5))

    assert not any("Accepted" in each for each in says(Asked(who="ana")))
    told = says(Asked(with_work=True, event="work."))
    assert f"Ana, item {call.id}: Accepted" in told
    assert f"The router, item {call.id}: Offered (Ana)" in told


def test_each_filter_tells_no_more_than_was_asked_for(olga):
    client = make.client("north")
    make.client("south")
    olga.clearances.create(client=client, granted_at=make.NINE)
    clients.issue_token(client=client, title="their desk", scopes=["work:read"], by=olga, now=make.later(days=1))
    people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=olga, now=make.later(days=2))

    assert says(Asked(event="client.token")) == ["Olga issued the token their desk of north, for work:read"]
    assert says(Asked(about="porto")) == ["Olga opened the site Porto (PT, Europe/Lisbon)"]
    assert says(Asked(client=client, since=make.NINE)) == says(Asked(event="client.token"))
    assert says(Asked(who="olga", until=make.later(days=2))) == says(Asked(event="client.token"))
    assert says(Asked(who="nobody of that name")) == []


def test_pages_follow_on_one_another_without_a_gap_also_within_one_moment(olga):
    for number in range(7):
        people.open_site(name=f"Site {number}", country="PT", zone="Europe/Lisbon", by=olga, now=make.NINE)
    asked = Asked(who="olga", event="site")

    groups = list(audit_queries.every(asked, 3, seen=False))

    assert [len(group) for group in groups] == [3, 3, 1]
    assert [each.says for group in groups for each in group] == says(asked)
    cursor = groups[0][-1].cursor
    assert Cursor.read(str(cursor)) == cursor
    assert [Cursor.read(text) for text in ("", "x", "2026-03-04_1", "2026-03-04T09:00:00+00:00_x")] == [None] * 4


def test_no_answer_is_longer_than_its_bound(olga, monkeypatch):
    monkeypatch.setattr(audit_queries, "MOST", 2)
    for number in range(4):
        people.open_site(name=f"Site {number}", country="PT", zone="Europe/Lisbon", by=olga, now=make.NINE)

    assert len(says(Asked(event="site"), most=1_000_000)) == 2


def test_the_audit_of_one_client_tells_nothing_of_another(olga):
    north, south = make.client("north"), make.client("south")
    manager = make.in_charge("manager", north, name="Marta")
    for client in (north, south):
        olga.clearances.create(client=client, granted_at=make.NINE)
        clients.issue_token(client=client, title=client.slug, scopes=["work:read"], by=olga, now=make.NINE)
        own = make.person("client", name=f"Own {client.slug}", of=client)
        item = make.item("mail", of=client.slug, customer=work.Customer("C-7", f"Maria {client.slug}"))
        seen = [looks.Seen("item", item.id, client.id, item.case_id)]
        looks.look(seen=seen, place="a page", by=own, now=make.NINE)

    rls.enter(*[north.id])
    told = [*says(), *says(Asked(with_work=True)), *says(seen=True), *says(Asked(customer="C-7"), seen=True)]

    assert any("north" in each for each in told)
    assert not any("south" in each for each in told)
    assert manager.may_enter(north.id) and not manager.may_enter(south.id)


# --- who saw this customer's data in March ----------------------------------------------------------------------------


@pytest.fixture
def maria(everyone):
    """A customer with two cases, known by a number in one and by her address in the other; and somebody else's."""
    rita = make.in_charge("leader", make.client(), name="Rita")
    known = make.item("mail", customer=work.Customer("C-7", "Maria"))
    by_mail = make.item("mail", customer=work.Customer("maria@example.com", "Maria", is_claimed=True))
    other = make.item("mail", customer=work.Customer("C-8", "Rui"))
    for item in (known, by_mail):
        conversations.receive(
            case=item.case,
            item=item,
            channel="email",
            key=f"m-{item.id}",
            sender=Address("maria@example.com", "Maria"),
            content=Content("Hello"),
            by=actors.CUSTOMER,
            now=make.NINE,
        )
    for hours, item in enumerate((known, by_mail, other)):
        seen = [looks.Seen("item", item.id, item.client_id, item.case_id)]
        looks.look(seen=seen, place="floor/items/", by=rita, now=make.later(hours=hours))
    customer = looks.Seen("customer", known.case.customer_id, known.client_id)
    looks.look(seen=[customer], place="customers/", by=rita, now=make.later(days=40))
    return known, by_mail


def test_who_saw_a_customers_data_is_one_query_by_number_or_address(maria):
    known, by_mail = maria

    assert says(Asked(customer="maria@example.com"), seen=True) == [
        f"Rita looked at item {by_mail.id} and its customer's details",
        f"Rita looked at item {known.id} and its customer's details",
    ]
    march = Asked(customer="c-7", since=make.NINE, until=make.later(days=27))
    assert says(march, seen=True) == [f"Rita looked at item {known.id} and its customer's details"]
    assert len(says(Asked(customer="C-7"), seen=True)) == 2
    assert len(says(Asked(customer="C-7", event="look.customer"), seen=True)) == 1
    assert says(Asked(customer="nobody"), seen=True) == []


def test_an_address_finds_the_same_once_somebody_has_confirmed_whose_it_is(maria):
    _, by_mail = maria
    leader = make.in_charge("leader", make.client())
    work.confirm_customer(case=by_mail.case, by=leader, now=make.later(hours=4))
    by_mail.case.refresh_from_db()

    assert len(says(Asked(customer="maria@example.com"), seen=True)) == 2
