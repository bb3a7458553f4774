"""The pictures in the README and the guide: python -m tests.pictures [FOLDER].

The README's are of the sample provider, the guide's are what its stories come by.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests import browse, conftest
from workfloor.demo import sample

STORIES = ("tests/stories/test_half_shift.py", "tests/stories/test_bad_half_hour.py")
SIZE = {"width": 1280, "height": 860}


def take(folder: Path) -> None:
    """Start the sample provider in a folder of its own, let agents begin their work, and take two pages."""
    with tempfile.TemporaryDirectory(prefix="workfloor-pictures-", ignore_cleanup_errors=True) as data:
        bind = f"127.0.0.1:{conftest.free_port()}"
        env = os.environ | {"WORKFLOOR_DATA": data, "WORKFLOOR_BIND": bind, "WORKFLOOR_MAIL_BIND": "127.0.0.1:0"}
        up = subprocess.Popen([Path(sys.executable).with_name("workfloor"), "up", "--demo"], env=env)
        try:
            _wait_for(f"http://{bind}/accounts/login/")
            with browse.chromium() as browser:
                pages = {name: _signed_in(browser, f"http://{bind}", name) for name in ("ana", "davi", "faye", "eva")}
                for page in pages.values():
                    page.get_by_role("button", name="Go available").click()
                    page.get_by_role("button", name="Accept").click()
                    page.get_by_role("button", name="Accept").wait_for(state="detached")
                time.sleep(12)  # so that the clocks of the pages say something
                pages["eva"].screenshot(path=folder / "agent-desk.png")
                _signed_in(browser, f"http://{bind}", "teresa").screenshot(path=folder / "floor.png")
        finally:
            up.terminate()
            up.wait()


def _signed_in(browser: Browser, url: str, name: str) -> Page:
    page = browser.new_page(viewport=SIZE, base_url=url)
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(f"{name}@sample.example")
    page.get_by_label("Password", exact=True).fill(sample.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    return page


def _wait_for(url: str, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.5)
    raise TimeoutError(url)


def take_of_stories(folder: Path) -> None:
    env = os.environ | {"PICTURES": str(folder.resolve())}
    subprocess.run([sys.executable, "-m", "pytest", "-n0", *STORIES], env=env, check=True)


if __name__ == "__main__":
    chosen = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    take(chosen)
    take_of_stories(chosen)
