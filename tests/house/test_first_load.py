"""What a browser fetches first is little, and nothing of what pages look like was lost on the way there."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from benchmarks import desk
from tests import browse
from tests.house import test_accessibility
from tests.house.test_accessibility import Floor

LARGEST = 100_000  # bytes of a desk's first load
ROOT = Path(__file__).resolve().parents[2]
WHOLE = ROOT / "node_modules/@tabler/core/dist/css/tabler.min.css"
MET = (Path(__file__).parent / "met_rules.js").read_text().partition("\n\n")[2]
# The heaviest and the lightest letters on the page.
WEIGHTS = """() => [...document.querySelectorAll("body, body *")].filter((each) => each.checkVisibility())
    .map((each) => +getComputedStyle(each).fontWeight)"""


@pytest.fixture
def floor(everyone: None) -> Floor:
    return Floor()


def test_a_desks_first_load_is_below_100_kilobytes(floor: Floor) -> None:
    browser = Client()
    browser.force_login(floor.ana.account)

    sizes = desk.fetched(browser.get("/desk/").content)

    assert {"vendor/tabler.min.css", "vendor/htmx.min.js", "vendor/inter.woff2", "page"} <= {*dict(sizes.most)}
    assert sizes.all < LARGEST, sizes.most


def test_every_property_that_styles_read_is_still_set() -> None:
    kept = Path(finders.find("vendor/tabler.min.css")).read_text()  # type: ignore[arg-type]
    ours = [each.read_text() for each in (ROOT / "workfloor").rglob("static/**/*.css") if "vendor" not in each.parts]
    declared = re.compile(r"(?<![\w-])(--[\w-]+)\s*:")

    read = {*re.findall(r"var\(\s*(--[\w-]+)\s*\)", " ".join([kept, *ours]))}
    lost = read & {*declared.findall(WHOLE.read_text())} - {*declared.findall(kept)}

    assert len(read) > 100 and not lost, f"{sorted(lost)}: make setup"


@pytest.mark.browser
def test_no_page_lost_a_style_or_a_weight_of_its_letters(floor: Floor) -> None:
    found = test_accessibility.pages(floor)
    whole, lost, met = WHOLE.read_text(), {}, 0
    faces = re.search(r"font-weight: (\d+) (\d+);", Path(finders.find("ui/ui.css")).read_text())  # type: ignore[arg-type]
    assert faces
    lightest, heaviest = map(int, faces.groups())

    with browse.chromium() as browser, test_accessibility.served(found) as url:
        page: Any = browser.new_page(viewport={"width": 1280, "height": 900})
        for name in found:
            page.set_extra_http_headers({"x-page": name})
            page.goto(url + name.rpartition(" ")[2])
            many, missed = page.evaluate(MET, whole)
            met += many
            lost |= dict.fromkeys(missed, name)
            weights = {weight for weight in page.evaluate(WEIGHTS) if not lightest <= weight <= heaviest}
            lost |= {f"letters of weight {weight}": name for weight in weights}

    assert met > 1_000
    assert not lost, "make setup; then:\n" + "\n".join(f"{name}: {rule}" for rule, name in lost.items())
