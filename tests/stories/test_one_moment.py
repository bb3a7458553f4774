"""What somebody writes while a statement is read is in all of its figures or in none."""

import json
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection, transaction
from django.test import Client as Browser

from tests import make
from workfloor.cli import main
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.measures import queries as measures_queries
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

MONTH = "/clients/lisbon-light/statements/2026-03/"


def answered(ana: Any, number: int) -> None:
    call = make.call(key=f"call-{number}")
    work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.later(seconds=5))
    work.accept(item=call, by=ana, now=make.later(seconds=10))
    work.end(item=call, by=ana, now=make.later(seconds=70))
    work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(seconds=75))


def beside(write: Callable[[], None]) -> None:
    """Write and commit over a connection of another thread."""

    def run() -> None:
        with transaction.atomic():
            rls.enter_every_client()
            write()
        connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


@pytest.fixture
def ana(real_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Somebody who has answered one call, and answers another whenever a statement has measured and not yet charged."""
    with transaction.atomic():
        rls.enter_every_client()
        found = make.agent()
        answered(found, 0)
    charged = measures_queries.charged

    def interrupted(*given: Any) -> Any:
        beside(lambda: answered(found, Item.objects.count()))
        return charged(*given)

    monkeypatch.setattr(measures_queries, "charged", interrupted)
    with clock.frozen(make.later(hours=1)):
        yield found
    connection.close()


def figures(stated: dict[str, Any]) -> tuple[int, int, int]:
    """What was measured before the other call came, what was charged after it, and what was counted last."""
    return stated["measures"][0]["counted"], stated["lines"][0]["quantity"], stated["totals"]["answered"]


def test_the_statement_of_a_command(ana: Any) -> None:
    for count in (1, 2):  # the call that came in between is in the next one
        said = CliRunner().invoke(main, ["billing", "statement", "lisbon-light", "2026-03", "--format", "json"])
        assert figures(json.loads(said.stdout)) == (count, count, count)


def test_the_statement_of_the_api(ana: Any) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        token = clients.issue_token(
            client=make.client(), title="books", scopes=["statement:read"], by=actors.ROOT, now=make.NINE
        )

    said = Browser().get("/api/statements/2026-03", headers={"authorization": f"Bearer {token}"})

    assert figures(said.json()) == (1, 1, 1)


def test_the_page_of_a_statement_and_of_the_items_behind_it(ana: Any) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        leader = make.person("leader")
        people.clear(person=leader, client=make.client(), by=actors.ROOT, now=make.NINE)
    browser = Browser()
    browser.force_login(leader.account, backend="allauth.account.auth_backends.AuthenticationBackend")

    page = browser.get(MONTH)

    assert page.status_code == 200
    assert page.context["statement"]["lines"][0]["quantity"] == "1 contacts"
    assert browser.get(f"{MONTH}statement.pdf").content.startswith(b"%PDF")
    assert (
        browser.get(f"{MONTH}items/m1/").content.decode().count(">met<") == 3
    )  # those of the page and of the paper too
