"""Every figure of every example contract opens to what it counts, and a closed month to what it counted when closed."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests import make
from tests.ops.billing.test_mechanisms import EXAMPLES, signed
from tests.ops.billing.test_statements import call, store
from workfloor.cli.billing import _show_items, _write_items
from workfloor.core.access import actors
from workfloor.core.claims import actions as claims
from workfloor.core.claims.models import Claim
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.people import actions as people
from workfloor.core.periods import actions as periods
from workfloor.core.periods import queries as periods_queries
from workfloor.core.work.models import Item
from workfloor.ops.billing import closing, statements
from workfloor.ops.billing import presenting as billing_presenting

pytestmark = pytest.mark.usefixtures("everyone")

LATER = datetime(2027, 12, 1, tzinfo=UTC)
PERIODS = ["2026-01", "2026-02", "2026-03", "2026-04"]
EVERY = sorted(path.stem for path in EXAMPLES.glob("*.toml"))
WITH_CREDITS = [name for name in EVERY if "\n[credits]" in (EXAMPLES / f"{name}.toml").read_text("utf-8")]


def worked(name: str) -> Client:
    """Three months in which every level of an example was missed, each way that it counts, and one without work."""
    client = signed(name)
    queues = list(Queue.objects.filter(client=client).values_list("name", flat=True))
    days = [(month, day) for month in (1, 2, 3) for day in range(5, 9)]
    store(client, [late(at(2026, *day), queue) for day in days for queue in queues])
    agreed = contracts_queries.in_force_on(client.id, date(2026, 3, 1)).contract
    for month in (1, 2, 3):
        claimed(client, "client-outage", at(2026, month, 7), at(2026, month, 8))
        claimed(client, "maintenance", at(2026, month, 6), at(2026, month, 7))
        if any(level.measure == "availability" for level in agreed.service_levels):
            claimed(client, "outage", at(2026, month, 7), at(2026, month, 8))
    for price in agreed.prices:
        if price.counts == "delivered":
            deliver(client, price.title)
    return client


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 15, tzinfo=UTC)


def late(received_at: datetime, queue: str) -> Item:
    return call(9 * 86400, at=received_at, queue=queue)


def claimed(client: Client, kind: Any, starts_at: datetime, ends_at: datetime) -> Claim:
    claim = claims.claim_event(
        client=client,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        queues=(),
        reason="Line down",
        by=make.in_charge("leader", client),
        now=make.NINE,
    )
    return claims.approve(claim=claim, by=make.in_charge("manager", client), now=make.NINE)


def deliver(client: Client, price: str) -> None:
    claim = claims.claim_delivery(
        client=client,
        price=price,
        on=date(2026, 1, 9),
        quantity=Decimal("7.5"),
        reason="Night",
        by=make.in_charge("leader", client),
        now=make.NINE,
        document=claims.File("paper.pdf", b"paper"),
    )
    claims.approve(claim=claim, by=make.person("client", of=client), now=make.NINE)


def names(client: Client, period: str) -> list[str]:
    """The figures that the statement shows with an id of their own."""
    plain = json.loads(billing_presenting.stated(client, period, now=LATER).plain)
    return [each["id"] for part in ("measures", "excluded", "lines", "credits") for each in plain[part] if shown(each)]


def shown(row: dict[str, Any]) -> bool:
    return "window" not in row or row["window"] is not None  # a window that ends later is judged then


def explained(client: Client, period: str, capsys: Any) -> dict[str, Any]:
    """What `billing explain` prints of each figure, for programs; for people it prints something too."""
    found = {}
    for name in [*names(client, period), *statements.COUNTS]:
        subject = statements.subject(client, period, name, now=LATER)
        _write_items(subject, client.slug, period)
        found[name] = json.loads(capsys.readouterr().out)
        _show_items(subject, period)
        assert capsys.readouterr().out.startswith(f"{name}  ")
        if behind := list(statements.items_behind(subject))[:1]:
            assert statements.counts_item(subject, behind[0].item_id)
            list(statements.facts_behind(subject, behind[0].item_id))
    return found


def close(client: Client) -> None:
    teresa, marta = make.person("leader"), make.person("manager")
    for each in (teresa, marta):
        people.clear(person=each, client=client, by=actors.ROOT, now=make.NINE)
    for period in PERIODS:
        frozen = closing.frozen(client, period, now=LATER)
        periods.propose(client=client, period=period, statement=frozen, by=teresa, now=make.NINE)
        periods.approve(client=client, period=period, by=marta, now=make.NINE)


@pytest.mark.parametrize("name", EVERY)
def test_every_figure_opens_to_the_same_in_an_open_and_a_closed_month(name, capsys):
    client = worked(name)
    before = {period: explained(client, period, capsys) for period in PERIODS}

    close(client)

    for period in PERIODS:
        after = explained(client, period, capsys)
        assert after.keys() == before[period].keys()
        for figure, found in after.items():
            assert found == before[period][figure], f"{period} {figure}"


@pytest.mark.parametrize("name", WITH_CREDITS)
def test_the_walk_meets_credits_of_every_example_that_knows_them(name):
    client = worked(name)

    assert any(figure.startswith("c") for period in PERIODS for figure in names(client, period))


def test_a_closed_months_credit_for_an_outage_opens_to_it_also_after_the_claim_was_taken_back(capsys):
    client = signed("availability")
    outage = claimed(client, "outage", at(2026, 1, 7), at(2026, 1, 8))
    close(client)
    frozen = explained(client, "2026-01", capsys)

    claims.refuse(claim=outage, reason="It was theirs", by=outage.decided_by, now=make.NINE + timedelta(days=1))

    assert [item["item"] for item in frozen["c1"]["items"]] == [outage.id]
    assert frozen["c1"]["items"] == frozen["m1"]["items"]
    assert explained(client, "2026-01", capsys) == frozen
    assert periods_queries.state(client.id, "2026-01") == "closed"
