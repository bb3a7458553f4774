"""The commands that check, sign and compare contracts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import make
from workfloor.cli import main
from workfloor.core.contracts.models import Version
from workfloor.kit.database import rls
from workfloor.kit.time import clock

SOURCE = make.CONTRACT.format(slug="harbour")
FAULTY = SOURCE.replace("portuguese = 3", "portuguese = 9").replace('"EUR"', '"EUX"')
BANK = Path(__file__).parents[2] / "examples" / "bank" / "contract.toml"

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contract.toml"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    def ran(*arguments: object) -> Result:
        with clock.frozen(make.NINE):
            return CliRunner().invoke(main, ["contracts", *map(str, arguments)])

    yield ran
    connection.close()


def versions() -> list[tuple[int, str]]:
    with transaction.atomic():
        rls.enter_every_client()
        return [(one.number, str(one.effective_on)) for one in Version.objects.order_by("number")]


def test_checking_needs_no_database(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WORKFLOOR_")}
    checked = subprocess.run(
        [sys.executable, "-m", "workfloor", "contracts", "check", str(BANK)],
        env=environment | {"WORKFLOOR_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "nothing is wrong" in checked.stdout
    assert not list(tmp_path.iterdir())


def test_every_fault_is_printed_with_file_and_line_and_ends_with_1(run: Run, file: Path) -> None:
    file.write_text(FAULTY)

    checked = run("check", file)
    assert checked.exit_code == 1
    assert [line.split(": ")[1] for line in checked.stdout.splitlines()] == [
        "contract.currency",
        "processes[0].queues[0].requires.portuguese",
    ]
    line = SOURCE[: SOURCE.index('"EUR"')].count("\n") + 1
    assert checked.stdout.startswith(f"{file}:{line}: contract.currency: ")

    faults = json.loads(run("check", file, "--format", "json").stdout)["faults"]
    assert (faults[0]["line"], faults[0]["place"]) == (line, "contract.currency")


def test_queues_that_nobody_could_serve_today_are_a_warning_where_the_database_runs(run: Run, file: Path) -> None:
    checked = run("check", file)

    assert checked.exit_code == 0
    assert "nobody holds the certificates that these queues require: calls, mail" in checked.stderr


@pytest.mark.parametrize("content", [b'title = "\xff"', b"[[", b"", b"\x00" * 10, b"a = 1\n" * 900_000])
def test_what_is_no_contract_is_refused_by_check_and_by_sign(run: Run, file: Path, content: bytes) -> None:
    file.write_bytes(content)

    checked, signed = run("check", file), run("sign", file)
    assert (checked.exit_code, signed.exit_code) == (1, 1)
    assert checked.stdout.startswith(f"{file}:1: ")
    assert signed.stderr.startswith("Error: ")
    assert versions() == []


def test_a_byte_order_mark_is_no_fault(run: Run, file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + SOURCE.replace("\n", "\r\n").encode())

    assert run("check", file).exit_code == 0


def test_signing_twice_stores_one_version(run: Run, file: Path) -> None:
    assert "harbour: version 1 is signed; it holds from 2026-01-01." in run("sign", file).stdout
    assert "nothing new was signed" in run("sign", file).stdout
    assert versions() == [(1, "2026-01-01")]


def test_an_amendment_needs_its_day_and_says_what_it_changes(run: Run, file: Path) -> None:
    run("sign", file)
    file.write_text(SOURCE.replace('expected = "80 %"', 'expected = "85 %"'))

    refused = run("sign", file)
    assert refused.exit_code == 1
    assert "--effective" in refused.stderr
    signed = run("sign", file, "--effective", "2026-07-01").stdout.splitlines()
    assert signed[:2] == [
        "harbour: version 2 is signed; it holds from 2026-07-01.",
        "Service level “Answered in 20 seconds”: expected: 80 % becomes 85 %",
    ]
    assert versions() == [(1, "2026-01-01"), (2, "2026-07-01")]


def test_a_faulty_file_is_not_signed_and_every_fault_is_told(run: Run, file: Path) -> None:
    file.write_text(FAULTY)

    refused = run("sign", file)
    assert refused.exit_code == 1
    assert f"{file}:{SOURCE[: SOURCE.index('EUR')].count(chr(10)) + 1}: contract.currency" in refused.stderr
    assert "requires.portuguese" in refused.stderr
    assert versions() == []


def test_differences_between_versions_and_to_a_file(run: Run, file: Path) -> None:
    run("sign", file)
    file.write_text(SOURCE.replace('expected = "80 %"', 'expected = "85 %"'))
    change = "Service level “Answered in 20 seconds”: expected: 80 % becomes 85 %"

    assert run("diff", "harbour", "--file", file).stdout.splitlines()[1:] == [change]
    run("sign", file, "--effective", "2026-07-01")
    assert run("diff", "harbour").stdout.splitlines() == ["harbour: from version 1 to version 2", change]
    back = json.loads(run("diff", "harbour", "--from", 2, "--to", 1, "--format", "json").stdout)
    assert [(one["before"], one["after"]) for one in back["changes"]] == [("85 %", "80 %")]
    assert "no term differs" in run("diff", "harbour", "--from", 2, "--to", 2).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nobody"], "has signed no contract"), (["harbour", "--to", "7"], "There is no version 7; the last one is 1")],
)
def test_a_difference_from_nothing_is_refused(run: Run, file: Path, arguments: list[str], says: str) -> None:
    run("sign", file)

    refused = run("diff", *arguments)
    assert refused.exit_code == 1
    assert says in refused.stderr


def test_the_schema_is_printed_for_editors(run: Run) -> None:
    assert json.loads(run("schema").stdout)["title"] == "Workfloor contract"
