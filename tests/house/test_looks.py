"""Every page and call that shows a customer's name or address records who saw it: new ones are found by themselves."""

import pytest
from django.test import Client as Browser

from tests.house.test_isolation_of_pages import CALLS, PAGES, signed_in, text_of
from tests.house.test_rooms import HOUSE
from tests.house.two_clients import SECRET
from workfloor.core.looks.models import Look
from workfloor.core.looks.requests import BY_ITSELF
from workfloor.kit.database import rls

# What only a customer is called by: the south's, in the made-up sides of the tests of the walls.
OF_A_CUSTOMER = (f"customer {SECRET}", f"{SECRET}@example.com")
STREAMS = ("live/", "administration/audit/audit.csv")  # the one tells nothing of customers, the other is a look itself
LIVE = HOUSE / "ui/static/ui/live.js"


def tells_of_a_customer(answer) -> bool:
    return answer.status_code == 200 and any(each in text_of(answer) for each in OF_A_CUSTOMER)


def looks_by(person) -> int:
    rls.enter_every_client()
    return Look.objects.filter(by=person).count()


@pytest.mark.parametrize("role", ["agent", "leader", "planner", "manager"])
@pytest.mark.parametrize(
    "page", [each for each in PAGES if each.route not in STREAMS], ids=lambda each: each.route or "/"
)
def test_a_page_that_shows_a_customer_records_who_saw_it(page, role, sides):
    _, south = sides
    person = south.staff[role]
    Look.objects.filter(by=person).delete()

    for address in page.addresses(south):
        before = looks_by(person)
        answer = signed_in(person.account).get(address)
        assert not tells_of_a_customer(answer) or looks_by(person) > before, address


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("agent", "agent:desk"),
        ("leader", "leader:item"),
        ("leader", "conversations:case"),
        ("leader", "conversations:customer"),
    ],
)
def test_a_page_that_shows_a_customer_is_known_as_one(role, name, sides):
    _, south = sides
    [page] = [each for each in PAGES if each.name == name]

    assert tells_of_a_customer(signed_in(south.staff[role].account).get(page.addresses(south)[0]))


@pytest.mark.parametrize("path", [path for method, path in CALLS if method == "get"])
def test_a_call_that_tells_of_a_customer_records_which_system_asked(path, sides):
    _, south = sides
    address = path.replace("{key}", south.held.key).replace("{number}", south.client.slug)
    address = (
        address.replace("{period}", "2026-03").replace("{figure}", "received").replace("{item}", str(south.held.id))
    )

    answer = Browser(headers={"Authorization": f"Bearer {south.token}"}).get(address)

    rls.enter_every_client()
    recorded = Look.objects.filter(by=None, acted_as__startswith="client's system").exists()
    assert not tells_of_a_customer(answer) or recorded
    assert recorded == path.startswith("/api/work/"), "the state of work is a look"


def test_a_live_page_says_wherever_it_reads_by_itself():
    reads = [line for line in LIVE.read_text().splitlines() if '"HX-Request": "true"' in line]

    assert len(reads) == 2
    assert all(f'"{BY_ITSELF}": "true"' in line for line in reads)
