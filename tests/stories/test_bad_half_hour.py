"""A leader's bad half hour: a queue grows, people are moved, a call for help is answered, and the statement agrees."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, expect

from tests import browse, conftest, make
from tests.ops.channels.email import sink as sinks
from tests.stories.test_browser import signed_in
from tests.stories.test_desk_panes import WATCH
from tests.stories.test_desk_writing import meanwhile
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

pytestmark = [pytest.mark.browser, pytest.mark.installation]
FROM_NOW = WATCH.replace("buffered: true", "buffered: false")
TARGET = timedelta(seconds=20)  # of the queue of calls, as its contract says
RATE = Decimal("1.50")  # of an answered call


@pytest.fixture
def provider(real_database: str, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """An agent of calls, one of mails alone, and their leader; a mail server to send through."""
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
        ana, bruno = make.agent("Ana Duarte", available=False), make.agent("Bruno Reis", 2, available=False)
        leader = make.in_charge("leader", client, name="Leonor Prates")
        scopes = ["work:write", "statement:read"]
        token = clients.issue_token(client=client, title="PBX", scopes=scopes, by=actors.ROOT, now=make.NINE)
        emails = {person.name: person.account.email for person in (ana, bruno, leader)}
    with ExitStack() as stack:
        sink = stack.enter_context(sinks.running())
        sends = {"WORKFLOOR_SMTP_URL": sink.url, "WORKFLOOR_MAIL_FROM": "floor@porto.example"}
        url = stack.enter_context(conftest._installation(real_database, tmp_path, **sends))
        yield SimpleNamespace(url=url, emails=emails, token=token, sink=sink)


def at_work(browser: Browser, provider: SimpleNamespace, name: str) -> Page:
    desk = signed_in(browser, provider.url, provider.emails[name])
    desk.get_by_role("button", name="Go available").click()
    return desk


def calls_since(at: datetime, count: int) -> None:
    for number in range(count):
        make.call(title=f"Call {number + 1}", key=f"call-{number + 1}", at=at)


def takes(desk: Page) -> None:
    desk.get_by_role("button", name="Accept").click(timeout=60_000)
    expect(desk.get_by_text("On the line")).to_be_visible()


def finishes(desk: Page, done: int) -> None:
    desk.get_by_role("button", name="End E", exact=True).click()
    desk.get_by_label("Resolved").check(force=True, timeout=60_000)
    desk.get_by_role("button", name="Done").click()
    expect(desk.locator("#day")).to_contain_text(f"{done} done")


def waits() -> dict[str, timedelta | None]:
    """How long each caller waited until somebody answered, by the facts alone; None for who gave up."""
    found: dict[str, timedelta | None] = {}
    with transaction.atomic():
        rls.enter_every_client()
        for item in Item.objects.all():
            at = {each.event: each.at for each in event_log_queries.of_item(item.id)}
            found[item.key] = at["work.connected"] - at["work.queued"] if "work.connected" in at else None
            assert work_queries.rebuilt(item.id) == work_queries.state_of(item)
    return found


def test_a_queue_grows_and_recovers_and_the_statement_agrees_with_what_happened(provider):
    api = httpx.Client(
        base_url=f"{provider.url}/api", headers={"Authorization": f"Bearer {provider.token}"}, timeout=60
    )
    with browse.chromium() as browser:
        floor = signed_in(browser, provider.url, provider.emails["Leonor Prates"])
        ana, bruno = at_work(browser, provider, "Ana Duarte"), at_work(browser, provider, "Bruno Reis")
        expect(floor.locator("#people")).to_contain_text("Bruno Reis")

        # Six have waited for minutes, of whom one gives up, and one agent can answer them.
        meanwhile(partial(calls_since, clock.now() - timedelta(minutes=5), 6))
        takes(ana)
        queue = floor.locator("#queues tr").filter(has=floor.get_by_role("link", name="Calls"))
        expect(queue).to_have_attribute("data-risk", "late")
        expect(queue.locator("[data-label=Waiting]")).to_have_text("5")
        expect(queue.locator(".floor-oldest")).to_contain_text("late")
        assert api.post("/work/call-6/cancel", json={"reason": "caller hung up"}).status_code == 200
        expect(queue.locator("[data-label=Waiting]")).to_have_text("4")
        browse.picture_for_the_guide(floor, "floor-late")

        # Somebody else is moved to the queue for two hours.
        floor.locator("#people").get_by_role("link", name="Bruno Reis").click()
        floor.get_by_role("button", name="Let work in another queue").click()
        sheet = floor.get_by_role("dialog")
        sheet.get_by_label("Queue").select_option(label="Lisbon Light: Calls")
        browse.picture_for_the_guide(floor, "floor-move")
        sheet.get_by_role("button", name="Grant").click()
        expect(floor.locator("#agent-now")).to_contain_text("Granted for a while")
        for done in (1, 2):
            takes(bruno)
            finishes(bruno, done)
        takes(bruno)

        # Meanwhile the agent of the first call asks for help, which moves nothing on the floor, and reads the answer.
        floor.goto(f"{provider.url}/floor/")
        expect(queue).to_be_visible()
        floor.evaluate(FROM_NOW)
        ana.get_by_role("button", name="Escalate").click()
        ana.get_by_role("dialog").get_by_label("What help is needed?").fill("May I refund 40 euros?")
        ana.get_by_role("dialog").get_by_role("button", name="Escalate").click()
        expect(floor.locator("#calls")).to_contain_text("May I refund 40 euros?")
        browse.picture_for_the_guide(floor, "floor-call-for-help")
        expect(ana.locator("#work")).to_contain_text("Nobody has answered yet")
        ana.evaluate(FROM_NOW)
        floor.get_by_role("button", name="Message the floor").click()
        floor.get_by_role("dialog").get_by_label("Message").fill("Calls first, please")
        floor.get_by_role("dialog").get_by_role("button", name="Send").click()
        expect(ana.locator("#team-messages")).to_contain_text("Calls first, please")
        for page in (floor, ana):
            assert sum(value for value, _ in page.evaluate("window.shifts")) < 0.02, page.evaluate("window.shifts")
        ana.get_by_role("button", name="Read", exact=True).click()
        expect(ana.locator("#team-messages section")).to_have_count(0)
        floor.goto(f"{provider.url}/escalations/")
        expect(floor.locator("#open")).to_contain_text("May I refund 40 euros?")
        floor.get_by_role("button", name="Acknowledge").click()
        expect(floor.locator("#open")).to_contain_text("acknowledged by Leonor Prates")
        expect(ana.locator("#work")).to_contain_text("Leonor Prates has seen it")
        browse.picture_for_the_guide(floor, "escalations")
        floor.get_by_role("button", name="Answer").click()
        floor.get_by_role("dialog").get_by_label("Answer").fill("Yes, up to 50")
        floor.get_by_role("dialog").get_by_role("button", name="Send").click()
        expect(floor.locator("#closed")).to_contain_text("Yes, up to 50")
        expect(ana.locator("#work")).to_contain_text("Yes, up to 50")
        browse.picture_for_the_guide(ana, "desk-answered")
        finishes(ana, 1)

        # The queue recovers, the move ends, and the next call goes to whom it always went.
        takes(ana)
        finishes(ana, 2)
        finishes(bruno, 3)
        floor.goto(f"{provider.url}/floor/")
        floor.locator("#people").get_by_role("link", name="Bruno Reis").click()
        floor.get_by_role("button", name="End the granted skills").click()
        expect(floor.locator("#agent-now")).not_to_contain_text("Granted for a while")
        assert api.post("/work", json={"key": "call-7", "queue": "calls", "title": "Call 7"}).status_code == 201
        takes(ana)
        finishes(ana, 3)
        floor.goto(f"{provider.url}/floor/")
        expect(floor.locator("#sums")).to_contain_text("Waiting0")
        expect(floor.locator("#sums")).to_contain_text("Handled today6")
        shown = floor.locator("#sums").inner_text().replace("\n", "")

    waited = [each for each in waits().values() if each is not None]
    in_time = sum(each <= TARGET for each in waited)
    assert (len(waited), in_time < 2) == (6, True)  # five had waited for minutes before anybody could answer
    statement = api.get(f"/statements/{clock.now():%Y-%m}").json()
    totals, measure, line = statement["totals"], statement["measures"][0], statement["lines"][0]
    assert (totals["received"], totals["answered"], totals["cancelled"]) == (7, 6, 1)
    assert (measure["counted"], measure["met"], measure["verdict"]) == (6, in_time, "below-minimum")
    assert measure["attained"] == pytest.approx(100 * in_time / 6, abs=0.0001)
    assert (line["quantity"], Decimal(line["amount"])) == (6, 6 * RATE)
    assert Decimal(statement["total"]) == 6 * RATE * Decimal("0.9")  # less the credit: all that is at risk
    assert f"Service level today{100 * in_time // 6} %" in shown
