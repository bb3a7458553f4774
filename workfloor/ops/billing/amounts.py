"""The amounts of a statement that are made of others, and what each of all its amounts was computed from."""

from collections.abc import Iterable

from workfloor.core.contracts.pricing import Line, TaxLine
from workfloor.kit.figures import steps
from workfloor.kit.figures.steps import Step
from workfloor.ops.billing.settlement import Adjusted, Credit, Settled


def credited(owed: Iterable[Credit], currency: str, spared: Iterable[str] = ()) -> Step:
    """Return the sum of the credits; what is `spared` adds nothing, and says why."""
    parts = [steps.given(f"credit for {each.name}", each.amount, figure=f"c{n}") for n, each in enumerate(owed, 1)]
    return steps.total("Credits", [*parts, *(steps.given(why, 0, currency) for why in spared)], currency)


def net(charged: Step, off: Step, adjusted: Iterable[Adjusted]) -> Step:
    """Return the charges less the credits, with the adjustments of earlier months."""
    parts = [steps.given("charges", steps.amount(charged), figure="charges")]
    if off.operands:
        parts.append(steps.negated("credits", steps.given("credits", steps.amount(off), figure="credits")))
    parts += [steps.given(each.title, each.amount, figure=each.id) for each in adjusted]
    return steps.total("Net", parts, charged.unit)


def total(before: Step, taxed: Iterable[TaxLine]) -> Step:
    """Return what is due: the net amount with the taxes."""
    parts = [steps.given(each.tax.title, each.amount, figure=f"t{number}") for number, each in enumerate(taxed, 1)]
    return steps.total("Total due", [steps.given("net", steps.amount(before), figure="net"), *parts], before.unit)


def opened(
    made: Iterable[Line],
    charged: Step,
    settled: Settled,
    off: Step,
    adjusted: Iterable[Adjusted],
    before: Step,
    taxed: Iterable[TaxLine],
    after: Step,
) -> dict[str, Step]:
    """Return what each amount of a statement was computed from, by its id, in the order of the statement."""
    of_lines = {f"l{number}": line.how for number, line in enumerate(made, 1)}
    of_credits = {f"c{number}": credit.how for number, credit in enumerate(settled.credits, 1)}
    of_adjusted = {each.id: each.how or steps.given(each.title, each.amount) for each in adjusted}
    of_taxes = {f"t{number}": line.how for number, line in enumerate(taxed, 1)}
    credits = {"credits": off} if off.operands else {}
    found = {**of_lines, "charges": charged, **of_credits, **credits, **of_adjusted, "net": before, **of_taxes}
    return {name: how for name, how in {**found, "total": after, "bank": settled.saved}.items() if how}
