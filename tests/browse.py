"""A real browser for tests: Debian's Chromium, or a skip that says what is missing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
RESULTS = ROOT / "test-results"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium for as long as the block runs; skips the test where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        # Containers have no user namespaces for the sandbox; only our own pages are opened.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def faults_of(page: Page) -> list[str]:
    """Return what axe finds wrong with a page, as "rule: where"; a hidden page is looked at too."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make setup")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [f"{each['id']}: {node['target']} {node['html'][:120]}" for each in found for node in each["nodes"]]


def picture_for_the_guide(page: Page, name: str) -> None:
    """Take what a window shows, as docs/guide has it: python -m tests.pictures keeps it, other runs only look at it."""
    folder = Path(os.environ.get("PICTURES") or RESULTS)
    folder.mkdir(exist_ok=True)
    page.screenshot(caret="initial", path=folder / f"{name}.png")


def complaints(page: Page) -> list[str]:
    """Collect from now on what the browser complains of: scripts that fail, things that are refused or not found."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard
