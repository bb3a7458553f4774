"""Where a month stands, in words: for the terminal, the page and the paper."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.models import Close, Dispute
from workfloor.kit.figures.money import Money
from workfloor.kit.text import locales

OPEN: dict[str, Any] = {"state": "open", "closing": "", "digest": "", "corrections": [], "disputes": []}


def standing(client_id: int, period: str, close: Close | None) -> dict[str, Any]:
    """Word where a month stands: its state, who closed it, what corrects it later, and who disputes what."""
    return {
        "state": close.state if close else "open",
        "closing": closing(close),
        "digest": close.digest if close else "",
        "corrections": [
            {"title": each.title, "into": each.into, "amount": locales.numerals(str(Money(each.amount, each.currency)))}
            for each in periods_queries.corrections(client_id, period)
        ],
        "disputes": [worded_dispute(each) for each in periods_queries.disputes(client_id, period)],
    }


def closing(close: Close | None) -> str:
    """Word who proposed and who approved a month, and when."""
    if close is None:
        return ""
    said = [_("Proposed by {person} on {day}").format(person=close.proposed_by, day=_day(close.proposed_at))]
    if close.approved_by and close.approved_at:
        said.append(_("approved by {person} on {day}").format(person=close.approved_by, day=_day(close.approved_at)))
    return ", ".join(said)


def worded_dispute(dispute: Dispute) -> dict[str, str]:
    """Word a dispute and what was decided."""
    decided = f"{dispute.decision} ({dispute.decided_by})" if dispute.decided_by else ""
    return {
        "id": str(dispute.id),
        "period": dispute.period,
        "figure": dispute.figure,
        "words": f"{dispute.words} ({dispute.raised_by})",
        "state": dispute.state,
        "decision": decided,
    }


def _day(at: datetime) -> str:
    return locales.written(at, "long_day")
