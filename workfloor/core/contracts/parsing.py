"""The contract file: read, checked against its schema, and turned into typed terms."""

import json
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from workfloor.core.catalogue import entries
from workfloor.core.contracts import checks as contracts_checks
from workfloor.core.contracts import levels, pricing
from workfloor.core.contracts import terms as contracts_terms
from workfloor.kit.text import quantities, toml

Terms = Mapping[str, Any]
_LATER = "is planned but not executed yet, and a term without effect is not accepted. Take it out"

NOT_YET = {
    "allocation": f"allocation {_LATER}, or settle it by hand.",
    **{name: f"{name} {_LATER}: it {because}." for name, because in entries.NOT_MEASURED.items()},
    **{each.name: f"{each.name} {each.not_agreed}. Take it out." for each in entries.EVERY if each.not_agreed},
}


def schema_text() -> str:
    return resources.files(__package__).joinpath("contract.schema.json").read_text("utf-8")


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema_text())
    return found


def read(text: str, before: contracts_terms.Contract | None = None) -> contracts_terms.Contract:
    """Return what a contract file says; raises Refused with every fault of it.

    With `before`, the file amends that version, and what an amendment may not change is a fault too.
    """
    found = toml.read(text, schema(), NOT_YET)
    contract = build(found.data) if found.sound else None
    if contract:
        faults = contracts_checks.check(contract) + (
            contracts_checks.check_amendment(before, contract) if before else []
        )
        for fault in faults:
            found.refuse(fault.place, fault.message, fault.because)
    found.finish()
    assert contract
    return contract


def stored(text: str) -> contracts_terms.Contract:
    """Return what a signed file says: it was checked when it was signed, by the checks of that day."""
    return build(toml.plain(text))


def build(terms: Terms) -> contracts_terms.Contract:
    """Turn a document that satisfies the schema into typed terms."""
    head = terms["contract"]
    processes = tuple(_process(one) for one in terms["processes"])
    everywhere = tuple({queue.name: None for process in processes for queue in process.queues})
    return contracts_terms.Contract(
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
        service_levels=tuple(level(one, everywhere) for one in terms.get("service_levels", ())),
        credits=credits(terms) if "credits" in terms else None,
        prices=tuple(price(one, everywhere) for one in terms.get("prices", ())),
        terminations=tuple(termination(one) for one in terms.get("termination", ())),
        indexation={name: indexation(name, one) for name, one in terms.get("indexation", {}).items()},
        taxes={name: tax(name, one) for name, one in terms.get("taxes", {}).items()},
        billing=contracts_terms.billing(terms["billing"]) if "billing" in terms else None,
        currencies={name: exchange(one) for name, one in terms.get("currencies", {}).items()},
        forecasts=tuple(forecast(one) for one in terms.get("forecasts", ())),
        approvals=terms.get("approvals", {}),
        escalations=tuple(escalation(one) for one in terms.get("escalations", ())),
    )


def _calendar(name: str, terms: Terms, zone: str) -> contracts_terms.CalendarTerms:
    return contracts_terms.CalendarTerms(
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


def _process(terms: Terms) -> contracts_terms.Process:
    return contracts_terms.Process(
        name=terms["name"],
        title=terms.get("title", terms["name"]),
        kind=terms["kind"],
        location=terms["location"],
        calendar=terms["calendar"],
        dispositions=tuple(terms["dispositions"]),
        queues=tuple(_queue(one) for one in terms["queues"]),
        letter=dict(terms.get("letter", {})),
        unmasked=tuple(terms.get("unmasked", ())),
    )


def _queue(terms: Terms) -> contracts_terms.Queue:
    return contracts_terms.Queue(
        name=terms["name"],
        title=terms.get("title", terms["name"]),
        requires=dict(terms["requires"]),
        relax=tuple(_ring(one) for one in terms.get("relax", ())),
        priority=terms.get("priority", 0),
        answer_within_seconds=quantities.seconds(terms.get("answer_within")),
        resolve_within_seconds=quantities.seconds(terms.get("resolve_within")),
        offer_seconds=quantities.seconds(terms.get("offer_for")) or 20,
        max_concurrency=terms.get("max_concurrency", 1),
        reopen_within_seconds=quantities.seconds(terms.get("reopen_within", "14 days")) or 0,
        sticky_for_seconds=quantities.seconds(terms.get("sticky_for")),
        preemptible=terms.get("preemptible", False),
        preempts=terms.get("preempts", False),
    )


def _ring(terms: Terms) -> contracts_terms.Ring:
    levels = {skill: level for skill, level in terms.items() if skill != "after"}
    return contracts_terms.Ring(quantities.seconds(terms["after"]) or 0, levels)


_BAND = "volume-above-forecast("
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def level(terms: Terms, everywhere: tuple[str, ...]) -> levels.ServiceLevel:
    """Read a service level; without `of` it counts the queues `everywhere`."""
    per, _, short = terms.get("per", "").partition("(")
    number = quantities.in_seconds if terms["measure"] in levels.IN_SECONDS else quantities.percent
    left_out = terms.get("exclude", ())
    bands = [Decimal(one.removeprefix(_BAND).rstrip(" %)")) for one in left_out if one.startswith(_BAND)]
    credit = terms.get("credit", "")
    return levels.ServiceLevel(
        name=terms["name"],
        measure=terms["measure"],
        of=tuple(terms.get("of", everywhere)),
        threshold_seconds=quantities.seconds(terms.get("threshold")),
        per=per or None,
        short_abandon_seconds=quantities.seconds(short.rstrip(")") or None),
        expected=number(terms.get("expected")),
        minimum=number(terms.get("minimum")),
        window=terms.get("window", "month"),
        hours=terms.get("hours"),
        exclude=tuple(one for one in left_out if not one.startswith(_BAND)),
        above_forecast=min(bands, default=None),  # what is beyond any of them is beyond the least
        weight=quantities.percent(terms.get("weight")),
        credit=quantities.percent(credit) if credit.endswith("%") else None,
        credit_amount=None if credit.endswith("%") else quantities.decimal(credit or None),
        not_with=tuple(terms.get("not_with", ())),
        points=tuple(_score(one, number) for one in terms.get("points", ())),
        ratchet=_ratchet(terms["ratchet"]) if "ratchet" in terms else None,
        bonus=_bonus(terms["bonus"], number) if "bonus" in terms else None,
        targets=tuple(_target(one, number) for one in terms.get("targets", ())),
    )


def forecast(terms: Terms) -> levels.Forecast:
    """Read how much is expected."""
    week = {_WEEKDAYS.index(day): count for day, count in terms.get("week", {}).items()}
    return levels.Forecast(tuple(terms["of"]), date.fromisoformat(terms["from"]), terms.get("month"), week)


def _score(terms: Terms, number: Callable[[str], Decimal | None]) -> levels.Score:
    return levels.Score(number(terms["worse_than"]) or Decimal(0), terms["points"])


def _target(terms: Terms, number: Callable[[str | None], Decimal | None]) -> levels.Target:
    expected, minimum = number(terms["expected"]), number(terms.get("minimum"))
    return levels.Target(date.fromisoformat(terms["from"]), expected or Decimal(0), minimum)


def _bonus(terms: Terms, number: Callable[[str], Decimal | None]) -> levels.Bonus:
    return levels.Bonus(number(terms["better_than"]) or Decimal(0), quantities.percent(terms["earns"]) or Decimal(0))


def _ratchet(terms: Terms) -> levels.Ratchet:
    return levels.Ratchet(quantities.months(terms["after"]) or 1, quantities.percent(terms.get("max_step")))


def credits(contract: Terms) -> levels.Credits:
    """Read the rule of credits; the only tax of the contract is theirs too."""
    terms, taxes = contract["credits"], contract.get("taxes", {})
    back = terms.get("earn_back")
    return levels.Credits(
        rule=terms["rule"],
        at_risk=quantities.percent(terms.get("at_risk")) or Decimal(0),
        pool=quantities.percent(terms.get("pool")) or Decimal(0),
        cap=quantities.percent(terms.get("cap")) or Decimal(0),
        cap_year=quantities.percent(terms.get("cap_year")),
        cap_each=quantities.percent(terms.get("cap_each")),
        per_point=quantities.percent(terms.get("per_point")),
        table=tuple(_reached(one) for one in terms.get("table", ())),
        allowance=terms.get("allowance", 0),
        average_months=quantities.months(terms.get("average")) or 1,
        over_months=quantities.months(terms.get("over")) or 1,
        repeat=tuple(levels.Repeat(one["months"], Decimal(one["factor"])) for one in terms.get("repeat", ())),
        earn_back=None
        if back is None
        else levels.EarnBack(quantities.months(back.get("within")), tuple(back.get("except_months", ()))),
        tax=terms.get("tax", next(iter(taxes)) if len(taxes) == 1 else None),
        bank=quantities.percent(terms.get("bank")),
    )


def _reached(terms: Terms) -> levels.Reached:
    return levels.Reached(terms["points"], quantities.percent(terms["credit"]) or Decimal(0))


def termination(terms: Terms) -> levels.Termination:
    """Read what lets the client leave."""
    months = quantities.months(terms["within"]) or 1
    return levels.Termination(terms["title"], tuple(terms["of"]), terms["misses"], months, terms["short_of"])


def escalation(terms: Terms) -> contracts_terms.Escalation:
    """Read what happens, and whom it is told."""
    return contracts_terms.Escalation(
        title=terms["title"],
        event=terms["event"],
        steps=tuple(
            contracts_terms.Step(one["tell"], quantities.seconds(one.get("timeout")), one.get("email", ""))
            for one in terms["steps"]
        ),
        before_seconds=quantities.seconds(terms.get("before")) or 0,
        mail=terms.get("mail") or ("unacknowledged" if terms["event"] == "help" else "at-once"),
        **{key: tuple(terms.get(key, ())) for key in ("of", "words", "customers", "dispositions")},
    )


_COUNTS: dict[str, pricing.Counts] = {
    "contact": "answered",
    "minute": "handled",
    "transaction": "done",
    "outcome": "disposed",
    "agent-hour": "delivered",
    "pass-through": "delivered",
}


def price(terms: Terms, everywhere: tuple[str, ...]) -> pricing.Price:
    """Read a price; without `of` it counts the queues `everywhere`."""
    unit = terms["unit"]
    agreed = unit in ("fixed", "fte-month", *pricing.DELIVERED)
    return pricing.Price(
        title=terms["title"],
        unit=unit,
        of=() if agreed else tuple(terms.get("of", everywhere)),
        counts=terms.get("counts", _COUNTS.get(unit)),
        rate=quantities.decimal(terms.get("rate")),
        tiers=tuple(pricing.Tier(one.get("up_to"), Decimal(one["rate"])) for one in terms.get("tiers", ())),
        tiering=terms.get("tiering"),
        minimum=quantities.decimal(terms.get("minimum")),
        dispositions=tuple(terms.get("dispositions", ())),
        quantity=quantities.decimal(terms.get("quantity")),
        baseline=_baseline(terms["baseline"]) if "baseline" in terms else None,
        ramp_up=tuple(_step(one) for one in terms.get("ramp_up", ())),
        indexed_by=terms.get("indexed_by"),
        tax=terms.get("tax"),
        currency=terms.get("currency"),
        mark_up=quantities.percent(terms.get("mark_up")),
    )


def exchange(terms: Terms) -> tuple[pricing.Exchange, ...]:
    """Read what another currency is worth, day by day."""
    return tuple(pricing.Exchange(date.fromisoformat(one["from"]), Decimal(one["rate"])) for one in terms["rates"])


def _step(terms: Terms) -> pricing.RampUp:
    return pricing.RampUp(terms["months"], quantities.percent(terms["share"]) or Decimal(0))


def _baseline(terms: Terms) -> pricing.Baseline:
    return pricing.Baseline(
        quantity=terms["quantity"],
        additional=Decimal(terms["additional"]),
        reduced=Decimal(terms["reduced"]),
        dead_band=quantities.percent(terms.get("dead_band")) or Decimal(0),
        reduced_factor=Decimal(terms.get("reduced_factor", "1")),
    )


def _index_value(terms: Terms) -> pricing.IndexValue:
    return pricing.IndexValue(date.fromisoformat(terms["from"]), Decimal(terms["value"]))


def indexation(name: str, terms: Terms) -> pricing.Indexation:
    """Read how rates follow the years or an index."""
    return pricing.Indexation(
        name=name,
        yearly=quantities.percent(terms.get("yearly")),
        starts_on=date.fromisoformat(terms["from"]) if "from" in terms else None,
        base=quantities.decimal(terms.get("base")),
        values=tuple(_index_value(one) for one in terms.get("values", ())),
    )


def tax(name: str, terms: Terms) -> pricing.Tax:
    """Read a tax."""
    return pricing.Tax(name, terms["title"], terms["category"], quantities.percent(terms["rate"]) or Decimal(0))
