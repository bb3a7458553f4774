"""A month of many clients: statements from rollups against replaying the facts, and what keeping the rollups costs.

Ten million facts over 40 clients; with FACTS=1000000 CLIENTS=4 as many of each client, and fewer clients.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from statistics import median
from typing import Any

from django.db import connection, transaction

from benchmarks import databases, statement
from benchmarks.figures import Figure, median_seconds, seconds
from workfloor.core.access import actors
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import actions as measures
from workfloor.core.measures import catalogue
from workfloor.core.people import actions as people
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.kit.database import rls
from workfloor.ops.billing import statements

PERIOD, BEGINS, SIGNED = "2026-03", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FACTS_AN_ITEM = 5.4  # eight of ten items have six facts, the others three
BATCH = 1_000  # items at a time, as an import stores them
LIMIT_UPKEEP, LIMIT_TIMES_FASTER = 0.10, 25.0

CONTRACT = """
[contract]
client = "{slug}"
title = "Agreement with {slug}"
signed_on = 2026-01-01
starts_on = 2026-01-01
ends_on = 2027-12-31
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"
[calendars.always]
[calendars.always.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
[[processes]]
name = "voice"
kind = "inbound-voice"
location = "onshore"
calendar = "always"
dispositions = ["resolved", "called-back", "complaint"]
queues = [{{ name = "calls", requires = {{ portuguese = 1 }} }}, {{ name = "vip", requires = {{ portuguese = 1 }} }}]
[[processes]]
name = "letters"
kind = "email"
location = "onshore"
calendar = "always"
dispositions = ["resolved", "called-back", "complaint"]
queues = [{{ name = "mail", requires = {{ portuguese = 1 }} }}]
[[service_levels]]
name = "Answered"
measure = "answered-within"
of = ["calls", "vip"]
threshold = "20s"
per = "offered-less-short-abandons(5s)"
expected = "80 %"
minimum = "75 %"
weight = "60 %"
[[service_levels]]
name = "Important callers"
measure = "answered-within"
of = ["vip"]
threshold = "10s"
per = "answered"
[[service_levels]]
name = "Abandoned"
measure = "abandoned"
of = ["calls", "vip"]
per = "offered"
expected = "5 %"
weight = "40 %"
[[service_levels]]
name = "Speed"
measure = "speed-of-answer"
of = ["calls", "vip"]
[[service_levels]]
name = "Handling"
measure = "handled-time"
of = ["calls", "vip", "mail"]
[[service_levels]]
name = "Resolved"
measure = "resolved-within"
of = ["mail"]
threshold = "1h"
[[service_levels]]
name = "Volume"
measure = "volume"
of = ["calls", "vip", "mail"]
[credits]
rule = "at-risk"
at_risk = "10 %"
pool = "150 %"
cap = "12 %"
[[prices]]
title = "Answered calls"
unit = "contact"
of = ["calls", "vip"]
rate = "1.10"
[[prices]]
title = "Minutes"
unit = "minute"
counts = "handled"
of = ["calls", "vip"]
rate = "0.07"
[[prices]]
title = "Letters"
unit = "transaction"
of = ["mail"]
rate = "2.00"
[[prices]]
title = "Called back"
unit = "outcome"
of = ["calls", "vip"]
dispositions = ["called-back"]
rate = "0.50"
"""

# How each item of the month went, as plain columns; times are to the microsecond, days from 7 to 22.
LIVES = """
CREATE TEMPORARY TABLE lives AS
SELECT number, nextval(pg_get_serial_sequence('work_item', 'id')) AS id, %(client)s AS client_id, queue.id AS queue_id,
    queue.process_id, CASE WHEN queue.name = 'mail' THEN 'email' ELSE 'call' END AS kind, how, came AS received_at,
    came + menu AS queued_at, came + menu + wait AS left_at, came + menu + wait + talk AS ended_at,
    came + menu + wait + talk + wrap AS wrapped_up_at, extract(epoch FROM menu + wait + talk)::int AS working_seconds,
    (ARRAY['resolved', 'called-back', 'complaint'])[1 + floor(luck * 3)::int] AS disposition,
    'agent ' || floor(luck * 90)::int AS agent_label
FROM (
    SELECT number, random() AS luck,
        CASE WHEN random() < 0.8 THEN 'done' WHEN random() < 0.9 THEN 'abandoned' ELSE 'cancelled' END AS how,
        %(begins)s + (number * 31 / %(count)s) * interval '1 day' + interval '7 hours'
            + (number * 31.0 / %(count)s - number * 31 / %(count)s) * interval '15 hours' AS came,
        random() * interval '3 seconds' AS menu, -ln(1 - random()) * interval '15 seconds' AS wait,
        -ln(1 - random()) * interval '200 seconds' AS talk, random() * interval '20 seconds' AS wrap
    FROM generate_series(0, %(count)s - 1) AS number) AS drawn
JOIN (SELECT id, name, process_id, row_number() OVER (ORDER BY name) - 1 AS place FROM contracts_queue
      WHERE client_id = %(client)s) AS queue ON queue.place = drawn.number %% 3
ORDER BY number;
CREATE INDEX ON lives (number)
"""
ITEMS = """
INSERT INTO work_item (id, client_id, title, payload, digest, state, key, kind, process_id, queue_id, agent_label,
    received_at, queued_at, connected_at, ended_at, wrapped_up_at, abandoned_at, cancelled_at, cancelled_as,
    talk_seconds, hold_seconds, wrap_seconds, paused_seconds, working_seconds, disposition, reopened)
SELECT id, client_id, '', '{}', '', how, 'key-' || id, kind, process_id, queue_id,
    CASE WHEN how = 'done' THEN agent_label ELSE '' END, received_at, queued_at,
    CASE WHEN how = 'done' THEN left_at END, CASE WHEN how = 'done' THEN ended_at END,
    CASE WHEN how = 'done' THEN wrapped_up_at END, CASE WHEN how = 'abandoned' THEN left_at END,
    CASE WHEN how = 'cancelled' THEN left_at END, CASE WHEN how = 'cancelled' THEN 'phantom' ELSE '' END,
    CASE WHEN how = 'done' THEN floor(extract(epoch FROM ended_at - left_at)) ELSE 0 END, 0,
    CASE WHEN how = 'done' THEN floor(extract(epoch FROM wrapped_up_at - ended_at)) ELSE 0 END, 0,
    CASE WHEN how = 'done' THEN working_seconds END, CASE WHEN how = 'done' THEN disposition ELSE '' END, 0
FROM lives WHERE number >= %(first)s AND number < %(first)s + %(batch)s ORDER BY number
"""
HAPPENED = """
INSERT INTO event_log_fact (at, client_id, item_id, event, details)
SELECT at, client_id, id, event, details FROM lives, LATERAL (VALUES
    (1, received_at, 'work.received',
        jsonb_build_object('key', 'key-' || id, 'kind', kind, 'process', process_id), true),
    (2, queued_at, 'work.queued', jsonb_build_object('queue', queue_id), true),
    (3, left_at, 'work.abandoned', '{}', how = 'abandoned'),
    (3, left_at, 'work.cancelled', '{"reason": "phantom"}', how = 'cancelled'),
    (3, left_at, 'work.accepted', jsonb_build_object('agent_label', agent_label), how = 'done'),
    (4, left_at, 'work.connected', '{}', how = 'done'),
    (5, ended_at, 'work.ended', jsonb_build_object('working_seconds', working_seconds, 'version', 1), how = 'done'),
    (6, wrapped_up_at, 'work.wrapped-up', jsonb_build_object('disposition', disposition), how = 'done')
) AS fact (place, at, event, details, so) WHERE so AND number >= %(first)s AND number < %(first)s + %(batch)s
    ORDER BY number, place
"""


def measure(template: str, facts: int = 10_000_000, clients: int = 40, lives: int = 12, runs: int = 5) -> list[Figure]:
    """Fill a month, state one client's in three ways that must agree, and weigh the keeping of rollups."""
    with databases.copy(template):
        shares = [_filled(f"client-{number}", round(facts / clients / FACTS_AN_ITEM)) for number in range(clients)]
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        slug = f"client-{clients // 2}"
        with _entered(slug) as client:
            by_rollups = median_seconds(lambda: statements.statement(client, PERIOD, now=NOW), runs)
            by_items = median_seconds(lambda: statements.recounted(client, PERIOD, now=NOW), runs)
            made, again = (read(client, PERIOD, now=NOW) for read in (statements.statement, statements.recounted))
            figures: list[catalogue.Figure] = []
            replayed = seconds(lambda: figures.extend(_by_facts(client, made)))
            assert figures == statement.figures_of(made)
            assert made == again
        with_rollups, without = _lived(slug, lives, runs)
    what = f"Statement of a client, {facts:,} facts of a month over {clients} clients"
    return [
        Figure(what, by_rollups, "s", "from its facts, replayed", replayed),
        Figure(what, by_rollups, "s", "by SQL over its items", by_items),
        Figure(
            "Times faster from rollups than from facts", replayed / by_rollups, "times", "limit", LIMIT_TIMES_FASTER
        ),
        Figure("Upkeep of rollups, of the time to write the facts", median(shares), "part", "limit", LIMIT_UPKEEP),
        Figure("An item's life, each step committed", with_rollups, "s", "without rollups", without),
    ]


def _filled(slug: str, count: int) -> float:
    """Store a client's month as an import does, then fold; returns the time of rollups as a part of the facts'."""
    kept = written = 0.0
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=BEGINS, count=2)
        contracts.sign(source=CONTRACT.format(slug=slug), by=actors.ROOT, now=SIGNED)
    with _entered(slug) as client, connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.25)")
        for one in filter(str.strip, LIVES.split(";")):
            cursor.execute(one, {"client": client.id, "begins": BEGINS, "count": count})
        for first in range(0, count, BATCH):
            which = {"first": first, "batch": BATCH}
            kept += _kept(cursor, which)
            written += seconds(partial(cursor.execute, HAPPENED, which))
        cursor.execute("DROP TABLE lives")
    while _folded(slug):
        pass
    return kept / written


def _kept(cursor: Any, which: dict[str, int]) -> float:
    """Store items; returns how many seconds of that went into rollups."""
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {ITEMS}", which)
    [[told]] = cursor.fetchall()
    [plan] = json.loads(told) if isinstance(told, str) else told
    kept = (each["Time"] for each in plan["Triggers"] if each["Trigger Name"].startswith("measures"))
    return float(sum(kept)) / 1000


def _folded(slug: str) -> int:
    with _entered(slug) as client:
        return measures.fold(client_id=client.id)


@contextmanager
def _entered(slug: str) -> Iterator[Client]:
    with transaction.atomic():
        rls.enter_every_client()
        client = Client.objects.get(slug=slug)
        rls.enter(client.id)
        yield client


# --- from the facts alone ------------------------------------------------------------------------------------------


def _by_facts(client: Client, made: statements.Statement) -> list[catalogue.Figure]:
    """Replay a client's month and measure it by the pure rules, as a statement has it."""
    first, past = made.period.starts_at, made.period.ends_at
    outcomes = [each for each in _outcomes(client) if first <= each.received_at < past]
    return statement.ruled(made.contract, outcomes)


def _outcomes(client: Client) -> Iterator[Outcome]:
    names = dict(Queue.objects.filter(client=client).values_list("id", "name"))
    facts = Fact.objects.filter(client_id=client.id, item_id__isnull=False).order_by("item_id", "id")
    read = facts.values_list("item_id", "event", "at", "person_id", "details", named=True).iterator(5000)
    for number, own in groupby(read, key=attrgetter("item_id")):
        item = lifecycle.replay(own)
        assert item.queue_id
        assert item.received_at
        yield Outcome(
            number,
            names[item.queue_id],
            item.received_at,
            item.queued_at,
            item.connected_at,
            item.abandoned_at,
            item.cancelled_at,
            item.state == "done",
            item.talk_seconds,
            item.hold_seconds,
            item.wrap_seconds,
            item.working_seconds,
            disposition=item.disposition,
        )


# --- live ----------------------------------------------------------------------------------------------------------


def _lived(slug: str, lives: int, runs: int) -> tuple[float, float]:
    """Let items live through every step, with the rollups and without; returns the seconds of one of each."""
    with transaction.atomic():
        rls.enter_every_client()
        client = Client.objects.get(slug=slug)
        agent = people.hire(name="Ana", roles=["agent"], by=actors.ROOT, now=SIGNED)
        people.clear(person=agent, client=client, by=actors.ROOT, now=SIGNED)
    took: dict[str, list[float]] = {"ENABLE": [], "DISABLE": []}
    for run in range(runs):
        for how, seen in took.items():
            _switch(how)
            keys = [f"{how}-{run}-{number}" for number in range(lives)]
            seen.append(seconds(partial(_lives, slug, agent, keys)) / lives)
    _switch("ENABLE")
    return median(took["ENABLE"]), median(took["DISABLE"])


def _switch(how: str) -> None:
    with connection.cursor() as cursor:
        for name in ("stored", "changed", "removed"):
            cursor.execute(f"ALTER TABLE work_item {how} TRIGGER measures_{name}")


def _lives(slug: str, agent: Person, keys: list[str]) -> None:
    for key in keys:
        _life(slug, agent, key)


def _life(slug: str, agent: Person, key: str) -> None:
    at = BEGINS + timedelta(days=3)
    with _entered(slug) as client:
        item, _ = work.receive(
            queue=Queue.objects.get(client=client, name="calls"), key=key, by=actors.CUSTOMER, now=at
        )
    with _entered(slug):
        work.offer(item=item, person=agent, max_concurrency=1, offer_seconds=20, by=actors.engine("router"), now=at)
    with _entered(slug):
        work.accept(item=item, by=agent, now=at + timedelta(seconds=8))
    with _entered(slug):
        work.end(item=item, by=agent, now=at + timedelta(seconds=90))
    with _entered(slug):
        work.wrap_up(item=item, by=agent, disposition="resolved", now=at + timedelta(seconds=99))
