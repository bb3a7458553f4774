"""Closing in words: how far a client is closed, what may be done with each month, what was disputed and corrected."""

import json
from typing import Any

from django import forms

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.core.periods import forms as periods
from workfloor.core.periods import queries as known
from workfloor.core.periods import rules as states
from workfloor.core.periods.models import Adjustment, Close
from workfloor.kit.money import Money
from workfloor.ops.billing import queries as billing
from workfloor.ops.closing import queries, rules

LONGEST_WORDS = 2000
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
        "may_dispute": close is not None and bool(rules.RAISERS.intersection(person.roles)),
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


class DisputeForm(forms.Form):
    """Which figure of a proposed or closed month is held to be wrong, and why."""

    figure = forms.ChoiceField(
        label="Figure", help_text="The whole figure is disputed; name single items in the words."
    )
    words = forms.CharField(
        label="What is wrong", max_length=LONGEST_WORDS, strip=True, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say in words what is wrong."},
    )  # fmt: skip

    def __init__(self, close: Close, data: Any = None) -> None:
        super().__init__(data)
        choice = self.fields["figure"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", "Choose a figure"), *_figures(close)]
        choice.error_messages["required"] = "Choose the figure that is wrong."


def _figures(close: Close) -> list[tuple[str, str]]:
    """The figures of a month by their names, each with what it is called."""
    plain = json.loads(close.plain)
    titles = {row["id"]: row.get("title") or row.get("name") for part in _PARTS for row in plain[part]}
    named = ((name, titles.get(name) or titles.get(name.partition("/")[0])) for name in queries.figures(close))
    return [(name, f"{title} ({name})" if title else name) for name, title in named]


_PARTS = ("measures", "lines", "credits", "adjustments")


def disputed(client: Client, period: str) -> list[dict[str, str]]:
    """Word what was disputed of a month."""
    return [periods.worded_dispute(each) for each in known.disputes(client.id, period)]
