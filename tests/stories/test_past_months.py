"""A contract tried on the months that were worked under it comes to their statements, line by line."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.claims import actions as claims
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.measures import buckets
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.presales import backtest, backtest_presenting
from workfloor.ops.presales import queries as presales_queries

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "contracts").glob("*.toml"))
MONTHS = ["2026-01", "2026-02", "2026-03"]
NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)
EVERYTHING = (
    make.CONTRACT.format(slug="everything").replace(
        'window = "month"',
        'window = "week"\nhours = "office"\nexclude = ["client-outage", "volume-above-forecast(110 %)"]',
    )
    + """
tax = "vat"
[taxes.vat]
title = "VAT"
rate = "23 %"
category = "S"
[[forecasts]]
of = ["calls"]
from = 2026-01-01
month = 10
[[service_levels]]
name = "Answered, by the quarter"
measure = "speed-of-answer"
window = "quarter"
expected = "15 s"
[[service_levels]]
name = "Handled, over two months"
measure = "handled-time"
window = "2 months"
exclude = ["force-majeure"]
expected = "300 s"
[[service_levels]]
name = "First answer"
measure = "first-response-within"
of = ["mail", "calls"]
threshold = "2 working hours"
expected = "90 %"
[[service_levels]]
name = "Resolved, day by day"
measure = "resolved-within"
of = ["mail"]
threshold = "4 working hours"
window = "day"
expected = "90 %"
[[service_levels]]
name = "Resolved at first"
measure = "first-contact-resolution"
threshold = "3 days"
window = "quarter"
expected = "70 %"
[[service_levels]]
name = "Longest wait of a week"
measure = "longest-wait"
window = "week"
expected = "10 min"
[[service_levels]]
name = "Talk"
measure = "talk-time"
window = "2 months"
[[service_levels]]
name = "Hold"
measure = "hold-time"
[[service_levels]]
name = "Wrap-up"
measure = "wrap-up-time"
exclude = ["force-majeure"]
expected = "60 s"
[[service_levels]]
name = "Passed on"
measure = "transfer-rate"
window = "quarter"
expected = "10 %"
[[service_levels]]
name = "Called again"
measure = "repeat-contact-within"
threshold = "3 days"
expected = "20 %"
[[service_levels]]
name = "Time to the first answer"
measure = "first-response-time"
[[service_levels]]
name = "Turnaround"
measure = "resolution-time"
window = "2 months"
expected = "4 h"
[[service_levels]]
name = "Open at the end"
measure = "backlog"
[[service_levels]]
name = "Old letters"
measure = "backlog-older-than"
of = ["mail"]
threshold = "24h"
expected = "10 %"
[[service_levels]]
name = "Open for business"
measure = "availability"
of = ["calls"]
window = "year"
exclude = ["maintenance"]
expected = "99 %"
[[service_levels]]
name = "Left"
measure = "abandoned"
of = ["calls"]
per = "offered-less-short-abandons(5s)"
expected = "5 %"
[[service_levels]]
name = "Came in"
measure = "volume"
[[prices]]
title = "Resolved calls"
unit = "outcome"
dispositions = ["resolved"]
of = ["calls"]
rate = "0.75"
tax = "vat"
[[prices]]
title = "People at the desk"
unit = "agent-hour"
rate = "21.50"
tax = "vat"
[[prices]]
title = "Postage"
unit = "pass-through"
mark_up = "5 %"
tax = "vat"
"""
)
_numbers = count(1)


class Desk:
    """A client under a contract, and people who work for it from January to March."""

    def __init__(self, source: str) -> None:
        event_log.make_partitions(first=datetime(2026, 1, 1).date(), count=4)
        contracts.sign(source=source, effective_on=None, by=actors.ROOT, now=datetime(2025, 12, 1, 9, tzinfo=UTC))
        self.agreed = contracts_queries.terms(contracts_queries.versions(Client.objects.latest("id").id).get())
        self.client = Client.objects.get(slug=self.agreed.client)
        self.ana, self.teresa, self.marta = (make.person(role) for role in ("agent", "leader", "manager"))
        for person in (self.ana, self.teresa, self.marta):
            people.clear(person=person, client=self.client, by=actors.ROOT, now=make.NINE)
        self.dana = make.person("client", of=self.client)

    def live(self, queue: str, at: datetime, chance: Random, case: Any = None) -> Any:
        """Let an item come in, and all sorts of things happen to it until it is over."""
        key, where = f"work-{next(_numbers)}", Queue.objects.get(client=self.client, name=queue)
        item, _ = work.receive(queue=where, key=key, by=make.CUSTOMER, now=at, case=case, **self.scheduled(at, chance))
        at = max(item.queued_at, at) + timedelta(seconds=chance.choice([3, 5, 9, 20, 21, 60]))
        if (fate := chance.random()) < 0.15:
            return work.abandon(item=item, by=make.CUSTOMER, now=at)
        if fate < 0.25:
            return work.cancel(item=item, reason="phantom", by=make.ROOT, now=at)
        for _ in range(chance.choice([0, 0, 1])):
            at = self.taken(item, at)
            work.set_pending_customer(item=item, by=self.ana, now=at)
            at += timedelta(hours=chance.choice([1, 20, 70]))
            work.customer_answered(item=item, by=make.CUSTOMER, now=at)
        at = self.done(item, at, chance)
        if chance.random() < 0.2:
            at += timedelta(hours=chance.choice([2, 90]))
            work.reopen(item=item, reason="not yet", by=make.CUSTOMER, now=at)
            self.done(item, at, chance)
        return item

    def scheduled(self, at: datetime, chance: Random) -> dict[str, Any]:
        return {"not_before": at + timedelta(hours=5)} if chance.random() < 0.1 else {}

    def taken(self, item: Any, at: datetime) -> datetime:
        work.offer(item=item, person=self.ana, max_concurrency=1, offer_seconds=60, by=make.ROUTER, now=at)
        work.accept(item=item, by=self.ana, now=at)
        return at + timedelta(minutes=1)

    def done(self, item: Any, at: datetime, chance: Random) -> datetime:
        at = self.taken(item, at)
        if chance.random() < 0.5:
            work.send_reply(item=item, by=self.ana, now=at)
        at += timedelta(seconds=chance.choice([40, 4000, 30000]))
        work.end(item=item, by=self.ana, now=at)
        item.refresh_from_db()
        [said, *_] = contracts_queries.terms_of(item.queue, item.received_at).dispositions
        work.wrap_up(item=item, by=self.ana, disposition=said, now=at + timedelta(seconds=30))
        return at + timedelta(seconds=30)

    def claim(self, kind: Any, starts_at: datetime, ends_at: datetime, queues: tuple[str, ...] = ()) -> None:
        claim = claims.claim_event(
            client=self.client,
            kind=kind,
            starts_at=starts_at,
            ends_at=ends_at,
            queues=queues,
            reason="It was so",
            by=self.teresa,
            now=ends_at,
        )
        claims.approve(claim=claim, by=self.marta, now=ends_at)

    def deliver(self, month: int) -> None:
        """Agree on what is charged besides work."""
        for price in self.agreed.prices:
            if price.counts == "delivered":
                on, hours = datetime(2026, month, 10, tzinfo=UTC), price.unit == "agent-hour"
                claim = claims.claim_delivery(
                    client=self.client,
                    price=price.title,
                    quantity=Decimal(month * 10),
                    on=on.date(),
                    by=self.teresa,
                    document=None if hours else claims.File("bill.pdf", b"%PDF"),
                    reason="Agreed",
                    now=on,
                )
                claims.approve(claim=claim, by=self.dana if hours else self.marta, now=on)

    def close(self, month: str) -> None:
        billing.propose(client=self.client, period=month, by=self.teresa, now=NOW)
        billing.approve(client=self.client, period=month, by=self.marta, now=NOW)

    def stated(self, month: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(billing_presenting.stated(self.client, month, now=NOW).plain)
        return found

    def tried(self) -> list[dict[str, Any]]:
        source = backtest.Source(
            "the event log",
            presales_queries.queues(self.client),
            frozenset(backtest.FACTS),
            presales_queries.delivers(self.client),
        )
        unused = tuple(name for name in self.agreed.queues() if name not in source.queues)
        assert not list(backtest.faults(self.agreed, source, {"": unused}, MONTHS[-1]))
        over = backtest.periods(self.agreed, MONTHS[0], MONTHS[-1])
        months = tuple(backtest.tried(self.agreed, over, presales_queries.EventLog(self.client), {}, NOW))
        told = backtest_presenting.Told("", (), (("it", backtest.Trial(self.agreed, 0, months, 0)),))
        found: list[dict[str, Any]] = backtest_presenting.plain(told)["contracts"][0]["months"]
        return found


def comparable(stated: dict[str, Any], tried: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a statement and a trial both say of a month; only a statement has a version and a state."""
    both = stated.keys() & tried.keys()
    assert {"totals", "queues", "measures", "excluded", "lines", "credits", "net", "taxes", "total", "bank"} <= both
    for each in (stated, tried):
        measures = [{key: value for key, value in row.items() if key != "version"} for row in each["measures"]]
        yield {key: each[key] for key in both} | {"measures": measures, "period": each["period"] | {"state": ""}}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_each_example_tried_on_its_own_months_comes_to_the_statements_that_were_closed(file: Path, everyone: None):
    desk, chance = Desk(file.read_text()), Random(file.stem)
    for month in (1, 2, 3):
        for number, queue in enumerate([*desk.agreed.queues()] * 2):
            desk.live(queue, datetime(2026, month, 6 + number, 9 + number, tzinfo=UTC), chance)
        desk.claim("outage", *((datetime(2026, month, 9, hour, tzinfo=UTC)) for hour in (12, 15)))
        desk.deliver(month)
    for month in MONTHS:
        desk.close(month)

    for month, tried in zip(MONTHS, desk.tried(), strict=True):
        stated, found = comparable(desk.stated(month), tried)
        assert not list(buckets.of_values(month, stated, found))


@pytest.mark.parametrize("seed", range(3))
def test_every_measure_window_exclusion_and_price_comes_to_the_statement(seed: int, everyone: None):
    desk, chance = Desk(EVERYTHING), Random(seed)
    for month in (1, 2, 3):
        cases: list[Any] = [None]
        for number in range(14):
            queue = chance.choice(["calls", "calls", "mail"])
            at = datetime(2026, month, 1 + 2 * number, chance.choice([8, 10, 17, 22]), 0, number, tzinfo=UTC)
            cases.append(desk.live(queue, at, chance, case=chance.choice(cases)).case)
        for kind, day in (("client-outage", 5), ("force-majeure", 9), ("maintenance", 12), ("outage", 12)):
            began = datetime(2026, month, day, chance.choice([7, 10]), 30, tzinfo=UTC)
            desk.claim(kind, began, began + timedelta(hours=9), chance.choice([(), ("calls",)]))
        desk.deliver(month)
    for month in MONTHS:
        desk.close(month)

    for month, tried in zip(MONTHS, desk.tried(), strict=True):
        stated, found = comparable(desk.stated(month), tried)
        assert not list(buckets.of_values(month, stated, found))


def test_what_is_still_open_counts_in_a_trial_as_in_the_statement(everyone: None):
    desk, chance = Desk(EVERYTHING), Random(1)
    for number in range(6):
        at = datetime(2026, 3, 3 + number, 10, tzinfo=UTC)
        item, _ = work.receive(
            queue=Queue.objects.get(client=desk.client, name="mail"), key=f"open-{number}", by=make.CUSTOMER, now=at
        )
        if number % 2:
            work.set_pending_customer(item=item, by=desk.ana, now=desk.taken(item, at))
        desk.live("calls", at, chance)

    for month, tried in zip(MONTHS, desk.tried(), strict=True):
        stated, found = comparable(desk.stated(month), tried)
        assert not list(buckets.of_values(month, stated, found))
