"""The bank's month is closed by two people, disputed, put right in March, invoiced for an accountant's system.

Driven by the commands alone; what must come out is computed here from the log itself, with the arithmetic shown.
"""

import csv
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connections

from tests import conftest, signing_in
from tests.stories.test_bank_month import IMPORT, LOG, ROOT, run
from workfloor.cli import main
from workfloor.ops.billing import gateway as billing_gateway

pytestmark = pytest.mark.skipif(not LOG.exists(), reason=f"the call log is not at {LOG.relative_to(ROOT)}")

TERESA, MARTA = "teresa@sample.example", "marta@sample.example"


def refused(*command: str) -> str:
    with signing_in.by(command) as words:
        result = CliRunner().invoke(main, words)
    assert result.exit_code != 0, result.output
    return result.output + result.stderr


def told(*command: str) -> Any:
    with signing_in.by(command) as words:
        return json.loads(run(*words, "--format", "json"))


def march() -> dict[str, Any]:
    found: dict[str, Any] = told("billing", "statement", "first-bank", "1999-03")
    return found


@pytest.fixture(scope="module")
def bank(
    template: str,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Any]]:
    """The month, closed, disputed and invoiced: what each step said."""
    before = str(connections["default"].settings_dict["NAME"])
    folder = tmp_path_factory.mktemp("bank")
    with conftest._database(f"workfloor_bank_close_{os.getpid()}", template) as name, django_db_blocker.unblock():
        conftest._use(name)
        run("contracts", "sign", str(ROOT / "examples/bank/contract.toml"))
        run(*IMPORT)
        for person, role in ((TERESA, "leader"), (MARTA, "manager")):
            run("people", "add", person.partition("@")[0].title(), person, "--role", role)
            run("people", "clear", person, "first-bank")
        run(
            "billing",
            "legal-entity",
            "add",
            "lisbon",
            "--name",
            "Sample Floor Lda",
            "--street",
            "Rua do Ouro 1",
            "--city",
            "Lisboa",
            "--postcode",
            "1100-060",
            "--country",
            "PT",
            "--vat-id",
            "PT501964843",
            "--account",
            "PT50000201231234567890154",
        )
        yield story(folder)
        conftest._use(before)


def story(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = {"open": told("billing", "statement", "first-bank", "1999-02")}
    said["reconciled before"] = told("billing", "reconcile", "first-bank", "1999-02")
    said["too early"] = refused("billing", "invoice", "issue", "first-bank", "1999-02", "--by", MARTA)
    told("billing", "period", "propose", "first-bank", "1999-02", "--by", TERESA)
    [said["proposed"]] = told("billing", "period", "list", "first-bank")
    said["by herself"] = refused("billing", "period", "approve", "first-bank", "1999-02", "--by", TERESA)
    told("billing", "period", "approve", "first-bank", "1999-02", "--by", MARTA)
    [said["approved"]] = told("billing", "period", "list", "first-bank")
    said["closed text"] = run("billing", "statement", "first-bank", "1999-02", "--format", "json")
    told("billing", "invoice", "issue", "first-bank", "1999-02", "--by", MARTA)
    [said["invoice"]] = told("billing", "invoice", "list", "first-bank")
    words = ("--reason", "200 of these calls were our own tests", "--by", TERESA)
    said["dispute"] = told("billing", "dispute", "raise", "first-bank", "1999-02", "l2", *words)
    quantity = str(said["open"]["lines"][1]["quantity"] - 200)
    decision = ("--figure", quantity, "--reason", "They were", "--by", MARTA)
    told("billing", "dispute", "uphold", said["dispute"]["made"], *decision)
    [decided] = told("billing", "dispute", "list", "first-bank")
    said["upheld"] = decided["adjustments"]
    said["still closed"] = run("billing", "statement", "first-bank", "1999-02", "--format", "json")
    said["reconciled after"] = told("billing", "reconcile", "first-bank", "1999-02")
    said["march"] = march()
    told("billing", "period", "propose", "first-bank", "1999-03", "--by", TERESA)
    told("billing", "period", "approve", "first-bank", "1999-03", "--by", MARTA)
    told("billing", "invoice", "issue", "first-bank", "1999-03", "--by", MARTA)
    said["march invoice"] = told("billing", "invoice", "list", "first-bank")[0]
    for form in ("ubl", "cii", "factur-x", "html"):
        run(
            "billing",
            "invoice",
            "show",
            "first-bank",
            said["invoice"]["number"],
            "--format",
            form,
            "-o",
            str(folder / form),
        )
        said[form] = (folder / form).read_bytes()
    return said


@pytest.fixture(scope="module")
def log() -> list[dict[str, str]]:
    with LOG.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_is_closed_by_two_people_and_not_by_one(bank: dict[str, Any]):
    assert "somebody else" in bank["by herself"] or "role manager" in bank["by herself"]
    assert (bank["proposed"]["state"], bank["approved"]["state"]) == ("provisional", "closed")
    assert (bank["approved"]["proposed_by"], bank["approved"]["approved_by"]) == ("Teresa", "Marta")


def test_reconciling_finds_no_difference_before_or_after(bank: dict[str, Any]):
    assert [bank[when]["count"] for when in ("reconciled before", "reconciled after")] == [0, 0]
    assert bank["reconciled before"]["items"] == bank["reconciled after"]["items"] == 33_344


def test_the_closed_statement_is_what_it_was_open_and_its_digest_is_of_its_text(bank: dict[str, Any]):
    from hashlib import sha256

    closed = json.loads(bank["closed text"])
    moved = {name for name in closed if closed[name] != bank["open"][name]}
    assert moved == {"period", "computed_at"}
    assert closed["period"]["state"] == "closed"
    assert sha256(bank["closed text"].encode()).hexdigest() == bank["approved"]["digest"]
    assert bank["still closed"] == bank["closed text"]


def test_figures_of_the_closed_month_still_open_to_their_calls(bank: dict[str, Any], log: list[dict[str, str]]):
    explained = told("billing", "explain", "first-bank", "1999-02", "l2")

    charged = [row for row in log if row["outcome"] == "AGENT" and row["type"] != "NE"]
    assert explained["count"] == len(charged) == bank["open"]["lines"][1]["quantity"]
    assert len({item["item"] for item in explained["items"]}) == len(charged)
    by_queue = told("billing", "explain", "first-bank", "1999-02", "m1/stock-exchange")
    assert by_queue["count"] == by_queue["figure"]["counted"]


def test_the_upheld_dispute_is_a_line_in_march_that_says_what_it_corrects(bank: dict[str, Any]):
    rate = Decimal(bank["open"]["lines"][1]["rate"])
    line, *others = bank["march"]["adjustments"]

    # 200 calls fewer, at the same tier: 200 x the rate.
    assert Decimal(line["amount"]) == -200 * rate == Decimal(bank["upheld"][0]["amount"])
    assert (line["period"], line["figure"], line["dispute"]) == ("1999-02", "l2", int(bank["dispute"]["made"]))
    adjusted = sum(Decimal(each["amount"]) for each in bank["march"]["adjustments"])
    credited = sum(Decimal(each["amount"]) for each in bank["march"]["credits"])
    net = Decimal(bank["march"]["charges"]) - credited + adjusted
    assert Decimal(bank["march"]["net"]) == net
    assert all(each["period"] == "1999-02" for each in others)


def test_the_invoice_comes_to_what_the_statement_does_and_passes_the_rules(bank: dict[str, Any]):
    assert bank["too early"].find("1999-02 is not closed") > 0
    assert bank["invoice"]["gross"] == bank["open"]["total"]
    assert billing_gateway.refusals("ubl", bank["ubl"]) == billing_gateway.refusals("cii", bank["cii"]) == []
    import facturx

    assert facturx.get_xml_from_pdf(bank["factur-x"], check_xsd=True)[1] == bank["cii"]
    assert b"First Bank Ltd" in bank["html"]


def test_march_is_invoiced_with_the_adjustment_referring_to_the_first_invoice(bank: dict[str, Any]):
    number = bank["march invoice"]["number"]
    document = run("billing", "invoice", "show", "first-bank", number, "--format", "ubl")

    assert billing_gateway.refusals("ubl", document.encode()) == []
    assert f"<cbc:ID>{bank['invoice']['number']}</cbc:ID>" in document.partition("BillingReference")[2]
    first, second = bank["invoice"]["number"], number
    assert int(second.rpartition("-")[2]) == int(first.rpartition("-")[2]) + 1
    assert bank["march invoice"]["gross"] == march()["total"]
