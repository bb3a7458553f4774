"""Closing in words: how far a client is closed, what may be done with each month, what was disputed and corrected."""

from typing import Any

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.core.periods import forms as periods
from workfloor.core.periods import queries as known
from workfloor.core.periods import rules as states
from workfloor.core.periods.models import Adjustment, Close
from workfloor.kit.money import Money
from workfloor.ops.billing import queries as billing
from workfloor.ops.closing import rules

MOODS = {"open": "", "provisional": "close", "closed": "calm", "restated": "calm"}


def summary(client: Client) -> dict[str, str]:
    """Word how far a client is closed and what waits for somebody."""
    shut = [period for period, state in known.states(client.id).items() if state in states.SHUT]
    proposed = [period for period, state in known.states(client.id).items() if state == "provisional"]
    disputes = known.disputes(client.id, states=(states.RAISED,)).count()
    waiting = [f"{period} waits for approval" for period in proposed]
    waiting += [f"{disputes} undecided {'dispute' if disputes == 1 else 'disputes'}"] if disputes else []
    return {"until": shut[-1] if shut else "no month", "waiting": ", ".join(waiting)}


def months(client: Client, person: Person) -> dict[str, Any]:
    """Word a client's months, newest first, with what this person may do; its disputes and adjustments."""
    closes = {each.period: each for each in known.closes(client.id)}
    names = sorted({*billing.months(client), *closes}, reverse=True)
    return {
        "months": [_month(name, closes.get(name), person) for name in names],
        "disputes": [periods.worded_dispute(each) for each in known.disputes(client.id)],
        "adjustments": [_adjustment(each) for each in known.all_adjustments(client.id)],
    }


def _month(name: str, close: Close | None, person: Person) -> dict[str, Any]:
    state = close.state if close else "open"
    return {
        "name": name,
        "state": state,
        "mood": MOODS[state],
        "closing": periods.closing(close),
        "digest": close.digest if close else "",
        "may_propose": state == "open" and bool(rules.PROPOSERS.intersection(person.roles)),
        "may_approve": close is not None
        and state == "provisional"
        and close.proposed_by_id != person.id
        and bool(rules.APPROVERS.intersection(person.roles)),
        "may_reopen": state == "provisional" and bool(rules.PROPOSERS.intersection(person.roles)),
    }


def _adjustment(each: Adjustment) -> dict[str, str]:
    return {
        "title": each.title,
        "figure": each.figure,
        "period": each.period,
        "into": each.into,
        "amount": str(Money(each.amount, each.currency)),
    }
