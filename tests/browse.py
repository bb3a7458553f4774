"""A real browser for tests: Debian's Chromium, or a skip that says what is missing."""

import asyncio
import atexit
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
RESULTS = ROOT / "test-results"
# With the first of them htmx also begins to tell of a request that failed, whose second word is another.
REPLACED = ("htmx:afterRequest", "htmx:sendAbort")
# Only what is wrong leaves the page: all that axe found right is larger, and took longer than axe itself.
FAULTS = """
axe.run().then((found) =>
  found.violations.flatMap(({ id, nodes }) => nodes.map((node) => [id, node.target, node.html])))
"""
# For all that a page does or shows: it waits for processes on a machine that is busy with other tests.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium for as long as the block runs, at whose end all its pages close; skips the test where there is none.

    One is started for all tests of a process. While no block runs, its loop does not count as this thread's.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    loop, browser = _started(program)
    asyncio._set_running_loop(loop)
    try:
        yield browser
    finally:
        try:
            with suppress(Error):
                for context in browser.contexts:
                    context.close()
            if not browser.is_connected():  # whoever comes next starts one anew
                _started.cache_clear()
        finally:
            asyncio._set_running_loop(None)


@cache
def _started(program: str) -> tuple[asyncio.AbstractEventLoop, Browser]:
    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()
    atexit.register(_stop, loop, playwright)
    # Containers have no user namespaces for the sandbox; only our own pages are opened.
    browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
    browser.on("context", lambda context: context.set_default_timeout(PATIENCE_MS))
    asyncio._set_running_loop(None)
    return loop, browser


def _stop(loop: asyncio.AbstractEventLoop, playwright: Playwright) -> None:
    asyncio._set_running_loop(loop)
    playwright.stop()


def faults_of(page: Page) -> list[str]:
    """Return what axe finds wrong with a page, as "rule: where"; a hidden page is looked at too."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make setup")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    return [f"{rule}: {target} {html[:120]}" for rule, target, html in page.evaluate(FAULTS)]


def picture_for_the_guide(page: Page, name: str) -> None:
    """Take what a window shows, as docs/guide has it: python -m tests.pictures keeps it, other runs only look at it."""
    folder = Path(os.environ.get("PICTURES") or RESULTS)
    folder.mkdir(exist_ok=True)
    page.screenshot(caret="initial", path=folder / f"{name}.png")


def complaints(page: Page) -> list[str]:
    """Collect from now on what the browser complains of: scripts that fail, things that are refused or not found.

    That a newer request took the place of one that was on its way is none, though htmx says it as if it were.
    """
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(REPLACED):
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard
