"""Invoices over the API: listed, read and fetched as files, with the right token alone."""

import io
from typing import Any

import facturx
import pypdf
import pytest
from django.test import Client as Caller

from tests.ops.billing import test_invoicing_actions
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import invoices
from workfloor.ops.billing import queries as billing_queries
from workfloor.ops.billing.models import Invoice

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture
def issued() -> Invoice:
    return test_invoicing_actions.issue(test_invoicing_actions.ready())


def asked(invoice: Invoice, path: str = "", scope: str = "invoice:read") -> Any:
    token = clients.issue_token(
        client=invoice.client, title="ledger", scopes=[scope], by=actors.ROOT, now=test_invoicing_actions.MAY
    )
    return Caller().get(f"/api/invoices{path}", headers={"authorization": f"Bearer {token}"})


def test_what_was_issued_is_listed_with_what_took_it_back(issued: Invoice):
    billing.credit_invoice(invoice=issued, words="Wrong address", by=issued.issued_by, now=test_invoicing_actions.MAY)

    note, invoice = asked(issued).json()["invoices"]

    assert (invoice["id"], invoice["number"], invoice["kind"], invoice["gross"], invoice["electronic"]) == (
        issued.id,
        "2026-00001",
        "invoice",
        "16.60",
        True,
    )
    assert (invoice["credited_by"], note["credits"]) == ("CN2026-00001", "2026-00001")
    assert note["kind"] == "credit-note"
    assert asked(issued, "?period=2026-02").json() == {"invoices": []}
    assert asked(issued, "?period=2026").status_code == 422


def test_an_invoice_says_all_that_was_frozen_of_it(issued: Invoice):
    found = asked(issued, f"/{issued.id}").json()

    assert invoices.read(found["document"]) == invoices.read(issued.value)
    assert found["document"]["totals"]["gross"] == found["gross"]
    assert [found["how"][line["id"]]["result"] for line in found["document"]["lines"]] == ["15.00"]
    assert found["how"]["total"]["result"] == found["gross"]


def test_each_file_is_the_one_that_was_issued(issued: Invoice):
    assert asked(issued, f"/{issued.id}/ubl").content.decode() == issued.ubl
    assert asked(issued, f"/{issued.id}/cii").content.decode() == issued.cii
    inside = facturx.get_xml_from_pdf(asked(issued, f"/{issued.id}/factur-x").content, check_xsd=True)
    assert inside == ("factur-x.xml", issued.cii.encode())
    paper = asked(issued, f"/{issued.id}/pdf")
    assert (paper["Content-Type"], paper["Content-Disposition"]) == (
        "application/pdf",
        'attachment; filename="2026-00001.pdf"',
    )
    assert "16.60 EUR" in pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()


def test_what_is_not_there_is_not_found_with_what_to_do(issued: Invoice):
    missing = asked(issued, f"/{issued.id + 1}")
    assert (missing.status_code, "lists those there are" in missing.json()["detail"]) == (404, True)
    assert asked(issued, f"/{issued.id}/docx").status_code == 422
    assert asked(issued, "/none").status_code == 422


def test_another_scope_does_not_read_invoices(issued: Invoice):
    for path in ("", f"/{issued.id}", f"/{issued.id}/pdf"):
        assert asked(issued, path, scope="statement:read").status_code == 404


def test_a_list_asks_the_database_no_more_for_more_invoices(issued: Invoice, django_assert_num_queries):
    with django_assert_num_queries(2):
        [only] = [invoices.plain(each) for each in billing_queries.invoices(issued.client_id)]
    billing.credit_invoice(invoice=issued, words="Wrong address", by=issued.issued_by, now=test_invoicing_actions.MAY)
    with django_assert_num_queries(2):
        assert len([invoices.plain(each) for each in billing_queries.invoices(issued.client_id)]) == 2
    assert only["electronic"]
