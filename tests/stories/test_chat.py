"""A visitor on a page of another origin chats with an agent, loses the connection, and comes back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, expect

from tests import browse, mail, make
from tests.stories.test_browser import picture, signed_in
from tests.stories.test_desk_writing import meanwhile, newest
from workfloor.core.access import actors
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat.models import Chat

SETTINGS = """
title = { en = "Lisbon Light", he = "ליסבון לייט" }
greeting = { en = "Ask us anything about your bill." }
questions = [
  { name = "name", kind = "name", required = true },
  { name = "email", kind = "email" },
]
instead = { email = "mail", callback = "calls" }
"""


class Line:
    """The way from the visitor to the installation, which can be cut as a tunnel cuts it, and mended."""

    def __init__(self, to: str) -> None:
        host, _, port = to.removeprefix("http://").partition(":")
        self.to, self.cut_off = (host, int(port)), False
        self.open: set[socket.socket] = set()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self.listening.accept()
                if self.cut_off:
                    here.close()
                    continue
                try:
                    there = socket.create_connection(self.to)
                except ConnectionRefusedError:  # nobody is there, and may be later
                    here.close()
                    continue
                self.open |= {here, there}
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                target.sendall(part)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.cut_off = True
        for each in self.open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.open.clear()

    def mend(self) -> None:
        self.cut_off = False


class Site(BaseHTTPRequestHandler):
    """One page of the client's own site, on an origin of its own."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        # As strict as a site can be and still have the widget: the guide says these lines.
        self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(self.page)

    policy = ""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisSite", (Site,), {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client_site(shared_installation, site) -> tuple[str, Line, str, str]:
    """The installation, shared, the visitor's way to it, a client's own page with the widget, its agent's email."""
    line = Line(shared_installation)
    origin = f"http://localhost:{site.server_port}"
    with transaction.atomic():
        rls.enter_every_client()
        client = make.own_client(chats=True)
        mail.Post(client.slug, f"help@{client.slug}.example")
        agent = make.agent("Ana Duarte", clear_for=client.slug, available=False)
        queue = make.queue("chats", client.slug)
        widget = chats.add_widget(queue=queue, origins=[origin], source=SETTINGS, by=actors.ROOT, now=clock.now())
    site.RequestHandlerClass.page = (
        f'<!doctype html><html lang="en-GB"><title>Lisbon Light</title><h1>Light for Lisbon</h1>'
        f'<script src="{line.address}/chat/widget.js" data-widget="{widget.key}" async></script></html>'
    ).encode()
    site.RequestHandlerClass.policy = (
        f"default-src 'none'; script-src {line.address}; connect-src {line.address}; img-src blob:"
    )
    return shared_installation, line, origin, agent.account.email


def visitor(browser: Browser, origin: str) -> Page:
    page = browser.new_context(viewport={"width": 390, "height": 780}).new_page()
    page.goto(origin)
    return page


def said(page: Page) -> list[str]:
    """What stands in the widget, oldest first."""
    return page.locator("workfloor-chat .said").all_inner_texts()


@pytest.mark.browser
@pytest.mark.installation
def test_a_visitor_chats_loses_the_connection_and_comes_back(client_site):
    installation, line, origin, agent = client_site
    with browse.chromium() as browser:
        desk, page = signed_in(browser, installation, agent), visitor(browser, origin)
        heard = browse.complaints(desk)
        desk.get_by_role("button", name="Go available").click()

        page.get_by_role("button", name="Chat with us").click()
        page.get_by_label("Your name").fill("Rui Costa")
        page.get_by_label("Your email address").fill("rui@example.com")
        page.get_by_label("What is it about?").fill("My bill is wrong. My card is 4111 1111 1111 1111.")
        picture(page, "chat-form")
        page.get_by_role("button", name="Start chat").click()
        expect(page.get_by_text("You are next.")).to_be_visible()
        picture(page, "chat-waiting")

        desk.get_by_role("button", name="Accept").click()
        expect(desk.locator("#talk")).to_contain_text("My bill is wrong. My card is •••• •••• •••• 1111.")
        expect(page.get_by_text("You are talking to Ana.")).to_be_visible()

        desk.get_by_label("Your answer").fill("Let me look, Rui.")
        desk.keyboard.press("Enter")
        expect(page.locator("workfloor-chat")).to_contain_text("Let me look, Rui.")
        expect(desk.locator("#talk")).to_contain_text("read")
        expect(desk.get_by_label("Your answer")).to_have_value("")

        desk.get_by_label("Your answer").fill("He sounds angry")
        desk.get_by_role("button", name="Internal note").click()
        expect(desk.locator("#talk")).to_contain_text("He sounds angry")

        # The connection is lost while both go on writing.
        line.cut()
        expect(page.get_by_text("Connection lost.")).to_be_visible()
        write(page, "Are you still there?")
        write(page, "Hello?")
        desk.get_by_label("Your answer").fill("It is 12 euros too much.")
        desk.keyboard.press("Enter")
        expect(desk.locator("#talk")).to_contain_text("It is 12 euros too much.")
        expect(page.locator("workfloor-chat").get_by_text("being sent")).to_have_count(2)
        expect(desk.locator("#talk")).not_to_contain_text("Hello?")
        expect(page.locator("workfloor-chat")).not_to_contain_text("12 euros")
        picture(page, "chat-lost")
        line.mend()

        expect(page.locator("workfloor-chat")).to_contain_text("It is 12 euros too much.")
        expect(desk.locator("#talk")).to_contain_text("Hello?")
        again = page.context.new_page()
        again.goto(origin)
        expect(again.locator("workfloor-chat")).to_contain_text("It is 12 euros too much.")
        expect(again.locator("workfloor-chat")).to_contain_text("Hello?")
        page.reload()
        expect(page.locator("workfloor-chat .said")).to_have_count(5)
        whole = said(page)
        assert sorted(whole) == sorted(
            [
                "My bill is wrong. My card is •••• •••• •••• 1111.",
                "Let me look, Rui.",
                "Are you still there?",
                "Hello?",
                "It is 12 euros too much.",
            ]
        )
        assert whole.index("Are you still there?") < whole.index("Hello?")
        assert said(again) == whole
        picture(page, "chat-back")
        picture(desk, "desk-chat")

        desk.get_by_role("button", name="End E", exact=True).click()
        expect(page.get_by_text("Ana has ended this chat.")).to_be_visible()
        picture(page, "chat-over")
        page.get_by_role("button", name="Send me a copy by email").click()
        expect(page.get_by_label("Your email address")).to_have_value("rui@example.com")
        picture(page, "chat-copy")
        page.keyboard.press("Enter")
        expect(page.get_by_text("The copy is on its way to rui@example.com.")).to_be_visible()
        page.get_by_role("button", name="Back to the chat").click()
        page.get_by_label("5: Very good").check(force=True)
        page.get_by_role("button", name="Send answer").click()
        expect(page.get_by_text("Thank you for your answer.")).to_be_visible()
        desk.get_by_label("Resolved").check()
        desk.get_by_role("button", name="Done").click()
        expect(desk.locator("#day")).to_contain_text("1 done")

    assert heard == []
    with transaction.atomic():
        newest()
        item = Item.objects.get()
        assert (item.kind, item.state, item.queue.name) == ("chat", "done", "chats")
        assert work_queries.rebuilt(item.id) == work_queries.state_of(item)
        assert Chat.objects.get().score == 5
        assert Message.objects.filter(direction="note").count() == 1
        copy = Message.objects.get(channel="email")
        assert copy.recipients[0]["address"] == "rui@example.com"
        assert "It is 12 euros too much." in copy.folded_text and "He sounds angry" not in copy.folded_text
        assert "chat.rated" in {fact.event for fact in event_log_queries.of_item(item.id)}


def write(page: Page, text: str) -> None:
    page.get_by_label("Write a message").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


@pytest.mark.browser
@pytest.mark.installation
@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 390), ("he", "dark", 1280)])
def test_everybody_can_use_the_widget(client_site, site, language, scheme, width):
    _, _, origin, _ = client_site
    handler = site.RequestHandlerClass
    handler.page = handler.page.replace(b'lang="en-GB"', f'lang="{language}"'.encode()).replace(
        b"<h1>", b'<meta name="viewport" content="width=device-width"><main><h1>'
    )
    with browse.chromium() as browser:
        page = browser.new_page(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 800})
        page.goto(origin)
        launch = page.locator("workfloor-chat .launch")
        expect(launch).to_be_visible()
        faults = browse.faults_of(page)
        launch.click()
        page.locator("workfloor-chat textarea").fill("שלום, my bill is wrong")
        page.locator("workfloor-chat [name=name]").fill("Rui")
        faults += browse.faults_of(page)
        picture(page, f"widget-{language}-form")
        page.locator("workfloor-chat button[type=submit]").click()
        expect(page.locator("workfloor-chat .log")).to_contain_text("my bill is wrong")
        faults += browse.faults_of(page)
        picture(page, f"widget-{language}-chat")

    assert faults == []


@pytest.mark.browser
@pytest.mark.installation
def test_a_visitor_whose_telephone_was_locked_starts_again_at_their_place_and_rates_nobody(client_site):
    _, line, origin, _ = client_site
    with browse.chromium() as browser:
        page, other = visitor(browser, origin), visitor(browser, origin)
        for each, name in ((page, "Rui Costa"), (other, "Eva Lima")):
            each.get_by_role("button", name="Chat with us").click()
            each.get_by_label("Your name").fill(name)
            each.get_by_label("What is it about?").fill(f"The bill of {name}")
            each.get_by_role("button", name="Start chat").click()
            expect(each.get_by_role("button", name="End chat", exact=True)).to_be_visible()
        expect(page.get_by_text("You are next.")).to_be_visible()
        expect(other.get_by_text("You are number 2 in line.")).to_be_visible()

        line.cut()
        expect(page.get_by_text("Connection lost.")).to_be_visible()
        swept_after(90, "Rui Costa")
        line.mend()
        expect(page.get_by_text("Connection lost.")).to_have_count(0)
        expect(page.get_by_text("You are next.")).to_be_visible()

        line.cut()
        expect(page.get_by_text("Connection lost.")).to_be_visible()
        swept_after(240, "Rui Costa")
        line.mend()
        expect(page.get_by_text("Your page was closed for a while")).to_be_visible()
        expect(other.get_by_text("You are next.")).to_be_visible()
        assert page.get_by_text("Send answer").count() == 0, "nobody has answered, so there is nothing to rate"
        picture(page, "chat-left")
        page.get_by_role("button", name="Start again at your place").click()
        expect(page.get_by_text("You are next.")).to_be_visible()
        expect(page.get_by_label("Write a message")).to_be_visible()
        expect(other.get_by_text("You are number 2 in line.")).to_be_visible()
        assert said(page) == ["The bill of Rui Costa"]


def swept_after(seconds: int, name: str) -> None:
    """Look after whoever has left, as the worker does, when that visitor's page has been silent for so long."""

    def sweep() -> None:
        seen = clock.now() - timedelta(seconds=seconds)
        Chat.objects.filter(answers__name=name).update(seen_at=seen)
        chats.sweep(by=actors.CLOCK, now=clock.now())

    meanwhile(sweep)


@pytest.mark.browser
@pytest.mark.installation
def test_what_a_visitor_types_faster_than_may_be_sent_arrives_in_order_and_each_once(client_site):
    _, _, origin, _ = client_site
    lines = [f"line {number}" for number in range(1, 31)]
    with browse.chromium() as browser:
        page = visitor(browser, origin)
        page.get_by_role("button", name="Chat with us").click()
        page.get_by_label("Your name").fill("Rui Costa")
        page.get_by_label("What is it about?").fill("My bill")
        page.get_by_role("button", name="Start chat").click()
        page.get_by_label("Write a message").focus()
        for line in lines:
            page.keyboard.type(line)
            page.keyboard.press("Enter")
        expect(page.locator("workfloor-chat").get_by_text("being sent")).to_have_count(0, timeout=180_000)
        assert said(page) == ["My bill", *lines]
        page.get_by_role("button", name="End chat", exact=True).click()
        page.get_by_role("button", name="End it").click()
        expect(page.get_by_role("button", name="Start chat")).to_be_visible()
        assert page.get_by_text("Send answer").count() == 0, "nobody has answered, so there is nothing to rate"

    with transaction.atomic():
        newest()
        assert list(Message.objects.order_by("id").values_list("text", flat=True)) == ["My bill", *lines]
