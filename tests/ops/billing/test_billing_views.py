"""The statement's pages: for leaders who are cleared, each figure opening to its items and their facts."""

import re
from decimal import Decimal

import pytest
from django.test import Client as Browser

from tests import make
from tests.ops.billing.test_statements import AGREED, call, sign, store
from workfloor.core.access import actors
from workfloor.core.contracts import levels
from workfloor.core.measures import catalogue
from workfloor.core.measures import presenting as measures_presenting
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.ops.billing import presenting as billing_presenting

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
        people.clear(person=person, client=clear_for, by=actors.ROOT, now=make.NINE)
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


def test_a_narrow_screen_is_told_what_each_cell_is_and_a_level_is_named_once(acme):
    page = signed_in("leader", clear_for=acme).get(MARCH).content.decode()

    queues = page.partition('aria-labelledby="queues"')[2]
    assert queues.count(">Answered<") == 1  # of two queues
    assert '<span title="50.0000 %">50.00 %</span>' in page
    assert '<span title="20.0000 s">0:20</span>' in page  # the mean of 10 and 30 seconds
    assert page.count('data-label="Amount"') == 8  # seven lines, and the credit for what was missed


@pytest.mark.parametrize(
    ("attained", "expected", "says"),
    [("79.9912", "80", "79.99 %"), ("79.9951", "80", ""), ("80.0049", "80", "80.00 %"), (None, "80", "")],
)
def test_two_decimals_are_shown_only_where_they_say_the_verdict(attained, expected, says):
    level = levels.ServiceLevel("A", "answered-within", ("calls",), expected=Decimal(expected))
    figure = catalogue.Figure(10, 8, None if attained is None else Decimal(attained))

    assert billing_presenting.shortened(catalogue.Measured("m1", level, None, figure)) == says


def test_a_mean_time_is_shown_by_the_clock_only_where_that_says_the_verdict():
    level = levels.ServiceLevel("A", "speed-of-answer", ("calls",), expected=Decimal(40))
    rows = [
        catalogue.Measured("m1", level, None, catalogue.Figure(10, None, Decimal(seconds)))
        for seconds in ("125.4000", "40.0000", "40.3000")
    ]

    assert [billing_presenting.shortened(row) for row in rows] == ["2:05", "0:40", ""]


def test_a_figure_opens_to_what_happened_in_words_by_the_clock_of_the_contract(client):
    served = make.client()
    manager, ana = make.in_charge("manager", served), make.agent("Ana")
    call = make.call()
    work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.NINE)
    work.end(item=work.accept(item=call, by=ana, now=make.later(seconds=5)), by=ana, now=make.later(seconds=65))
    client.force_login(manager.account)
    address = f"/clients/{served.slug}/statements/{make.NINE:%Y-%m}/items/m1/"

    behind, facts = (client.get(each).content.decode() for each in (address, f"{address}facts/{call.id}/"))

    assert f"{served.title}, {make.NINE:%B %Y}" in behind
    assert ("<td>Calls</td>" in behind, "+00:00" in behind) == (True, False)
    assert re.findall(r"<th scope=\"row\">(.*?)</th>\s*<td>(.*?)</td>", facts) == [
        ("Received", ""),
        ("Queued", ""),
        ("Offered", "Ana"),
        ("Accepted", "Ana"),
        ("Connected", "Ana"),
        ("Ended", "Ana"),
    ]
    assert not re.search(r"work\.|\+00:00|expires_at", facts)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "20 s"), (60, "1 min"), (90, "90 s"), (28_800, "8 h"), (5_400, "90 min"), (3_600_000, "1,000 h")],
)
def test_a_threshold_is_said_in_the_largest_unit_that_it_is_a_whole_number_of(seconds, words):
    level = levels.ServiceLevel("Resolved", "resolved-within", (), threshold_seconds=seconds)

    assert measures_presenting.worded_measure(level) == f"resolved within {words}"
