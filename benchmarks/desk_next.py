"""From an agent's press of Done until the next offer is on the page: a real browser, web server and router."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from benchmarks import chat, databases, floors
from benchmarks.figures import Figure
from benchmarks.search import signed_in

LIMIT_MS = 300.0
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
WARM = 3  # calls before the first that counts
WAITS_MS = 60_000.0
# Milliseconds from the press until the frame in which the offer is drawn.
CLOCK: Final = """
window.took = [];
addEventListener("click", (event) => {
  if (event.target.closest?.(".desk-ending [type=submit]")) window.pressedAt = performance.now();
}, true);
new MutationObserver(() => {
  if (!window.pressedAt || !document.querySelector(".desk-offer")) return;
  const began = window.pressedAt;
  window.pressedAt = null;
  requestAnimationFrame(() => window.took.push(performance.now() - began));
}).observe(document.body, { childList: true, subtree: true });
"""


def measure(template: str, calls: int = 200) -> list[Figure]:
    """Let one agent handle so many calls, of which the next one always waits; needs Chromium."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise RuntimeError("Chromium is missing: apt-get install chromium")
    with databases.copy(template) as address:
        session = signed_in(floors.inside(_fill, calls + WARM + 1)).session.session_key
        with chat.served(address, chat.Spent()) as port, _desk(program, port, str(session)) as page:
            for _ in range(calls + WARM):
                _handle(page)
            took = sorted(page.evaluate("window.took")[WARM:])
    told = tuple(took[min(len(took) - 1, int(len(took) * part))] for part in (0.5, 0.9, 0.95, 1.0))
    return [
        Figure(
            "next offer on the page after Done, p95 (p50, p90, p95, most)",
            told[2],
            "ms",
            "target at most",
            LIMIT_MS,
            told,
        )
    ]


@contextmanager
def _desk(program: str, port: int, session: str) -> Iterator[Page]:
    """The agent's desk in a browser of its own."""
    url = f"http://127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(WAITS_MS)
        context.add_cookies([{"name": f"workfloor_session_{port}", "value": session, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/desk/")
        page.evaluate(CLOCK)
        yield page
        browser.close()


def _handle(page: Page) -> None:
    before = page.evaluate("window.took.length")
    page.locator(".desk-offer .btn-primary").click()
    page.locator("[data-key=e]").click()
    page.locator(".desk-ending input[type=radio]").check(force=True)
    page.locator(".desk-ending [type=submit]").click()
    page.wait_for_function("(before) => window.took.length > before", arg=before)


def _fill(calls: int) -> Any:
    """So many calls wait for one agent, who is available."""
    from workfloor.core.access import actors
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.contracts.models import Queue
    from workfloor.core.event_log import actions as event_log
    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Account
    from workfloor.core.work import actions as work
    from workfloor.kit.time import clock

    now = clock.now()
    event_log.make_partitions(first=now, count=1)
    source = floors.contract([floors.Line("calls", "portuguese = 1", "20s", 1, "10 minutes")])
    contracts.sign(
        source=source.replace('kind = "email"', 'kind = "inbound-voice"'), by=actors.ROOT, now=databases.SIGNED_AT
    )
    queue = Queue.objects.select_related("client").get(name="calls", client__slug="bench")
    account = Account.objects.create_user("agent@example.com", "correct horse")
    agent = people.hire(name="Agent", roles=["agent"], account=account, by=actors.ROOT, now=now)
    people.certify(
        person=agent, skill="portuguese", level=3, proof="test", valid_from=now.date(), by=actors.ROOT, now=now
    )
    people.clear(person=agent, client=queue.client, by=actors.ROOT, now=now)
    people.go_available(person=agent, by=agent, now=now)
    for number in range(calls):
        work.receive(queue=queue, key=f"call-{number}", title=f"Call {number}", by=actors.CUSTOMER, now=now)
    return agent
