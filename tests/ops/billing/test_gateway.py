"""The paper: tagged, PDF/A-3, with the document for systems inside, declared as Factur-X asks."""

import io
from dataclasses import replace

import facturx
import pypdf
import pytest
from lxml import etree

from tests.ops.billing import samples
from workfloor.ops.billing import einvoice, invoices
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing.einvoice import Invoice

GOOD = samples.GOOD["a credit and one earned back"]


def made(invoice: Invoice, inside: bool = True) -> bytes:
    return billing_gateway.invoice_pdf(invoices.printed(invoice), einvoice.cii(invoice) if inside else None)


def metadata(paper: bytes) -> etree._Element:
    xmp = pypdf.PdfReader(io.BytesIO(paper)).trailer["/Root"]["/Metadata"].get_object().get_data()
    return etree.fromstring(xmp[xmp.index(b"<x:xmpmeta") : xmp.index(b"<?xpacket end")])


def told(paper: bytes, name: str) -> list[str]:
    return [node.text for node in metadata(paper).iter() if etree.QName(node).localname == name]


def test_the_document_inside_is_the_one_for_systems():
    name, document = facturx.get_xml_from_pdf(made(GOOD), check_xsd=True)

    assert (name, document) == ("factur-x.xml", einvoice.cii(GOOD))


def test_the_paper_says_that_it_is_factur_x_of_the_profile_en_16931_in_an_archivable_tagged_pdf():
    paper = made(GOOD)
    root = pypdf.PdfReader(io.BytesIO(paper)).trailer["/Root"]

    assert (told(paper, "part"), told(paper, "conformance")) == (["3", "1"], ["A"])  # PDF/A-3a, PDF/UA-1
    assert told(paper, "ConformanceLevel") == ["EN 16931"]
    assert told(paper, "DocumentFileName") == ["factur-x.xml"]
    assert "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#" in told(paper, "namespaceURI")
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"] and root["/Lang"] == "en"
    assert root["/AF"][0].get_object()["/AFRelationship"] == "/Alternative"


def test_what_archives_ask_of_a_file_outlives_the_declaration():
    paper = made(GOOD)
    read = pypdf.PdfReader(io.BytesIO(paper))
    header, comment, *_ = paper.split(b"\n", 2)

    assert header == b"%PDF-1.7" and comment[:1] == b"%" and all(byte > 127 for byte in comment[1:5])
    assert len(read.trailer["/ID"]) == 2
    assert "/Filter" not in read.trailer["/Root"]["/Metadata"].get_object()
    title = metadata(paper).find(".//{*}title//{*}li")
    assert title is not None and read.metadata is not None
    assert title.text == read.metadata.title == f"Invoice {GOOD.number}"
    assert made(GOOD) == paper  # the same invoice is the same file


def test_paper_for_people_alone_has_nothing_inside():
    paper = made(GOOD, inside=False)

    assert "/AF" not in pypdf.PdfReader(io.BytesIO(paper)).trailer["/Root"]
    assert told(paper, "ConformanceLevel") == []


@pytest.mark.parametrize("name", samples.GOOD)
def test_paper_shows_every_amount_of_every_shape(name: str):
    invoice = samples.GOOD[name]

    text = pypdf.PdfReader(io.BytesIO(made(invoice))).pages[0].extract_text().replace("\n", " ")

    worded = invoices.printed(invoice)
    for amount in [worded["due"][1], *(row["amount"] for row in worded["lines"]), *(s[1] for s in worded["sums"])]:
        assert amount in text, amount


HOSTILE = (
    '#read("/etc/hostname")',
    '#link("file:///etc/passwd")[x]',
    '#image("https://evil.example/seen.png")',
    "https://evil.example/ pay here",
    "</Name><Evil/>&xxe;",
    "$ sqrt(x) $ \\ @ref <label> = Heading",
    "=cmd|' /C calc'!A0",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_what_somebody_is_called_is_printed_as_it_is_written_and_does_nothing(words):
    invoice = replace(GOOD, buyer=replace(GOOD.buyer, name=words))
    paper = pypdf.PdfReader(io.BytesIO(made(invoice)))
    said = "".join("".join(page.extract_text().split()) for page in paper.pages)
    actions = [
        annotation.get_object().get("/A")
        for page in paper.pages
        for annotation in page.get("/Annots", ())
        if annotation.get_object().get("/A")
    ]

    assert "".join(words.split()) in said
    assert actions == []
    assert not {"/OpenAction", "/AA", "/JavaScript"} & set(paper.trailer["/Root"])
    assert facturx.get_xml_from_pdf(made(invoice), check_xsd=True)[1] == einvoice.cii(invoice)
