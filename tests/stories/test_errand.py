"""A person's whole errand through HTTP: work comes in by the API, an agent does it, the statement counts it."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.db import transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@pytest.fixture
def staffed(real_database):
    """One client, one agent who may and can, others who may not or cannot, and a token to send work with."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
        able = make.agent("Able", available=False)
        make.agent("Unskilled", portuguese=1)
        make.agent("Uncleared", clear_for=None)
        people.go_away(person=make.agent("Away"), by=make.ROOT, reason="lunch", now=make.NINE)
        token = clients.issue_token(
            client=client,
            title="test",
            scopes=["work:write", "work:read", "statement:read"],
            by=actors.ROOT,
            now=make.NINE,
        )
    return able, token


def signed_in(url, person):
    browser = httpx.Client(base_url=url, follow_redirects=True, timeout=60)
    page = browser.get("/accounts/login/")
    form = {"login": person.account.email, "password": "correct horse", "csrfmiddlewaretoken": _token(page.text)}
    page = browser.post("/accounts/login/", data=form, headers={"Referer": url})
    assert page.status_code == 200
    assert "/accounts/login/" not in str(page.url), page.text
    return browser


def _token(html):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)[1]


def post(browser, path, **form):
    page = browser.get("/desk/")
    return browser.post(
        path, data=form | {"csrfmiddlewaretoken": _token(page.text)}, headers={"Referer": str(page.url)}
    )


def eventually(check, seconds=300):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.1)
    pytest.fail(f"nothing came of it within {seconds} s")
    return None


def test_an_errand_from_the_api_to_the_statement(staffed, installation, real_database):
    able, token = staffed
    api = httpx.Client(base_url=f"{installation}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    sent = api.post("/work", json={"key": "errand-1", "queue": "calls", "title": "My bill is wrong"})
    assert sent.status_code == 201, sent.text

    def state():
        return api.get("/work/errand-1").json()["state"]

    assert state() == "waiting"
    desk = signed_in(installation, able)
    assert post(desk, "/desk/available/").status_code == 200
    eventually(lambda: state() == "offered")
    with transaction.atomic():
        rls.enter_every_client()
        item = Item.objects.get(key="errand-1")
        assert item.person_id == able.id
    assert "My bill is wrong" in desk.get("/desk/").text

    assert post(desk, f"/desk/items/{item.id}/accept/").status_code == 200
    assert state() == "held"
    assert post(desk, f"/desk/items/{item.id}/end/").status_code == 200
    assert post(desk, f"/desk/items/{item.id}/wrap-up/", disposition="resolved").status_code == 200
    assert (state(), api.get("/work/errand-1").json()["disposition"]) == ("done", "resolved")

    with transaction.atomic():
        rls.enter_every_client()
        assert [fact.event for fact in event_log_queries.of_item(item.id)] == [
            "work.received",
            "work.queued",
            "work.offered",
            "work.accepted",
            "work.connected",
            "work.ended",
            "work.wrapped-up",
        ]
        for each in Item.objects.all():
            assert work_queries.rebuilt(each.id) == work_queries.state_of(each)

    statement = api.get(f"/statements/{clock.now():%Y-%m}").json()
    assert statement["totals"]["answered"] == 1
    assert [(line["title"], line["quantity"], line["amount"]) for line in statement["lines"]] == [
        ("Calls answered", 1, "1.50")
    ]
    command = [
        Path(sys.executable).with_name("workfloor"),
        "billing",
        "statement",
        "lisbon-light",
        f"{clock.now():%Y-%m}",
    ]
    printed = subprocess.run(
        [*command, "--format", "json"],
        env={"WORKFLOOR_DATABASE_URL": real_database, "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert printed.returncode == 0, printed.stderr.decode()
    assert json.loads(printed.stdout) | {"computed_at": ""} == statement | {"computed_at": ""}
