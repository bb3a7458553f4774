"""The commands that close, dispute and invoice: what they refuse, each with what to do, and what they print."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import signing_in
from tests.ops.billing import test_invoicing_actions
from workfloor.cli import main
from workfloor.kit.database import rls
from workfloor.kit.time import clock

Run = Callable[..., Result]


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    """A client whose March has ten calls and is over; nothing is closed, no legal entity is on file."""
    with transaction.atomic():
        rls.enter_every_client()
        at: SimpleNamespace = test_invoicing_actions.office()
        addresses = {"TERESA": at.teresa.account.email, "MARTA": at.marta.account.email}

    def ran(command: str, **more: str) -> Result:
        words = [more.get(word, addresses.get(word, word)) for word in command.split()]
        with clock.frozen(test_invoicing_actions.APRIL), signing_in.by(words) as left:
            return CliRunner().invoke(main, left)

    yield ran
    connection.close()


MARCH = "lisbon-light 2026-03"
ENTITY = (
    "billing legal-entity add lisbon --name NAME --street STREET --city Lisboa --postcode 1100-060 --country PT "
    "--vat-id PT501964843 --account PT50000201231234567890154"
)
NAMES = {"NAME": "Sample Floor Lda", "STREET": "Rua do Ouro 1"}


def test_from_the_open_month_to_the_invoice_and_back(run: Run, tmp_path: Path) -> None:
    assert "All months of lisbon-light are open." in run("billing period list lisbon-light").stdout
    assert "2026-03 is not closed" in run(f"billing invoice issue {MARCH} --by MARTA").stderr
    assert "somebody else approves it" in run(f"billing period propose {MARCH} --by TERESA").stdout
    assert "role manager" in run(f"billing period approve {MARCH} --by TERESA").stderr
    assert "is closed" in run(f"billing period approve {MARCH} --by MARTA").stdout
    [row] = json.loads(run("billing period list lisbon-light --format json").stdout)
    assert (row["state"], row["proposed_by"], row["approved_by"]) == ("closed", "Teresa", "Marta")
    assert "stays so" in run(f"billing period reopen {MARCH} --reason x --by TERESA").stderr

    refused = run(f"billing invoice issue {MARCH} --by MARTA").stderr
    assert "No legal entity is on file that could issue invoices: workfloor billing legal-entity add" in refused
    assert run(ENTITY, **NAMES).exit_code == 0
    assert "Sample Floor Lda" in run("billing legal-entity list").stdout
    issued = run(f"billing invoice issue {MARCH} --by MARTA").stdout
    assert issued == "Invoice 2026-00001 of 2026-03 is issued.\n"

    shown = run("billing invoice show lisbon-light 2026-00001").stdout
    assert "16.60 EUR" in shown and "Credit: Answered in 20 seconds" in shown
    page = run("billing invoice show lisbon-light 2026-00001 --format html").stdout
    assert page.startswith("<!doctype html>") and "<script" not in page and "16.60 EUR" in page
    file = tmp_path / "invoice.pdf"
    run("billing invoice show lisbon-light 2026-00001 --format factur-x --output FILE", FILE=str(file))
    assert file.read_bytes().startswith(b"%PDF")

    assert run("billing invoice credit 2026-00001 --reason wrong --by MARTA").exit_code == 1  # was not sure
    credited = run("billing invoice credit 2026-00001 --reason wrong --by MARTA --yes").stdout
    assert credited == "Credit note CN2026-00001 takes invoice 2026-00001 back.\n"
    listed = json.loads(run("billing invoice list lisbon-light --format json").stdout)
    assert [(each["number"], each["credits"], each["credited_by"]) for each in listed] == [
        ("CN2026-00001", "2026-00001", None),
        ("2026-00001", None, "CN2026-00001"),
    ]


def test_disputes_are_raised_decided_and_listed(run: Run) -> None:
    assert "is open" in run(f"billing dispute raise {MARCH} l1 --reason x --by TERESA").stderr
    run(f"billing period propose {MARCH} --by TERESA")
    run(f"billing period approve {MARCH} --by MARTA")
    raised = json.loads(run(f"billing dispute raise {MARCH} l1 --reason tests --by TERESA --format json").stdout)
    number = raised["made"]

    assert "either the amount" in run(f"billing dispute uphold {number} --reason yes --by MARTA").stderr
    assert "not “many”" in run(f"billing dispute uphold {number} --figure many --reason yes --by MARTA").stderr
    assert "somebody else does this one" in run(f"billing dispute reject {number} --reason no --by TERESA").stderr
    upheld = run(f"billing dispute uphold {number} --figure 8 --reason yes --by MARTA").stdout
    # 8 x 1.50 instead of 10: 3.00 less; the credit of 10 % is 0.30 less.
    assert "-3 EUR in 2026-04 (" in upheld and "0.3 EUR in 2026-04 (" in upheld
    [listed] = json.loads(run("billing dispute list lisbon-light --format json").stdout)
    assert (listed["state"], listed["decided_by"], len(listed["adjustments"])) == ("upheld", "Marta", 2)
    assert "closed months of lisbon-light: nothing." in run("billing period restate lisbon-light --by TERESA").stdout
    assert "Corrected later" in run(f"billing statement {MARCH}").stdout


REFUSED = [
    (
        "billing period propose nobody 2026-03 --by TERESA",
        "no client “nobody”. See: workfloor admin client list",
    ),
    ("billing period propose lisbon-light 2026-03", "sign in first, with workfloor sign-in EMAIL"),
    ("billing period propose lisbon-light 2026-04 --by TERESA", "2026-04 is not over: it ends on 30 April 2026"),
    ("billing period propose lisbon-light March --by TERESA", "March"),
    ("billing period approve lisbon-light 2026-03 --by MARTA", "Propose it first: workfloor billing period propose"),
    ("billing dispute uphold 99 --amount 1 --reason x --by MARTA", "There is no dispute “99”"),
    ("billing invoice show lisbon-light 7", "has no invoice 7. See: workfloor billing invoice list lisbon-light"),
    ("billing legal-entity change rome --city Roma", "There is no legal entity “rome”"),
    ("billing legal-entity add rome --country XX", "name is missing."),
]


def test_what_cannot_be_done_says_what_to_do(run: Run) -> None:
    for command, said in REFUSED:
        result = run(command)

        assert (result.exit_code, said in result.stderr) == (1, True), (command, result.stderr)
