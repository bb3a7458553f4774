"""`workfloor routing replay`: what a router wrote down, decided again."""

import json

import pytest
from click.testing import CliRunner

from tests.ops.routing.test_decision_log import log_of
from workfloor.cli import main

LINES = log_of([("arrive", 1), ("arrive", 2), ("end", 1), ("arrive", 3)])
OFFER = next(number for number, line in enumerate(LINES) if '"offer"' in line)


@pytest.fixture
def run(tmp_path):
    def replay(lines, *options):
        path = tmp_path / "decisions.log"
        path.write_text("".join(line + "\n" for line in lines))
        ran = CliRunner().invoke(main, ["routing", "replay", str(path), *options])
        return ran.exit_code, ran.output

    return replay


def test_a_log_that_nothing_but_the_policy_decided_replays(run):
    offers = sum('"offer"' in line for line in LINES)

    code, said = run(LINES)

    assert (code, said) == (
        0,
        f"{len(LINES) - offers} tellings and {offers} offers: the policy decides the same, byte by byte.\n",
    )
    assert json.loads(run(LINES, "--format", "json")[1]) == {
        "tellings": len(LINES) - offers,
        "offers": offers,
        "difference": None,
    }


def test_the_first_line_that_another_decided_is_shown_with_what_the_policy_decides(run):
    forged = LINES.copy()
    forged[OFFER] = forged[OFFER].replace('"offer":[1,', '"offer":[7,')

    code, said = run(forged)

    assert code == 1
    assert f"line {OFFER + 1} differs" in said
    assert forged[OFFER] in said
    assert LINES[OFFER] in said


def test_a_log_that_lost_its_last_offers_differs_there(run):
    shorter = LINES[: OFFER - len(LINES)]

    code, said = run(shorter, "--format", "json")

    assert code == 1
    assert json.loads(said)["difference"] == {"line": OFFER + 1, "written": None, "replayed": LINES[OFFER]}


@pytest.mark.parametrize("line", ["so it goes", "[]", "{}", '{"n": 1, "told": [1, 2]}', '{"n": 1, "told": 5}', "\x00"])
def test_what_is_no_decision_log_is_said_with_the_line(run, line):
    code, said = run([*LINES, line])

    assert code == 1
    assert f"line {len(LINES) + 1} is none that this version writes" in said
    assert "workfloor router --log" in said
