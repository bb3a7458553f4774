"""The API as it meets the outside: bodies too large, senders that race, and the page that describes it."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from django.contrib.staticfiles import finders
from django.db import connection, transaction
from django.test import Client as Browser

from tests import browse, make
from workfloor.asgi import application
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import rls
from workfloor.ui.views import CONTENT_POLICY

LIMIT = 5000


@pytest.fixture
def token(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        return clients.issue_token(
            client=make.client(), title="test", scopes=["work:write"], by=actors.ROOT, now=make.NINE
        )


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def limit(settings):
    settings.WORKFLOOR_MAX_BODY = LIMIT
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT


def of_length(length, key="letter"):
    """A body of exactly so many bytes, two to each character of its text."""
    bare = json.dumps({"key": key, "queue": "mail", "payload": {"t": ""}}).encode()
    left = length - len(bare)
    return bare.replace(b'"t": ""', b'"t": "' + "é".encode() * (left // 2) + b"x" * (left % 2) + b'"')


def sent(token, content):
    """Send a body through the server's entry point; an iterator goes in chunks, without an announced length."""

    async def call():
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as server:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            return await server.post("/api/work", content=content, headers=headers)

    try:
        return asyncio.run(call())
    finally:
        _close_the_servers_connection()


def _close_the_servers_connection():
    """The server answers in a thread of its own, whose connection would keep the test's database from being dropped."""
    connection.close()


async def in_chunks(body) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 700):
        yield body[start : start + 700]


@pytest.mark.parametrize("passed_on", [bytes, in_chunks], ids=["announced", "in chunks"])
def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_taken(token, limit, passed_on):
    too_large = sent(token, passed_on(of_length(LIMIT + 1)))
    just_right = sent(token, passed_on(of_length(LIMIT)))

    assert (too_large.status_code, just_right.status_code) == (413, 201)
    assert "5,000 bytes" in too_large.json()["detail"]


def test_an_endless_body_is_not_read_to_its_end(token, limit):
    asked = 0

    async def endless():
        nonlocal asked
        while True:
            asked += 1
            yield b"x" * 1000

    assert sent(token, endless()).status_code == 413
    assert asked <= 7


# --- two at once --------------------------------------------------------------------------------------------------


def right_away(count, call):
    """The answers to the same call from several threads that start together."""
    answers, start = [], threading.Barrier(count)

    def one():
        start.wait()
        try:
            answers.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_senders_who_race_with_one_key_bring_one_item(token):
    body = {"key": "same", "queue": "mail", "customer": {"reference": "C-7", "name": "Maria Costa"}}
    headers = {"Authorization": f"Bearer {token}"}

    answers = right_away(6, lambda: Browser(headers=headers).post("/api/work", body, content_type="application/json"))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 200, 201]
    assert len({answer.content for answer in answers}) == 1
    with transaction.atomic():
        rls.enter_every_client()
        assert Case.objects.count() == 1
        assert [fact.event for fact in event_log_queries.of_item(Item.objects.get().id)] == [
            "work.received",
            "work.queued",
        ]


# --- the description --------------------------------------------------------------------------------------------------


@pytest.fixture
def described(db):
    return Browser().get("/api/openapi.json").json()


def test_the_description_loads_nothing_from_elsewhere(db):
    page = Browser().get("/api/docs")
    html = page.content.decode()

    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", html)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == CONTENT_POLICY
    assert len(loaded) >= 4
    assert all(finders.find(address.removeprefix("/static/")) for address in loaded), loaded
    assert "http" not in html.replace("http://www.w3.org", "")
    assert json.loads(re.search(r'id="swagger-settings">(.*?)</script>', html, re.DOTALL)[1])["validatorUrl"] is None


def test_nothing_in_the_page_of_the_description_is_a_script_written_into_it(db):
    html = Browser().get("/api/docs").content.decode()

    scripts = re.findall(r"<script([^>]*)>", html)
    assert scripts
    assert all("src=" in each or 'type="application/json"' in each for each in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


def test_every_call_says_what_it_does_and_what_can_go_wrong(described):
    calls = [(path, call) for path, methods in described["paths"].items() for call in methods.values()]

    assert {path for path, _ in calls} >= {
        "/api/work",
        "/api/work/{key}",
        "/api/work/{key}/cancel",
        "/api/statements/{period}",
        "/api/invoices",
        "/api/invoices/{invoice_id}",
        "/api/invoices/{invoice_id}/{form}",
    }
    for path, call in calls:
        assert call["summary"], path
        assert call["description"], path
        assert call["security"], path
        assert call["responses"].keys() >= {"401", "404", "413", "422"}, path


def test_every_example_of_the_description_is_right(described, everyone):
    schemas = described["components"]["schemas"]
    examples = [example for name in ("WorkIn", "Cancel") for example in schemas[name]["examples"]]
    token = clients.issue_token(
        client=make.client(), title="test", scopes=["work:write"], by=actors.ROOT, now=make.NINE
    )
    browser = Browser(headers={"Authorization": f"Bearer {token}"})

    work, cancel = examples
    assert browser.post("/api/work", work, content_type="application/json").status_code == 201
    address = f"/api/work/{work['key']}/cancel"
    assert browser.post(address, cancel, content_type="application/json").status_code == 200


@pytest.mark.browser
def test_a_browser_shows_the_description_and_asks_nobody_else(db):
    """Under the content policy that every page has, and as on a host that is not this machine."""
    asked: list[str] = []

    def serve(route):
        asked.append(route.request.url)
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            route.fulfill(path=finders.find(path.removeprefix("/static/")))
        else:
            answer = pages[path]
            route.fulfill(body=answer.content.decode(), headers=dict(answer.headers))

    pages = {path: Browser().get(path) for path in ("/api/docs", "/api/openapi.json")}
    with browse.chromium() as browser:
        page = browser.new_page()
        page.route("**/*", serve)
        heard = browse.complaints(page)
        page.goto("https://floor.test/api/docs")
        page.get_by_text("Send work in").click()
        page.get_by_text("mail-2026-11-21-0042").first.wait_for()

        assert heard == []
        assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {"floor.test"}
