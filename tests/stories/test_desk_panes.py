"""The desk as one page: three panes, several items at once, everything by keyboard, and nothing that jumps."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, expect

from tests import browse, mail, make
from tests.stories.test_browser import picture, signed_in
from tests.stories.test_desk_writing import meanwhile, newest
from workfloor.core.people.models import AgentState, Person
from workfloor.core.work import actions as work
from workfloor.kit.database import rls
from workfloor.kit.time import clock

pytestmark = [pytest.mark.browser, pytest.mark.installation]

# What moves on the page without anybody having pressed anything, as browsers measure it (Layout Instability).
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput)
    window.shifts.push([each.value, each.sources.map((source) => source.node?.outerHTML?.slice(0, 80))]);
}).observe({ type: "layout-shift", buffered: true });
"""
# What tells of an offer outside of the page, which no test of ours sees or hears.
OUTSIDE = """
window.told = [];
window.sounded = 0;
window.Notification = class { constructor(title, more) { window.told.push([title, more.body]); } };
window.Notification.permission = "granted";
window.Notification.requestPermission = async () => "granted";
const Real = window.AudioContext;
window.AudioContext = class extends Real { constructor() { super(); window.sounded += 1; } };
document.hasFocus = () => false;
"""


@pytest.fixture
def letters(shared_installation) -> tuple[str, str]:
    """The installation, shared, and the email of an agent for a client of the test's own; two customers' mails wait."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.own_client()
        agent = make.agent("Ana Duarte", clear_for=client.slug, available=False)
        post = mail.Post(client.slug, f"help@{client.slug}.example")
        post.writes("My bill is wrong.", at=clock.now(), Subject="My bill")
        post.writes("Where is my meter?", at=clock.now(), Subject="My meter", Message_ID="<second@example.com>")
    return shared_installation, agent.account.email


def with_both(browser: Browser, url: str, email: str) -> Page:
    desk = signed_in(browser, url, email)
    desk.set_viewport_size({"width": 1280, "height": 800})
    desk.get_by_role("button", name="Go available").click()
    for count in (1, 2):
        desk.get_by_role("button", name="Accept").first.click()
        expect(desk.locator("a.desk-hand")).to_have_count(count)
    expect(desk.get_by_role("button", name="Accept")).to_have_count(0)
    return desk


def box(desk: Page):
    return desk.locator("#compose textarea")


def hand(desk: Page, title: str):
    return desk.locator("a.desk-hand").filter(has_text=title)


def test_another_item_is_opened_without_leaving_the_page_and_nothing_is_lost(letters):
    with browse.chromium() as browser:
        desk = with_both(browser, *letters)
        heard = browse.complaints(desk)
        desk.evaluate("window.isStill = true")
        expect(desk.locator("#work")).to_contain_text("My bill")
        box(desk).press_sequentially("Dear Rui, we look into it")
        desk.locator("#compose input[type=file]").set_input_files(
            {"name": "bill.txt", "mimeType": "text/plain", "buffer": b"12 euros"}
        )
        desk.keyboard.press("Escape")
        desk.locator("#item-title-" + str(desk.locator("#work article").get_attribute("data-item"))).focus()
        desk.keyboard.press("1")
        expect(desk.locator("#ending").get_by_label("Answered")).to_be_checked()

        box(desk).focus()
        with desk.expect_request(re.compile(r"/desk/\?item=\d+$")) as asked:
            desk.keyboard.press("Alt+n")
        assert "x-by-itself" not in asked.value.headers  # somebody looks at it, which is kept
        expect(desk.locator("#work")).to_contain_text("My meter")
        expect(box(desk)).to_be_focused()  # who was writing goes on writing
        expect(box(desk)).to_have_value("")
        desk.keyboard.type("In the cellar")
        expect(desk.locator("#ending input:checked")).to_have_count(0)
        expect(desk).to_have_url(re.compile(r"\?item=\d+$"))

        hand(desk, "My bill").click()
        expect(desk.locator("#work")).to_contain_text("My bill")
        expect(box(desk)).to_have_value("Dear Rui, we look into it")
        expect(desk.locator("#compose")).to_contain_text("bill.txt")
        expect(desk.locator("#ending").get_by_label("Answered")).to_be_checked()
        desk.go_back()
        expect(box(desk)).to_have_value("In the cellar")
        assert desk.evaluate("window.isStill")
        assert heard == []

        desk.reload()
        expect(box(desk)).to_have_value("In the cellar")
        hand(desk, "My bill").click()
        expect(box(desk)).to_have_value("Dear Rui, we look into it")


def test_nothing_jumps_while_work_comes_and_goes_and_the_page_never_scrolls(letters):
    with browse.chromium() as browser:
        desk = with_both(browser, *letters)
        desk.evaluate(WATCH)
        for number in range(14):
            desk.locator("#compose textarea").fill(f"Note {number}")
            desk.get_by_role("button", name="Internal note").click()
        expect(desk.locator("#talk [data-direction=note]")).to_have_count(14)
        meanwhile(lambda: make.item("mail", of=newest().slug, title="A third letter", at=clock.now()))
        expect(desk.get_by_role("heading", name="A third letter")).to_be_visible()
        picture(desk, "desk-panes-offer")
        assert is_still(desk) == []
        desk.keyboard.press("Alt+a")
        expect(desk.locator("a.desk-hand")).to_have_count(3)
        desk.keyboard.press("Alt+n")
        expect(desk.locator("#work")).to_contain_text("My meter")
        desk.get_by_label("Answered").check(force=True)
        desk.get_by_role("button", name="Finish").click()
        expect(desk.locator("#day")).to_contain_text("1 done")
        assert is_still(desk) == []
        picture(desk, "desk-panes")
        assert desk.evaluate("document.scrollingElement.scrollHeight") <= 800
        assert sum(value for value, _ in desk.evaluate("window.shifts")) < 0.02, desk.evaluate("window.shifts")


def is_still(desk: Page) -> list[object]:
    """What of the page lies outside of the window, or moved by more than may be."""
    outside = "[...document.querySelectorAll('.desk > *')].filter((each) => each.getBoundingClientRect().bottom > 801)"
    return desk.evaluate(f"{outside}.map((each) => each.outerHTML.slice(0, 90))")


def test_the_next_offer_is_there_after_done_and_the_keyboard_is_on_it(letters):
    with browse.chromium() as browser:
        desk = with_both(browser, *letters)
        desk.keyboard.press("y")
        desk.get_by_role("button", name="Break").press("Enter")
        expect(desk.locator("#agent_state")).to_contain_text("Not ready: break")
        for left in (1, 0):
            desk.keyboard.press("1")
            expect(desk.locator("#ending input:checked")).to_have_count(1)
            desk.keyboard.press("Enter")
            expect(desk.locator("a.desk-hand")).to_have_count(left)
        meanwhile(lambda: make.call(of=newest().slug, title="Hello?", at=clock.now()))
        desk.keyboard.press("v")
        expect(desk.get_by_role("heading", name="Hello?")).to_be_visible()
        expect(desk.get_by_role("button", name="Accept")).to_be_focused()
        desk.keyboard.press("a")
        desk.keyboard.press("a")  # once more, while the first is on its way
        expect(desk.locator("#work")).to_contain_text("On the line")
        meanwhile(lambda: make.call(of=newest().slug, title="The next one", at=clock.now()))
        desk.keyboard.press("e")
        expect(desk.get_by_label("Resolved")).to_be_focused()
        desk.keyboard.press("1")
        desk.keyboard.press("Enter")
        expect(desk.get_by_role("heading", name="The next one")).to_be_visible()
        expect(desk.get_by_role("button", name="Accept")).to_be_focused()
        expect(desk.locator("#notice .wf-notice")).to_have_count(0)


def test_every_action_has_a_key_and_the_sheet_of_keys_says_it(letters):
    with browse.chromium() as browser:
        desk = with_both(browser, *letters)
        without = "[...document.querySelectorAll('.desk-bar :is(button, a), .desk-agent-state :is(button, a)')]"
        without += ".filter((each) => !each.closest('[popover]') && !each.dataset.key).map((each) => each.textContent)"
        assert desk.evaluate(without) == []
        desk.keyboard.press("?")
        sheet = desk.get_by_role("dialog", name="Keys")
        listed = {each.lower() for each in sheet.locator("dt kbd").all_inner_texts()}
        assert (
            set(desk.evaluate("[...document.querySelectorAll('[data-key]')].map((e) => e.dataset.key)"))
            - set("2345678")
            <= listed
        )
        desk.keyboard.press("Escape")

        for key, name in (("z", "Snooze"), ("t", "Transfer"), ("f", "Callback or follow-up"), ("q", "You have work")):
            desk.keyboard.press(key)
            expect(desk.get_by_role("dialog", name=name)).to_be_visible()
            desk.keyboard.press("Escape")
            expect(desk.get_by_role("dialog", name=name)).to_have_count(0)
        desk.keyboard.press("k")
        desk.get_by_role("dialog", name="The case").get_by_role("button", name="Merge").press("Enter")
        expect(desk.get_by_role("dialog", name="The case")).to_have_count(0)
        expect(desk.get_by_label("Merge into")).to_be_focused()
        desk.get_by_label("Merge into").select_option(index=1)
        desk.get_by_role("dialog", name="Merge").get_by_role("button", name="Merge").press("Enter")
        expect(desk.locator("#talk")).to_contain_text("Where is my meter?")
        expect(desk.locator("#talk")).to_contain_text("My bill is wrong.")

        desk.keyboard.press("z")
        desk.get_by_role("button", name="Tomorrow at 9:00").press("Enter")
        expect(desk.locator("#snooze-at")).to_have_value(re.compile("T09:00$"))
        desk.get_by_role("dialog").get_by_role("button", name="Snooze").press("Enter")
        expect(desk.locator("#resting")).to_contain_text("Callbacks, follow-ups and snoozed")
        expect(desk.locator("a.desk-hand")).to_have_count(1)

        desk.keyboard.press("q")
        desk.get_by_role("dialog").get_by_role("button", name="Transfer").press("Enter")  # and that first
        expect(desk.get_by_role("dialog", name="Transfer")).to_be_visible()
        desk.keyboard.press("Escape")
        desk.keyboard.press("q")
        desk.get_by_role("button", name="After this one").press("Enter")
        expect(desk.locator("#agent_state")).to_contain_text("Signed out, 1 in hand: finish it")
    assert AgentState.objects.latest("person_id").state == "signed-out"


def test_an_offer_is_heard_seen_in_the_title_and_told_by_the_desktop_where_that_was_switched_on(letters):
    url, email = letters
    with browse.chromium() as browser:
        desk = signed_in(browser, url, email)
        desk.add_init_script(OUTSIDE)
        desk.reload()
        desk.get_by_text("menu", exact=False).locator("xpath=ancestor::summary").click()
        desk.get_by_label("Sound for an offer").check()
        desk.get_by_label("Desktop notification for an offer").check()
        desk.keyboard.press("Escape")
        assert desk.evaluate("window.sounded") == 1  # how it will sound
        desk.get_by_role("button", name="Go available").click()
        expect(desk.get_by_role("heading", name="My bill")).to_be_visible()
        expect(desk).to_have_title(re.compile("^● Email for "))
        desk.wait_for_function("window.told.length === 2")  # one mail, and the other
        assert sorted(body for _, body in desk.evaluate("window.told")) == ["My bill", "My meter"]
        assert desk.evaluate("window.sounded") == 3
        desk.reload()
        expect(desk.get_by_role("heading", name="My bill")).to_be_visible()
        assert desk.evaluate("window.told") == []  # it was told of


def offer_for_long() -> None:
    """Somebody looks at each of the screens while the offer stands."""
    rui = work.Customer("C-1", "Rui Costa")
    third = make.item("mail", of=newest().slug, title="A third letter", at=clock.now(), customer=rui)
    now, ana = clock.now(), Person.objects.latest("id")
    work.offer(item=third, person=ana, max_concurrency=3, offer_seconds=3000, by=make.ROUTER, now=now)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_and_the_day_can_be_used_by_everybody_on_every_screen(letters, scheme):
    url, email = letters
    with browse.chromium() as browser:
        desk = with_both(browser, url, email)
        meanwhile(offer_for_long)
        expect(desk.get_by_role("heading", name="A third letter")).to_be_visible()
        desk.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (320, 390, 1280, 1920):
            desk.set_viewport_size({"width": width, "height": 800})
            assert browse.faults_of(desk) == []
            assert desk.evaluate("document.documentElement.scrollWidth") <= width
            picture(desk, f"desk-panes-{scheme}-{width}")
            accept = desk.get_by_role("button", name="Accept").bounding_box()
            assert accept and accept["y"] + accept["height"] <= 800  # an offer is never below the window
        for key in ("?", "z", "k", "f", "q"):
            desk.keyboard.press(key)
            expect(desk.locator("[popover]:popover-open")).to_have_count(1)
            assert browse.faults_of(desk) == []
            desk.keyboard.press("Escape")
        desk.set_viewport_size({"width": 390, "height": 800})
        desk.evaluate("document.dispatchEvent(new CustomEvent('wf:notice', {detail: {text: 'Told', kind: 'info'}}))")
        desk.keyboard.press("Alt+a")
        expect(desk.locator("a.desk-hand")).to_have_count(3)
        notice = desk.locator("#notice .wf-notice").bounding_box()
        assert notice and notice["y"] > 500  # where the thumb is
        desk.goto(f"{url}/desk/day/")
        for width in (320, 1280):
            desk.set_viewport_size({"width": width, "height": 800})
            assert browse.faults_of(desk) == []
            assert desk.evaluate("document.documentElement.scrollWidth") <= width
