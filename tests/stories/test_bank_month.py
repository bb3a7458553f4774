"""A real month: a contract signed, a bank's call log imported, a statement whose every figure opens down to its calls.

What the statement says is computed here a second time, from the log itself and with nothing of the product.
"""

import csv
import json
import os
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connections, transaction

from tests import conftest
from tests.ops.billing import test_amounts_open
from workfloor.cli import main
from workfloor.core.event_log.models import Fact
from workfloor.core.work.models import Item
from workfloor.kit.database import rls

ROOT = Path(__file__).parents[2]
LOG = ROOT / "../shared/data/calls/bank_1999_02.csv"
QUEUES = {
    "PS": "regular",
    "PE": "regular-english",
    "IN": "internet-support",
    "NE": "stock-exchange",
    "NW": "prospective",
    "TT": "called-back",
}

pytestmark = pytest.mark.skipif(not LOG.exists(), reason=f"the call log is not at {LOG.relative_to(ROOT)}")


def run(*command: str) -> str:
    """What a command prints; fails if it does."""
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def imported(template: str, django_db_setup: None, django_db_blocker) -> Iterator[dict[str, Any]]:  # type: ignore[no-untyped-def]
    """The report of the import, in a database in which the contract is signed and the month imported."""
    before = str(connections["default"].settings_dict["NAME"])
    with conftest._database(f"workfloor_bank_{os.getpid()}", template) as name, django_db_blocker.unblock():
        conftest._use(name)
        run("contracts", "sign", str(ROOT / "examples/bank/contract.toml"))
        yield json.loads(run(*IMPORT))
        conftest._use(before)


IMPORT = (
    "presales",
    "history",
    "import",
    str(LOG),
    "--map",
    str(ROOT / "examples/bank/history.toml"),
    "--format",
    "json",
)


@pytest.fixture(scope="module")
def statement(imported: dict[str, Any]) -> dict[str, Any]:
    return json.loads(run("billing", "statement", "first-bank", "1999-02", "--format", "json"))


@pytest.fixture(scope="module")
def log() -> list[dict[str, str]]:
    with LOG.open(newline="") as file:
        return list(csv.DictReader(file))


def percent(part: int, whole: int) -> float:
    return float(mean(Decimal(100 * part), whole))


def mean(total: Decimal, count: int) -> Decimal:
    return (total / count).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def figure(statement: dict[str, Any], measure: str, per: str | None = None, queue: str | None = None) -> dict[str, Any]:
    """The figure of a measure over all queues of the contract, or in one of them."""
    levels = {row["id"] for row in statement["measures"] if row["queue"] is None and row["measure"] == measure}
    levels = {each for each in levels if sum(row["id"].startswith(f"{each}/") for row in statement["measures"]) == 6}
    [found] = [
        row
        for row in statement["measures"]
        if row["id"].partition("/")[0] in levels and (row["per"], row["queue"]) == (per, queue)
    ]
    return found


def expected(log: list[dict[str, str]]) -> dict[tuple[str, str | None], tuple[int, int | None, float]]:
    """What the log says of the calls given: counted, met, attained by measure and base."""
    answered = [int(row["queue_seconds"]) for row in log if row["outcome"] == "AGENT"]
    gave_up = [int(row["queue_seconds"]) for row in log if row["outcome"] == "HANG"]
    talk = sum(int(row["service_seconds"]) for row in log if row["outcome"] == "AGENT")
    quick = sum(wait <= 20 for wait in answered)
    patient = sum(wait > 5 for wait in gave_up)
    bases = {
        "answered": len(answered),
        "offered": len(answered) + len(gave_up),
        "offered-less-short-abandons": len(answered) + patient,
    }
    found: dict[tuple[str, str | None], tuple[int, int | None, float]] = {
        ("answered-within", per): (base, quick, percent(quick, base)) for per, base in bases.items()
    }
    found["speed-of-answer", None] = len(answered), None, float(mean(Decimal(sum(answered)), len(answered)))
    found["handled-time", None] = len(answered), None, float(mean(Decimal(talk), len(answered)))
    return found


def test_every_row_is_read_and_kept(imported: dict[str, Any]):
    assert imported["added"] == imported["rows"] == 33_344
    assert (imported["answered"], imported["abandoned"], imported["phantom"]) == (27_162, 5_904, 278)
    assert imported["left_out"] == 0


def test_the_dirt_of_the_log_is_named_and_counted(imported: dict[str, Any]):
    dirt = {heap["kind"]: heap for heap in imported["dirt"]}

    assert {kind: heap["count"] for kind, heap in dirt.items()} == {
        "answered-without-agent": 491,
        "answered-without-service": 85,
        "negative-menu": 25,
        "abandoned-with-service": 97,
        "phantom-with-service": 277,
        "recurring-id": 17_828,
    }
    lines = LOG.read_text().splitlines()
    assert all(lines[line - 1].endswith(",") for line in dirt["answered-without-agent"]["lines"])


def test_the_same_log_again_adds_nothing(imported: dict[str, Any]):
    assert json.loads(run(*IMPORT)) == imported | {"added": 0}


@pytest.mark.parametrize("damage", ["cut within a row", "cut between rows", "changed half-way", "grown"])
def test_a_damaged_copy_of_the_log_is_refused_whole(imported: dict[str, Any], damage: str, tmp_path: Path):
    content = LOG.read_bytes()
    lines = content.splitlines(keepends=True)
    (tmp_path / "log.csv").write_bytes(
        {
            "cut within a row": content[: len(content) // 2],
            "cut between rows": b"".join(lines[:10_000]),
            "changed half-way": b"".join(lines[:15_000] + [each.replace(b",PS,", b",NE,") for each in lines[15_000:]]),
            "grown": content + lines[-1].replace(b"1999-02", b"1999-03"),
        }[damage]
    )

    result = CliRunner().invoke(main, ["presales", "history", "import", str(tmp_path / "log.csv"), *IMPORT[4:]])

    said = json.loads(result.stdout)
    assert (result.exit_code, said["added"]) == (1, 0)
    assert ("cut short" if damage == "cut within a row" else "here already") in said["refused"]
    assert_everything_stands()


def assert_everything_stands() -> None:
    with transaction.atomic():
        rls.enter_every_client()
        assert Item.objects.count() == 33_344
        assert Fact.objects.filter(item_id__isnull=False).count() == 27_162 * 6 + 5_904 * 3 + 278 * 3


def test_the_months_figures_are_those_agreed(statement: dict[str, Any]):
    within = {
        per: figure(statement, "answered-within", per)["attained"]
        for per in ("answered", "offered", "offered-less-short-abandons")
    }

    assert within == {"answered": 59.6753, "offered": 49.0201, "offered-less-short-abandons": 52.5396}
    assert figure(statement, "speed-of-answer")["attained"] == 40.7743
    totals = statement["totals"]
    assert (totals["received"], totals["answered"], totals["abandoned"], totals["cancelled"]) == (
        33_344,
        27_162,
        5_904,
        278,
    )
    assert totals["talk_seconds"] == 4_790_100


@pytest.mark.parametrize("code", [None, *QUEUES])
def test_each_queue_has_the_figures_that_the_log_gives(
    statement: dict[str, Any], log: list[dict[str, str]], code: str | None
):
    queue = QUEUES[code] if code else None
    calls = [row for row in log if code in (None, row["type"])]

    for (measure, per), (counted, met, attained) in expected(calls).items():
        found = figure(statement, measure, per, queue)
        assert (found["counted"], found["met"], found["attained"]) == (counted, met, attained), (measure, per)
        assert found["version"] == 1


def test_each_queue_has_the_counts_that_the_log_gives(statement: dict[str, Any], log: list[dict[str, str]]):
    for code, queue in QUEUES.items():
        calls = [row for row in log if row["type"] == code]
        [totals] = [each for each in statement["queues"] if each["queue"] == queue]

        assert (totals["received"], totals["answered"], totals["abandoned"], totals["cancelled"]) == (
            len(calls),
            *(sum(row["outcome"] == outcome for row in calls) for outcome in ("AGENT", "HANG", "PHANTOM")),
        )
        talk = sum(int(row["service_seconds"]) for row in calls if row["outcome"] == "AGENT")
        assert totals["talk_seconds"] == talk


def keys(calls: list[dict[str, str]]) -> set[str]:
    return {f"call-log/{row['call_id']}/{row['arrived_at']}" for row in calls}


@pytest.mark.parametrize("per", ["answered", "offered", "offered-less-short-abandons"])
def test_explain_lists_exactly_the_calls_that_a_figure_counts(
    statement: dict[str, Any], log: list[dict[str, str]], per: str
):
    row = figure(statement, "answered-within", per, "stock-exchange")

    explained = json.loads(run("billing", "explain", "first-bank", "1999-02", row["id"], "--format", "json"))

    calls = [call for call in log if call["type"] == "NE" and call["outcome"] != "PHANTOM"]
    counted = [
        call
        for call in calls
        if call["outcome"] == "AGENT"
        or per == "offered"
        or (per == "offered-less-short-abandons" and int(call["queue_seconds"]) > 5)
    ]
    met = [call for call in counted if call["outcome"] == "AGENT" and int(call["queue_seconds"]) <= 20]
    assert explained["count"] == row["counted"] == len(explained["items"])
    assert {item["key"] for item in explained["items"]} == keys(counted)
    assert {item["key"] for item in explained["items"] if item["met"]} == keys(met)


@pytest.mark.parametrize("count", ["received", "answered", "abandoned", "cancelled"])
def test_explain_lists_exactly_the_calls_behind_a_total(
    statement: dict[str, Any], log: list[dict[str, str]], count: str
):
    explained = json.loads(run("billing", "explain", "first-bank", "1999-02", count, "--format", "json"))

    outcome = {"answered": "AGENT", "abandoned": "HANG", "cancelled": "PHANTOM", "received": ""}[count]
    assert explained["count"] == statement["totals"][count]
    assert {item["key"] for item in explained["items"]} == keys([row for row in log if outcome in row["outcome"]])


def test_every_figure_opens_down_to_as_many_calls_as_it_counts(statement: dict[str, Any]):
    for row in statement["measures"]:
        if row["queue"] is None:
            explained = json.loads(run("billing", "explain", "first-bank", "1999-02", row["id"], "--format", "json"))
            assert explained["count"] == row["counted"] == len({item["item"] for item in explained["items"]}), row
            if row["met"] is not None:
                assert sum(item["met"] for item in explained["items"]) == row["met"], row


def test_every_amount_opens_to_numbers_that_recompute_it(statement: dict[str, Any]):
    test_amounts_open.check(statement, {"1999-02": statement})

    assert statement["lines"] and statement["credits"]
    for name in [*statement["how"]]:
        explained = json.loads(run("billing", "explain", "first-bank", "1999-02", name, "--format", "json"))
        assert explained["how"] == statement["how"][name]


def test_items_rollups_and_statement_are_what_the_facts_add_up_to(imported: dict[str, Any]):
    recounted = json.loads(run("billing", "reconcile", "first-bank", "1999-02", "--format", "json"))

    assert (recounted["items"], recounted["facts"]) == (33_344, 27_162 * 6 + 5_904 * 3 + 278 * 3)
    assert recounted["differences"] == []


def test_nothing_of_the_month_waits_for_anybody(imported: dict[str, Any]):
    with transaction.atomic():
        rls.enter_every_client()
        assert set(Item.objects.values_list("state", flat=True).distinct()) == {"done", "abandoned", "cancelled"}


@pytest.mark.parametrize("source", ["the export", "the event log"])
def test_a_back_test_of_the_contract_in_force_comes_to_its_statement(statement: dict[str, Any], source: str):
    past = {
        "the export": ("--history", str(LOG), "--map", str(ROOT / "examples/bank/history.toml")),
        "the event log": ("--client", "first-bank", "--period", "1999-02"),
    }
    contract = str(ROOT / "examples/bank/contract.toml")

    told = json.loads(run("presales", "backtest", contract, *past[source], "--format", "json"))

    [month] = told["contracts"][0]["months"]
    assert month["measures"] == [
        {key: value for key, value in row.items() if key != "version"} for row in statement["measures"]
    ]
    for part in ("totals", "queues", "lines", "credits", "charges", "net", "taxes", "total", "notices"):
        assert month[part] == statement[part], part
    assert [row["attained"] for row in month["measures"] if row["id"] == "m1"] == [59.6753]
    # Every day adds up to the month.
    assert sum(day["met"] for day in month["days"]["m1"]) == month["measures"][0]["met"]
