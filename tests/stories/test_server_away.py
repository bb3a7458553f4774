"""The database server stops for a while under web, worker and router: pages say so, and all goes on by itself."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace

import httpx
import psycopg
import pytest

from tests import conftest, databases
from tests.stories.test_errand import eventually, post, signed_in
from workfloor.kit.database import postgres

pytestmark = pytest.mark.installation
ROOT = Path(__file__).resolve().parents[2]
AWAY_SECONDS = 20.0  # longer than each process takes to notice, and to give up what it had begun
FILL = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "workfloor.settings"
import django
django.setup()
from django.db import transaction
from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.event_log import actions as event_log
from workfloor.kit.database import rls
with transaction.atomic():
    rls.enter_every_client()
    event_log.make_partitions(first=make.NINE)
    agent = make.agent(available=False)
    scopes = ["work:write", "work:read"]
    token = clients.issue_token(client=make.client(), title="test", scopes=scopes, by=actors.ROOT, now=make.NINE)
print(json.dumps([agent.id, agent.account.email, token]))
"""
COUNTED = """
SELECT count(*), count(DISTINCT item_id) FROM event_log_fact
WHERE event = 'work.received' AND item_id IN (SELECT id FROM work_item WHERE key = ANY(%s))
"""


@pytest.fixture
def provider() -> Iterator[SimpleNamespace]:
    """A server of its own with one client and one agent; web server, worker and router at work on it."""
    with ExitStack() as stack:
        place = databases.place()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workfloor-away-", dir=place)))
        postgres.make_room(folder)
        server = postgres.Server(folder, {"fsync": "off", "shared_buffers": "32MB"})
        postgres.initialise(server.folder)
        stack.callback(postgres.stop, server.folder)
        come_back(server)
        postgres._bootstrap(folder, creates_databases=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            bind = f"127.0.0.1:{probe.getsockname()[1]}"
        env = os.environ | {
            "WORKFLOOR_DATABASE_URL": server.address,
            "WORKFLOOR_DATA": str(folder),
            "WORKFLOOR_BIND": bind,
        }
        subprocess.run(
            [sys.executable, "-m", "workfloor", "admin", "migrate"], env=env, check=True, capture_output=True
        )
        filled = subprocess.run([sys.executable, "-c", FILL], env=env, check=True, capture_output=True, cwd=ROOT)
        number, email, token = json.loads(filled.stdout)
        processes = {}
        for command in ("web", "worker", "router"):
            log = stack.enter_context((folder / f"{command}.log").open("wb"))
            line = [sys.executable, "-m", "workfloor", command]
            processes[command] = subprocess.Popen(line, env=env, stdout=log, stderr=log)
            stack.callback(conftest._end, processes[command])
        conftest._wait_for(f"http://{bind}/accounts/login/", folder)
        agent = SimpleNamespace(id=number, account=SimpleNamespace(email=email))
        yield SimpleNamespace(server=server, url=f"http://{bind}", agent=agent, token=token, processes=processes)


def come_back(server: postgres.Server) -> None:
    postgres.start(server.folder, server.settings)
    eventually(server.runs)


class Sender:
    """A program of the client's that sends work, and each again until it is told that it was taken."""

    def __init__(self, api: httpx.Client) -> None:
        self.api, self.taken, self.refused, self.stopped = api, list[str](), 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        for number in range(10_000):
            while not self.stopped.is_set() and not self.is_taken(f"sent-{number}"):
                self.refused += 1
                time.sleep(0.2)
            if self.stopped.wait(0.05):
                return

    def is_taken(self, key: str) -> bool:
        with suppress(httpx.TransportError):
            if self.api.post("/work", json={"key": key, "queue": "calls"}).status_code in (200, 201):
                self.taken.append(key)
                return True
        return False

    def stop(self) -> list[str]:
        self.stopped.set()
        self.thread.join(300)
        return self.taken


def test_the_server_stops_for_a_while_and_everything_goes_on_by_itself(provider):
    api = httpx.Client(
        base_url=f"{provider.url}/api", headers={"Authorization": f"Bearer {provider.token}"}, timeout=60
    )
    desk = signed_in(provider.url, provider.agent)
    assert post(desk, "/desk/available/").status_code == 200
    api.post("/work", json={"key": "before", "queue": "calls"}).raise_for_status()
    eventually(lambda: api.get("/work/before").json()["state"] == "offered")
    sender = Sender(api)
    topic = f"person:{provider.agent.id}"
    with desk.stream("GET", f"/live/?topic={topic}", timeout=300) as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data:"))
        assert next(lines) == f"data: {topic}"
        eventually(lambda: sender.taken)
        postgres.stop(provider.server.folder)
        gone = time.monotonic()
        page, call = desk.get("/desk/"), api.post("/work", json={"key": "during", "queue": "calls"})
        time.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - gone)))
        come_back(provider.server)
        assert next(lines) == f"data: {topic}"  # whatever happened meanwhile is read anew

    assert page.status_code == call.status_code == 503
    assert "database" in page.text and "data-retry" in page.text
    assert "send this again" in call.json()["detail"]
    eventually(lambda: desk.get("/desk/").status_code == 200)
    many = len(sender.taken)
    eventually(lambda: len(sender.taken) > many + 5)
    taken = sender.stop()
    assert sender.refused

    # The router is at work again: what was offered before the outage lapsed, which made the agent not ready.
    eventually(lambda: api.get("/work/before").json()["state"] == "waiting")
    assert post(desk, "/desk/available/").status_code == 200
    eventually(lambda: any(api.get(f"/work/{key}").json()["state"] == "offered" for key in ["before", *taken[:3]]))
    with psycopg.connect(provider.server.address, autocommit=True) as asking:
        asking.execute("SELECT set_config('workfloor.every_client', 'on', false)")
        assert asking.execute(COUNTED, [taken]).fetchone() == (len(taken), len(taken))
        # The worker gives positions again, and runs jobs: none waits that is due.
        eventually(lambda: asking.execute("SELECT count(*) FROM event_log_unplaced").fetchone() == (0,))
        alive = "SELECT count(*) > 0 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '15 seconds'"
        eventually(lambda: asking.execute(alive).fetchone() == (True,))
    assert {name: process.poll() for name, process in provider.processes.items()} == dict.fromkeys(provider.processes)
