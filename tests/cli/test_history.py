"""The command that imports past work: what it prints, and what is left when it is killed or runs twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import make
from tests.ops.presales.test_actions import ABANDONED, ANSWERED, HEADER, MAP, PHANTOM
from workfloor.cli import main
from workfloor.core.event_log.models import Fact
from workfloor.core.work.models import Item
from workfloor.kit.database import locks, rls

WAIT_SECONDS = 300


@pytest.fixture
def client_id(real_database: str) -> Iterator[int]:
    with transaction.atomic():
        rls.enter_every_client()
        client_id = make.client().id
    yield client_id
    connection.close()


IMPORT = ("presales", "history", "import", "calls.csv", "--map", "map.toml")


@pytest.fixture
def ran(client_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `workfloor presales history import` on a file of these rows."""
    (tmp_path / "map.toml").write_text(MAP)
    monkeypatch.chdir(tmp_path)

    def running(*rows: str, options: tuple[str, ...] = ()) -> Result:
        (tmp_path / "calls.csv").write_text(HEADER + "".join(rows))
        return CliRunner().invoke(main, [*IMPORT, *options])

    return running


@pytest.fixture
def start(real_database: str, client_id: int, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start it in a process of its own."""
    (tmp_path / "map.toml").write_text(MAP)

    def started(*rows: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        (tmp_path / "calls.csv").write_text(HEADER + "".join(rows))
        command = [sys.executable, "-c", "from workfloor.cli import main; main()", *IMPORT, *options]
        environment = os.environ | {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_DATA": str(tmp_path / "data")}
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return started


def stored() -> tuple[int, int]:
    """How many items and facts of items there are."""
    with transaction.atomic():
        rls.enter_every_client()
        return Item.objects.count(), Fact.objects.filter(item_id__isnull=False).count()


def wait_for_waiting(count: int) -> None:
    """Wait until so many processes wait for a lock."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.05)
    pytest.fail(f"{count} processes never waited")


def test_an_import_prints_its_report_and_the_same_again_adds_nothing(start, ran):
    first = start(ANSWERED, ABANDONED, PHANTOM, options=("--format", "json"))
    report = json.loads(first.communicate(timeout=WAIT_SECONDS)[0])

    again = ran(ANSWERED, ABANDONED, PHANTOM, options=("--format", "json"))
    repeated = json.loads(again.stdout)

    assert (first.returncode, again.exit_code) == (0, 0)
    assert (report["added"], repeated["added"]) == (3, 0)
    assert report | {"added": 0} == repeated
    assert stored() == (3, 6 + 3 + 3)


def test_a_refused_file_stores_nothing_and_names_every_line(ran):
    refused = ran(ANSWERED, ABANDONED.replace(",40,", ",soon,"))

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "calls.csv:3: number-unreadable: wait is 'soon'" in refused.stderr
    assert refused.stderr.endswith("Nothing was imported.\n")
    assert stored() == (0, 0)


def test_a_refusal_can_be_read_by_programs(ran):
    refused = ran(ANSWERED, ABANDONED.replace(",40,", ",soon,"), options=("--format", "json"))
    said = json.loads(refused.stdout)

    assert refused.exit_code == 1
    assert said == {
        "added": 0,
        "refused": "rows that the map does not allow for",
        "line": None,
        "findings": [
            {"line": 3, "what": "number-unreadable", "why": "wait is 'soon', neither whole seconds nor h:mm:ss"}
        ],
        "count": 1,
    }


def test_a_parquet_file_is_imported_by_the_same_map(ran, tmp_path: Path):
    assert ran(ANSWERED, ABANDONED, PHANTOM).exit_code == 0
    parquet = pytest.importorskip("pyarrow.parquet")
    from pyarrow import csv

    later = (tmp_path / "calls.csv").read_text().replace("2026-03-02", "2026-03-03")
    (tmp_path / "later.csv").write_text(later)
    parquet.write_table(csv.read_csv(tmp_path / "later.csv"), tmp_path / "calls.parquet")

    result = CliRunner().invoke(
        main, ["presales", "history", "import", str(tmp_path / "calls.parquet"), "--map", str(tmp_path / "map.toml")]
    )

    assert result.exit_code == 0, result.output
    assert "3 rows read: 1 answered, 1 abandoned, 1 phantom" in result.stdout
    assert stored() == (6, 24)


def test_what_was_imported_is_listed_with_its_dirt(ran, client_id: int):
    assert ran(ANSWERED, ABANDONED.replace(",40,0,", ",40,7,")).exit_code == 0

    listed = CliRunner().invoke(main, ["presales", "history", "list"])
    [report] = json.loads(
        CliRunner().invoke(main, ["presales", "history", "list", "lisbon-light", "--format", "json"]).stdout
    )
    nothing = CliRunner().invoke(main, ["presales", "history", "list", "nobody"])

    assert "2 rows read: 1 answered, 1 abandoned, 0 phantom" in listed.stdout
    assert "abandoned calls with service time" in listed.stdout
    assert [(heap["kind"], heap["lines"]) for heap in report["dirt"]] == [("abandoned-with-service", [3])]
    assert "Nothing was imported yet" in nothing.stdout


def test_the_schema_can_be_printed_for_editors():
    printed = json.loads(CliRunner().invoke(main, ["presales", "history", "schema"]).stdout)

    assert printed["title"] == "History map"


def test_a_file_that_grew_is_refused(ran):
    assert ran(ANSWERED).exit_code == 0

    refused = ran(ANSWERED, ABANDONED)

    assert refused.exit_code == 1
    assert "1 of its calls are here already (lines 2)" in refused.stderr
    assert stored() == (1, 6)


def test_an_import_that_is_killed_half_way_leaves_nothing(start, ran):
    with transaction.atomic(), connection.cursor() as cursor:
        # The import stores its facts and then waits here to store what they came to.
        cursor.execute("LOCK TABLE presales_import IN SHARE MODE")
        killed = start(ANSWERED, ABANDONED)
        wait_for_waiting(1)
        killed.send_signal(signal.SIGKILL)
        killed.wait(WAIT_SECONDS)

    assert stored() == (0, 0)
    assert ran(ANSWERED, ABANDONED).exit_code == 0
    assert stored() == (2, 9)


def test_of_two_imports_of_one_file_at_once_one_adds_nothing(start, client_id: int):
    with transaction.atomic():
        locks.hold("history", client_id)
        both = [start(ANSWERED, ABANDONED, options=("--format", "json")) for _ in range(2)]
        wait_for_waiting(2)
    added = [json.loads(each.communicate(timeout=WAIT_SECONDS)[0])["added"] for each in both]

    assert sorted(added) == [0, 2]
    assert stored() == (2, 9)


def test_a_map_with_faults_is_told_line_by_line_before_anything_runs(ran, tmp_path: Path):
    (tmp_path / "map.toml").write_text(MAP.replace("Europe/Lisbon", "Lisbon"))

    refused = ran(ANSWERED)

    assert refused.exit_code == 1
    assert "map.toml:7: time.zone: 'Lisbon' is an unknown time zone" in refused.stderr


def test_a_client_without_contract_is_named_with_what_to_do(ran, tmp_path: Path):
    (tmp_path / "map.toml").write_text(MAP.replace("lisbon-light", "porto-power"))

    refused = ran(ANSWERED)

    assert refused.exit_code == 1
    assert "No client porto-power has a contract here. Sign it first" in refused.stderr
