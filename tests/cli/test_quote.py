"""`workfloor presales quote`: what a contract will cost us, what we will be paid, what we risk."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests import browse, make
from workfloor.cli import main

SCENARIO = """
[scenario]
title = "A quiet month"
starts_on = 2026-03-02
lasts = "28d"
every = "6h"
replications = 5

[[queues]]
name = "calls"
arrivals = { every = "6h", expected = [0, 10, 6, 0] }
handling = { mean = "3min" }
patience = { mean = "3min" }

[[groups]]
name = "agents"
agents = 8
skills = { portuguese = 3 }
cost_per_hour = "10.00"
shrinkage = "20 %"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quote")
    contract = make.CONTRACT.format(slug="harbour")
    (folder / "contract.toml").write_text(contract)
    (folder / "more.toml").write_text(contract.replace('"80 %"', '"99 %"').replace('"75 %"', '"98 %"'))
    (folder / "scenario.toml").write_text(SCENARIO)
    return folder


def run(folder: Path, *arguments: str, contracts: tuple[str, ...] = ("contract.toml",)) -> Result:
    files = [str(folder / name) for name in contracts]
    return CliRunner().invoke(
        main, ["presales", "quote", *files, "--scenario", str(folder / "scenario.toml"), *arguments]
    )


@pytest.fixture(scope="module")
def quotes(folder: Path) -> list[dict[str, Any]]:
    ran = run(folder, "--format", "json", contracts=("contract.toml", "more.toml"))
    assert ran.exit_code == 0, ran.output + ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)["quotes"]
    return found


def test_a_quote_answers_what_it_costs_what_it_pays_and_what_is_risked(quotes: list[dict[str, Any]]) -> None:
    first, _ = quotes
    money = {name: each["mean"] for name, each in first["money"].items()}

    # An hour there is 1 / 0.8 hours paid, at 10.00 each.
    [group] = first["groups"]
    hours = 6 * sum(group["staff"])
    assert (first["hours"], first["paid_hours"]) == (hours, hours / 0.8)
    assert money["cost"] == pytest.approx(hours / 0.8 * 10)
    assert money["due"] == pytest.approx(money["charges"] - money["credits"])
    assert money["margin"] == pytest.approx(money["due"] - money["cost"])
    # Some 16 x 28 calls, nearly all answered, at 1.50.
    assert 380 * 1.5 < money["charges"] < 500 * 1.5
    assert first["service_levels"][0]["attained"]["mean"] >= 80
    assert 0 <= first["risk"]["any_credit_percent"] <= 100
    assert first["lacking"] == []


def test_nobody_is_there_when_nothing_comes_and_more_when_more_is_promised(quotes: list[dict[str, Any]]) -> None:
    first, stricter = (quote["groups"][0]["staff"] for quote in quotes)

    assert (first[0], first[3]) == (0, 0)
    assert min(first[1:3]) >= 1
    assert sum(stricter) > sum(first)
    assert len(first) == 28 * 4


def test_the_same_seed_gives_the_same_quote(folder: Path, quotes: list[dict[str, Any]]) -> None:
    again = run(folder, "--format", "json")
    other = run(folder, "--format", "json", "--seed", "9")

    assert json.loads(again.stdout)["quotes"] == quotes[:1]
    assert json.loads(other.stdout)["quotes"] != quotes[:1]


def test_the_words_and_the_page(folder: Path) -> None:
    text = run(folder)
    assert "What it costs, pays and risks, in EUR" in text.stdout
    assert "met in" in text.stdout

    page = run(folder, "--format", "html").stdout
    assert "What do we risk?" in page
    assert "NaN" not in page
    assert "<script" not in page


def test_what_a_quote_must_know_is_asked_for_at_its_place(folder: Path, tmp_path: Path) -> None:
    wrong = SCENARIO.replace('"28d"', '"1d"').replace('cost_per_hour = "10.00"\n', "")
    (tmp_path / "scenario.toml").write_text(wrong)
    (tmp_path / "contract.toml").write_text((folder / "contract.toml").read_text())

    ran = run(tmp_path)

    assert ran.exit_code == 1
    assert re.search(r":5: scenario.lasts: a quote is of a month", ran.stderr)
    assert "groups[0]: cost_per_hour is missing" in ran.stderr


def test_contracts_in_two_currencies_are_quoted_each_alone(folder: Path) -> None:
    (folder / "pounds.toml").write_text((folder / "contract.toml").read_text().replace('"EUR"', '"GBP"'))

    ran = run(folder, contracts=("contract.toml", "pounds.toml"))

    assert ran.exit_code == 1
    assert "quote each alone" in ran.stderr


@pytest.mark.browser
def test_the_page_can_be_used_by_everybody(folder: Path) -> None:
    page = folder / "quote.html"
    assert run(folder, "--format", "html", "--output", str(page)).exit_code == 0

    with browse.chromium() as browser:
        for scheme, width in (("light", 1280), ("dark", 390)):
            seen = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            seen.goto(page.as_uri())
            assert not browse.faults_of(seen)
            assert seen.evaluate("document.documentElement.scrollWidth") <= width
