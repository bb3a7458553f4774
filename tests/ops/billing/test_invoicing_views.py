"""The pages of invoices: listed, shown with lines that lead to their items, and given as documents."""

import io

import facturx
import pypdf
import pytest
from django.test import Client as Browser

from tests.ops.billing import test_invoicing_actions
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing.models import Invoice

pytestmark = pytest.mark.usefixtures("everyone")
PAGE = "/clients/lisbon-light/invoices/2026-00001/"


@pytest.fixture
def made() -> tuple[Invoice, Browser]:
    at = test_invoicing_actions.ready()
    issued = test_invoicing_actions.issue(at)
    browser = Browser()
    browser.force_login(at.marta.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return issued, browser


def test_an_invoice_is_listed_and_its_lines_lead_to_their_items(made):
    _, browser = made

    assert f'href="{PAGE}"' in browser.get("/invoices/").content.decode()
    page = browser.get(PAGE).content.decode()
    items = "/clients/lisbon-light/statements/2026-03/items/l1/"
    assert f'href="{items}"' in page and "16.60 EUR" in page
    assert "10 contacts (answered) × 1.50 EUR (rate, as signed) = 15.00 EUR" in page
    assert "what VAT is on: 15.00 EUR (Calls answered, l1) − 1.50 EUR (credits) = 13.50 EUR" in page
    assert browser.get(items).content.decode().count("<tr>") == 1 + 10


def test_each_document_is_the_one_that_was_issued(made):
    issued, browser = made

    assert browser.get(f"{PAGE}ubl.xml").content.decode() == issued.ubl
    assert browser.get(f"{PAGE}cii.xml").content.decode() == issued.cii
    inside = facturx.get_xml_from_pdf(browser.get(f"{PAGE}factur-x.pdf").content, check_xsd=True)
    assert inside == ("factur-x.xml", issued.cii.encode())
    paper = browser.get(f"{PAGE}invoice.pdf")
    assert paper["Content-Disposition"] == 'attachment; filename="2026-00001.pdf"'
    assert "16.60 EUR" in pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()


@pytest.mark.parametrize("document", ["invoice.pdf", "factur-x.pdf"])
def test_the_paper_ends_with_how_each_amount_was_computed(made, document):
    _, browser = made

    read = pypdf.PdfReader(io.BytesIO(browser.get(f"{PAGE}{document}").content))

    assert len(read.pages) >= 2 and "computed" not in read.pages[0].extract_text()
    appendix = " ".join(" ".join(page.extract_text() for page in read.pages[1:]).split())
    assert "How each amount was computed" in appendix and "2026-03" in appendix
    assert "10 contacts (answered) × 1.50 EUR (rate, as signed) = 15.00 EUR" in appendix
    assert "15.00 EUR (Calls answered, l1) − 1.50 EUR (credits) = 13.50 EUR" in appendix


def test_a_credit_note_and_what_it_takes_back_refer_to_each_other(made):
    issued, browser = made
    billing.credit_invoice(invoice=issued, words="Wrong address", by=issued.issued_by, now=test_invoicing_actions.MAY)

    assert "credited by CN2026-00001" in browser.get(PAGE).content.decode()
    note = browser.get("/clients/lisbon-light/invoices/CN2026-00001/").content.decode()
    assert "credits 2026-00001" in note and "Wrong address" in note and "To be credited" in note


def test_what_is_not_there_is_not_found(made):
    _, browser = made

    assert browser.get("/clients/lisbon-light/invoices/2026-00009/").status_code == 404
