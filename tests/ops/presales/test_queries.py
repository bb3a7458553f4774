"""Past work from the event log: under the contract in force, a trial comes to what the statement says."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.ops.billing import statements
from workfloor.ops.presales import backtest
from workfloor.ops.presales import queries as presales_queries

pytestmark = pytest.mark.usefixtures("everyone")

LETTERS = """
[[service_levels]]
name = "Letters"
measure = "resolved-within"
of = ["mail"]
threshold = "4 working hours"
expected = "90 %"
"""
NOW = datetime.fromisoformat("2026-04-02T09:00Z")


@pytest.fixture
def client() -> Client:
    contracts.sign(
        source=make.CONTRACT.format(slug="lisbon-light") + LETTERS,
        effective_on=None,
        by=actors.ROOT,
        now=datetime.fromisoformat("2025-12-01T09:00Z"),
    )
    found: Client = Client.objects.get(slug="lisbon-light")
    return found


def letter(by: Any, at: datetime, asked: datetime | None, answered: datetime | None, ended: datetime) -> Item:
    """A letter received, perhaps sent back with a question, and done."""

    def taken(now: datetime) -> None:
        work.offer(item=item, person=by, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=now)
        work.accept(item=item, by=by, now=now)

    item = make.item("mail", at=at)
    if asked and answered:
        taken(asked)
        work.set_pending_customer(item=item, by=by, now=asked)
        work.customer_answered(item=item, by=make.CUSTOMER, now=answered)
    taken(ended)
    work.end(item=item, by=by, now=ended)
    return work.wrap_up(item=item, by=by, disposition="answered", now=ended + timedelta(minutes=1))


def test_a_trial_of_the_contract_in_force_comes_to_the_statement_pauses_and_all(client: Client) -> None:
    ana, at = make.agent(), make.NINE
    # In three hours; in three, less a pause; in seven; and in the night of the calendar, which counts nothing.
    letter(ana, at, None, None, at + timedelta(hours=3))
    letter(ana, at, at + timedelta(hours=1), at + timedelta(hours=5), at + timedelta(hours=7))
    letter(ana, at, None, None, at + timedelta(hours=7))
    letter(ana, at, at + timedelta(hours=10), at + timedelta(hours=20), at + timedelta(hours=24))
    make.item("mail", at=at)  # never done, and late
    make.call(at)
    agreed = contracts_queries.in_force(client.id, make.NINE).contract

    [month] = backtest.tried(
        agreed, backtest.periods(agreed, "2026-03", "2026-03"), presales_queries.EventLog(client), {}, NOW
    )

    made = statements.statement(client, "2026-03", now=NOW)
    assert month.measures == made.measures
    assert [row.figure.met for row in month.measures if row.id == "m2"] == [2]
    assert (month.totals, month.queues, month.lines, month.total) == (
        made.totals,
        made.queues,
        made.lines,
        made.total,
    )
    assert month.settled.credits == made.credits


def test_what_is_known_of_a_client(client: Client) -> None:
    assert presales_queries.arrivals(client) is None
    make.call(make.NINE)
    make.item("mail", at=make.later(hours=2))

    assert presales_queries.arrivals(client) == (make.NINE, make.later(hours=2))
    assert presales_queries.queues(client) == ("calls", "mail")
