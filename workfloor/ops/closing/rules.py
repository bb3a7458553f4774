"""Who may close a month, what differs between two statements of one, and what it takes to make up for it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workfloor.core.periods.rules import Correction
from workfloor.kit.money import Money

PROPOSERS = frozenset({"leader", "manager"})
APPROVERS = frozenset({"manager"})
RAISERS = frozenset({"client", "leader", "manager"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What one subject of a statement (a line by its title, a credit by its name) came to, and under which tax."""

    figure: str
    amount: Decimal  # what the client owes for it; a credit is negative
    tax: str | None


def entries(plain: Mapping[str, Any], credits_tax: str | None) -> dict[str, Entry]:
    """Return what a statement, as programs read it, charges and credits, by subject."""
    found = {each["title"]: Entry(each["id"], Decimal(each["amount"]), each["tax"]) for each in plain["lines"]}
    for each in plain["credits"]:
        subject = f"Credit: {each['name']}"
        owed = found[subject].amount if subject in found else Decimal(0)
        found[subject] = Entry(each["id"], owed - Decimal(each["amount"]), credits_tax)
    return found


def corrections(
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    *,
    known: Iterable[tuple[str, Decimal]] = (),
    currency: str,
    taxes: Mapping[str, Mapping[str, str]],
    title: Callable[[str], str],
) -> list[Correction]:
    """Return a correction for each subject whose amount has changed, less what `known` corrections made up already.

    `taxes` are the months' taxes by name; `title` words the line for a subject.
    """
    missing = Entry("", Decimal(0), None)
    made_up: dict[str, Decimal] = {}
    for subject, amount in known:
        made_up[subject] = made_up.get(subject, Decimal(0)) + amount
    found: list[Correction] = []
    for subject in dict.fromkeys([*before, *after, *made_up]):
        was, now = before.get(subject, missing), after.get(subject, missing)
        if amount := now.amount - was.amount - made_up.get(subject, Decimal(0)):
            tax = taxes.get(was.tax or now.tax or "")
            figure = was.figure or now.figure
            found.append(Correction(figure, subject, title(subject), Money(amount, currency), tax))
    return found
