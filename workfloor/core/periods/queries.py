"""Reading months: their state, what was frozen, and what corrects them."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.db.models import QuerySet

from workfloor.core.periods import models as periods_models
from workfloor.core.periods import months as period_months
from workfloor.core.periods.months import State
from workfloor.kit import declarations


def states(client_id: int) -> dict[str, State]:
    """The state of every month that is not open."""
    found = periods_models.Close.objects.filter(client_id=client_id).order_by("period")
    return {period: cast(State, state) for period, state in found.values_list("period", "state")}


def state(client_id: int, period: str) -> State:
    """The state of a month; one that nobody proposed to close is open."""
    return states(client_id).get(period, "open")


def closes(client_id: int) -> QuerySet[periods_models.Close]:
    """The months that are proposed or closed, oldest first, without what they hold."""
    found = periods_models.Close.objects.filter(client_id=client_id).select_related(
        "client", "proposed_by", "approved_by"
    )
    return found.defer("plain", "printed", "basis", "items").order_by("period")


def close(client_id: int, period: str) -> periods_models.Close | None:
    """A month that is proposed or closed, with its statement."""
    found = periods_models.Close.objects.filter(client_id=client_id, period=period)
    return found.select_related("client", "proposed_by", "approved_by").defer("items").first()


def frozen(client_id: int, period: str) -> periods_models.Close | None:
    """A month that is closed, with its statement; None while its figures still change."""
    found = close(client_id, period)
    return found if found and found.state in period_months.SHUT else None


def figures(close: periods_models.Close) -> QuerySet[periods_models.Figure]:
    """The figures of a frozen statement, without what they counted."""
    return periods_models.Figure.objects.filter(close=close).defer("values").order_by("id")


def counted(close: periods_models.Close, name: str, apart: bool) -> Iterator[tuple[Any, Any]]:
    """The items that a figure of a frozen statement counted, as they were, each with what it added.

    With `apart` what it counted are no items of the month, and are kept with the figure itself.
    """
    base, _, queue = name.partition("/")
    values = periods_models.Figure.objects.values_list("values", flat=True).get(close=close, name=base)
    if apart:
        yield from period_months.chosen(*_apart(bytes(values)), queue or None)
        return
    items = periods_models.Close.objects.values_list("items", flat=True).get(id=close.id)
    yield from period_months.chosen(
        period_months.unpacked(bytes(items)), period_months.unpacked(bytes(values)), queue or None
    )


def _apart(values: bytes) -> tuple[list[Any], list[Any]]:
    kept = period_months.unpacked(values)
    return [row for row, _ in kept], [value for _, value in kept]


def adjustments(client_id: int, into: str) -> QuerySet[periods_models.Adjustment]:
    """The lines by which a month's statement corrects earlier ones, in the order in which they were made."""
    return periods_models.Adjustment.objects.filter(client_id=client_id, into=into).order_by("id")


def all_adjustments(client_id: int) -> QuerySet[periods_models.Adjustment]:
    """A client's adjustments, the newest first."""
    return periods_models.Adjustment.objects.filter(client_id=client_id).order_by("-id")


def corrections(client_id: int, period: str) -> QuerySet[periods_models.Adjustment]:
    """The lines of later statements that correct a month."""
    return periods_models.Adjustment.objects.filter(client_id=client_id, period=period).order_by("id")


def disputes(client_id: int, period: str | None = None, states: Iterable[str] = ()) -> QuerySet[periods_models.Dispute]:
    """Disputes, newest first: of one month, in these states, or all."""
    found = periods_models.Dispute.objects.filter(client_id=client_id)
    if period is not None:
        found = found.filter(period=period)
    if states:
        found = found.filter(state__in=states)
    return found.select_related("client", "raised_by", "decided_by").prefetch_related("adjustments").order_by("-id")


def _every_dispute() -> QuerySet[periods_models.Dispute]:
    return periods_models.Dispute.objects.select_related("client", "raised_by", "decided_by").order_by("-id")


declarations.register.name(
    declarations.Handle(
        periods_models.Dispute,
        "dispute",
        declarations.by_number(_every_dispute),
        lambda: _every_dispute().filter(state=period_months.RAISED),
        lambda dispute: str(dispute.id),
        see="billing dispute list CLIENT",
    )
)
