"""Every page of the product can be used by everybody, in light and in dark, on a desk's screen and on a phone's."""

import mimetypes
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLResolver, get_resolver
from playwright.sync_api import Page

from tests import browse, mail, make
from tests.house import two_clients
from workfloor.core.access import actors
from workfloor.core.contracts.terms import CALL_FOR_HELP
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.periods.models import Close, Dispute
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.work import actions as work
from workfloor.core.work import supervising
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import retries

CLOSED = '{"measures": [], "lines": [], "credits": [], "adjustments": []}'
# Streams, files and parts of pages are no pages, and the page of the API's documentation is swagger-ui's own.
NOT_PAGES = {"live", "openapi-view", "talk", "colleagues", "help", "hands", "new-mail"}
# Reached only through a link in a letter, which says what stands in them.
FROM_LETTERS = {"account_confirm_email", "account_reset_password_from_key"}


def addresses(patterns: list[Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Every address of the urlconf with its name, as "desk/items/<int:item_id>/accept/"."""
    for each in patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, path)
        elif not path.startswith("api/") and each.name not in NOT_PAGES | FROM_LETTERS:
            yield each.name, path


class Floor:
    """A floor with something in every state, and who looks at it."""

    def __init__(self) -> None:
        self.now = now = clock.now()
        event_log.make_partitions(first=now - timedelta(days=31))
        self.client = make.client(chats=True)
        self.ana, self.idle, self.wrapping = make.agent("Ana", 2), make.agent("Bruno"), make.agent("Carla")
        self.away, self.gone = make.agent("Diogo"), make.agent("Esther", available=False)
        people.go_away(person=self.away, by=self.away, reason="lunch", now=now)
        self.leader = make.person("leader", "administrator", name="Leonor")
        people.clear(person=self.leader, client=self.client, by=actors.ROOT, now=now)
        self.item = self.held(self.ana, "mail", payload={"body": "Dear all,\nplease", "lines": [{"net": 12}]})
        work.escalate(item=self.item, by=self.ana, note="Above my limit", now=now)
        work.offer(
            item=self.mail("Second letter"),
            person=self.ana,
            max_concurrency=3,
            offer_seconds=600,
            by=make.ROUTER,
            now=now,
        )
        work.set_pending_customer(item=self.held(self.idle, "mail"), by=self.idle, now=now)
        work.end(item=self.held(self.wrapping, "calls"), by=self.wrapping, now=now)
        ended = work.end(item=self.held(self.away, "calls"), by=self.away, now=now)
        work.wrap_up(item=ended, by=self.away, disposition="resolved", now=now)
        make.call(at=now - timedelta(minutes=2))
        self.period = f"{now:%Y-%m}"
        two_clients.invoiced(self.client, "Rui Costa", self.leader, "2026-00001")
        self.disputed()
        self.widget = chats.add_widget(
            queue=make.queue("chats"),
            origins=["https://www.example.com"],
            by=actors.ROOT,
            now=now,
            source='title = { en = "Chat with us" }',
        )
        self.chatting = make.agent("Fernanda")
        playbooks.give(
            client=self.client,
            source='[[answers]]\nname = "hello"\ntext = "Hello {customer}"\n',
            by=actors.ROOT,
            now=now,
        )
        self.article = playbooks.write_article(
            process=self.item.process, name="bills", title="Bills", body="How to read one", by=actors.ROOT, now=now
        )
        self.file = self.talked()
        self.arrival, self.reply = self.mailed()
        self.endpoint, self.delivery = self.told()
        self.message = team_messages.send(to=[self.ana], text="Stay on, please", by=self.leader, now=now)
        asked = team_messages.send(to=[self.idle], text="Can you stay?", by=self.leader, now=now)
        team_messages.answer(received=asked, text="Until six", by=self.idle, now=now)
        supervising.move(person=self.ana, queue=make.queue(), ends_at=now + timedelta(hours=2), by=self.leader, now=now)
        self.escalation = self.asked_for_help()
        self.calling = self.escalation.item.person

    def mailed(self) -> Any:
        """Mail that could not be read, mail that was set aside, and a reply that did not arrive."""
        post = mail.Post()
        post.writes(at=self.now, Auto_Submitted="auto-replied")
        held = [post.writes(str(n), at=self.now, Message_ID=f"<{n}@x>") for n in range(31)][-1]
        rls.enter_every_client()
        html = '<p>Yes, <a href="https://a.example">see</a></p><blockquote type="cite">No</blockquote>'
        reply = conversations.reply(
            item=self.item,
            channel="email",
            recipients=[Address("rui@example.com")],
            by=make.RULES,
            now=self.now,
            content=Content("Yes", "> No", html),
        )
        conversations.mark_undelivered(message=reply, reason="550 no such user", by=make.MAIL, now=self.now)
        return held, reply

    def told(self) -> Any:
        """Another system that fails over what it is told."""
        endpoint, _ = webhooks.add(
            client=self.client,
            title="Their CRM",
            url="https://crm.example/",
            events=["work"],
            by=actors.ROOT,
            now=self.now,
        )
        delivery = webhooks.send_test(endpoint=endpoint, by=actors.ROOT, now=self.now)
        (attempt,) = webhooks.begin(endpoint_id=endpoint.id, busy=[], most=1, now=self.now)
        webhooks.mark(attempt=attempt, answer=retries.Answer(503, "busy", 1200), now=self.now)
        return endpoint, delivery

    def asked_for_help(self) -> Any:
        """Two agents who ask for help: nobody has answered the one, and the other is answered."""
        raised = [
            escalation.escalate(
                item=work.escalate(item=self.held(by, "calls"), by=by, note="May I refund 40 euros?", now=self.now),
                agreed=CALL_FOR_HELP,
                said="May I refund 40 euros?",
                by=escalation.ENGINE,
                now=self.now,
            )
            for by in (make.agent(), make.agent())
        ]
        escalation.acknowledge(escalation=raised[1], by=self.leader, now=self.now)
        escalation.answer(escalation=raised[1], text="Yes, up to 50", by=self.leader, now=self.now)
        return raised[0]

    def talked(self) -> Any:
        """A chat in somebody's hands in which everything was said that can be."""
        begun = chats.begin(
            widget=self.widget,
            secret="s" * 43,
            key="k" * 8,
            message="My bill",
            answers={},
            address="here",
            now=self.now,
            page="https://www.example.com/",
        )
        work.offer(
            item=begun.item, person=self.chatting, max_concurrency=4, offer_seconds=20, by=make.ROUTER, now=self.now
        )
        item = work.accept(item=begun.item, by=self.chatting, now=self.now)
        chats.reply(chat=begun, by=self.chatting, text="Let me look at https://www.example.com/help", now=self.now)
        conversations.note(case=item.case, item=item, text="Angry", by=self.chatting, now=self.now)
        picture = File("bill.txt", "text/plain", b"bill")
        message, _ = chats.say(chat=begun, key="l" * 8, text="", files=[picture], now=self.now)
        return message.attachments.get()

    def disputed(self) -> None:
        """A month that is closed, with a dispute that was upheld; and one that waits for approval."""
        for period, state in (("2025-01", "closed"), ("2025-02", "provisional")):
            Close.objects.create(
                client=self.client,
                period=period,
                state=state,
                version=1,
                plain=CLOSED,
                printed={},
                basis={},
                digest="0" * 64,
                items=b"",
                proposed_at=self.now,
                proposed_by=self.leader,
                approved_by=self.ana if state == "closed" else None,
                approved_at=self.now if state == "closed" else None,
            )
        Dispute.objects.create(
            client=self.client,
            period="2025-01",
            figure="l1",
            words="Two were tests",
            raised_at=self.now,
            raised_by=self.ana,
            state="upheld",
            decided_by=self.leader,
            decided_at=self.now,
            decision="They were",
        )

    def mail(self, title: str) -> Any:
        return make.item("mail", title=title, at=self.now, customer=work.Customer("C-1", "Rui Costa"))

    def held(self, by: Any, queue: str, **more: Any) -> Any:
        item = make.item(queue, title="My bill", at=self.now, customer=work.Customer("C-1", "Rui Costa"), **more)
        max_concurrency = 3 if queue == "mail" else 1
        work.offer(
            item=item, person=by, max_concurrency=max_concurrency, offer_seconds=20, by=make.ROUTER, now=self.now
        )
        return work.accept(item=item, by=by, now=self.now)

    def filled(self, path: str) -> str:
        """An address with this floor's own things in the places that it leaves open."""
        item = self.item.id
        known = {"slug": self.client.slug, "period": self.period, "figure": "m1", "item": item, "item_id": item}
        if path.endswith("/dispute/"):
            known["period"] = "2025-01"
        known |= {"number": "2026-00001"}
        known |= {"widget_key": self.widget.key, "attachment_id": self.file.id, "article_id": self.article.id}
        known |= {"case_id": self.item.case_id, "customer_id": self.item.case.customer_id}
        known |= {"arrival_id": self.arrival.id, "message_id": self.reply.id}
        known |= {"name": "people.take_on", "rest": "done/"}
        known |= {"queue_id": self.item.queue_id, "person_id": self.ana.id}
        known |= {"team_message_id": self.message.id}
        known |= {"endpoint_id": self.endpoint.id, "delivery_id": self.delivery.id}
        known |= {"escalation_id": self.escalation.id}
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda place: str(known[place[1]]), path)


@pytest.fixture
def floor(everyone: None) -> Floor:
    return Floor()


def pages(floor: Floor, language: str = "en") -> dict[str, str]:
    """Every page, each desk, and one page of each refusal, in a language: "who address" -> HTML."""
    readers = [None, floor.ana, floor.idle, floor.wrapping, floor.away, floor.gone, floor.chatting, floor.calling]
    readers.append(floor.leader)
    found: dict[str, str] = {}
    seen: set[object] = set()
    for reader in readers:
        client = Client(headers={"accept-language": language})
        if reader:
            client.force_login(reader.account)
        for path in ["/nowhere/", *(floor.filled(path) for _, path in addresses(get_resolver().url_patterns))]:
            answer = client.get(path)
            # An agent's other pages are the same for all agents, and refusals are the same wherever they are met.
            same = (path, reader if path == "/desk/" else None) if answer.status_code == 200 else answer.status_code
            if same not in seen and answer.headers["Content-Type"].startswith("text/html") and answer.content:
                seen.add(same)
                found[f"{reader or 'A stranger'} {path}"] = answer.content.decode()
    return found


@contextmanager
def served(found: dict[str, str]) -> Iterator[str]:
    """A web server of these pages, for whom the header says, and of static files, which browsers read once; its URL.

    Nobody hears a live stream.
    """

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            file = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
            if file:
                self.tell(Path(file).read_bytes(), mimetypes.guess_type(file)[0] or "", "max-age=3600")
            elif path.startswith("/static/") or path == "/live/":
                self.close_connection = True
            else:
                self.tell(found[self.headers["x-page"]].encode(), "text/html", "no-store")

        def tell(self, body: bytes, kind: str, kept: str) -> None:
            self.send_response(200)
            for name, value in {"Content-Type": kind, "Content-Length": len(body), "Cache-Control": kept}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


LEADS = ("/floor/", "/floor/wallboard/", "/escalations/")
FLOORS = ("queue", "person", "item")  # opened from there
READS = "hx-request"  # of what a page reads later


def desks(floor: Floor) -> dict[str, str]:
    """The desk with nothing, an offer and a mail, a chat, a call, in wrap-up; and all that leaders work on."""
    agents = (floor.ana, floor.idle, floor.wrapping, floor.away, floor.chatting, floor.calling)
    opened = [floor.filled(path) for name, path in addresses(get_resolver().url_patterns) if name in FLOORS]
    found = {}
    for reader, paths in [*((agent, ["/desk/"]) for agent in agents), (floor.leader, [*LEADS, *opened])]:
        client = Client()
        client.force_login(reader.account)
        found |= {f"{reader} {path}": client.get(path).content.decode() for path in paths}
    return found


@pytest.mark.browser
def test_both_desks_can_be_used_at_every_width_in_both_themes_and_by_keyboard_alone(floor: Floor) -> None:
    found = desks(floor)
    assert len(found) == 12
    with browse.chromium() as browser, served(found) as url:
        faults = [
            f"{name} ({scheme}, {width} wide): {fault}"
            for scheme, widths in (("light", (320, 390, 1920)), ("dark", (320, 1280, 1920)))
            for width in widths  # the two others are looked at on every page, below
            for name, fault in looked_at(browser, url, found, scheme, width)
        ]
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.route(lambda _: True, lambda route: route.abort() if READS in route.request.headers else route.fallback())
        for name in found:
            page.set_extra_http_headers({"x-page": name})
            page.goto(url + name.rpartition(" ")[2])
            faults += [f"{name}: no key leads to {each}" for each in out_of_reach(page)]

    assert not faults, "\n" + "\n".join(faults)


# What can be pressed or filled in, once for a group of which arrow keys reach the rest; and what has the keyboard.
PRESSED = """(within) => {
  const kinds = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const all = document.querySelectorAll(`${within} :is(${kinds})`);
  const each = [...all].filter((one) => one.checkVisibility({ checkVisibilityCSS: true }) && !one.disabled);
  return each.map((one) => (one.type === "radio" ? `radio ${one.form?.id} ${one.name}` : one.outerHTML.slice(0, 160)));
}"""
HAS_IT = """(() => {
  const one = document.activeElement;
  return one.type === "radio" ? `radio ${one.form?.id} ${one.name}` : one.outerHTML.slice(0, 160);
})()"""


def out_of_reach(page: Page) -> list[str]:
    """What Tab does not lead to, on the page and in each of its sheets, which Enter opens and Escape closes."""
    missed = walked(page, "body")
    for number in range(page.locator("button[popovertarget]:visible").count()):
        opens = page.locator("button[popovertarget]:visible").nth(number)
        sheet = opens.get_attribute("popovertarget")
        opens.press("Enter")
        if not page.locator(f"#{sheet}:popover-open").count():
            missed.append(f"the sheet {sheet}, which Enter does not open")
            continue
        missed += walked(page, f"#{sheet}")
        page.keyboard.press("Escape")
        if page.locator(f"#{sheet}:popover-open").count():
            missed.append(f"the way out of the sheet {sheet}")
    return missed


def walked(page: Page, within: str) -> list[str]:
    there = page.evaluate(PRESSED, within)
    met = {page.evaluate(HAS_IT)}
    for _ in range(3 * len(there) + 40):
        page.keyboard.press("Tab")
        met.add(page.evaluate(HAS_IT))
        if met.issuperset(there):
            break
    return [each for each in there if each not in met]


@pytest.mark.browser
def test_every_page_can_be_used_by_everybody(floor: Floor) -> None:
    found = pages(floor)
    assert {"A stranger /accounts/login/", "Ana /desk/", "Carla /desk/", "Leonor /floor/"} <= set(found)

    with browse.chromium() as browser, served(found) as url:
        faults = [
            f"{name} ({scheme}, {width} wide): {fault}"
            for scheme, width in (("light", 1280), ("dark", 390))
            for name, fault in looked_at(browser, url, found, scheme, width)
        ]

    assert not faults, "\n" + "\n".join(faults)


def looked_at(browser: Any, url: str, found: dict[str, str], scheme: Any, width: int) -> Iterator[tuple[str, str]]:
    page = browser.new_page(color_scheme=scheme, reduced_motion="reduce", viewport={"width": width, "height": 900})
    for name in found:
        page.set_extra_http_headers({"x-page": name})
        page.goto(url + name.rpartition(" ")[2])
        for fault in browse.faults_of(page):
            yield name, fault
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            yield name, f"is {wide} pixels wide"
    page.close()
