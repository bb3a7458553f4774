"""The command that simulates: its figures, its page, its refusals, and past work told again."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import browse, make
from workfloor import settings
from workfloor.cli import main
from workfloor.core.work import actions as work
from workfloor.kit.database import rls

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "scenarios" / "two-languages.toml"
BANK = ROOT / "examples" / "bank" / "scenario.toml"
CALLS = ROOT.parent / "shared" / "data" / "calls" / "bank_1999_02.csv"

needs_calls = pytest.mark.skipif(not CALLS.exists(), reason=f"no call log at {CALLS}")


@pytest.fixture(autouse=True)
def compiled_code_is_kept(compiled_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WORKFLOOR_DATA", compiled_store.parent)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["presales", "simulate", *map(str, arguments)])


def simulated(*arguments: object) -> dict:
    ran = run(*arguments, "--format", "json")
    assert ran.exit_code == 0, ran.stderr
    return json.loads(ran.stdout)


def test_simulating_needs_no_database(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WORKFLOOR_")}
    command = [sys.executable, "-m", "workfloor", "presales", "simulate", str(EXAMPLE), "-n", "2", "--format", "html"]

    ran = subprocess.run(
        command, cwd=ROOT, env=environment | {"WORKFLOOR_DATA": str(tmp_path)}, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert "A day in two languages" in ran.stdout
    assert not list(tmp_path.iterdir())


def test_every_measure_has_its_confidence_interval() -> None:
    told = simulated(EXAMPLE, "-n", 5)

    calls = told["queues"][0]
    assert calls["abandoned"]["low"] < calls["abandoned"]["mean"] < calls["abandoned"]["high"]
    assert [group["name"] for group in told["groups"]] == ["portuguese", "english", "both", "writers"]
    assert told["groups"][0]["hours"]["mean"] == 64
    assert told["money"]["cost"]["mean"] == pytest.approx(2957.4)
    assert len(told["intervals"]) == 48
    assert told["intervals"][18]["starts_at"] == "2026-03-02T09:00:00+00:00"
    assert told["intervals"][18]["agents"]["mean"] == 17


def test_a_seed_tells_the_same_again_and_another_seed_another() -> None:
    once, again, other = (simulated(EXAMPLE, "-n", 3, "--seed", seed) for seed in (7, 7, 8))

    assert once == again
    assert once["queues"] != other["queues"]


def test_the_table_names_what_was_done_and_gives_or_takes() -> None:
    ran = run(EXAMPLE, "-n", 3)

    assert "3 times with other chance (seed 1)" in ran.stdout
    assert re.search(r"portuguese \(8\) │ +64\.0 │ +\d\d\.\d\d ± \d+\.\d\d %", ran.stdout)


class Reader(HTMLParser):
    """What a page loads from elsewhere, and its tables and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_page_stands_alone_and_has_a_chart_of_each_measure(tmp_path: Path) -> None:
    page = tmp_path / "day.html"

    assert run(EXAMPLE, "-n", 3, "--format", "html", "--output", page).exit_code == 0

    reader = Reader()
    reader.feed(page.read_text())
    assert reader.loads == []
    assert reader.tags.count("svg") == 5
    assert reader.tags.count("table") == 4
    assert "NaN" not in page.read_text() and "inf" not in re.findall(r'd="[^"]*"', page.read_text())


@pytest.mark.browser
def test_the_page_can_be_used_by_everybody(tmp_path: Path) -> None:
    page = tmp_path / "day.html"
    run(EXAMPLE, "-n", 3, "--format", "html", "--output", page)

    with browse.chromium() as browser:
        for scheme, width in (("light", 1280), ("dark", 390)):
            seen = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            seen.goto(page.as_uri())
            assert not browse.faults_of(seen)
            assert seen.evaluate("document.documentElement.scrollWidth") <= width


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    wrong = EXAMPLE.read_text().replace("chat = 2", "chit = 2").replace("[0, 0, 0, 0, 40", "[0, 0, 0, 0, -40")
    file.write_text(wrong.replace('"11:00-15:00"', '"11:00-25:00"'))

    ran = run(file)

    assert ran.exit_code == 1
    assert ran.stdout == ""
    for said in ("chit", "expected[4]", "hours.mon[0]"):
        assert said in ran.stderr
    assert all(re.match(rf"{re.escape(str(file))}:\d+: ", line) for line in ran.stderr.splitlines())


def test_files_that_are_not_there_are_faults_of_the_scenario(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(BANK.read_text().replace("../../../shared/data/calls/", "").replace("contract.toml", "none.toml"))

    ran = run(file)

    assert ran.exit_code == 1
    assert "scenario.contract" in ran.stderr
    assert "none.toml: No such file or directory" in ran.stderr


def test_a_contract_that_is_wrong_is_said_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text(make.CONTRACT.format(slug="harbour").replace('"EUR"', '"EUX"'))
    file = tmp_path / "scenario.toml"
    file.write_text(
        '[scenario]\ntitle = "x"\nlasts = "1d"\ncontract = "contract.toml"\n'
        '[[queues]]\nname = "calls"\narrivals = { per_hour = 3 }\nhandling = { mean = "60s" }\n'
        '[[groups]]\nname = "all"\nagents = 2\nskills = { portuguese = 3 }\n'
    )

    ran = run(file)

    assert ran.exit_code == 1
    assert "scenario.toml:4: scenario.contract: contract.toml has 1 faults" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_floor_in_which_work_piles_up_without_end_is_said(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(
        '[scenario]\ntitle = "x"\nlasts = "1d"\nreplications = 2\n'
        '[[queues]]\nname = "calls"\narrivals = { per_hour = 20000 }\nhandling = { mean = "60s" }\n'
        '[[groups]]\nname = "all"\nagents = 1\nskills = {}\nhours = { tue = ["08:00-09:00"] }\n'
    )

    ran = run(file)

    assert ran.exit_code == 1
    assert "The work piles up without end" in ran.stderr


def test_with_a_contract_charges_and_credits_are_those_of_the_statement(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text(make.CONTRACT.format(slug="harbour"))
    file = tmp_path / "scenario.toml"
    file.write_text(
        '[scenario]\ntitle = "x"\nlasts = "1d"\nstarts_on = 2026-03-04\ncontract = "contract.toml"\nreplications = 3\n'
        '[[queues]]\nname = "calls"\narrivals = { per_hour = 60 }\nhandling = { mean = "120s" }\n'
        'patience = { mean = "2min" }\n'
        '[[groups]]\nname = "all"\nagents = 2\nskills = { portuguese = 3 }\n'
    )

    told = simulated(file)

    calls, level, money = told["queues"][0], told["service_levels"][0], told["money"]
    assert level["expected"] == 80
    assert level["attained"]["mean"] < 75
    assert level["met"]["mean"] == 0
    assert money["charges"]["mean"] == pytest.approx(1.5 * calls["answered"]["mean"])
    # At risk 10 %, all of it in the pool and on this level.
    assert money["credits"]["mean"] == pytest.approx(money["charges"]["mean"] / 10, abs=0.01)
    assert money["due"]["mean"] == pytest.approx(money["charges"]["mean"] - money["credits"]["mean"])


# --- replay ----------------------------------------------------------------------------------------------------------


@needs_calls
def test_the_banks_month_is_told_again_from_its_call_log() -> None:
    told = simulated(BANK, "-n", 2)

    assert told["all"]["offered"]["mean"] == pytest.approx(33_066, abs=1)
    assert len(told["queues"]) == 6
    assert sum(group["agents"] for group in told["groups"]) > 20
    assert 60 < told["service_levels"][0]["attained"]["mean"] < 95
    assert told["money"]["charges"]["mean"] > 75_000
    assert len(told["intervals"]) == 28 * 24


def test_the_journal_is_told_again(real_database: str, tmp_path: Path) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        ana = make.agent("Ana")
        for minute in range(3):
            at = make.later(minutes=10 * minute)
            call = make.call(at=at)
            work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at)
            work.accept(item=call, by=ana, now=at + timedelta(seconds=8))
            ended = work.end(item=call, by=ana, now=at + timedelta(seconds=98))
            work.wrap_up(item=ended, by=ana, disposition="resolved", now=at + timedelta(seconds=118))
        gone = make.call(at=make.later(minutes=40))
        work.abandon(item=gone, by=make.CUSTOMER, now=make.later(minutes=41))
    connection.close()
    (tmp_path / "contract.toml").write_text(make.CONTRACT.format(slug="lisbon-light"))
    file = tmp_path / "scenario.toml"
    file.write_text(
        '[scenario]\ntitle = "x"\nlasts = "1d"\nstarts_on = 2026-03-04\ncontract = "contract.toml"\n'
        "[replay]\nevent_log = true\n"
    )

    told = simulated(file, "-n", 2)
    connection.close()

    calls = told["queues"][0]
    assert calls["offered"]["mean"] == 4
    assert 1 <= calls["answered"]["mean"] <= 3
    assert calls["handled"]["mean"] == pytest.approx(110)
    assert told["groups"][0]["agents"] == 1
