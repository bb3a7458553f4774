"""Two agents on one item in two browsers: asked in, read along, handed over; and a floor with two leaders at once."""

import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, expect

from tests import browse, mail, make
from tests.stories.test_browser import picture, signed_in
from tests.stories.test_desk_writing import meanwhile
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

pytestmark = [pytest.mark.browser, pytest.mark.installation]
# What the browser says of answers that the story provokes on purpose.
EXPECTED = ("status of 409", "status of 422")


@pytest.fixture
def staffed(real_database, installation) -> tuple[str, dict[str, str]]:
    """The installation, and the emails of two agents and two leaders; a customer's mail waits."""
    with transaction.atomic():
        rls.enter_every_client()
        people = [make.agent("Ana Duarte", available=False), make.agent("Ben Faro", available=False)]
        people += [make.in_charge("leader", make.client(), name=name) for name in ("Leonor Prates", "Rui Matos")]
        mail.Post().writes("I was charged twice.", at=clock.now(), Subject="Double charge")
    return installation, {each.name.split()[0]: each.account.email for each in people}


def inside(do):
    found = []
    meanwhile(lambda: found.append(do()))
    return found[0]


def facts() -> list[tuple[str, str | None]]:
    """What happened to the one item, with who did it."""

    def read():
        names = dict(Person.objects.values_list("id", "name"))
        (item,) = Item.objects.all()
        assert work_queries.rebuilt(item.id) == work_queries.state_of(item)
        told = event_log_queries.of_item(item.id).filter(event__startswith="work.")
        return [(each.event.removeprefix("work."), names.get(each.by_id or 0, "").split(" ")[0]) for each in told]

    return inside(read)


def at_work(browser: Browser, url: str, email: str) -> Page:
    desk = signed_in(browser, url, email)
    desk.get_by_role("button", name="Go available").click()
    expect(desk.locator("#agent_state")).to_contain_text("Available")
    return desk


def with_the_mail(browser: Browser, url: str, email: str) -> Page:
    desk = at_work(browser, url, email)
    desk.get_by_role("button", name="Accept").click()
    expect(desk.get_by_label("Your answer")).to_be_visible()
    return desk


def is_sound(page: Page, name: str) -> None:
    """As a user of a small screen, and of a keyboard or a screen reader, has it."""
    picture(page, name)
    assert browse.faults_of(page) == []
    wide = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 700})
    wider = "[...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > 320.5)"
    assert page.evaluate(f"{wider}.map((each) => each.outerHTML.slice(0, 90))") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    picture(page, f"{name}-320")
    page.set_viewport_size(wide)


def test_a_colleague_is_asked_in_reads_along_and_is_handed_the_item(staffed):
    url, emails = staffed
    with browse.chromium() as browser:
        ana = with_the_mail(browser, url, emails["Ana"])
        ben = at_work(browser, url, emails["Ben"])
        heard = browse.complaints(ana), browse.complaints(ben)

        ana.locator("#ask-in").press("Enter")  # all of it by keyboard
        expect(ana.locator("#consult-to")).to_be_focused()
        is_sound(ana, "consult-sheet")
        ana.keyboard.type("Ben")
        ana.keyboard.press("Tab")
        ana.keyboard.press("Tab")
        ana.keyboard.press("Enter")
        expect(ana.locator(".desk-on-it")).to_contain_text("Consult, asked")
        expect(ben.get_by_role("heading", name="Ana Duarte asks you in")).to_be_visible()
        is_sound(ben, "consult-asked")

        ben.keyboard.press("a")
        expect(ben.locator("#work")).to_contain_text("Ana Duarte asked you in")
        expect(ana.locator(".desk-on-it")).not_to_contain_text("asked")
        expect(ana.locator(".desk-on-it")).to_contain_text("Ben Faro")
        expect(ben.locator(".desk-on-it")).to_contain_text("Ana Duarte")
        expect(ben.locator("#talk")).to_contain_text("charged twice")
        is_sound(ben, "consult-joined")

        ben.get_by_label("Internal note").fill("It was refunded on Monday")
        ben.get_by_role("button", name="Internal note").click()
        expect(ana.locator("#talk")).to_contain_text("It was refunded on Monday")
        ana.get_by_label("Your answer").fill("I look into it")
        ana.get_by_role("button", name="Internal note").click()
        expect(ben.locator("#talk")).to_contain_text("I look into it")
        is_sound(ana, "consult-owner")

        ana.get_by_role("button", name="Transfer to Ben Faro").click()
        ana.get_by_role("dialog").get_by_label("Note").fill("Knows refunds")
        ana.get_by_role("dialog").get_by_role("button", name="Transfer", exact=True).click()
        expect(ana.locator("#work")).to_contain_text("the next piece of work comes by itself")
        expect(ben.get_by_label("Your answer")).to_be_visible()
        expect(ben.locator("#about")).to_contain_text("Knows refunds")
        complaints = [each for page in heard for each in page if not any(known in each for known in EXPECTED)]
        assert complaints == []

    assert [each for each in facts() if "consult" in each[0]] == [
        ("consult-asked", "Ana"),
        ("consult-joined", "Ben"),
        ("transferred-to-consultant", "Ana"),
    ]


def test_a_consult_ends_by_either_and_a_decline_is_seen(staffed):
    url, emails = staffed
    with browse.chromium() as browser:
        ana = with_the_mail(browser, url, emails["Ana"])
        ben = at_work(browser, url, emails["Ben"])

        def ask() -> None:
            ana.get_by_role("button", name="Consult", exact=True).click()
            ana.get_by_label("Skill").select_option("portuguese")
            ana.get_by_role("button", name="Ask", exact=True).click()
            expect(ben.get_by_role("heading", name="Ana Duarte asks you in")).to_be_visible()

        ask()
        ben.get_by_role("button", name="Decline").click()
        expect(ana.locator(".desk-on-it")).to_have_count(0)
        expect(ben.get_by_role("heading", name="Ana Duarte asks you in")).to_have_count(0)
        ask()
        ben.get_by_role("button", name="Accept").click()
        ben.get_by_role("button", name="Leave").click()
        expect(ana.locator(".desk-on-it")).to_have_count(0)
        ask()
        ana.get_by_role("button", name="End consult with Ben Faro").click()
        expect(ben.locator("#offers")).not_to_contain_text("asks you in")
        expect(ben.locator("#work")).to_contain_text("the next piece of work comes by itself")


def test_two_leaders_at_once_watch_assign_and_put_back_and_nothing_is_overwritten(staffed):
    url, emails = staffed
    with browse.chromium() as browser:
        ana = with_the_mail(browser, url, emails["Ana"])
        ben = at_work(browser, url, emails["Ben"])
        leonor, rui = signed_in(browser, url, emails["Leonor"]), signed_in(browser, url, emails["Rui"])
        heard = browse.complaints(leonor), browse.complaints(rui)
        for leader in (leonor, rui):
            leader.locator("#queues").get_by_role("link", name="Mail").click()
            expect(leader.locator("#in-hand")).to_contain_text("Double charge")
        is_sound(leonor, "leader-queue")
        for leader in (leonor, rui):
            leader.get_by_role("link", name="Double charge").click()
            expect(leader.locator("#item")).to_contain_text("Ana Duarte")

        leonor.get_by_role("button", name="Monitor").click()
        expect(leonor.locator("#read-along")).to_contain_text("charged twice")
        expect(rui.locator("#item")).to_contain_text("Leonor Prates: monitors")
        ana.get_by_label("Your answer").press_sequentially("Dear customer, we look into")
        expect(leonor.locator("#read-along [data-draft]")).to_contain_text("Dear customer, we look into")
        is_sound(leonor, "leader-monitors")

        # The stream of the second leader is cut, so that the page still shows the item as it was.
        rui.context.route("**/floor/items/*/", lambda route: route.abort())
        leonor.get_by_role("button", name="Assign").click()
        leonor.get_by_label("Person").select_option(label="Ben Faro: Portuguese 3")
        leonor.get_by_role("dialog").get_by_role("button", name="Assign").click()
        expect(ben.get_by_role("heading", name="Double charge")).to_be_visible()
        rui.get_by_role("button", name="Put back into the queue").click()
        expect(rui.locator("#notice")).to_contain_text("Leonor Prates was quicker")
        expect(rui.locator("#notice")).to_contain_text("Offered (Ben Faro)")
        rui.context.unroute("**/floor/items/*/")
        expect(rui.locator("#item .floor-item-state")).to_contain_text("Ben Faro")
        expect(ana.locator("#work")).to_contain_text("the next piece of work comes by itself")
        before = facts()

        ben.get_by_role("button", name="Accept").click()
        expect(rui.locator("#item .floor-item-state")).to_contain_text("Held")
        rui.get_by_role("button", name="Raise priority").click()
        expect(leonor.locator("#item")).to_contain_text("Priority 1")

        # Ben has gone home and left the work.
        rui.locator("#item").get_by_role("link", name="Ben Faro").click()
        is_sound(rui, "leader-person")
        rui.get_by_role("button", name="Sign out of work").click()
        rui.get_by_role("dialog").get_by_role("button", name="Sign out").click()
        expect(rui.locator("#agent-now")).to_contain_text("Signed out")
        expect(leonor.locator("#item")).not_to_contain_text("Held")
        expect(ben.locator("#agent_state")).to_contain_text("Signed out")
        picture(leonor, "leader-item")
        complaints = [
            each
            for page in heard
            for each in page
            if not any(known in each for known in (*EXPECTED, "net::ERR_FAILED"))
        ]
        assert complaints == []

    assert ("transferred", "Leonor") in before and before[-1] == ("offered", "Leonor")
    assert ("transferred", "Rui") in facts()


def test_a_leader_ends_a_call_whose_agent_is_gone_and_frees_the_agent(staffed):
    url, emails = staffed

    def begin() -> int:
        ana = Person.objects.get(name="Ana Duarte")
        from workfloor.core.people import actions as people

        people.go_available(person=ana, by=ana, now=clock.now())
        call = make.call(at=clock.now(), title="Hello?")
        work.offer(
            item=call, person=ana, max_concurrency=1, offer_seconds=60, by=actors.engine("router"), now=clock.now()
        )
        work.accept(item=call, by=ana, now=clock.now())
        return call.id

    with browse.chromium() as browser:
        leonor = signed_in(browser, url, emails["Leonor"])
        call = inside(begin)
        leonor.goto(f"{url}/floor/items/{call}/")
        leonor.get_by_role("button", name="End", exact=True).click()
        leonor.get_by_role("button", name="Finish the wrap-up").click()
        leonor.get_by_role("dialog").get_by_role("button", name="Finish", exact=True).click()
        expect(leonor.get_by_role("dialog").get_by_role("alert")).to_contain_text("Choose a disposition")
        leonor.get_by_label("Disposition").select_option("resolved")
        leonor.get_by_role("dialog").get_by_role("button", name="Finish", exact=True).click()
        expect(leonor.locator("#item .floor-item-state")).to_contain_text("Resolved, Ana Duarte")

    assert inside(lambda: Item.objects.get(id=call).state) == "done"
