"""The API of statements: what a month came to, for the client whose token asks."""

from typing import Any

from django.http import HttpRequest
from ninja import P, PathEx, Router, Schema
from ninja.errors import HttpError

from workfloor.core.clients.api import PROBLEMS, TokenAuth
from workfloor.kit import clock
from workfloor.ops.billing import forms, queries

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
router = Router(tags=["statements"])


class StatementOut(Schema):
    """A statement; its parts are described in the guide. Money and rates are strings, exact."""

    client: str
    title: str
    version: int
    period: dict[str, str]
    computed_at: str
    currency: str
    totals: dict[str, Any]
    queues: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    credits: list[dict[str, Any]]
    charges: str
    total: str


@router.get(
    "/statements/{period}",
    auth=TokenAuth("statement:read"),
    response=PROBLEMS | {200: StatementOut},
    summary="Read a month's statement",
)
def statement(request: HttpRequest, period: PathEx[str, P(pattern=MONTH)]) -> dict[str, Any]:
    """The statement of a month such as `1999-02`: service levels, invoice, credits."""
    client = request.auth.client  # type: ignore[attr-defined]
    try:
        return forms.plain(queries.statement(client, period, now=clock.now()))
    except queries.NoStatement as reason:
        raise HttpError(404, str(reason)) from reason
