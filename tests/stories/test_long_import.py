"""An import of much past work, open for long: whoever follows the event log has all else at once, and none of it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from django.db import connection, transaction

from tests import make
from tests.ops.presales.test_actions import ABANDONED, ANSWERED, HEADER, MAP
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Cursor, Fact, Position
from workfloor.core.work.models import Item
from workfloor.kit.database import rls

ROWS = 20_000
BLOCKED = "SELECT count(*) FROM pg_locks WHERE relation = 'presales_import'::regclass AND NOT granted"


@pytest.fixture
def client_id(real_database: str) -> Iterator[int]:
    with transaction.atomic():
        rls.enter_every_client()
        client_id = make.client().id
    yield client_id
    connection.close()


@contextmanager
def running(*words: str, database: str, folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """A command as a process of its own, ended with the block."""
    environment = os.environ | {"WORKFLOOR_DATABASE_URL": database, "WORKFLOOR_DATA": str(folder / "data")}
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workfloor", *words], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def wait_for(so: Callable[[], object], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def tell() -> int:
    """Something that is worth following; the id of its fact."""
    with transaction.atomic():
        rls.enter_every_client()
        make.call()
        return int(Fact.objects.filter(event="work.received").latest("id").id)


def everybody_knows(fact_id: int) -> bool:
    """Whether each follower has come as far as a fact's position."""
    position = Position.objects.filter(fact_id=fact_id).first()
    if position is None:
        return False
    reached = Cursor.objects.filter(position__gte=position.position).values_list("follower", flat=True)
    return {*reached} >= {*event_log_events.register.followers}


def exports(folder: Path) -> tuple[str, ...]:
    """Leave a large export and its map in a folder; the command that imports it."""
    rows = [
        (ABANDONED if number % 5 == 0 else ANSWERED)
        .replace("09:0", f"{9 + number % 8:02}:0")
        .replace("2026-03-02", f"2026-03-{1 + number % 27:02}")
        for number in range(ROWS)
    ]
    numbered = (f"{number},{row.partition(',')[2]}" for number, row in enumerate(rows))
    (folder / "calls.csv").write_text(HEADER + "".join(numbered))
    (folder / "map.toml").write_text(MAP)
    return ("presales", "history", "import", "calls.csv", "--map", "map.toml")


def test_an_import_that_is_killed_leaves_nothing_and_nobody_behind(real_database, client_id, tmp_path):
    importing = exports(tmp_path)
    with psycopg.connect(real_database) as holding, psycopg.connect(real_database, autocommit=True) as looking:
        holding.execute("LOCK TABLE event_log_fact IN SHARE MODE")
        writing = "SELECT count(*) FROM pg_locks WHERE relation = 'event_log_fact'::regclass AND NOT granted"
        with running(*importing, database=real_database, folder=tmp_path) as imports:
            wait_for(lambda: looking.execute(writing).fetchone() == (1,))
            readers = psutil.Process(imports.pid).children()
            imports.kill()
            imports.wait(60)
            assert len(readers) == 1
            wait_for(lambda: not any(each.is_running() and each.status() != "zombie" for each in readers))

    with running(*importing, database=real_database, folder=tmp_path) as imports:
        assert imports.wait(300) == 0
    with transaction.atomic():
        rls.enter(client_id)
        assert Item.objects.filter(state__in=["done", "abandoned"]).count() == ROWS


def test_a_large_import_delays_no_follower_however_long_it_is_open(real_database, client_id, tmp_path):
    importing = exports(tmp_path)

    with (
        running("worker", database=real_database, folder=tmp_path),
        psycopg.connect(real_database) as holding,
        psycopg.connect(real_database, autocommit=True) as looking,
    ):
        holding.execute("LOCK TABLE presales_import IN SHARE MODE")
        with running(*importing, database=real_database, folder=tmp_path) as imports:
            # All of its facts are written, and not committed.
            wait_for(lambda: looking.execute(BLOCKED).fetchone() == (1,) or imports.poll() is not None)
            meanwhile = tell()
            wait_for(lambda: everybody_knows(meanwhile))
            assert imports.poll() is None
            assert looking.execute(BLOCKED).fetchone() == (1,)

            before = event_log_queries.last_position()
            holding.commit()
            assert imports.wait(300) == 0
            afterwards = tell()
            wait_for(lambda: everybody_knows(afterwards))

    with transaction.atomic():
        rls.enter(client_id)
        assert Item.objects.filter(state__in=["done", "abandoned"]).count() == ROWS
        assert Fact.objects.filter(event="work.abandoned").count() == ROWS // 5
        assert Position.objects.filter(position__gt=before).exists()
        assert not Position.objects.filter(event="work.abandoned").exists()
