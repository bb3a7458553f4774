"""What a statement charges and credits by subject, and what corrects a closed month where that has changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workfloor.core.periods.months import Correction
from workfloor.kit.figures import steps
from workfloor.kit.figures.money import Money
from workfloor.kit.figures.steps import Step


@dataclass(frozen=True, slots=True)
class Entry:
    """What one subject of a statement (a line by its title, a credit by its name) came to, and under which tax.

    `said` is the amount as a figure of that statement, `how` what it was computed from.
    """

    figure: str
    amount: Decimal  # what the client owes for it; a credit is negative
    tax: str | None
    said: Step
    how: Step


def entries(plain: Mapping[str, Any], credits_tax: str | None) -> dict[str, Entry]:
    """Return what a statement, as programs read it, charges and credits, by subject."""
    found: dict[str, Entry] = {}
    for each in plain["lines"]:
        said, how = _steps(plain, each, each["title"])
        found[each["title"]] = Entry(each["id"], Decimal(each["amount"]), each["tax"], said, how)
    for each in plain["credits"]:
        subject = f"Credit: {each['name']}"
        said, how = (steps.negated(f"less the credit for {each['name']}", one) for one in _steps(plain, each, subject))
        before = found.get(subject)
        if before:
            said, how = (
                steps.total(subject, [one, other], plain["currency"])
                for one, other in ((before.said, said), (before.how, how))
            )
        found[subject] = Entry(each["id"], Decimal(f"{steps.decimal(said):f}"), credits_tax, said, how)
    return found


def _steps(plain: Mapping[str, Any], row: Mapping[str, Any], words: str) -> tuple[Step, Step]:
    period = plain["period"]["name"]
    said = steps.given(words, Decimal(row["amount"]), plain["currency"], figure=row["id"], period=period)
    kept = plain.get("how", {}).get(row["id"])
    return said, steps.read(kept) if kept else said


def corrections(
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    *,
    known: Iterable[tuple[str, Decimal]] = (),
    currency: str,
    taxes: Mapping[str, Mapping[str, str]],
    title: Callable[[str], str],
    frozen: bool,
) -> list[Correction]:
    """Return a correction for each subject whose amount has changed, less what `known` corrections made up already.

    `taxes` are the months' taxes by name; `title` words the line for a subject. What was before is `frozen` in a
    statement, or else was computed like what is after.
    """
    made_up: dict[str, Decimal] = {}
    for subject, amount in known:
        made_up[subject] = made_up.get(subject, Decimal(0)) + amount
    found: list[Correction] = []
    for subject in dict.fromkeys([*before, *after, *made_up]):
        was, now = before.get(subject), after.get(subject)
        nothing = steps.given("nothing", 0, currency)
        stated = (was.said if frozen else steps.unlinked(was.said)) if was else nothing
        parts = [stated]
        if subject in made_up:
            parts.append(steps.given("made up for already", Money(made_up[subject], currency).rounded()))
        how = steps.less(title(subject), steps.unlinked(now.how) if now else nothing, *parts)
        if how.result:
            tax = taxes.get((was and was.tax) or (now and now.tax) or "")
            figure = (was and was.figure) or (now and now.figure) or ""
            amount_owed = Money(steps.decimal(how), currency)
            found.append(Correction(figure, subject, title(subject), amount_owed, tax, steps.plain(how)))
    return found
