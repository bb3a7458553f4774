"""The commands that go through a month with a client, and record action items."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import browse, make
from workfloor.cli import main
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.kit.database import rls
from workfloor.kit.time import clock

Run = Callable[..., Result]
ADD = (
    "relationship",
    "action-item",
    "add",
    "lisbon-light",
    "--who",
    "The provider",
    "--what",
    "Train two more",
    "--until",
    "2026-05-01",
)


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    """A client with a call answered in time and one that was not, looked back on in April."""
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=make.NINE, count=2)
        ana = make.agent()
        for minute, wait in ((0, 5), (30, 90)):
            at = make.later(minutes=minute)
            call = make.call(at)
            taken = make.later(minutes=minute, seconds=wait)
            work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=taken)
            work.accept(item=call, by=ana, now=taken)
            work.end(item=call, by=ana, now=make.later(minutes=minute + 5))
            work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(minutes=minute + 6))

    def ran(*arguments: str) -> Result:
        with clock.frozen(make.later(days=30)):
            return CliRunner().invoke(main, list(arguments))

    yield ran
    connection.close()


def test_a_review_in_every_format(run: Run, tmp_path: Path) -> None:
    made = json.loads(run("relationship", "review", "lisbon-light", "2026-03", "--format", "json").stdout)
    text = run("relationship", "review", "lisbon-light", "2026-03").stdout
    page = run("relationship", "review", "lisbon-light", "2026-03", "--format", "html", "--no-ahead").stdout
    run("relationship", "review", "lisbon-light", "2026-03", "--format", "pdf", "--output", str(tmp_path / "march.pdf"))

    assert made["levels"][0]["attained"] == 50.0
    assert made["levels"][0]["days"] == [{"day": "2026-03-04", "counted": 2, "missed": 1}]
    assert made["ahead"]["replications"] == 20
    assert "0 of 1 service levels were met." in text and "Projections" in text
    assert page.startswith("<!doctype html>") and "<script" not in page
    assert (tmp_path / "march.pdf").read_bytes().startswith(b"%PDF")


def test_what_was_agreed_is_listed_and_done_once(run: Run) -> None:
    assert "Nothing was agreed yet" in run("relationship", "action-item", "list", "lisbon-light").stdout
    number = json.loads(run(*ADD, "--format", "json").stdout)["made"]

    assert "Train two more" in run("relationship", "review", "lisbon-light", "2026-03", "--no-ahead").stdout
    run("relationship", "action-item", "done", number, "--note", "both certified")
    listed = run("relationship", "action-item", "list", "lisbon-light").stdout
    assert "done 3 April 2026" in listed and "both certified" in listed
    again = run("relationship", "action-item", "done", number)
    assert (again.exit_code, again.stderr) == (1, "Error: It is done since 2026-04-03.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("relationship", "review", "nobody", "2026-03"), "No client 'nobody' here. Clients: lisbon-light."),
        (("relationship", "review", "lisbon-light", "2025-03"), "2025-03 lies before it."),
        (("relationship", "action-item", "done", "99"), "See: workfloor relationship action-item list"),
        ((*ADD[:-1], "2026-01-01"), "is over: name a day to come"),
    ],
)
def test_what_cannot_be_says_what_to_do(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ran = run(*arguments)

    assert ran.exit_code == 1
    assert said in ran.stderr


@pytest.mark.browser
def test_the_document_can_be_used_by_everybody(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "review.html"
    run(*ADD)
    assert (
        run("relationship", "review", "lisbon-light", "2026-03", "--format", "html", "--output", str(page)).exit_code
        == 0
    )

    with browse.chromium() as browser:
        for scheme, width in (("light", 1280), ("dark", 390)):
            seen = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            seen.goto(page.as_uri())
            assert not browse.faults_of(seen)
            assert seen.evaluate("document.documentElement.scrollWidth") <= width
