"""The statement's pages: for leaders who are cleared, each figure opening to its items and their facts."""

import pytest
from django.test import Client as Browser

from tests import make
from tests.ops.billing.test_statements import AGREED, call, sign, store
from workfloor.core.people import actions as people

pytestmark = pytest.mark.usefixtures("everyone")
MARCH = "/clients/acme/statements/2026-03/"


@pytest.fixture
def acme():
    found = sign()
    store(found, [call(10), call(30)])
    return found


def signed_in(*roles, clear_for=None) -> Browser:
    person = make.person(*roles)
    if clear_for:
        people.clear(person=person, client=clear_for, now=make.NINE)
    browser = Browser()
    browser.force_login(person.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def test_a_cleared_leader_reads_the_month_and_opens_a_figure_down_to_its_facts(acme):
    leader = signed_in("leader", clear_for=acme)

    assert "2026-03" in leader.get("/statements/").content.decode()
    page = leader.get(MARCH).content.decode()
    assert "Statement for March 2026" in page
    assert f'href="{MARCH}items/m1/calls/"' in page
    opened = leader.get(f"{MARCH}items/m1/calls/").content.decode()
    assert (opened.count(">met<"), opened.count(">missed<")) == (1, 1)
    assert "The share of contacts that somebody answered within the threshold" in opened
    assert "The share of" not in leader.get(f"{MARCH}items/l1/").content.decode()
    item = acme.items.first()
    assert leader.get(f"{MARCH}items/m1/calls/facts/{item.id}/").status_code == 200
    assert leader.get(f"{MARCH}items/m1/vip/facts/{item.id}/").status_code == 404


def test_the_month_is_there_as_pdf(acme):
    answer = signed_in("manager", clear_for=acme).get(f"{MARCH}statement.pdf")

    assert answer["content-type"] == "application/pdf"
    assert answer["content-disposition"] == 'attachment; filename="statement-acme-2026-03.pdf"'
    assert answer.content.startswith(b"%PDF")


def test_long_lists_come_in_pages(acme):
    store(acme, [call(10) for _ in range(101)])
    leader = signed_in("leader", clear_for=acme)

    first, second, third = (leader.get(f"{MARCH}items/m1/?page={page}").content.decode() for page in (1, 2, 3))
    assert (first.count(">met<"), second.count(">met<")) == (100, 1)
    assert ("Next" in first, "Next" in second) == (True, False)
    assert "No more items." in third


@pytest.mark.parametrize("page", ["", "items/m1/", "items/m1/facts/1/", "statement.pdf"])
def test_without_clearance_the_client_does_not_exist(acme, page):
    other = sign(AGREED.replace('"acme"', '"other"'), slug="other")
    leader = signed_in("leader", clear_for=other)

    assert leader.get(MARCH + page).status_code == 404
    assert "acme" not in leader.get("/statements/").content.decode()


def test_agents_and_strangers_see_no_statements(acme):
    assert signed_in("agent", clear_for=acme).get(MARCH).status_code == 403
    assert Browser().get(MARCH).status_code == 302


@pytest.mark.parametrize("path", ["2025-12/", "2026-3/", "2026-03/items/m77/", "2026-03/items/m1/nowhere/"])
def test_what_does_not_exist_is_not_found(acme, path):
    assert signed_in("leader", clear_for=acme).get(f"/clients/acme/statements/{path}").status_code == 404
