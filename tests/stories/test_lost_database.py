"""The database goes away under people at work, and comes back: pages say so, lose nothing, and go on by themselves."""

import time
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from django.db import transaction
from psycopg import conninfo, sql

from tests import make
from tests.conftest import address
from tests.stories.test_errand import eventually, post, signed_in
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.kit.database import rls


@contextmanager
def away(database):
    """Nobody can reach the database during the block; whoever was connected is cut off."""
    name = conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.Literal(True)))


@pytest.fixture
def staffed(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        agent = make.agent(available=False)
        scopes = ["work:write", "work:read"]
        token = clients.issue_token(client=make.client(), title="test", scopes=scopes, by=actors.ROOT, now=make.NINE)
    return agent, token


def test_pages_say_that_the_database_is_away_and_work_goes_on_when_it_is_back(staffed, installation, real_database):
    agent, token = staffed
    api = httpx.Client(base_url=f"{installation}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    desk = signed_in(installation, agent)

    with away(real_database):
        page, call = desk.get("/desk/"), api.post("/work", json={"key": "k-1", "queue": "calls"})

    assert page.status_code == call.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert "database" in page.text
    assert "http-equiv" in page.text or "data-retry" in page.text
    assert "send this again" in call.json()["detail"]

    eventually(lambda: desk.get("/desk/").status_code == 200)
    assert api.post("/work", json={"key": "k-1", "queue": "calls"}).status_code == 201
    assert post(desk, "/desk/available/").status_code == 200
    # The worker has found its way back too: it offers what came in.
    eventually(lambda: api.get("/work/k-1").json()["state"] == "offered")


def test_the_live_stream_survives_the_databases_absence(staffed, installation, real_database):
    agent, _ = staffed
    desk = signed_in(installation, agent)
    topic = f"person:{agent.id}"
    with desk.stream("GET", f"/live/?topic={topic}", timeout=300) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("data:")) == f"data: {topic}"
        with away(real_database):
            time.sleep(1.5)
        # Listening again, it names every topic: whatever happened meanwhile is read anew.
        assert next(line for line in lines if line.startswith("data:")) == f"data: {topic}"


def test_nobody_hears_what_is_not_theirs(staffed, installation):
    agent, _ = staffed
    desk = signed_in(installation, agent)

    for topic in ("floor", f"person:{agent.id + 1}", "client:999", "item:1", "*", "person:", ""):
        assert desk.get("/live/", params={"topic": topic}).status_code == 403
    assert httpx.get(f"{installation}/live/?topic=floor", timeout=60).status_code == 302
