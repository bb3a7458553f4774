"""A month's statement by SQL, against the pure rules over the same rows, the promised time, and on paper by Typst."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string

from benchmarks import call_log, databases
from benchmarks.figures import Figure, median_seconds, seconds
from workfloor.core.clients.models import Client
from workfloor.core.contracts import rules as terms
from workfloor.core.journal import actions as journal
from workfloor.core.measures import rules as measures
from workfloor.core.work.models import Item
from workfloor.kit import rls
from workfloor.ops.billing import forms, gateway, queries, rules
from workfloor.ops.history import actions as history
from workfloor.ops.history import forms as maps
from workfloor.ops.history import gateway as exports
from workfloor.ops.history import queries as places

CLIENT, PERIOD = "first-bank", "1999-02"
NOW = datetime(1999, 4, 1, tzinfo=UTC)
LIMIT_SECONDS = 1.0
LIMIT_PDF_SECONDS = 0.05


def measure(template: str, rows: int = 33_000, runs: int = 5) -> list[Figure]:
    """Import a generated month, then compute it both ways; they must agree."""
    with databases.copy(template) as address:
        _import(rows)
        with _entered() as client:
            made = queries.statement(client, PERIOD, now=NOW)
            items = list(_outcomes(client))
            assert ruled(made.contract, items) == figures_of(made)
            by_sql = median_seconds(lambda: queries.statement(client, PERIOD, now=NOW), runs)
            read = median_seconds(lambda: list(_outcomes(client)), runs)
            by_rules = median_seconds(lambda: ruled(made.contract, items), runs)
            papers = _papers(made, runs)
        command = median_seconds(lambda: _command(address), runs)
    what = f"Statement of {rows:,} calls"
    return [
        Figure(what, by_sql, "s", "limit", LIMIT_SECONDS),
        Figure(what, by_sql, "s", "pure rules, rows in memory", by_rules),
        Figure(what, by_sql, "s", "pure rules, rows read first", read + by_rules),
        Figure(f"{what}: as a command", command, "s", "limit", LIMIT_SECONDS),
        *papers,
    ]


def _import(rows: int) -> None:
    how = maps.read((call_log.EXAMPLE / "history.toml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls.csv")
        call_log.write(log, rows)
        with exports.opened(log) as export, _entered() as client:
            place = places.place(client, NOW)
            assert place
            seen = history.survey(export=export, how=how.map, place=place, expected_rows=rows, progress=lambda _: None)
            history.make_room(surveyed=seen)
            journal.make_partitions(first=NOW, count=1)
            history.import_calls(export=export, map_=how, place=place, surveyed=seen, now=NOW, progress=lambda _: None)


@contextmanager
def _entered() -> Iterator[Client]:
    with transaction.atomic():
        rls.enter_every_client()
        client = Client.objects.get(slug=CLIENT)
        rls.enter(client.id)
        yield client


def _outcomes(client: Client) -> Iterator[measures.Outcome]:
    columns = (
        "id", "queue__name", "received_at", "queued_at", "connected_at", "abandoned_at", "cancelled_at", "state",
        "talk_seconds", "hold_seconds", "wrap_seconds", "working_seconds",
    )  # fmt: skip
    for number, queue, received, queued, connected, abandoned, cancelled, state, *spent in Item.objects.filter(
        client=client
    ).values_list(*columns):
        done = state == "done"
        yield measures.Outcome(number, queue, received, queued, connected, abandoned, cancelled, done, *spent)


def ruled(contract: terms.Contract, items: list[measures.Outcome]) -> list[measures.Figure]:
    """Each level over all its queues and in each of them, then what the prices count."""
    of_queue = {name: [item for item in items if item.queue == name] for name in contract.queues()}
    figures = []
    for level in contract.service_levels:
        figures.append(measures.figure(level, items))
        figures += [measures.figure(level, of_queue[queue]) for queue in level.of]
    counted = [sum(measures.quantity(price, item) or 0 for item in items) for price in contract.prices]
    rules.lines(contract, counted, contract.starts_on)
    return figures


def figures_of(made: queries.Statement) -> list[measures.Figure]:
    return [row.figure for row in made.measures]


def _papers(made: queries.Statement, runs: int) -> list[Figure]:
    """Set a different statement each time, since Typst remembers what it has set before."""
    papers = [_renumbered(forms.printed(made), number) for number in range(runs + 1)]
    gateway.pdf(papers.pop())  # the first one loads the fonts
    typst = median(seconds(partial(gateway.pdf, paper)) for paper in papers)
    html = median(seconds(partial(_html, paper)) for paper in papers)
    return [
        Figure("Statement as PDF", typst, "s", "limit", LIMIT_PDF_SECONDS),
        Figure("Statement as PDF", typst, "s", "the same as HTML", html),
    ]


def _html(worded: dict[str, Any]) -> str:
    return render_to_string("billing/document.html", {"statement": worded})


def _renumbered(worded: Any, number: int) -> Any:
    """The same shape with other words everywhere."""
    if isinstance(worded, dict):
        return {key: _renumbered(value, number) for key, value in worded.items()}
    if isinstance(worded, list):
        return [_renumbered(value, number) for value in worded]
    return f"{worded} {number}" if isinstance(worded, str) else worded


def _command(address: str) -> None:
    workfloor = Path(sys.executable).with_name("workfloor")
    environment = {"WORKFLOOR_DATABASE_URL": address, "PATH": ""}
    command = [str(workfloor), "statement", CLIENT, PERIOD, "--format", "json"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
