"""The API of statements and invoices, for the client whose token asks."""

import json
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import P, PathEx, QueryEx, Router, Schema
from ninja.errors import HttpError

from workfloor.core.clients.api import PROBLEMS, TokenAuth
from workfloor.kit.figures import steps
from workfloor.kit.time import clock
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import invoices, statements
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import queries as billing_queries
from workfloor.ops.billing.models import Invoice

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
router = Router(tags=["statements"])


class TotalsOut(Schema):
    """The work received in the month, of all queues (queue null) or of one; the next four add up to it."""

    queue: str | None
    received: int
    answered: int
    abandoned: int
    cancelled: int
    open: int
    talk_seconds: int
    hold_seconds: int
    wrap_seconds: int


class WindowOut(Schema):
    """The time that a figure is of: of several that end in the month the worst; not due while it goes on."""

    length: str
    name: str
    due: bool


class MeasureOut(Schema):
    """One service level, of all its queues (queue null) or of one; attained in percent, or in seconds for a mean."""

    id: str
    name: str
    measure: str
    queue: str | None
    per: str | None
    threshold_seconds: int | None
    short_abandon_seconds: int | None
    counted: int
    met: int | None
    apart: int
    excluded: int
    window: WindowOut | None
    attained: float | None
    unit: str | None
    percentiles: dict[str, float]
    expected: float | None
    minimum: float | None
    weight: float | None
    verdict: Literal["met", "below-expected", "below-minimum"] | None
    version: int


class ExcludedOut(Schema):
    """How many items are excluded from SLA for a service level."""

    id: str
    name: str
    measure: str
    count: int


class SliceOut(Schema):
    """A part of a quantity, charged at one rate."""

    quantity: int | float
    rate: str


class LineOut(Schema):
    """One line of the invoice; rate null where the slices have several."""

    id: str
    title: str
    unit: str
    quantity: int | float
    rate: str | None
    slices: list[SliceOut]
    amount: str
    tax: str | None


class CreditOut(Schema):
    """A service credit of a missed level (null: of all levels), before the caps and after; negative is earned back."""

    id: str
    name: str
    note: str
    measure: str | None
    computed: str
    from_bank: str | None
    amount: str


class AdjustmentOut(Schema):
    """A line that corrects a figure of an earlier, closed month; because of late facts, or of a dispute's number."""

    id: str
    title: str
    period: str
    figure: str
    because: str
    dispute: int | None
    amount: str
    tax: str | None


class TaxOut(Schema):
    """A tax on the lines that name it, less the credits where it is theirs; category is the code of EN 16931."""

    id: str
    name: str
    title: str
    category: str
    rate: str
    base: str
    amount: str


class RowOut(Schema):
    """A row of a table: what is looked up must be `when` the bound. Of several rows the first that holds counts."""

    when: steps.When
    bound: str | None
    value: "StepOut"


class StepOut(Schema):
    """A number, what it is in words, and what it was computed from; what does not apply is left out.

    Numbers are text and exact: a decimal, or `numerator/denominator` where no decimal says it. In a product an operand
    in `%` counts as so many hundredths, and so does the result. A difference is the first operand less all others. What
    is rounded names its rounding and its decimals. A number that is another figure names it, with its month where that
    may be another. `because` are comparisons that had to hold, 1 where they did.
    """

    words: str
    operation: steps.Operation
    result: str
    unit: str = ""
    operands: list["StepOut"] = []
    rounding: str = ""
    decimals: int | None = None
    table: list[RowOut] = []
    figure: str = ""
    period: str = ""
    because: list["StepOut"] = []


class StatementOut(Schema):
    """A month's statement. Money and rates are strings, because they are exact; an open month will change.

    Charges are the lines, net is less the credits and with the adjustments, total is with the taxes. The period's
    state is open, over or closed; what is closed never changes again. Notices are what the client may do.
    The period's `from` is its first instant, its `to` the first instant after it. `how` says what each amount was
    computed from, by its id: those of lines (l1), credits (c1), adjustments (a1), taxes (t1), and the sums by name.
    """

    client: str
    title: str
    version: int
    period: dict[str, str]
    computed_at: str
    currency: str
    totals: TotalsOut
    queues: list[TotalsOut]
    measures: list[MeasureOut]
    excluded: list[ExcludedOut]
    lines: list[LineOut]
    credits: list[CreditOut]
    charges: str
    adjustments: list[AdjustmentOut]
    net: str
    taxes: list[TaxOut]
    total: str
    bank: str | None
    notices: list[str]
    how: dict[str, StepOut] = {}


@router.get(
    "/statements/{period}",
    auth=TokenAuth("statement:read"),
    response=PROBLEMS | {200: StatementOut},
    summary="Read a month's statement",
    url_name="statement",
    exclude_unset=True,
)
def statement(request: HttpRequest, period: PathEx[str, P(pattern=MONTH)]) -> dict[str, Any]:
    """The statement of a month such as `1999-02`: service levels, invoice, credits."""
    client = request.auth.client  # type: ignore[attr-defined]
    try:
        found: dict[str, Any] = json.loads(billing_presenting.stated(client, period, now=clock.now()).plain)
    except statements.NoStatement as reason:
        raise HttpError(404, str(reason)) from reason
    return found


AT_MOST = 500  # invoices in one answer: more than a contract of ten years has months

DOCUMENTS = {
    "pdf": "application/pdf",
    "factur-x": "application/pdf",
    "ubl": "application/xml",
    "cii": "application/xml",
}

ENDINGS = {"pdf": ".pdf", "factur-x": "-factur-x.pdf", "ubl": "-ubl.xml", "cii": "-cii.xml"}


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
    """An invoice with all that it says, by the terms of EN 16931; exact numbers and days are strings.

    `how` says what the amounts of its month's statement were computed from: those of its lines by their ids.
    """

    document: dict[str, Any]
    how: dict[str, StepOut] = {}


def _asked(request: HttpRequest) -> int:
    found: int = request.auth.client_id  # type: ignore[attr-defined]
    return found


def _known(request: HttpRequest, number: int) -> Invoice:
    found = billing_queries.numbered(_asked(request), number)
    if found is None:
        raise HttpError(
            404,
            _("There is no invoice {number}. GET /api/invoices lists those there are, with their id.").format(
                number=number
            ),
        )
    return found


@router.get(
    "/invoices",
    auth=TokenAuth("invoice:read"),
    response=PROBLEMS | {200: InvoicesOut},
    summary="List invoices and credit notes",
)
def list_invoices(request: HttpRequest, period: QueryEx[str | None, P(pattern=MONTH)] = None) -> dict[str, Any]:
    """What was issued for all months, or for one such as `1999-02`: at most the newest 500."""
    found = billing_queries.invoices(_asked(request))
    chosen = found.filter(period=period) if period else found
    return {"invoices": [invoices.plain(each) for each in chosen[:AT_MOST]]}


@router.get(
    "/invoices/{invoice_id}",
    auth=TokenAuth("invoice:read"),
    response=PROBLEMS | {200: WholeInvoiceOut},
    summary="Read an invoice",
    exclude_unset=True,
)
def invoice(request: HttpRequest, invoice_id: PathEx[int, P(ge=1, le=2**31)]) -> dict[str, Any]:
    """One invoice or credit note by its id, with its parties, lines, allowances, taxes and totals."""
    made = _known(request, invoice_id)
    how = billing_queries.how(made.client_id, made.period)
    return invoices.plain(made) | {"document": made.value, "how": how}


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
        raise HttpError(404, _("{name} was issued on paper alone: fetch its pdf.").format(name=made.name))
    headers = {"Content-Disposition": f'attachment; filename="{made.name}{ENDINGS[form]}"'}
    return HttpResponse(_written(made, form), content_type=DOCUMENTS[form], headers=headers)


def _written(made: Invoice, form: str) -> bytes:
    if form in ("ubl", "cii"):
        return (made.ubl if form == "ubl" else made.cii).encode()
    inside = made.cii.encode() if form == "factur-x" else None
    return billing_gateway.invoice_pdf(billing_presenting.paper_of_invoice(made), inside)
