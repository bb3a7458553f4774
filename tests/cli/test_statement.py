"""The commands that state a month and explain its figures."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import make
from workfloor.cli import main
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.kit.database import rls
from workfloor.kit.time import clock

Run = Callable[..., Result]


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    """A client with one call answered after ten seconds, one that waits, and one that was taken back."""
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=make.NINE)
        ana = make.agent()
        call = make.call(key="answered")
        work.offer(
            item=call, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.later(seconds=5)
        )
        work.accept(item=call, by=ana, now=make.later(seconds=10))
        work.end(item=call, by=ana, now=make.later(seconds=70))
        work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(seconds=75))
        make.call(at=make.later(minutes=1), key="waiting")
        duplicate = make.call(at=make.later(minutes=2), key="taken-back")
        work.cancel(item=duplicate, reason="duplicate", by=make.ROOT, now=make.later(minutes=3))

    def ran(*arguments: str) -> Result:
        with clock.frozen(make.later(hours=1)):
            return CliRunner().invoke(main, list(arguments))

    yield ran
    connection.close()


def test_the_statement_as_json_counts_what_happened(run: Run) -> None:
    made = json.loads(run("billing", "statement", "lisbon-light", "2026-03", "--format", "json").stdout)

    totals = {key: made["totals"][key] for key in ("received", "answered", "abandoned", "cancelled", "open")}
    assert totals == {"received": 3, "answered": 1, "abandoned": 0, "cancelled": 1, "open": 1}
    assert (made["period"]["state"], made["lines"][0]["amount"], made["total"]) == ("open", "1.50", "1.50")


def test_every_format_states_the_same_total(run: Run, tmp_path: Path) -> None:
    text = run("billing", "statement", "lisbon-light", "2026-03").stdout
    page = run("billing", "statement", "lisbon-light", "2026-03", "--format", "html").stdout
    run("billing", "statement", "lisbon-light", "2026-03", "--format", "pdf", "--output", str(tmp_path / "march.pdf"))

    assert "still open" in text and "1.50 EUR" in text
    assert "still open" in page and "1.50 EUR" in page
    assert page.startswith("<!doctype html>") and "http" not in page and "<script" not in page
    assert (tmp_path / "march.pdf").read_bytes().startswith(b"%PDF")


def test_explain_lists_the_items_of_a_figure_and_says_how_many(run: Run) -> None:
    explained = json.loads(run("billing", "explain", "lisbon-light", "2026-03", "m1", "--format", "json").stdout)

    assert (explained["id"], explained["count"], explained["figure"]["counted"]) == ("m1", 1, 1)
    assert [(item["key"], item["met"]) for item in explained["items"]] == [("answered", True)]
    nothing = json.loads(run("billing", "explain", "lisbon-light", "2026-03", "abandoned", "--format", "json").stdout)
    assert (nothing["items"], nothing["count"]) == ([], 0)


def test_explain_goes_down_to_the_facts_of_an_item(run: Run) -> None:
    listed = json.loads(run("billing", "explain", "lisbon-light", "2026-03", "l1", "--format", "json").stdout)
    item = str(listed["items"][0]["item"])

    told = json.loads(
        run("billing", "explain", "lisbon-light", "2026-03", "l1", "--item", item, "--format", "json").stdout
    )
    assert [fact["event"] for fact in told["facts"]] == [
        "work.received",
        "work.queued",
        "work.offered",
        "work.accepted",
        "work.connected",
        "work.ended",
        "work.wrapped-up",
    ]
    assert "work.connected" in run("billing", "explain", "lisbon-light", "2026-03", "l1", "--item", item).stdout


def test_explain_prints_a_line_an_item(run: Run) -> None:
    printed = run("billing", "explain", "lisbon-light", "2026-03", "received").stdout.splitlines()

    assert [line.split()[-1] for line in printed[1:-1]] == ["answered", "waiting", "taken-back"]
    assert printed[-1] == "3 items"


def test_a_senders_key_cannot_command_the_terminal(run: Run) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        make.call(key="\x1b[2Jgone")

    assert "\x1b" not in run("billing", "explain", "lisbon-light", "2026-03", "received").stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("billing", "statement", "nobody", "2026-03"), "No client 'nobody' here. Clients: lisbon-light."),
        (("billing", "statement", "lisbon-light", "2025-12"), "starts on 2026-01-01; 2025-12 lies before it."),
        (
            ("billing", "statement", "lisbon-light", "03/2026"),
            "'03/2026' is no period; write a month, such as 1999-02.",
        ),
        (("billing", "statement", "lisbon-light", "2026-03", "-o", "/nowhere/march"), "No such file or directory"),
        (("billing", "explain", "lisbon-light", "2026-03", "m9"), "no figure 'm9'. It has: m1, l1, received,"),
        (("billing", "explain", "lisbon-light", "2026-03", "m1", "--item", "99999"), "m1 does not count item 99999."),
    ],
)
def test_what_cannot_be_stated_ends_with_the_reason(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    refused = run(*arguments)

    assert refused.exit_code == 1
    assert reason in refused.stderr
