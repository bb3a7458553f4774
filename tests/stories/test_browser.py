"""A person's whole errand in a browser: work posted by the API appears on the desk, is done, and is counted."""

import re

import httpx
import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, expect

from tests import browse, make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.people import actions as people
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

# What the browser says of answers that the story provokes on purpose.
EXPECTED = ("status of 422", "status of 409")


@pytest.fixture
def staffed(real_database):
    """One client, an agent who can do its work, a leader who may see it, and a token to send work with."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
        agent, leader = make.agent("Ana Duarte", available=False), make.person("leader", name="Leonor Prates")
        people.clear(person=leader, client=client, by=actors.ROOT, now=make.NINE)
        scopes = ["work:write", "work:read", "statement:read"]
        token = clients.issue_token(client=client, title="test", scopes=scopes, by=actors.ROOT, now=make.NINE)
    return agent.account.email, leader.account.email, token


def signed_in(browser: Browser, url: str, email: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(url)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)
    return page


def picture(page: Page, name: str) -> None:
    browse.RESULTS.mkdir(exist_ok=True)
    # The caret stays: hiding it styles every field, and a fragment swapped meanwhile would carry that style over,
    # which the pages' own policy refuses aloud.
    page.screenshot(caret="initial", path=browse.RESULTS / f"{name}.png", full_page=True)


@pytest.mark.browser
@pytest.mark.installation
def test_an_errand_in_a_browser_from_the_api_to_the_statement(staffed, installation):
    agent, leader, token = staffed
    api = httpx.Client(base_url=f"{installation}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    with browse.chromium() as browser:
        floor, desk = signed_in(browser, installation, leader), signed_in(browser, installation, agent)
        heard = browse.complaints(desk), browse.complaints(floor)
        second_tab = desk.context.new_page()
        second_tab.goto(f"{installation}/desk/")

        expect(desk.get_by_text("Go available to begin")).to_be_visible()
        expect(floor.get_by_text("Nobody is at work")).to_be_visible()
        desk.get_by_role("button", name="Go available").click()
        expect(desk.get_by_text("the next piece of work comes by itself")).to_be_visible()
        expect(floor.locator("#people")).to_contain_text("Available")

        work_sent = {
            "key": "errand-1",
            "queue": "calls",
            "title": "My bill is wrong",
            "payload": {"callerNumber": "+351 1"},
        }
        assert api.post("/work", json=work_sent).status_code == 201
        expect(desk.get_by_role("heading", name="My bill is wrong")).to_be_visible()
        expect(desk).to_have_title(re.compile("^● Call for "))
        expect(floor.locator("#people")).to_contain_text("offered, expires in")
        picture(desk, "desk-offer")

        desk.keyboard.press("a")
        expect(desk.get_by_text("On the line")).to_be_visible()
        expect(desk).to_have_title("Desk · Workfloor")
        expect(second_tab.get_by_text("On the line")).to_be_visible()
        expect(floor.locator("#people")).to_contain_text("On a call")

        desk.get_by_role("button", name="Escalate").click()
        sheet = desk.get_by_role("dialog")
        sheet.get_by_role("button", name="Escalate").click()
        expect(sheet.get_by_role("alert")).to_contain_text("Say what help is needed")
        sheet.get_by_label("What help is needed?").fill("Asks for compensation above my limit")
        sheet.get_by_role("button", name="Escalate").click()
        expect(floor.locator("#calls")).to_contain_text("compensation above my limit")
        picture(desk, "desk-work")
        picture(floor, "floor")

        desk.get_by_role("button", name="End E", exact=True).click()
        second_tab.get_by_text("Disposition").wait_for()
        desk.get_by_role("button", name="Done").click()
        expect(desk.get_by_role("alert")).to_contain_text("Choose a disposition.")
        desk.get_by_label("Resolved").check()
        desk.get_by_role("button", name="Done").click()
        expect(desk.locator("#day")).to_contain_text("1 done")
        expect(floor.locator("#sums")).to_contain_text("Handled today1")
        picture(desk, "desk-done")

        floor.goto(f"{installation}/clients/lisbon-light/statements/{clock.now():%Y-%m}/")
        expect(floor.locator("main")).to_contain_text("Calls answered")
        picture(floor, "statement")

    complaints = [each for page in heard for each in page if not any(known in each for known in EXPECTED)]
    assert complaints == []
    statement = api.get(f"/statements/{clock.now():%Y-%m}").json()
    assert statement["totals"]["answered"] == 1
    with transaction.atomic():
        rls.enter_every_client()
        for item in Item.objects.all():
            assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


@pytest.mark.browser
@pytest.mark.installation
def test_an_offer_taken_back_in_the_meantime_says_so_and_the_desk_goes_on(staffed, installation):
    agent, _, token = staffed
    api = httpx.Client(base_url=f"{installation}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    with browse.chromium() as browser:
        desk, cut = signed_in(browser, installation, agent), []

        def read(route):
            if route.request.method != "GET":
                return route.continue_()
            answer = route.fetch()
            return route.abort() if cut else route.fulfill(response=answer)

        desk.context.route("**/desk/", read)
        desk.get_by_role("button", name="Go available").click()
        assert api.post("/work", json={"key": "gone-1", "queue": "calls", "title": "Hello?"}).status_code == 201
        expect(desk.get_by_role("heading", name="Hello?")).to_be_visible()

        cut.append(True)  # so that the page still shows the offer when it is no longer there
        assert api.post("/work/gone-1/cancel", json={"reason": "caller hung up"}).status_code == 200
        desk.get_by_role("button", name="Accept").click()

        expect(desk.locator("#notice")).to_contain_text("not with you any more")
        desk.context.unroute("**/desk/")
        expect(desk.get_by_text("the next piece of work comes by itself")).to_be_visible()
