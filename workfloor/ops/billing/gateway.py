"""Typst, which sets statements as tagged PDF (PDF/UA-1) and invoices as PDF/A-3 with Factur-X inside."""

import io
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pypdf
import typst
from lxml import etree

STATEMENT_SOURCE = Path(__file__).parent / "templates/billing/statement.typ"


def statement_pdf(printed: dict[str, Any]) -> bytes:
    """Set a worded statement as PDF.

    The words travel as data beside the template, so nothing in them is ever read as markup.
    """
    data = {"data": json.dumps(printed)}
    made = _statement_compiler().compile(
        input=_statement_source(), format="pdf", pdf_standards=["ua-1"], sys_inputs=data
    )
    assert isinstance(made, bytes)
    return made


@cache
def _statement_compiler() -> typst.Compiler:
    return typst.Compiler(_statement_source())  # keeps its fonts


@cache
def _statement_source() -> bytes:
    return STATEMENT_SOURCE.read_bytes()


INVOICE_SOURCE = Path(__file__).parent / "templates/billing/invoicing/invoice.typ"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SCHEMAS_OF_XMP = "{http://www.aiim.org/pdfa/ns/extension/}schemas"
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


def invoice_pdf(printed: dict[str, Any], cii: bytes | None = None) -> bytes:
    """Set a worded invoice as a tagged PDF/A-3; with its CII document inside it is a Factur-X invoice.

    Words and document travel as data beside the template, so nothing in them is ever read as markup.
    """
    data = {"data": json.dumps(printed), "cii": "" if cii is None else cii.decode()}
    made = _invoice_compiler().compile(
        input=_invoice_source(), format="pdf", pdf_standards=["a-3a", "ua-1"], sys_inputs=data
    )
    assert isinstance(made, bytes)
    return made if cii is None else _declared(made)


@cache
def _invoice_compiler() -> typst.Compiler:
    return typst.Compiler(_invoice_source())  # keeps its fonts


@cache
def _invoice_source() -> bytes:
    return INVOICE_SOURCE.read_bytes()


def _declared(made: bytes) -> bytes:
    """Add to the PDF's metadata what Factur-X asks for and Typst cannot write; all else stays as it was set."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(made))
    stream: Any = writer.root_object["/Metadata"].get_object()
    stream.set_data(_with_facturx(stream.get_data()))
    written = io.BytesIO()
    writer.pdf_header = pypdf.PdfReader(io.BytesIO(made)).pdf_header
    writer.write(written)
    return written.getvalue()


def _with_facturx(xmp: bytes) -> bytes:
    start, end = xmp.index(b"<x:xmpmeta"), xmp.index(b"<?xpacket end")
    meta: Any = etree.fromstring(xmp[start:end])
    rdf = meta.find(f"{_RDF}RDF")
    shipped = etree.parse(str(resources.files("facturx") / "xmp/Factur-X_extension_schema.xmp")).getroot()
    bag = f"{_SCHEMAS_OF_XMP}/{_RDF}Bag"
    rdf.find(f".//{bag}").extend(shipped.findall(f".//{bag}/{_RDF}li"))
    told = etree.SubElement(rdf, f"{_RDF}Description", {f"{_RDF}about": ""}, nsmap={"fx": _FX})
    for name, value in _DECLARED.items():
        etree.SubElement(told, f"{{{_FX}}}{name}").text = value
    return xmp[:start] + etree.tostring(meta, encoding="UTF-8") + xmp[end:]


_DECLARED = {
    "DocumentType": "INVOICE",
    "DocumentFileName": "factur-x.xml",
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}
