"""Invoices pass the CEN rules and the UBL and CII schemas; wrong ones are refused with the rule's id."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.ops.billing import samples
from workfloor.ops.billing import einvoice
from workfloor.ops.billing import gateway as billing_gateway

SYNTAXES = ("ubl", "cii")
GOOD = samples.GOOD["a credit"]


def refused(invoice: einvoice.Invoice, syntax: str) -> set[str]:
    return {each.rule for each in billing_gateway.refusals(syntax, einvoice.FORMS[syntax](invoice))}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", samples.GOOD)
def test_invoices_of_every_shape_pass(name: str, syntax: str):
    assert billing_gateway.refusals(syntax, einvoice.FORMS[syntax](samples.GOOD[name])) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", samples.GOOD)
def test_credit_notes_of_every_shape_pass(name: str, syntax: str):
    note = einvoice.credit_note(
        samples.GOOD[name], number="C-1", issued_on=date(2026, 4, 1), why="Issued to the wrong firm"
    )

    assert billing_gateway.refusals(syntax, einvoice.FORMS[syntax](note)) == []


def off_by_a_cent(**sums: Decimal) -> einvoice.Invoice:
    return replace(GOOD, totals=replace(GOOD.totals, **sums))


CENT = Decimal("0.01")
SUMS = GOOD.totals
WRONG = {
    "the gross total": ("BR-CO-15", off_by_a_cent(gross=SUMS.gross + CENT)),
    "the net total": ("BR-CO-13", off_by_a_cent(net=SUMS.net + CENT)),
    "the sum of the lines": ("BR-CO-10", off_by_a_cent(lines=SUMS.lines - CENT)),
    "the sum of the allowances": ("BR-CO-11", off_by_a_cent(allowances=SUMS.allowances + CENT)),
    "the tax total": ("BR-CO-14", off_by_a_cent(tax=SUMS.tax + CENT)),
    "what a tax is on": (
        "BR-S-08",
        replace(GOOD, taxes=(replace(GOOD.taxes[0], base=GOOD.taxes[0].base + 5),)),
    ),
    "the seller's VAT number is missing": ("BR-S-02", replace(GOOD, seller=replace(samples.SELLER, vat_id=""))),
    "the seller's VAT number has no country": (
        "BR-CO-09",
        replace(GOOD, seller=replace(samples.SELLER, vat_id="501964843")),
    ),
    "the buyer's numbers are missing under reverse charge": (
        "BR-AE-02",
        samples.invoice(samples.line(1, "1.00", samples.REVERSE), buyer=replace(samples.BUYER, vat_id="", legal_id="")),
    ),
    "a category that nobody knows": (
        "BR-CL-17",
        samples.invoice(samples.line(1, "10.00", einvoice.Tax("X", Decimal(23), "VAT"))),
    ),
    "a rate where none is charged": (
        "BR-Z-05",
        samples.invoice(samples.line(1, "10.00", einvoice.Tax("Z", Decimal(5), "Zero"))),
    ),
    "exempt, and nobody says why": (
        "BR-E-10",
        samples.invoice(samples.line(1, "10.00", einvoice.Tax("E", Decimal(0), ""))),
    ),
    "the buyer's country is no country": ("BR-CL-14", replace(GOOD, buyer=replace(samples.BUYER, country="XX"))),
    "the seller has no name": ("BR-06", replace(GOOD, seller=replace(samples.SELLER, name=""))),
    "the buyer has no name": ("BR-07", replace(GOOD, buyer=replace(samples.BUYER, name=""))),
    "the document has no number": ("BR-02", replace(GOOD, number="")),
    "no account to pay to": ("BR-50", replace(GOOD, payment=replace(GOOD.payment, account=""))),
    "a negative price": ("BR-27", samples.invoice(samples.line(1, "-5.00", price="-5.00"))),
    "a currency that is none any more": ("BR-CL-04", replace(GOOD, currency="DEM")),
    "fils, for which the standard has no decimal": (
        "BR-DEC-23",
        samples.invoice(samples.line(1, "1.255"), currency="KWD", decimals=2),
    ),
    "the period ends before it begins": ("BR-29", replace(GOOD, ends_on=date(2026, 1, 1))),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_invoice_is_refused_with_the_rules_id(name: str, syntax: str):
    rule, wrong = WRONG[name]

    found = billing_gateway.refusals(syntax, einvoice.FORMS[syntax](wrong))

    assert rule in {each.rule for each in found} or ELSEWHERE.get((rule, syntax)) in {each.rule for each in found}
    assert all(each.message and each.place for each in found)


# What another part of the check refuses: a schema before any rule, or a rule that Factur-X has under its own number.
ELSEWHERE = {
    ("BR-02", "ubl"): "XSD",
    ("BR-02", "cii"): "XSD",
    ("BR-50", "ubl"): "XSD",
    ("BR-CL-04", "cii"): "FX-SCH-A-000595",
    ("BR-CL-14", "cii"): "FX-SCH-A-000568",
    ("BR-CL-17", "cii"): "FX-SCH-A-000587",
}


def test_every_fault_of_a_document_is_named_at_once():
    wrong = replace(off_by_a_cent(gross=SUMS.gross + CENT), seller=replace(samples.SELLER, vat_id=""))

    assert {"BR-CO-15", "BR-S-02"} <= refused(wrong, "ubl")


def test_what_breaks_the_schema_is_refused_before_any_rule():
    document = einvoice.ubl(GOOD).replace(b"cbc:IssueDate", b"cbc:IssuedOn")

    [first, *_] = billing_gateway.refusals("ubl", document)

    assert first.rule == "XSD" and "IssuedOn" in first.message and first.place.startswith("line ")


def test_a_document_on_which_no_rule_has_anything_to_say_does_not_pass():
    with pytest.raises(RuntimeError, match="no invoice may pass unchecked"):
        billing_gateway._ruled("ubl", b"<anything/>")


def test_many_threads_may_ask_at_once():
    documents = [einvoice.ubl(samples.GOOD[name]) for name in list(samples.GOOD)[:8]]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda document: billing_gateway.refusals("ubl", document), documents))

    assert found == [[]] * 8


def test_a_process_that_was_forked_before_asking_can_ask():
    program = (
        "import os\nfrom tests.ops.billing import samples\nfrom workfloor.ops.billing import einvoice\n"
        "from workfloor.ops.billing import gateway as billing_gateway\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(len(billing_gateway.refusals('cii', einvoice.cii(samples.GOOD['a credit']))))\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )

    assert subprocess.run([sys.executable, "-c", program], cwd=samples.ROOT).returncode == 0
