"""Nothing that an agent writes is lost: a burst, a server that is away, a reload, another browser, an ended session."""

import re
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from playwright.sync_api import Browser, Page, Route, expect

from tests import browse, mail, make
from tests.stories.test_browser import signed_in
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.conversations.models import Draft, Message
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats

pytestmark = [pytest.mark.browser, pytest.mark.installation]
BURST = [f"line {number}" for number in range(1, 201)]


@pytest.fixture
def visited(shared_installation) -> tuple[str, str]:
    """The installation, shared, and the email of an agent for a client of the test's own; a visitor waits in a chat."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.own_client(chats=True)
        agent = make.agent("Ana Duarte", clear_for=client.slug, available=False)
        source, origin = 'title = { en = "Chat" }', "https://www.example.com"
        queue = make.queue("chats", client.slug)
        widget = chats.add_widget(queue=queue, origins=[origin], source=source, by=actors.ROOT, now=clock.now())
        given = {"secret": "a" * 43, "key": "first-one", "message": "My bill is wrong", "answers": {}, "address": "1"}
        chats.begin(widget=widget, **given, now=clock.now())
    return shared_installation, agent.account.email


@pytest.fixture
def written_to(shared_installation) -> tuple[str, str]:
    """The installation, shared, and the email of an agent for a client of the test's own; a customer's mail waits."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.own_client()
        agent = make.agent("Ana Duarte", clear_for=client.slug, available=False)
        mail.Post(client.slug, f"help@{client.slug}.example").writes("Hello, my bill is wrong.", at=clock.now())
    return shared_installation, agent.account.email


def at_work(browser: Browser, url: str, email: str) -> Page:
    return begun(signed_in(browser, url, email))


def begun(desk: Page) -> Page:
    desk.get_by_role("button", name="Go available").click()
    desk.get_by_role("button", name="Accept").click()
    expect(desk.get_by_label("Your answer")).to_be_visible()
    return desk


def newest() -> Client:
    """The test's own client, whose rows alone are seen from now on."""
    rls.enter_every_client()
    found = Client.objects.latest("id")
    rls.enter(found.id)
    return found


def sent(direction: str = "out") -> list[str]:
    with transaction.atomic():
        newest()
        return list(Message.objects.filter(direction=direction).order_by("id").values_list("text", flat=True))


def drafts() -> list[str]:
    with transaction.atomic():
        newest()
        return list(Draft.objects.values_list("text", flat=True))


def meanwhile(do: Callable[[], object]) -> None:
    """Let something happen in the database, in a thread of its own: the browser has this one's loop."""

    def happen() -> None:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                do()
        finally:
            connection.close()

    thread = threading.Thread(target=happen)
    thread.start()
    thread.join()


def held(desk: Page, holds: list[Route]) -> Route:
    """The first request that is held back, when it has got there."""
    for _ in range(1_200):
        if not holds:
            desk.wait_for_timeout(50)
    return holds[0]


def test_a_burst_of_two_hundred_lines_arrives_in_order_and_each_once(visited):
    with browse.chromium() as browser:
        desk = at_work(browser, *visited)
        heard = browse.complaints(desk)
        desk.get_by_label("Your answer").focus()
        for line in BURST:
            desk.keyboard.insert_text(line)
            desk.keyboard.press("Enter")
        desk.keyboard.type("not sent yet")

        expect(desk.locator("[data-sending]")).to_have_count(0)
        expect(desk.locator("#talk [data-direction=out]")).to_have_count(200)
        expect(desk.get_by_label("Your answer")).to_have_value("not sent yet")
        assert desk.locator("#talk [data-direction=out] .said-message-text").all_inner_texts() == BURST
        assert heard == []

    assert sent() == BURST


def test_a_server_that_is_away_or_whose_answers_are_lost_costs_no_line_and_doubles_none(visited):
    with browse.chromium() as browser:
        desk = signed_in(browser, *visited)
        too_much = iter([True, True])

        def turn_away(route):
            if next(too_much, False):
                return route.fulfill(status=503, headers={"Retry-After": "5", "X-Turned-Away": "busy"}, body="{}")
            return route.continue_()

        desk.context.route("**/available/", turn_away)
        begun(desk)  # a press that nobody had time for is pressed again by itself
        expect(desk.locator("#notice")).to_be_empty()
        is_away, unheard = [True], iter([True, True])

        def lose(route):
            if is_away:
                return route.abort()
            if next(unheard, False):
                route.fetch()  # the server has it, and its answer does not come back
                return route.abort()
            return route.continue_()

        desk.context.route("**/reply/", lose)
        for line in BURST[:5]:
            desk.get_by_label("Your answer").press_sequentially(line)
            desk.keyboard.press("Enter")
        expect(desk.locator("[data-sending]").first).to_contain_text("does not answer")
        is_away.clear()
        expect(desk.locator("[data-sending]")).to_have_count(0)

    assert sent() == BURST[:5]


def test_what_cannot_be_sent_comes_back_into_the_box_before_what_was_written_since(visited):
    with browse.chromium() as browser:
        desk = at_work(browser, *visited)
        holds = []
        desk.context.route("**/reply/", lambda route: holds.append(route))
        box = desk.get_by_label("Your answer")
        box.fill("first")
        desk.keyboard.press("Enter")
        expect(box).to_have_value("")
        expect(desk.locator("[data-sending]")).to_contain_text("sending")
        box.fill("second")
        desk.keyboard.press("Enter")
        box.press_sequentially("third")
        refusal = '<p class="wf-refused" role="alert">The visitor has gone.</p>'
        held(desk, holds).fulfill(status=422, body=refusal, content_type="text/html")

        expect(box).to_have_value("first\nsecond\nthird")
        expect(desk.locator("form.desk-compose").get_by_role("alert")).to_contain_text("The visitor has gone.")
        expect(desk.locator("[data-sending]")).to_have_count(0)
        desk.context.unroute("**/reply/")
        desk.keyboard.press("Enter")
        expect(desk.locator("#talk [data-direction=out]")).to_contain_text("third")
        expect(desk.locator("[data-sending]")).to_have_count(0)

    assert sent() == ["first\nsecond\nthird"]


def test_lines_on_their_way_outlive_a_reload(visited):
    with browse.chromium() as browser:
        desk = at_work(browser, *visited)
        desk.context.route("**/reply/", lambda route: route.abort())
        for line in BURST[:3]:
            desk.get_by_label("Your answer").press_sequentially(line)
            desk.keyboard.press("Enter")
        expect(desk.locator("[data-sending]")).to_have_count(3)
        desk.context.unroute("**/reply/")
        desk.reload()
        expect(desk.locator("#talk [data-direction=out]")).to_have_count(3)
        expect(desk.locator("[data-sending]")).to_have_count(0)
        expect(desk.get_by_label("Your answer")).to_have_value("")

    assert sent() == BURST[:3]


def test_a_note_is_one_note_and_a_draft_is_there_in_another_browser_until_it_is_sent(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        box = desk.get_by_label("Your answer")
        box.fill("She was promised a refund")
        desk.get_by_role("button", name="Internal note").dblclick()
        expect(desk.locator("#talk [data-direction=note]")).to_have_count(1)
        box.press_sequentially("Dear Rui, we")
        expect(box).to_have_value("Dear Rui, we")
        with desk.expect_response("**/keep-draft/"):
            pass

        other = signed_in(browser, *written_to)
        expect(other.get_by_label("Your answer")).to_have_value("Dear Rui, we")
        other.get_by_label("Your answer").press("End")
        other.get_by_label("Your answer").press_sequentially(" look into it")
        other.get_by_role("button", name="Send").click()
        expect(other.locator("#talk [data-direction=out]")).to_have_count(1)
        expect(other.locator("[data-sending]")).to_have_count(0)

    assert sent("note") == ["She was promised a refund"]
    assert sent() == ["Dear Rui, we look into it"]
    assert drafts() == []


def test_who_was_signed_out_signs_in_again_and_goes_on_where_they_were(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        desk.context.clear_cookies(name=re.compile("session"))
        desk.get_by_label("Your answer").fill("Dear Rui, it is corrected.")
        desk.keyboard.press("Control+Enter")
        desk.wait_for_url("**/accounts/login/**")
        desk.get_by_label("Email").fill(written_to[1])
        desk.get_by_label("Password").fill("correct horse")
        desk.get_by_role("button", name="Sign in").click()
        expect(desk.locator("#talk [data-direction=out]")).to_contain_text("it is corrected")
        expect(desk.locator("[data-sending]")).to_have_count(0)
        expect(desk.get_by_label("Your answer")).to_have_value("")

    assert sent() == ["Dear Rui, it is corrected."]


def test_who_finishes_while_the_reply_is_on_its_way_has_sent_it_first(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        holds = []
        desk.context.route("**/reply/", lambda route: holds.append(route))
        desk.get_by_label("Your answer").fill("Dear Rui, it is corrected.")
        desk.keyboard.press("Control+Enter")
        desk.get_by_label("Your answer").press_sequentially("P.S.")
        desk.get_by_label("Answered").check(force=True)
        desk.get_by_role("button", name="Finish").click()
        desk.wait_for_timeout(500)
        assert desk.locator("#day").get_by_text("1 done").count() == 0
        held(desk, holds).continue_()
        expect(desk.locator("#notice")).to_contain_text("What stands in the box is not sent.")
        desk.get_by_role("button", name="Finish").click()
        expect(desk.locator("#day")).to_contain_text("1 done")

    assert sent() == ["Dear Rui, it is corrected."]
    assert drafts() == ["P.S."]


def test_undo_brings_a_reply_back_into_the_box_and_nobody_gets_it(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        desk.get_by_label("Your answer").fill("Dear Eva, it is corrected.")
        desk.get_by_role("button", name="Send").click()
        desk.get_by_role("button", name="Undo").click()
        expect(desk.get_by_label("Your answer")).to_have_value("Dear Eva, it is corrected.")
        expect(desk.locator("#talk [data-state=withdrawn]")).to_have_text("taken back")
        desk.reload()
        expect(desk.get_by_label("Your answer")).to_have_value("Dear Eva, it is corrected.")

    assert drafts() == ["Dear Eva, it is corrected."]


@pytest.mark.parametrize("height", [800, 600])
def test_the_desk_is_one_page_whose_panes_scroll_by_themselves(visited, height):
    with browse.chromium() as browser:
        desk = at_work(browser, *visited)
        desk.set_viewport_size({"width": 1280, "height": height})
        for number in range(30):
            desk.get_by_label("Your answer").fill(f"line {number}")
            desk.keyboard.press("Enter")
        expect(desk.locator("#talk [data-direction=out]")).to_have_count(30)
        assert desk.evaluate("document.scrollingElement.scrollHeight") <= height
        expect(desk.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        expect(desk.get_by_text("line 29")).to_be_in_viewport()
        expect(desk.get_by_text("line 0", exact=True)).not_to_be_in_viewport()


def test_the_keyboard_alone_accepts_from_within_the_box_ends_and_says_how_it_ended(visited):
    with browse.chromium() as browser:
        desk = at_work(browser, *visited)
        heard = browse.complaints(desk)
        box = desk.get_by_label("Your answer")
        box.fill("Let me l")
        meanwhile(lambda: make.item("chats", of=newest().slug, title="Second visitor", kind="chat", at=clock.now()))
        expect(desk.get_by_role("heading", name="Second visitor")).to_be_visible()
        desk.keyboard.press("a")
        expect(box).to_have_value("Let me la")
        desk.keyboard.press("Alt+a")
        expect(desk.get_by_role("navigation", name="Work in hand")).to_contain_text("Second visitor")
        expect(box).to_be_focused()
        expect(box).to_have_value("Let me la")

        desk.keyboard.press("Alt+e")
        expect(desk.get_by_label("Resolved")).to_be_focused()
        desk.keyboard.press("2")
        expect(desk.get_by_label("Called back")).to_be_checked()
        desk.keyboard.press("?")
        expect(desk.get_by_role("dialog", name="Keys")).to_be_visible()
        desk.keyboard.press("Escape")
        desk.get_by_label("Called back").focus()
        desk.keyboard.press("Enter")
        expect(desk.locator("#notice")).to_contain_text("What stands in the box is not sent.")
        desk.keyboard.press("Enter")
        expect(desk.locator("#day")).to_contain_text("1 done")
        assert heard == []
