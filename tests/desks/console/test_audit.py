"""The page of the audit and its export: for those who may, of the clients that they are cleared for."""

import csv
from io import StringIO

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from tests import make
from workfloor.core.access import actors
from workfloor.core.audit import queries as audit_queries
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import actions as event_log
from workfloor.core.looks import actions as looks
from workfloor.core.looks.models import Look
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.desks.console import views as console_views
from workfloor.kit.database import rls

AUDIT = "/administration/audit/"
EXPORT = "/administration/audit/audit.csv"


def browser(person):
    found = Browser()
    found.force_login(person.account)
    return found


def two_clients():
    """A token of each of two clients, and a look at a customer of each; and a manager of the north alone."""
    event_log.make_partitions(first=make.NINE, count=2)
    for slug in ("north", "south"):
        client = make.client(slug)
        clients.issue_token(client=client, title=f"desk of {slug}", scopes=["work:read"], by=actors.ROOT, now=make.NINE)
        item = make.item("mail", of=slug, customer=work.Customer("C-7", f"Maria of {slug}"))
        own = make.person("client", name=f"Dana of {slug}", of=client)
        seen = [looks.Seen("item", item.id, client.id, item.case_id)]
        looks.look(seen=seen, place="a page", by=own, now=make.NINE)
    return make.in_charge("manager", make.client("north"), name="=Marta()")


def shown(page, **asked):
    answer = page.get(AUDIT, asked)
    return answer.status_code, answer.content.decode()


def test_changes_are_asked_for_by_who_what_client_and_day(everyone):
    page = browser(two_clients())

    status, every = shown(page)
    assert status == 200
    assert "The root of the installation issued the token desk of north of north, for work:read" in every
    assert "desk of north" in shown(page, event="client.token", client="north", since="2026-03-04")[1]
    assert "desk of north" not in shown(page, until="2026-03-03")[1]
    assert "desk of north" not in shown(page, who="nobody")[1]
    assert "There is nothing of that kind." in shown(page, about="nothing of that name")[1]


def test_who_saw_a_customers_data_is_asked_on_the_same_page(everyone):
    page = browser(two_clients())

    assert "Dana of north looked at item" in shown(page, customer="C-7")[1]
    assert "Dana of north looked at item" in shown(page, show="looks")[1]
    assert "looked at item" not in shown(page, customer="C-7", since="2026-03-05")[1]
    assert "looked at item" not in shown(page)[1]


def test_nothing_of_another_client_is_told_on_any_page_of_it(everyone):
    page = browser(two_clients())

    told = [
        shown(page, **asked)[1]
        for asked in (
            {},
            {"show": "work"},
            {"show": "looks"},
            {"customer": "C-7"},
            {"about": "desk of"},
            {"client": "south"},
            {"who": "Dana of south"},
        )
    ]

    assert not any(f"of south {said}" in each for each in told for said in ("looked", "issued"))
    assert not any("desk of south" in each or "Maria" in each for each in told)
    assert shown(page, client="south")[0] == 422


def test_what_cannot_be_understood_is_said_at_its_field(everyone):
    page = browser(make.person("administrator"))

    status, said = shown(page, since="the first of May")

    assert (status, "Enter a valid date." in said) == (422, True)
    assert shown(page, after="nonsense")[0] == 200


def test_earlier_entries_are_a_page_further(everyone, monkeypatch):
    monkeypatch.setattr(console_views, "MOST_SHOWN", 2)
    olga = make.person("administrator", name="Olga")
    for number in range(3):
        people.open_site(name=f"Site {number}", country="PT", zone="Europe/Lisbon", by=olga, now=make.NINE)
    page = browser(olga)

    first = page.get(AUDIT, {"event": "site"})
    second = page.get(f"{AUDIT}?{first.context['earlier']}")

    assert [each.says[:23] for each in first.context["entries"]] == ["Olga opened the site Si"] * 2
    assert [each.says for each in second.context["entries"]] == ["Olga opened the site Site 0 (PT, Europe/Lisbon)"]
    assert second.context["earlier"] == ""


@pytest.mark.parametrize("role", ["agent", "leader", "planner"])
def test_it_is_for_those_alone_who_may_read_it(everyone, role):
    page = browser(make.person(role))

    assert page.get(AUDIT).status_code == page.get(EXPORT).status_code == 403


def test_an_export_tells_what_the_page_tells_is_no_formula_and_is_a_look_itself(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        marta = two_clients()
        people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=marta, now=make.NINE)
    page = browser(marta)

    answer = page.get(EXPORT, {"since": "2026-03-04"})
    with pytest.warns(Warning, match="synchronous"):  # the server's own way is asynchronous
        rows = list(csv.DictReader(StringIO(b"".join(answer).decode())))

    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    [opened] = [row for row in rows if row["event"] == "site.opened"]
    assert (opened["at"], opened["who"]) == ("2026-03-04T09:00:00+00:00", "'=Marta()")
    assert opened["says"] == "'=Marta() opened the site Porto (PT, Europe/Lisbon)"
    assert not any("south" in str(row.values()) for row in rows)
    with transaction.atomic():
        rls.enter_every_client()
        assert Look.objects.filter(what="export", by=marta, place="administration/audit/audit.csv").count() == 1


def test_an_export_reads_its_next_rows_when_those_before_are_gone(everyone):
    olga = make.person("administrator", name="Olga")
    for number in range(9):
        people.open_site(name=f"Site {number}", country="PT", zone="Europe/Lisbon", by=olga, now=make.NINE)

    groups = audit_queries.every(audit_queries.Asked(event="site"), 3, seen=False)
    with CaptureQueriesContext(connection) as asked:
        assert len(next(groups)) == 3

    [facts] = [each["sql"] for each in asked if "event_log_fact" in each["sql"]]
    assert facts.endswith("LIMIT 3")
