"""An agent's desk, opened for the first time that day, with a million items in the database.

Two figures: the bytes that a browser fetches over TLS (the page, its styles and scripts, its font, packed as the server
packs them), and the page's own time on the server. The agent has three mails in hand, and some dozens done today.
"""

import gzip
import re
import time
from pathlib import Path
from typing import Any, Final

from benchmarks import databases, floors
from benchmarks.figures import Figure
from benchmarks.search import signed_in
from workfloor.runtime import statics

LIMIT_KB, LIMIT_MS = 100.0, 200.0
IN_HAND, AGENTS = 3, 20
LINKED: Final = re.compile(r'(?:<link rel="(?:stylesheet|icon)" href|<script src|<use href)="/static/([^"#?]+)')
FONT: Final = "vendor/inter.woff2"  # named by ui.css
DONE = """
INSERT INTO work_item (client_id, title, payload, digest, state, key, kind, process_id, queue_id, done_by_id,
    agent_label, received_at, queued_at, connected_at, ended_at, wrapped_up_at, cancelled_as, talk_seconds,
    hold_seconds, wrap_seconds, paused_seconds, disposition, reopened)
SELECT %(client)s, 'Past work', '{}', '', 'done', 'past-' || n, 'email', %(process)s, %(queue)s,
    (%(people)s::bigint[])[1 + n %% %(several)s], '', at, at, at, at, at, '', 60, 0, 10, 0, 'done', 0
FROM (SELECT n, now() - n * interval '60 seconds' AS at FROM generate_series(%(first)s, %(last)s) n) AS past
"""


def measure(template: str, items: int = 1_000_000, loads: int = 200) -> list[Figure]:
    """Fill so many finished items in, and open the desk so often."""
    with databases.copy(template):
        browser = signed_in(fill(items))
        took = []
        for number in range(-3, loads):  # the first ones warm up
            began = time.perf_counter()
            answer = browser.get("/desk/")
            if answer.status_code != 200:
                raise RuntimeError(f"the desk answers {answer.status_code}")
            if number >= 0:
                took.append(1000 * (time.perf_counter() - began))
    ordered = sorted(took)
    told = tuple(ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.9, 0.95, 1.0))
    sizes = fetched(answer.content)
    biggest = ", ".join(f"{Path(name).name} {size / 1000:.0f}" for name, size in sizes.most[:4])
    return [
        Figure(f"desk's first load, packed ({biggest})", sizes.all / 1000, "kB", "target at most", LIMIT_KB),
        Figure(
            f"desk on the server, {items:,} items, p95 (p50, p90, p95, most)",
            told[2],
            "ms",
            "target at most",
            LIMIT_MS,
            told,
        ),
    ]


class Fetched:
    """How many bytes a first load is, and of what."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.all = sum(sizes.values())
        self.most = sorted(sizes.items(), key=lambda each: -each[1])


def fetched(page: bytes) -> Fetched:
    """The page and all that it links to, each packed as it is sent."""
    from django.contrib.staticfiles import finders

    sizes = {"page": len(gzip.compress(page, 6))}
    for name in {*LINKED.findall(page.decode()), FONT}:
        found = finders.find(name)
        assert isinstance(found, str), name
        content = Path(found).read_bytes()
        sizes[name] = len(statics.pack(content)) if name.endswith(statics.PACKED) else len(content)
    return Fetched(sizes)


def fill(items: int) -> Any:
    """Write finished items of some agents, one a minute until now; the agent who has some of them in hand."""
    from django.db import connection

    from workfloor.core.access import actors
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.contracts.models import Queue
    from workfloor.core.event_log import actions as event_log
    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Account
    from workfloor.core.work import actions as work
    from workfloor.kit.time import clock

    def write() -> Any:
        now = clock.now()
        event_log.make_partitions(first=now, count=1)
        line = floors.Line("mail", "portuguese = 1", "1h", IN_HAND, "30s")
        contracts.sign(source=floors.contract([line]), by=actors.ROOT, now=databases.SIGNED_AT)
        queue = Queue.objects.select_related("client").get(name="mail", client__slug="bench")
        client = queue.client
        agents = []
        for number in range(AGENTS):
            account = Account.objects.create_user(f"agent{number}@example.com", "correct horse")
            agent = people.hire(name=f"Agent {number}", roles=["agent"], account=account, by=actors.ROOT, now=now)
            people.clear(person=agent, client=client, by=actors.ROOT, now=now)
            agents.append(agent)
        ids = [each.id for each in agents]
        values = {"client": client.id, "process": queue.process_id, "queue": queue.id}
        with connection.cursor() as cursor:
            for first in range(0, items, 50_000):
                last = min(first + 50_000, items) - 1
                cursor.execute(DONE, values | {"people": ids, "several": AGENTS, "first": first, "last": last})
        people.go_available(person=agents[0], by=agents[0], now=now)
        for number in range(IN_HAND):
            customer = work.Customer(f"C-{number}", f"Customer {number}")
            item, _ = work.receive(
                queue=queue, key=f"now-{number}", title="My bill", customer=customer, by=actors.ROOT, now=now
            )
            item = work.offer(
                item=item,
                person=agents[0],
                max_concurrency=IN_HAND,
                offer_seconds=30,
                by=actors.engine("router"),
                now=now,
            )
            work.accept(item=item, by=agents[0], now=now)
        return agents[0]

    agent = floors.inside(write)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) work_item")
    return agent
