"""The API of statements: what a month came to, for the client whose token asks."""

import json
from typing import Any, Literal

from django.http import HttpRequest
from ninja import P, PathEx, Router, Schema
from ninja.errors import HttpError

from workfloor.core.clients.api import PROBLEMS, TokenAuth
from workfloor.kit import clock
from workfloor.ops.billing import forms, queries

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
router = Router(tags=["statements"])


class TotalsOut(Schema):
    """The work received in the month, of all queues (queue null) or of one; the next four add up to it."""

    queue: str | None
    received: int
    answered: int
    abandoned: int
    excluded: int
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
    left_out: int
    window: WindowOut | None
    attained: float | None
    unit: str | None
    percentiles: dict[str, float]
    expected: float | None
    minimum: float | None
    weight: float | None
    verdict: Literal["met", "below-expected", "below-minimum"] | None
    version: int


class LeftOutOut(Schema):
    """How many items a service level leaves out by its exclusions."""

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
    """What a missed service level (null: all of them) takes off, before the caps and after; negative is earned back."""

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

    name: str
    title: str
    category: str
    rate: str
    base: str
    amount: str


class StatementOut(Schema):
    """A month's statement. Money and rates are strings, because they are exact; an open month will change.

    Charges are the lines, net is less the credits and with the adjustments, total is with the taxes. The period's
    state is open, over or closed; what is closed never changes again. Notices are what the client may do.
    The period's `from` is its first instant, its `to` the first instant after it.
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
    left_out: list[LeftOutOut]
    lines: list[LineOut]
    credits: list[CreditOut]
    charges: str
    adjustments: list[AdjustmentOut]
    net: str
    taxes: list[TaxOut]
    total: str
    bank: str | None
    notices: list[str]


@router.get(
    "/statements/{period}",
    auth=TokenAuth("statement:read"),
    response=PROBLEMS | {200: StatementOut},
    summary="Read a month's statement",
    url_name="statement",
)
def statement(request: HttpRequest, period: PathEx[str, P(pattern=MONTH)]) -> dict[str, Any]:
    """The statement of a month such as `1999-02`: service levels, invoice, credits."""
    client = request.auth.client  # type: ignore[attr-defined]
    try:
        found: dict[str, Any] = json.loads(forms.stated(client, period, now=clock.now()).plain)
    except queries.NoStatement as reason:
        raise HttpError(404, str(reason)) from reason
    return found
