"""The API of invoices: what was issued to the client whose token asks, and its documents."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import P, PathEx, QueryEx, Router, Schema
from ninja.errors import HttpError

from workfloor.core.clients.api import PROBLEMS, TokenAuth
from workfloor.ops.invoicing import forms, gateway, queries
from workfloor.ops.invoicing.models import Invoice

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
AT_MOST = 500  # invoices in one answer: more than a contract of ten years has months
DOCUMENTS = {
    "pdf": "application/pdf",
    "factur-x": "application/pdf",
    "ubl": "application/xml",
    "cii": "application/xml",
}
ENDINGS = {"pdf": ".pdf", "factur-x": "-factur-x.pdf", "ubl": "-ubl.xml", "cii": "-cii.xml"}
router = Router(tags=["invoices"])


class InvoiceOut(Schema):
    """What was issued: its id here, and its number, which is unique for the legal entity that issued it.

    Amounts are strings, because they are exact. An invoice that a credit note takes back stays; each names the other.
    Where the contract takes paper alone it is not electronic: there is a PDF, and nothing for systems.
    """

    id: int
    number: str
    kind: Literal["invoice", "credit-note"]
    entity: str
    period: str
    issued_on: str
    currency: str
    gross: str
    credits: str | None
    credited_by: str | None
    electronic: bool


class InvoicesOut(Schema):
    """The newest first."""

    invoices: list[InvoiceOut]


class WholeInvoiceOut(InvoiceOut):
    """An invoice with all that it says, by the terms of EN 16931; exact numbers and days are strings."""

    document: dict[str, Any]


def _asked(request: HttpRequest) -> int:
    found: int = request.auth.client_id  # type: ignore[attr-defined]
    return found


def _known(request: HttpRequest, number: int) -> Invoice:
    found = queries.numbered(_asked(request), number)
    if found is None:
        raise HttpError(404, f"There is no invoice {number}. GET /api/invoices lists those there are, with their id.")
    return found


@router.get(
    "/invoices",
    auth=TokenAuth("invoice:read"),
    response=PROBLEMS | {200: InvoicesOut},
    summary="List invoices and credit notes",
)
def invoices(request: HttpRequest, period: QueryEx[str | None, P(pattern=MONTH)] = None) -> dict[str, Any]:
    """What was issued for all months, or for one such as `1999-02`: at most the newest 500."""
    found = queries.invoices(_asked(request))
    chosen = found.filter(period=period) if period else found
    return {"invoices": [forms.plain(each) for each in chosen[:AT_MOST]]}


@router.get(
    "/invoices/{invoice_id}",
    auth=TokenAuth("invoice:read"),
    response=PROBLEMS | {200: WholeInvoiceOut},
    summary="Read an invoice",
)
def invoice(request: HttpRequest, invoice_id: PathEx[int, P(ge=1, le=2**31)]) -> dict[str, Any]:
    """One invoice or credit note by its id, with its parties, lines, allowances, taxes and totals."""
    made = _known(request, invoice_id)
    return forms.plain(made) | {"document": made.value}


@router.get(
    "/invoices/{invoice_id}/{form}",
    auth=TokenAuth("invoice:read"),
    response=PROBLEMS | {200: str},
    summary="Fetch an invoice's document",
)
def document(
    request: HttpRequest,
    invoice_id: PathEx[int, P(ge=1, le=2**31)],
    form: Literal["pdf", "factur-x", "ubl", "cii"],
) -> HttpResponse:
    """The document as a file: `pdf` for people, `factur-x` a PDF with CII inside, `ubl` and `cii` XML of EN 16931."""
    made = _known(request, invoice_id)
    if form != "pdf" and not made.ubl:
        raise HttpError(404, f"{made.name} was issued on paper alone: fetch its pdf.")
    headers = {"Content-Disposition": f'attachment; filename="{made.name}{ENDINGS[form]}"'}
    return HttpResponse(_written(made, form), content_type=DOCUMENTS[form], headers=headers)


def _written(made: Invoice, form: str) -> bytes:
    if form in ("ubl", "cii"):
        return (made.ubl if form == "ubl" else made.cii).encode()
    return gateway.pdf(forms.printed(forms.read(made.value)), made.cii.encode() if form == "factur-x" else None)
