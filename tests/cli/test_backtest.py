"""`workfloor presales backtest`: contracts tried on an export, without a database, and on a client's own event log."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests import browse, make
from workfloor.cli import main

MAP = """
[history]
client = "harbour"
source = "log"

[time]
zone = "Europe/Lisbon"

[columns]
arrived = "at"
wait = "wait"
service = "service"
queue = "line"
outcome = "outcome"

[rows]
identity = ["id"]

[queues]
A = "line-a"
B = "line-b"

[outcomes]
OK = "answered"
GONE = "abandoned"
"""
ROWS = [  # id, at, line, outcome, wait, service
    "1,2026-01-05T10:00:00,A,OK,10,60",
    "2,2026-01-05T10:01:00,A,OK,15,60",
    "3,2026-01-06T10:02:00,A,OK,50,60",
    "4,2026-01-06T10:03:00,B,OK,20,60",
    "5,2026-02-03T10:00:00,A,OK,5,60",
    "6,2026-02-03T10:00:00,B,GONE,90,0",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calls.csv").write_text("\n".join(["id,at,line,outcome,wait,service", *ROWS, ""]))
    (tmp_path / "map.toml").write_text(MAP)
    old = make.CONTRACT.format(slug="harbour")
    (tmp_path / "old.toml").write_text(old)
    new = old.replace('expected = "80 %"\nminimum = "75 %"', 'expected = "70 %"').replace('"1.50"', '"1.40"')
    (tmp_path / "new.toml").write_text(new)
    return tmp_path


QUEUES = ("--queue", "line-a=calls", "--queue", "line-b=calls", "--queue", "=mail")


def run(
    folder: Path, *arguments: str, files: tuple[str, ...] = ("old.toml",), queues: tuple[str, ...] = QUEUES
) -> Result:
    past = ["--history", str(folder / "calls.csv"), "--map", str(folder / "map.toml")]
    return CliRunner().invoke(
        main, ["presales", "backtest", *(str(folder / file) for file in files), *past, *queues, *arguments]
    )


def told(*given: Any, **more: Any) -> dict[str, Any]:
    ran = run(*given, "--format", "json", **more)
    assert ran.exit_code == 0, ran.output + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_two_contracts_side_by_side_by_hand(folder: Path) -> None:
    old, new = told(folder, files=("old.toml", "new.toml"))["contracts"]

    # January: 3 of 4 in 20 s, 75 %: short of 80 % but not of the minimum, so no credit. February: 1 of 1.
    assert [(month["period"]["name"], month["measures"][0]["attained"]) for month in old["months"]] == [
        ("2026-01", 75.0),
        ("2026-02", 100.0),
    ]
    assert old["months"][0]["measures"][0]["verdict"] == "below-expected"
    assert new["months"][0]["measures"][0]["verdict"] == "met"
    # Five answered in all: 5 x 1.50 and 5 x 1.40.
    assert (old["charges"], new["charges"], old["credits"]) == ("7.50", "7.00", "0.00")
    [fifth, sixth] = old["months"][0]["days"]["m1"][4:6]
    assert (fifth["day"], fifth["met"], fifth["counted"]) == ("2026-01-05", 2, 2)
    assert (sixth["met"], sixth["counted"]) == (1, 2)


def test_the_table_says_by_how_much_they_differ(folder: Path) -> None:
    ran = run(folder, files=("old.toml", "new.toml"))

    assert ran.exit_code == 0, ran.stderr
    assert "Against old.toml" in ran.stdout
    assert "-0.50 EUR" in ran.stdout
    assert "missed" in ran.stdout


def test_one_month_of_several(folder: Path) -> None:
    [only] = told(folder, "--period", "2026-02")["contracts"]

    assert [month["period"]["name"] for month in only["months"]] == ["2026-02"]
    assert only["charges"] == "1.50"


def test_a_contract_of_a_later_time_is_moved_and_says_so(folder: Path) -> None:
    later = (folder / "old.toml").read_text().replace("2026-01-01", "2031-07-01").replace("2029", "2033")
    (folder / "later.toml").write_text(later)

    found = told(folder, files=("later.toml",))

    assert found["contracts"][0]["moved_by_months"] == -66
    assert "later.toml is taken to have begun on 2026-01-01" in found["notes"][0]


def test_all_that_cannot_be_told_is_refused_with_its_line(folder: Path) -> None:
    ran = run(folder, files=("old.toml", "new.toml"), queues=("--queue", "line-a=calls"))

    assert ran.exit_code == 1
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert len(lines) == 4
    assert all("toml:" in line and ("line-b" in line or "mail" in line) for line in lines)
    queue = (folder / "old.toml").read_text().splitlines().index('  name = "mail"') + 1
    assert any(line.startswith(f"{folder / 'old.toml'}:{queue}: processes[1].queues[0].name") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--period", "2026-13"), "'2026-13' is no period"),
        (("--period", "2025-11"), "there is from 2026-01 to 2026-02"),
        (("--period", "2199-01"), "2199-01 is not over yet"),
        (("--queue", "line-c=calls"), "has no queue line-c"),
        (("--queue", "line-a=mall"), "no contract has a queue mall"),
        (("--queue", "line-a"), "is not OLD=NEW"),
        (("--client", "harbour"), "Say whose past work to take"),
    ],
)
def test_what_is_asked_wrongly_says_what_to_do(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = run(folder, *arguments)

    assert ran.exit_code != 0
    assert said in ran.stderr


def test_faults_of_the_export_and_of_the_contracts_are_told(folder: Path) -> None:
    (folder / "calls.csv").write_text("id,at,line,outcome,wait,service\n1,2026-01-05T10:00:00,Z,OK,10,60\n")
    assert "1 rows that the map does not allow for, the first in line 2" in run(folder).stderr

    (folder / "old.toml").write_text((folder / "old.toml").read_text().replace('"EUR"', '"EUX"'))
    (folder / "new.toml").write_text("[contract")
    ran = run(folder, files=("old.toml", "new.toml"))
    assert "EUX is no currency" in ran.stderr
    assert "new.toml:1: file: is no TOML here" in ran.stderr


@pytest.mark.browser
def test_the_page_can_be_used_by_everybody(folder: Path) -> None:
    ran = run(folder, "--format", "html", "--output", str(folder / "compared.html"), files=("old.toml", "new.toml"))
    assert ran.exit_code == 0, ran.stderr

    with browse.chromium() as browser:
        for scheme, width in (("light", 1280), ("dark", 390)):
            seen = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            seen.goto((folder / "compared.html").as_uri())
            assert not browse.faults_of(seen)
            assert seen.evaluate("document.documentElement.scrollWidth") <= width
            assert seen.locator("svg").count() == 2
