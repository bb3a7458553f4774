"""What changed between two versions of a contract, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import time
from decimal import Decimal
from typing import Any

from workfloor.core.contracts import levels, pricing
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.levels import IN_SECONDS


# What changed, in words
@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `before` is None where something was added, `after` where it was taken out."""

    subject: str  # such as `Queue regular`
    term: str  # empty where the whole subject came or went
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if not self.term:
            return f"{self.subject}: {'taken out' if self.after is None else 'added'}"
        return f"{self.subject}: {self.term}: {self.before or 'nothing'} becomes {self.after or 'nothing'}"


def changes(old: contracts_terms.Contract, new: contracts_terms.Contract) -> list[Change]:
    """Return what a reader of the contract must know to get from one version to another."""
    before, after = _said(old), _said(new)
    found: list[Change] = []
    for subject in [*before, *(one for one in after if one not in before)]:
        if subject not in after:
            found.append(Change(subject, "", _sentence(before[subject]), None))
        elif subject not in before:
            found.append(Change(subject, "", None, _sentence(after[subject])))
        else:
            found.extend(_changed(subject, before[subject], after[subject]))
    return found


def _changed(subject: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    terms = [*before, *(term for term in after if term not in before)]
    pairs = ((term, before.get(term), after.get(term)) for term in terms)
    return [Change(subject, term, was, now) for term, was, now in pairs if was != now]


def _sentence(terms: Mapping[str, str]) -> str:
    return "; ".join(f"{term} {value}" for term, value in terms.items())


def _said(contract: contracts_terms.Contract) -> dict[str, dict[str, str]]:
    """Return subject -> term -> value, all in words, without what a contract leaves out."""
    said = {"Contract": _terms(contract)}
    said |= {f"Calendar {one.name}": _terms(one) for one in contract.calendars.values()}
    for process in contract.processes:
        said[f"Process {process.name}"] = _terms(process)
        for queue in process.queues:
            said[f"Queue {queue.name}"] = {"process": process.name} | _terms(queue)
    said |= {f"Service level “{one.name}”": _terms(one) for one in contract.service_levels}
    if contract.credits:
        said["Credits"] = _terms(contract.credits)
    said |= {f"Termination “{one.title}”": _terms(one) for one in contract.terminations}
    said |= {f"Indexation {one.name}": _terms(one) for one in contract.indexation.values()}
    said |= {f"Tax {one.name}": _terms(one) for one in contract.taxes.values()}
    if contract.billing:
        said["Billing"] = {"name": contract.billing.name} | _terms(contract.billing)
    said |= {f"Currency {name}": {"rates": _words(rates)} for name, rates in contract.currencies.items()}
    said |= {f"Forecast of {_words(one.of)} from {one.starts_on}": _terms(one) for one in contract.forecasts}
    for one in contract.escalations:
        steps = {f"step {number}": _sentence(_terms(step)) for number, step in enumerate(one.steps, 1)}
        said[f"Escalation “{one.title}”"] = _terms(one) | steps
    return said | {f"Price “{one.title}”": {"title": one.title} | _terms(one) for one in contract.prices}


_HOLDS_OTHERS = {
    "calendars",
    "processes",
    "service_levels",
    "credits",
    "prices",
    "queues",
    "name",
    "terminations",
    "indexation",
    "taxes",
    "billing",
    "currencies",
    "forecasts",
    "escalations",
    "steps",
}

_PERCENT = {
    "weight",
    "at_risk",
    "pool",
    "cap",
    "cap_year",
    "cap_each",
    "per_point",
    "credit",
    "share",
    "dead_band",
    "yearly",
    "max_step",
    "earns",
    "bank",
    "above_forecast",
    "mark_up",
}


def _terms(clause: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for term in (one.name for one in fields(clause)):
        value = getattr(clause, term)
        if term in _HOLDS_OTHERS or value is None or value is False or value in ((), {}):
            continue
        words = term.removesuffix("_seconds").replace("_", " ")
        if isinstance(value, Mapping):
            found |= {f"{words} {key}": _words(one) for key, one in value.items()}
        else:
            found[words] = _number(clause, term, value) or _words(value)
    return found


def _number(clause: Any, term: str, value: Any) -> str | None:
    """Write what is a duration or a percent as one; a target is either, as its measure has it."""
    target = isinstance(clause, levels.ServiceLevel) and term in ("expected", "minimum")
    if term.endswith("_seconds") or (target and clause.measure in IN_SECONDS):
        return _duration(int(value))
    return f"{value:f} %" if target or term in _PERCENT else None


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items())
    if isinstance(value, tuple):
        return _hours(*value) if value and isinstance(value[0], time) else ", ".join(map(_words, value))
    if isinstance(value, pricing.Tier):
        return f"{'beyond' if value.up_to is None else f'up to {value.up_to}'} at {value.rate}"
    if isinstance(value, contracts_terms.Ring):
        return f"after {_duration(value.after_seconds)} {_words(value.requires)}"
    if is_dataclass(value):
        return ", ".join(f"{term} {said}" for term, said in _terms(value).items())
    return "yes" if value is True else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _hours(opens: time, closes: time) -> str:
    return f"{opens:%H:%M}-{f'{closes:%H:%M}' if closes > time(0) else '24:00'}"


def _duration(seconds: int) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
