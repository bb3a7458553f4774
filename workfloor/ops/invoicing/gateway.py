"""Typst, which sets an invoice as a tagged PDF/A-3 with the document for systems inside it: Factur-X."""

import io
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pypdf
import typst
from lxml import etree

SOURCE = Path(__file__).parent / "templates/invoicing/invoice.typ"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SCHEMAS_OF_XMP = "{http://www.aiim.org/pdfa/ns/extension/}schemas"
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


def pdf(printed: dict[str, Any], cii: bytes | None = None) -> bytes:
    """Set a worded invoice as a tagged PDF/A-3; with its CII document inside it is a Factur-X invoice.

    Words and document travel as data beside the template, so nothing in them is ever read as markup.
    """
    data = {"data": json.dumps(printed), "cii": "" if cii is None else cii.decode()}
    made = _compiler().compile(input=_source(), format="pdf", pdf_standards=["a-3a", "ua-1"], sys_inputs=data)
    assert isinstance(made, bytes)
    return made if cii is None else _declared(made)


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(_source())  # keeps its fonts


@cache
def _source() -> bytes:
    return SOURCE.read_bytes()


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
