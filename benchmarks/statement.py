"""A month's statement by SQL, against the pure rules over the same rows, the target time, and on paper by Typst."""

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
from workfloor.core.access import actors
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.clients.models import Client
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.event_log import actions as event_log
from workfloor.core.measures import catalogue
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import settlement, statements
from workfloor.ops.presales import actions as presales
from workfloor.ops.presales import gateway as presales_gateway
from workfloor.ops.presales import map_file
from workfloor.ops.presales import queries as presales_queries

CLIENT, PERIOD = "first-bank", "1999-02"
NOW = datetime(1999, 4, 1, tzinfo=UTC)
LIMIT_SECONDS = 1.0
LIMIT_PDF_SECONDS = 0.05


def measure(template: str, rows: int = 33_000, runs: int = 5) -> list[Figure]:
    """Import a generated month, then compute it both ways; they must agree."""
    with databases.copy(template) as address:
        _import(rows)
        with _entered() as client:
            made = statements.statement(client, PERIOD, now=NOW)
            items = list(_outcomes(client))
            assert ruled(made.contract, items) == figures_of(made)
            by_sql = median_seconds(lambda: statements.statement(client, PERIOD, now=NOW), runs)
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
    how = map_file.read((call_log.EXAMPLE / "history.toml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls.csv")
        call_log.write(log, rows)
        with presales_gateway.opened(log) as export, _entered() as client:
            place = presales_queries.place(client, NOW)
            assert place
            event_log.make_partitions(first=NOW, count=1)
            presales.import_calls(
                export=export,
                map_=how,
                place=place,
                expected_rows=rows,
                by=actors.ROOT,
                now=NOW,
                progress=lambda _: None,
                make_room=presales.make_room,
            )


@contextmanager
def _entered() -> Iterator[Client]:
    with transaction.atomic():
        rls.enter_every_client()
        client = Client.objects.get(slug=CLIENT)
        rls.enter(client.id)
        yield client


def _outcomes(client: Client) -> Iterator[Outcome]:
    columns = (
        "id",
        "queue__name",
        "received_at",
        "queued_at",
        "connected_at",
        "abandoned_at",
        "cancelled_at",
        "state",
        "talk_seconds",
        "hold_seconds",
        "wrap_seconds",
        "working_seconds",
    )
    for number, queue, received, queued, connected, abandoned, cancelled, state, *spent in Item.objects.filter(
        client=client
    ).values_list(*columns):
        done = state == "done"
        yield Outcome(number, queue, received, queued, connected, abandoned, cancelled, done, *spent)


def ruled(contract: contracts_terms.Contract, items: list[Outcome]) -> list[catalogue.Figure]:
    """Each level over all its queues and in each of them, then what the prices count."""
    of_queue = {name: [item for item in items if item.queue == name] for name in contract.queues()}
    figures = []
    for level in contract.service_levels:
        figures.append(catalogue.figure(level, items))
        figures += [catalogue.figure(level, of_queue[queue]) for queue in level.of]
    counted = [sum(catalogue.quantity(price, item) or 0 for item in items) for price in contract.prices]
    settlement.lines(contract, counted, contract.starts_on)
    return figures


def figures_of(made: statements.Statement) -> list[catalogue.Figure]:
    return [row.figure for row in made.measures]


def _papers(made: statements.Statement, runs: int) -> list[Figure]:
    """Set a different statement each time, since Typst remembers what it has set before."""
    papers = [_renumbered(billing_presenting.printed(made), number) for number in range(runs + 1)]
    billing_gateway.statement_pdf(papers.pop())  # the first one loads the fonts
    typst = median(seconds(partial(billing_gateway.statement_pdf, paper)) for paper in papers)
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
    command = [str(workfloor), "billing", "statement", CLIENT, PERIOD, "--format", "json"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
