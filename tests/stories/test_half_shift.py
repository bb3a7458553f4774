"""Half a shift in which everything happens that can: nothing that was typed is lost, and nothing is doubled."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from email import message_from_bytes
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from django.db import transaction
from playwright.sync_api import Error, Page, Route, expect

from tests import browse, conftest, mail, make
from tests.ops.channels.email import sink as sinks
from tests.stories.test_browser import signed_in
from tests.stories.test_desk_writing import drafts, meanwhile
from tests.stories.test_errand import eventually
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.conversations.models import Message
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats

pytestmark = [pytest.mark.browser, pytest.mark.installation]

# What somebody presses, other than letters.
COUNTS = """
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, (event) => {
  const types = kind === "keydown" && event.target.closest?.("textarea");
  if (event.isTrusted && !types) window.pressed = (window.pressed ?? 0) + 1;
}, true);
"""
BOX = "#compose textarea"
DESK = re.compile(r"/desk/(\?.*)?$")
SUBJECTS = ("My bill", "My meter", "My address", "My refund", "My contract")
VISITORS = ("Is it open?", "Where are you?", "Who am I?")


@pytest.fixture
def provider(real_database: str, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Web, worker and router, and a mail server to send through; a web server that can be killed and comes back."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client(chats=True)
        email = make.agent("Ana Duarte", available=False).account.email
        token = clients.issue_token(client=client, title="PBX", scopes=["work:write"], by=actors.ROOT, now=make.NINE)
        source, origin = 'title = { en = "Chat" }', "https://www.example.com"
        widget = chats.add_widget(
            queue=make.queue("chats"), origins=[origin], source=source, by=actors.ROOT, now=clock.now()
        )
        post = mail.Post()
    with ExitStack() as stack:
        sink = stack.enter_context(sinks.running())
        bind = f"127.0.0.1:{conftest.free_port()}"
        env = {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_BIND": bind, "WORKFLOOR_SMTP_URL": sink.url}
        env["WORKFLOOR_MAIL_UNDO_SECONDS"] = "1"
        start = partial(conftest.running, data=tmp_path, env=env)
        for command in ("worker", "router"):
            stack.enter_context(start(command))
        web = stack.enter_context(start("web"))
        come_back = lambda: stack.enter_context(start("web"))  # noqa: E731
        conftest._wait_for(f"http://{bind}/accounts/login/", tmp_path)
        yield SimpleNamespace(
            url=f"http://{bind}", email=email, token=token, sink=sink, post=post, widget=widget, web=web, back=come_back
        )


class Shift:
    """The agent's page, and what was typed there about each piece of work, in its order."""

    def __init__(self, desk: Page, email: str) -> None:
        self.desk, self.email = desk, email
        self.typed: dict[str, list[tuple[str, str]]] = {}

    def accept(self, count: int) -> None:
        """Take so many offers, one after another."""
        for number in range(count):
            self.desk.get_by_role("button", name="Accept").first.click(timeout=60_000)
            expect(self.desk.locator("a.desk-hand")).to_have_count(number + 1)

    def open(self, title: str) -> None:
        self.desk.locator("a.desk-hand").filter(has_text=title).click(timeout=60_000)
        expect(self.desk.locator("#work h2").first).to_have_text(title)
        expect(self.desk.locator(BOX)).to_be_visible()

    def types(self, title: str, text: str, direction: str = "out") -> None:
        """Type something that is to be kept, behind what stands in the box."""
        self.desk.locator(BOX).press_sequentially(text)
        self.typed.setdefault(title, []).append((direction, text))

    def sends(self, title: str, text: str) -> None:
        self.types(title, text)
        self.desk.keyboard.press("Control+Enter")

    def notes(self, title: str, text: str) -> None:
        self.types(title, text, "note")
        self.desk.get_by_role("button", name="Internal note").click()

    def has_sent_all(self) -> None:
        expect(self.desk.locator("[data-sending]")).to_have_count(0)

    def finishes(self, disposition: str, done: int) -> None:
        self.desk.get_by_label(disposition).check(force=True)
        self.desk.get_by_role("button", name=re.compile("^(Finish|Done)$")).click()
        self.has_done(done)

    def has_done(self, done: int) -> None:
        expect(self.desk.locator("#day")).to_contain_text(f"{done} done")

    def signs_in_again(self) -> None:
        self.desk.wait_for_url("**/accounts/login/**", timeout=60_000)
        self.desk.context.unroute_all()
        self.desk.get_by_label("Email").fill(self.email)
        self.desk.get_by_label("Password").fill("correct horse")
        self.desk.get_by_role("button", name="Sign in").click()
        expect(self.desk.locator("#agent_state")).to_be_visible()

    def loses_its_session(self, keeps_drafts: bool) -> None:
        """It ends, and no reading of the page tells of that: only what is sent, or a draft that is kept."""
        context = self.desk.context
        context.route(DESK, lambda route: route.continue_() if route.request.is_navigation_request() else route.abort())
        if not keeps_drafts:
            context.route("**/keep-draft/", lambda route: route.abort())
        context.clear_cookies(name=re.compile("session"))

    def presses(self) -> int:
        """How often a key or a button was pressed since this was asked last, but for what was typed."""
        return int(self.desk.evaluate("(([count]) => { window.pressed = 0; return count; })([window.pressed ?? 0])"))

    def crashes(self) -> None:
        """The page is gone as it stands, and another is opened."""
        context = self.desk.context
        with suppress(Error):
            self.desk.goto("chrome://crash")
        self.desk.close()
        self.desk = context.new_page()


def said() -> dict[str, list[tuple[str, str]]]:
    """What the database holds of ours, by the item's title and in its order."""
    found: dict[str, list[tuple[str, str]]] = {}
    with transaction.atomic():
        rls.enter_every_client()
        for each in Message.objects.exclude(direction="in").order_by("id").select_related("item"):
            found.setdefault(each.item.title, []).append((each.direction, each.text))
    return found


def visits(widget: object, title: str, secret: str) -> None:
    given = {"secret": secret * 43, "key": f"first-{secret}", "message": title, "answers": {}, "address": secret}
    chats.begin(widget=widget, **given, now=clock.now())


def test_half_a_shift_with_everything_that_can_happen_loses_nothing_and_doubles_nothing(provider):
    letters_come(provider, SUBJECTS[:3])
    with browse.chromium() as browser:
        shift = Shift(signed_in(browser, provider.url, provider.email), provider.email)
        shift.desk.set_viewport_size({"width": 1280, "height": 800})
        shift.desk.context.add_init_script(COUNTS)
        shift.desk.get_by_role("button", name="Go available").click()
        shift.accept(3)
        three_mails(shift)
        three_chats(shift, provider)
        a_crash(shift, provider)
        the_session_ends_under_a_line(shift)
        for done, title in enumerate(VISITORS, 4):
            shift.open(title)
            shift.desk.get_by_role("button", name="End E", exact=True).click()
            shift.finishes("Resolved", done)
        two_calls(shift, provider)
        letters_come(provider, SUBJECTS[3:])
        shift.accept(2)
        for done, subject in enumerate(SUBJECTS[3:], 9):
            shift.open(subject)
            shift.sends(subject, f"Dear Rui, about: {subject}")
            shift.has_sent_all()
            shift.finishes("Answered", done)

    assert said() == shift.typed
    assert drafts() == []
    eventually(lambda: len(provider.sink.mails) >= len(SUBJECTS))
    replies = [text for title in SUBJECTS for direction, text in shift.typed[title] if direction == "out"]
    assert sorted(first_line(raw) for _, _, raw in provider.sink.mails) == sorted(replies)
    with transaction.atomic():
        rls.enter_every_client()
        items = list(Item.objects.order_by("id"))
        assert [each.state for each in items] == 10 * ["done"]
        assert all(work_queries.rebuilt(each.id) == work_queries.state_of(each) for each in items)


def three_mails(shift: Shift) -> None:
    """The network goes while a note and a reply are on their way; then the session ends as a reply is sent."""
    context = shift.desk.context
    shift.open("My bill")
    context.set_offline(True)
    shift.notes("My bill", "She was promised a refund in May")
    shift.sends("My bill", "Dear Rui, your bill is corrected.")
    expect(shift.desk.locator("[data-sending]")).to_have_count(2)
    expect(shift.desk.locator("[data-sending]").first).to_contain_text("does not answer")
    browse.picture_for_the_guide(shift.desk, "desk-offline")
    context.set_offline(False)
    shift.has_sent_all()
    shift.finishes("Answered", 1)

    shift.open("My meter")
    shift.loses_its_session(keeps_drafts=False)
    shift.sends("My meter", "It hangs in the cellar, behind the stairs.")
    shift.signs_in_again()
    shift.open("My meter")
    expect(shift.desk.locator("#talk [data-direction=out]")).to_have_count(1)
    shift.finishes("Answered", 2)

    shift.open("My address")
    shift.types("My address", "We have noted the new one.")
    shift.presses()
    shift.desk.get_by_role("button", name="Reply and close as").click()
    browse.picture_for_the_guide(shift.desk, "desk-mail")
    shift.desk.get_by_role("button", name="Answered").click()
    shift.has_done(3)
    assert shift.presses() == 2  # answered and finished


def three_chats(shift: Shift, provider: SimpleNamespace) -> None:
    """The network loses answers of the server, which has what was sent."""
    for secret, title in zip("abc", VISITORS, strict=True):
        meanwhile(partial(visits, provider.widget, title, secret))
    shift.accept(3)
    shift.desk.context.route("**/reply/", partial(lose_the_answer, iter(range(2))))
    for line in range(3):
        for title in VISITORS[:2]:
            shift.open(title)
            shift.types(title, f"{title} Line {line}")
            shift.desk.keyboard.press("Enter")
    for title in VISITORS[:2]:
        shift.open(title)
        expect(shift.desk.locator("#talk [data-direction=out]")).to_have_count(3)
        shift.has_sent_all()
    shift.desk.context.unroute("**/reply/")


def a_crash(shift: Shift, provider: SimpleNamespace) -> None:
    """The page crashes with an answer half written, and the web server is killed while more is typed."""
    title = VISITORS[2]
    shift.open(title)
    with shift.desk.expect_response("**/keep-draft/"):
        shift.desk.locator(BOX).press_sequentially("You are")
    shift.crashes()
    shift.desk.goto(f"{provider.url}/desk/")
    shift.open(title)
    expect(shift.desk.locator(BOX)).to_have_value("You are")
    provider.web.kill()
    provider.web.wait()
    shift.desk.locator(BOX).press("End")
    shift.desk.locator(BOX).press_sequentially(" our customer.")
    shift.typed[title] = [("out", "You are our customer.")]
    shift.desk.keyboard.press("Enter")
    shift.types(title, "Since 2019, in fact.")
    shift.desk.keyboard.press("Enter")
    shift.notes(title, "Forgets a lot")
    expect(shift.desk.locator("[data-sending]")).to_have_count(3)
    provider.back()
    shift.has_sent_all()
    expect(shift.desk.locator("#lost")).to_be_hidden()


def the_session_ends_under_a_line(shift: Shift) -> None:
    shift.open("Where are you?")
    shift.loses_its_session(keeps_drafts=True)
    shift.types("Where are you?", "In Lisbon.")
    shift.signs_in_again()
    shift.open("Where are you?")
    expect(shift.desk.locator(BOX)).to_have_value("In Lisbon.")
    shift.desk.locator(BOX).focus()
    shift.desk.keyboard.press("Enter")
    shift.has_sent_all()


def two_calls(shift: Shift, provider: SimpleNamespace) -> None:
    """Another system sends them. The network goes in the wrap-up of the first."""
    api = httpx.Client(base_url=f"{provider.url}/api", headers={"Authorization": f"Bearer {provider.token}"})
    for done, title in enumerate(("Call about a bill", "Call about a meter"), 7):
        sent = {"key": f"call-{done}", "queue": "calls", "title": title}
        assert api.post("/work", json=sent, timeout=60).status_code == 201
        shift.accept(1)
        shift.notes(title, "Calm, wants it in writing")
        shift.presses()
        shift.desk.get_by_role("button", name="End E", exact=True).click()
        ended = shift.presses()
        expect(shift.desk.get_by_text("Wrap-up", exact=True)).to_be_visible()
        shift.desk.context.set_offline(title == "Call about a bill")
        shift.notes(title, "Wrote it down for her")
        shift.presses()
        shift.desk.get_by_label("Resolved").check(force=True)
        browse.picture_for_the_guide(shift.desk, "desk-wrap-up")
        shift.desk.get_by_role("button", name="Done").click()
        shift.desk.context.set_offline(False)
        shift.has_done(done)
        assert ended + shift.presses() == 3  # two, and the disposition


def letters_come(provider: SimpleNamespace, subjects: Sequence[str]) -> None:
    for subject in subjects:
        headers = {"Subject": subject, "Message_ID": f"<{subject[3:]}@example.com>"}
        meanwhile(partial(provider.post.writes, f"About: {subject}", at=clock.now(), **headers))


def first_line(raw: bytes) -> str:
    text = message_from_bytes(raw).get_payload(decode=True)
    assert isinstance(text, bytes)
    return text.decode().partition("\r\n")[0]


def lose_the_answer(left: Iterator[int], route: Route) -> None:
    """The server has it, and its answer does not come back."""
    if next(left, None) is None:
        return route.continue_()
    route.fetch()
    return route.abort()
