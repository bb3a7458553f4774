"""Numbers without gaps: whoever races, rolls back or dies, each legal entity's series goes 1, 2, 3."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from tests import make
from tests.ops.billing import test_invoicing_actions
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.people import actions as people
from workfloor.core.people import own_account
from workfloor.core.people.models import Person
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import models as billing_models

MARTA = "marta@sample.example"
SLUGS = [f"client-{number}" for number in range(4)]


class Failed(Exception):
    """What goes wrong after a number was taken."""


@pytest.fixture
def months(real_database: str) -> Iterator[str]:
    """Four clients of one legal entity, each with a closed March that nobody has invoiced yet."""
    with transaction.atomic():
        rls.enter_every_client()
        teresa, marta = make.person("leader", name="Teresa"), make.person("manager", name="Marta")
        assert marta.account
        marta.account.email = MARTA
        marta.account.save()
        for slug in SLUGS:
            client = test_invoicing_actions.signed(test_invoicing_actions.source(slug=slug), slug)
            for each in (teresa, marta):
                people.clear(person=each, client=client, by=actors.ROOT, now=make.NINE)
            ana = make.agent(name=f"Ana {slug}", clear_for=slug)
            from workfloor.core.work import actions as work

            call = make.item("calls", of=slug)
            work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=60, by=make.ROUTER, now=make.NINE)
            work.accept(item=call, by=ana, now=make.NINE + timedelta(seconds=5))
            work.end(item=call, by=ana, now=make.NINE + timedelta(seconds=65))
            work.wrap_up(item=call, by=ana, disposition="resolved", now=make.NINE + timedelta(seconds=70))
            test_invoicing_actions.close(SimpleNamespace(client=client, teresa=teresa, marta=marta))
        billing.register_entity(
            slug="lisbon", by=actors.ROOT, now=test_invoicing_actions.APRIL, **test_invoicing_actions.LISBON
        )
    connection.close()
    yield real_database
    connection.close()


def issue(slug: str, then: Callable[[], Any] = lambda: None, **more: Any) -> str:
    """Issue in a transaction of its own, on a connection of its own; `then` happens before the commit."""
    try:
        with transaction.atomic():
            rls.enter_every_client()
            client, by = Client.objects.get(slug=slug), Person.objects.get(name="Marta")
            name = billing.issue_invoice(
                client=client, period=test_invoicing_actions.MARCH, by=by, now=test_invoicing_actions.APRIL, **more
            ).name
            then()
        return name
    finally:
        connection.close()


def fail() -> None:
    raise Failed


def numbers() -> list[int]:
    with transaction.atomic():
        rls.enter_every_client()
        return list(billing_models.Invoice.objects.order_by("number").values_list("number", flat=True))


def test_four_at_once_get_one_number_each_without_a_gap(months):
    with ThreadPoolExecutor(4) as threads:
        names = list(threads.map(issue, SLUGS))

    assert sorted(names) == ["2026-00001", "2026-00002", "2026-00003", "2026-00004"]
    assert numbers() == [1, 2, 3, 4]


def test_an_issue_that_rolls_back_takes_no_number(months):
    with pytest.raises(Failed):
        issue(SLUGS[0], then=fail)

    assert [issue(slug) for slug in SLUGS[:2]] == ["2026-00001", "2026-00002"]


def test_who_waits_for_one_that_rolls_back_gets_its_number(months):
    taken, go = threading.Event(), threading.Event()

    def hesitate() -> None:
        taken.set()
        go.wait(300)
        fail()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(issue, SLUGS[0], hesitate)
        assert taken.wait(300)
        second = threads.submit(issue, SLUGS[1])
        wait_for_a_lock(months)
        go.set()
        assert second.result() == "2026-00001"
        with pytest.raises(Failed):
            first.result()
    assert numbers() == [1]


def wait_for_a_lock(database: str) -> None:
    """Until somebody waits for what the other holds."""
    with psycopg.connect(database, autocommit=True) as looking:
        for _ in range(2400):
            waiting = looking.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchone()
            if waiting and waiting[0]:
                return
            threading.Event().wait(0.05)
    pytest.fail("nobody waited for the number")


class Check:
    """The check of a document, which goes on until it is let go; `found` is what it says then of the first one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *found: billing_gateway.Refusal) -> None:
        self.begun, self.go, self.asked = threading.Event(), threading.Event(), billing_gateway.refusals
        self.found = list(found)
        monkeypatch.setattr(billing_gateway, "refusals", self.wait)

    def __enter__(self) -> "Check":
        return self

    def __exit__(self, *fault: object) -> None:
        self.go.set()

    def wait(self, syntax: str, document: bytes) -> list[billing_gateway.Refusal]:
        self.begun.set()
        assert self.go.wait(300)
        return self.found or self.asked(syntax, document)


def issue_elsewhere(database: str, slug: str, folder: Path) -> str:
    """Issue by the command, in a process of its own, as somebody who signed in."""
    with transaction.atomic():
        rls.enter_every_client()
        _, token = own_account.sign_in(person=Person.objects.get(name="Marta"), title="a test", now=clock.now())
    connection.close()
    command = [Path(sys.executable).with_name("workfloor"), "billing", "invoice", "issue", slug]
    command += [test_invoicing_actions.MARCH, "--format", "json", "--number-range", "march"]
    env = os.environ | {"WORKFLOOR_DATABASE_URL": database, "WORKFLOOR_DATA": str(folder), "WORKFLOOR_TOKEN": token}
    made = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert made.returncode == 0, made.stderr
    number: str = json.loads(made.stdout)["made"]
    return number.rpartition("/")[2]


def test_nobody_waits_for_a_number_while_another_process_checks_a_document(months, monkeypatch, tmp_path):
    with ThreadPoolExecutor(1) as threads, Check(monkeypatch) as check:
        first = threads.submit(issue, SLUGS[0], number_range="march")
        assert check.begun.wait(300)
        other = issue_elsewhere(months, SLUGS[1], tmp_path)
        assert not first.done()
        check.go.set()
        names = [other, first.result(300)]

    # Who came first to check came second to the number: its document was written under that.
    assert (names, numbers()) == (["march-00001", "march-00002"], [1, 2])
    with transaction.atomic():
        rls.enter_every_client()
        kept = billing_models.Invoice.objects.get(name="march-00002")
        assert "<cbc:ID>march-00002</cbc:ID>" in kept.ubl and ">march-00002<" in kept.cii
        assert "march-00001" not in kept.ubl + kept.cii
        assert [check.asked(name, getattr(kept, name).encode()) for name in ("ubl", "cii")] == [[], []]


def test_an_invoice_that_is_refused_beside_another_process_leaves_no_gap(months, monkeypatch, tmp_path):
    broken = billing_gateway.Refusal("BR-1", "It is not right.", "")
    with ThreadPoolExecutor(1) as threads, Check(monkeypatch, broken) as check:
        refused = threads.submit(issue, SLUGS[0], number_range="march")
        assert check.begun.wait(300)
        names = [issue_elsewhere(months, SLUGS[1], tmp_path)]
        check.go.set()
        with pytest.raises(billing.InvoiceRefused, match="BR-1: It is not right"):
            refused.result(300)
    names.append(issue_elsewhere(months, SLUGS[2], tmp_path))

    assert names == ["march-00001", "march-00002"]


def test_a_connection_that_dies_takes_no_number(months):
    def die() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (process,) = cursor.fetchone()
        with psycopg.connect(months, autocommit=True) as killing:
            killing.execute("SELECT pg_terminate_backend(%s, 5000)", [process])

    with pytest.raises(Exception, match=r"terminat|closed|lost"):
        issue(SLUGS[0], then=die)

    assert [issue(slug) for slug in SLUGS[:2]] == ["2026-00001", "2026-00002"]


def test_the_same_month_at_once_is_invoiced_once(months):
    def tried(_: int) -> str:
        try:
            return issue(SLUGS[0])
        except billing.InvoiceRefused as reason:
            return str(reason)

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(tried, range(2)))

    assert told[0].startswith("2026-00001") or told[0].startswith("2026-03 is invoiced already")
    assert numbers() == [1]


def test_each_series_and_each_entity_counts_for_itself(months):
    with transaction.atomic():
        rls.enter_every_client()
        marta = Person.objects.get(name="Marta")
        made = [
            billing.issue_invoice(
                client=Client.objects.get(slug=slug),
                period=test_invoicing_actions.MARCH,
                by=marta,
                now=test_invoicing_actions.APRIL,
                **more,
            )
            for slug, more in zip(SLUGS, [{}, {"number_range": "b"}, {"number_range": "b"}, {}], strict=True)
        ]

    assert [each.name for each in made] == ["2026-00001", "b-00001", "b-00002", "2026-00002"]
