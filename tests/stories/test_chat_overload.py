"""More comes than can be answered, or nobody answers: what was written stays, is sent again, and is there once."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil
import psycopg
import pytest
from django.db import transaction
from playwright.sync_api import Response, expect

from tests import browse, make
from tests.stories.test_browser import signed_in
from tests.stories.test_chat import client_site, site, visitor, write  # noqa: F401 fixtures
from tests.stories.test_desk_writing import meanwhile, newest
from workfloor.core.access import actors
from workfloor.core.conversations.models import Message
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries

CHATS, EACH = 24, 8
PATIENT = 300.0  # seconds; for machines that do much else


class Visitor:
    """A visitor's page as the widget is: what has no answer is sent again by its id; the stream goes on after cuts."""

    def __init__(self, http: httpx.AsyncClient, token: str, turned_away: asyncio.Event) -> None:
        self.http, self.turned_away = http, turned_away
        self.headers = {"Authorization": f"Bearer {token}"}
        self.heard: list[str] = []
        self.last = 0

    async def say(self, number: int) -> None:
        sent = {"id": f"message-{number:06}", "text": f"word {number}"}
        while True:
            try:
                answer = await self.http.post("/chat/my/messages/", json=sent, headers=self.headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                return
            if answer is not None and answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) > 0
                self.turned_away.set()
            await asyncio.sleep(0.2)

    async def listen(self) -> None:
        while True:
            after = {"Last-Event-ID": str(self.last)} if self.last else {}
            try:
                async with self.http.stream("GET", "/chat/my/stream/", headers=self.headers | after) as stream:
                    async for line in stream.aiter_lines():
                        if line.startswith('data: {"id"'):
                            message = json.loads(line.removeprefix("data: "))
                            self.last = message["id"]
                            self.heard.append(message["text"])
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


@contextmanager
def held(database: str) -> Iterator[None]:
    """Nothing of any chat can be written during the block: all that is sent waits, until it is too much."""
    with psycopg.connect(database) as holding:
        holding.execute("LOCK TABLE chat_chat IN EXCLUSIVE MODE")
        yield


async def flooded(address: str, tokens: list[str], database: str) -> list[Visitor]:
    """Everybody writes while nothing can be stored; the visitors, once all has been taken and shown."""
    turned_away = asyncio.Event()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=PATIENT) as http:
        visitors = [Visitor(http, token, turned_away) for token in tokens]
        pages = [asyncio.create_task(each.listen()) for each in visitors]
        await until(lambda: all(each.heard for each in visitors))
        with held(database):
            sending = []
            for number in range(EACH):
                sending += [asyncio.create_task(each.say(number)) for each in visitors]
                await asyncio.sleep(0.5)
            await asyncio.wait_for(turned_away.wait(), PATIENT)
        await asyncio.wait_for(asyncio.gather(*sending), PATIENT)
        await visitors[0].say(EACH)  # as on any other day
        await until(lambda: all(len(each.heard) > EACH for each in visitors) and len(visitors[0].heard) > EACH + 1)
        for page in pages:
            page.cancel()
    return visitors


async def until(so) -> None:
    async with asyncio.timeout(PATIENT):
        while not so():
            await asyncio.sleep(0.05)


@pytest.mark.installation
def test_a_flood_is_turned_away_and_afterwards_everything_is_there_once(real_database, installation):
    with transaction.atomic():
        rls.enter_every_client()
        make.client(chats=True)
        widget = chats.add_widget(
            queue=make.queue("chats"),
            origins=["https://a.example"],
            source='title = { en = "A" }',
            by=actors.ROOT,
            now=clock.now(),
        )
        begun = [
            chats.begin(
                widget=widget,
                secret=f"{number:043d}",
                key="first-one",
                message="Hello",
                answers={},
                address=str(number),
                now=clock.now(),
            )
            for number in range(CHATS)
        ]
        tokens = [chat_queries.written(chat, f"{number:043d}") for number, chat in enumerate(begun)]

    visitors = asyncio.run(flooded(installation, tokens, real_database))

    expected = Counter(["Hello", *(f"word {number}" for number in range(EACH))])
    for number, each in enumerate(visitors):
        assert Counter(each.heard) == expected + (Counter([f"word {EACH}"]) if number == 0 else Counter())
    with transaction.atomic():
        rls.enter_every_client()
        assert Message.objects.count() == CHATS * (EACH + 1) + 1


def web_server() -> psutil.Process:
    return next(each for each in psutil.Process().children() if "web" in each.cmdline())


@contextmanager
def started_again(process: psutil.Process) -> Iterator[None]:
    """The same server once more, on the same port, after it was killed."""
    command, environment = process.cmdline(), process.environ()
    process.send_signal(signal.SIGKILL)
    os.waitpid(process.pid, 0)
    again = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        again.terminate()
        again.wait()


@contextmanager
def crowded(address: str, token: str, key: str) -> Iterator[None]:
    """So much is sent at once, again and again, that whoever comes is turned away; the same message, which is there."""
    over, turned_away = threading.Event(), threading.Event()

    def send() -> None:
        given = {"headers": {"Authorization": f"Bearer {token}"}, "json": {"id": key, "text": "My bill is wrong."}}
        while not over.is_set():
            with suppress(httpx.TransportError):
                if httpx.post(f"{address}/chat/my/messages/", timeout=PATIENT, **given).status_code == 503:
                    turned_away.set()
            over.wait(0.2)

    senders = [threading.Thread(target=send) for _ in range(60)]
    for each in senders:
        each.start()
    try:
        assert turned_away.wait(PATIENT)
        yield
    finally:
        over.set()


@pytest.mark.browser
@pytest.mark.installation
def test_widget_and_desk_that_were_turned_away_send_again_by_themselves(client_site, shared_database):  # noqa: F811
    installation, _, origin, agent = client_site
    with browse.chromium() as browser:
        desk, page = signed_in(browser, installation, agent), visitor(browser, origin)
        desk.get_by_role("button", name="Go available").click()
        page.get_by_role("button", name="Chat with us").click()
        page.get_by_label("Your name").fill("Rui Costa")
        page.get_by_label("What is it about?").fill("My bill is wrong.")
        page.get_by_role("button", name="Start chat").click()
        desk.get_by_role("button", name="Accept").click(timeout=60_000)
        expect(page.get_by_text("You are talking to Ana.")).to_be_visible()
        keys: list[str] = []
        meanwhile(lambda: keys.append(Message.objects.get(client=newest()).key.partition("/")[2]))
        token = page.evaluate("localStorage[Object.keys(localStorage).find((name) => name.endsWith(':token'))]")

        refused: dict[str, list[str]] = {"messages": [], "reply": []}

        def note(response: Response) -> None:
            what = response.url.rstrip("/").rpartition("/")[2]
            if response.request.method == "POST" and response.status == 503 and what in refused:
                refused[what].append(response.headers["retry-after"])

        # The refusal comes before anything knows which site asks, so that the browser hides it from the widget.
        page.on("requestfailed", lambda sent: "/my/messages/" in sent.url and refused["messages"].append("hidden"))
        page.on("response", note)
        desk.on("response", note)
        with held(shared_database), crowded(installation, token, keys[0]):
            write(page, "Are you still there?")
            desk.get_by_label("Your answer").fill("One moment, Rui.")
            desk.keyboard.press("Enter")
            expect(page.locator("workfloor-chat").get_by_text("being sent")).to_have_count(1)
            expect(desk.locator("#talk [data-sending]")).to_contain_text("One moment, Rui.")
            until_time = time.monotonic() + PATIENT
            while not all(refused.values()) and time.monotonic() < until_time:
                page.wait_for_timeout(100)
                desk.wait_for_timeout(100)
            assert all(refused.values()), "both were told to come back"

        for each in (page.locator("workfloor-chat .log"), desk.locator("#talk")):
            expect(each).to_contain_text("Are you still there?", timeout=180_000)
            expect(each).to_contain_text("One moment, Rui.", timeout=180_000)
        expect(page.locator("workfloor-chat").get_by_text("being sent")).to_have_count(0)
        expect(desk.locator("#talk [data-sending]")).to_have_count(0)
        expect(page.locator("workfloor-chat .said")).to_have_count(3)
        expect(desk.locator("#talk .said-message")).to_have_count(3)

    with transaction.atomic():
        newest()
        expected = ["Are you still there?", "My bill is wrong.", "One moment, Rui."]
        assert sorted(Message.objects.values_list("text", flat=True)) == expected


@pytest.mark.browser
@pytest.mark.installation
def test_a_server_that_dies_while_both_sides_write_is_waited_for(client_site):  # noqa: F811
    installation, _, origin, agent = client_site
    with browse.chromium() as browser:
        desk, page = signed_in(browser, installation, agent), visitor(browser, origin)
        desk.get_by_role("button", name="Go available").click()
        page.get_by_role("button", name="Chat with us").click()
        page.get_by_label("Your name").fill("Rui Costa")
        page.get_by_label("What is it about?").fill("My bill is wrong.")
        page.get_by_role("button", name="Start chat").click()
        expect(desk.get_by_role("button", name="Accept")).to_be_visible()
        desk.get_by_role("button", name="Accept").click()
        expect(desk.locator("#talk")).to_contain_text("My bill is wrong.")
        expect(page.get_by_text("You are talking to Ana.")).to_be_visible()

        server = web_server()
        server.suspend()  # what is sent now arrives, and is not answered
        write(page, "Are you still there?")
        desk.get_by_label("Your answer").fill("One moment, Rui.")
        desk.keyboard.press("Enter")
        expect(page.locator("workfloor-chat").get_by_text("being sent")).to_have_count(1)
        expect(desk.get_by_label("Your answer")).to_have_value("")
        expect(desk.locator("#talk [data-sending]")).to_contain_text("One moment, Rui.")
        page.evaluate("window.stays = true")
        desk.evaluate("window.stays = true")
        with started_again(server):
            for each in (page.locator("workfloor-chat .log"), desk.locator("#talk")):
                expect(each).to_contain_text("Are you still there?")
                expect(each).to_contain_text("One moment, Rui.")
            expect(desk.get_by_label("Your answer")).to_have_value("")
            expect(page.locator("workfloor-chat").get_by_text("being sent")).to_have_count(0)
            expect(page.locator("workfloor-chat .said")).to_have_count(3)
            expect(desk.locator("#talk .said-message")).to_have_count(3)
            assert page.evaluate("window.stays") and desk.evaluate("window.stays"), "neither page was loaded anew"

    with transaction.atomic():
        newest()
        assert sorted(Message.objects.values_list("text", flat=True)) == [
            "Are you still there?",
            "My bill is wrong.",
            "One moment, Rui.",
        ]
