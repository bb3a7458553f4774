"""The contract file: read, checked, turned into typed terms; and what changed between two, in words."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from workfloor.core.charges import forms as charges
from workfloor.core.contracts import rules
from workfloor.core.parties import forms as parties
from workfloor.core.promises import forms as promises
from workfloor.core.promises.rules import IN_SECONDS
from workfloor.kit import quantities, toml
from workfloor.kit.toml import Fault, Refused

__all__ = ["Change", "Fault", "Refused", "changes", "read", "schema", "schema_text", "stored"]

Terms = Mapping[str, Any]

_LATER = "is planned but not executed yet, and a term without effect is not accepted. Take it out"
NOT_YET = {
    "allocation": f"allocation {_LATER}, or settle it by hand.",
    "accuracy": f"accuracy {_LATER}: it waits for quality checks, of which there are no facts.",
    "satisfaction": f"satisfaction {_LATER}: visitors answer after chats, but items do not know it.",
}


def schema_text() -> str:
    return resources.files(__package__).joinpath("contract.schema.json").read_text("utf-8")


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema_text())
    return found


def read(text: str, before: rules.Contract | None = None) -> rules.Contract:
    """Return what a contract file says; raises Refused with every fault of it.

    With `before`, the file amends that version, and what an amendment may not change is a fault too.
    """
    found = toml.read(text, schema(), NOT_YET)
    contract = build(found.data) if found.sound else None
    if contract:
        faults = rules.check(contract) + (rules.check_amendment(before, contract) if before else [])
        for fault in faults:
            found.refuse(fault.place, fault.message, fault.because)
    found.finish()
    assert contract
    return contract


def stored(text: str) -> rules.Contract:
    """Return what a signed file says: it was checked when it was signed, by the checks of that day."""
    return build(toml.plain(text))


def build(terms: Terms) -> rules.Contract:
    """Turn a document that satisfies the schema into typed terms."""
    head = terms["contract"]
    processes = tuple(_process(one) for one in terms["processes"])
    everywhere = tuple({queue.name: None for process in processes for queue in process.queues})
    return rules.Contract(
        client=head["client"],
        title=head["title"],
        signed_on=date.fromisoformat(head["signed_on"]),
        starts_on=date.fromisoformat(head["starts_on"]),
        ends_on=date.fromisoformat(head["ends_on"]),
        currency=head["currency"],
        zone=head["zone"],
        country=head["country"],
        rounding=head.get("rounding", "half-even"),
        calendars={name: _calendar(name, one, head["zone"]) for name, one in terms["calendars"].items()},
        processes=processes,
        service_levels=tuple(promises.level(one, everywhere) for one in terms.get("service_levels", ())),
        credits=promises.credits(terms) if "credits" in terms else None,
        prices=tuple(charges.price(one, everywhere) for one in terms.get("prices", ())),
        terminations=tuple(promises.termination(one) for one in terms.get("termination", ())),
        indexation={name: charges.indexation(name, one) for name, one in terms.get("indexation", {}).items()},
        taxes={name: charges.tax(name, one) for name, one in terms.get("taxes", {}).items()},
        billing=parties.billing(terms["billing"]) if "billing" in terms else None,
        currencies={name: charges.exchange(one) for name, one in terms.get("currencies", {}).items()},
        forecasts=tuple(promises.forecast(one) for one in terms.get("forecasts", ())),
    )


def _calendar(name: str, terms: Terms, zone: str) -> rules.CalendarTerms:
    return rules.CalendarTerms(
        name=name,
        zone=terms.get("zone", zone),
        week={day: tuple(_span(span) for span in spans) for day, spans in terms["week"].items() if spans},
        holidays=terms.get("holidays"),
        closed_on=tuple(date.fromisoformat(day) for day in terms.get("closed_on", ())),
        open_on=tuple(date.fromisoformat(day) for day in terms.get("open_on", ())),
    )


def _span(text: str) -> tuple[time, time]:
    opens, closes = text.split("-")
    return time.fromisoformat(opens), time(0) if closes == "24:00" else time.fromisoformat(closes)


def _process(terms: Terms) -> rules.Process:
    return rules.Process(
        name=terms["name"],
        title=terms.get("title", terms["name"]),
        kind=terms["kind"],
        location=terms["location"],
        calendar=terms["calendar"],
        dispositions=tuple(terms["dispositions"]),
        queues=tuple(_queue(one) for one in terms["queues"]),
        letter=dict(terms.get("letter", {})),
        keep_clear=tuple(terms.get("keep_clear", ())),
    )


def _queue(terms: Terms) -> rules.Queue:
    return rules.Queue(
        name=terms["name"],
        title=terms.get("title", terms["name"]),
        requires=dict(terms["requires"]),
        relax=tuple(_ring(one) for one in terms.get("relax", ())),
        priority=terms.get("priority", 0),
        answer_within_seconds=quantities.seconds(terms.get("answer_within")),
        resolve_within_seconds=quantities.seconds(terms.get("resolve_within")),
        offer_seconds=quantities.seconds(terms.get("offer_for")) or 20,
        at_once=terms.get("at_once", 1),
        reopen_within_seconds=quantities.seconds(terms.get("reopen_within", "14 days")) or 0,
        keep_for_seconds=quantities.seconds(terms.get("keep_for")),
        yields=terms.get("yields", False),
        interrupts=terms.get("interrupts", False),
    )


def _ring(terms: Terms) -> rules.Ring:
    levels = {skill: level for skill, level in terms.items() if skill != "after"}
    return rules.Ring(quantities.seconds(terms["after"]) or 0, levels)


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


def changes(old: rules.Contract, new: rules.Contract) -> list[Change]:
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


def _said(contract: rules.Contract) -> dict[str, dict[str, str]]:
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
    return said | {f"Price “{one.title}”": {"title": one.title} | _terms(one) for one in contract.prices}


_HOLDS_OTHERS = {
    "calendars", "processes", "service_levels", "credits", "prices", "queues", "name", "terminations", "indexation",
    "taxes", "billing", "currencies", "forecasts",
}  # fmt: skip
_PERCENT = {
    "weight", "at_risk", "pool", "cap", "cap_year", "cap_each", "per_point", "credit", "share", "dead_band", "yearly",
    "max_step", "earns", "bank", "above_forecast", "mark_up",
}  # fmt: skip


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
    """Write what is a duration or a percent as one; a promise is either, as its measure has it."""
    promise = isinstance(clause, rules.ServiceLevel) and term in ("expected", "minimum")
    if term.endswith("_seconds") or (promise and clause.measure in IN_SECONDS):
        return _duration(int(value))
    return f"{value:f} %" if promise or term in _PERCENT else None


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items())
    if isinstance(value, tuple):
        return _hours(*value) if value and isinstance(value[0], time) else ", ".join(map(_words, value))
    if isinstance(value, rules.Tier):
        return f"{'beyond' if value.up_to is None else f'up to {value.up_to}'} at {value.rate}"
    if isinstance(value, rules.Ring):
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


# The schema, as tables for readers


def reference() -> str:
    """Return every key of the schema with its meaning, as Markdown: a table for each table of the file."""
    sections = (line for place, node in _tables(schema(), "") for line in _section(place, node))
    return "\n".join([_HEAD, *sections]).rstrip() + "\n"


_HEAD = """\
# Every key of a contract file

Written by `workfloor contract schema --format markdown` from the schema that files are checked against. How the keys
work together is in [the guide](contract.md). `[]` marks a list of tables, `NAME` a name of your own. Small contracts
with one mechanism each stand in [examples/contracts](../../examples/contracts).
"""


def _tables(node: Terms, place: str) -> Iterator[tuple[str, Terms]]:
    """Walk the tables of a file in the order in which a reader meets them; each is told once."""
    for key, one in node.get("properties", {}).items():
        found, here = _resolved(one), f"{place}.{key}" if place else key
        if "items" in found:
            found, here = _resolved(found["items"]), f"{here}[]"
        elif isinstance(found.get("additionalProperties"), Mapping) and "properties" not in found:
            found, here = _resolved(found["additionalProperties"]), f"{here}.NAME"
        if "properties" in found:
            yield here, found
            yield from _tables(found, here)


def _resolved(node: Terms) -> Terms:
    if "$ref" not in node:
        return node
    return {**schema()["$defs"][node["$ref"].removeprefix("#/$defs/")], **node}


def _section(place: str, node: Terms) -> Iterator[str]:
    yield f"### `{place}`"
    yield ""
    yield node["description"]
    yield ""
    yield "| key | | means | for example |"
    yield "|---|---|---|---|"
    for key, one in node["properties"].items():
        found = _resolved(one)
        needed = "needed" if key in node.get("required", ()) else ""
        example = _as_toml(found["examples"][0])
        among = f" One of {', '.join(map(str, found['enum']))}." if "enum" in found else ""
        yield f"| `{key}` | {needed} | {found['description']}{among} | `{example}` |"
    yield ""


def _as_toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_as_toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_toml, value))}]"
    return value if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) else json.dumps(value, ensure_ascii=False)
