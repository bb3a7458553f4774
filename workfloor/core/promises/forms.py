"""The clauses of a contract file that promise, credit and let the client leave, turned into typed terms."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from workfloor.core.promises import rules
from workfloor.kit import quantities

Terms = Mapping[str, Any]

_BAND = "volume-above-forecast("
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def level(terms: Terms, everywhere: tuple[str, ...]) -> rules.ServiceLevel:
    """Read a service level; without `of` it counts the queues `everywhere`."""
    per, _, short = terms.get("per", "").partition("(")
    number = quantities.in_seconds if terms["measure"] in rules.IN_SECONDS else quantities.percent
    left_out = terms.get("exclude", ())
    bands = [Decimal(one.removeprefix(_BAND).rstrip(" %)")) for one in left_out if one.startswith(_BAND)]
    credit = terms.get("credit", "")
    return rules.ServiceLevel(
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


def forecast(terms: Terms) -> rules.Forecast:
    """Read how much is expected."""
    week = {_WEEKDAYS.index(day): count for day, count in terms.get("week", {}).items()}
    return rules.Forecast(tuple(terms["of"]), date.fromisoformat(terms["from"]), terms.get("month"), week)


def _score(terms: Terms, number: Callable[[str], Decimal | None]) -> rules.Score:
    return rules.Score(number(terms["worse_than"]) or Decimal(0), terms["points"])


def _target(terms: Terms, number: Callable[[str | None], Decimal | None]) -> rules.Target:
    expected, minimum = number(terms["expected"]), number(terms.get("minimum"))
    return rules.Target(date.fromisoformat(terms["from"]), expected or Decimal(0), minimum)


def _bonus(terms: Terms, number: Callable[[str], Decimal | None]) -> rules.Bonus:
    return rules.Bonus(number(terms["better_than"]) or Decimal(0), quantities.percent(terms["earns"]) or Decimal(0))


def _ratchet(terms: Terms) -> rules.Ratchet:
    return rules.Ratchet(quantities.months(terms["after"]) or 1, quantities.percent(terms.get("max_step")))


def credits(contract: Terms) -> rules.Credits:
    """Read the rule of credits; the only tax of the contract is theirs too."""
    terms, taxes = contract["credits"], contract.get("taxes", {})
    back = terms.get("earn_back")
    return rules.Credits(
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
        repeat=tuple(rules.Repeat(one["months"], Decimal(one["factor"])) for one in terms.get("repeat", ())),
        earn_back=None
        if back is None
        else rules.EarnBack(quantities.months(back.get("within")), tuple(back.get("except_months", ()))),
        tax=terms.get("tax", next(iter(taxes)) if len(taxes) == 1 else None),
        bank=quantities.percent(terms.get("bank")),
    )


def _reached(terms: Terms) -> rules.Reached:
    return rules.Reached(terms["points"], quantities.percent(terms["credit"]) or Decimal(0))


def termination(terms: Terms) -> rules.Termination:
    """Read what lets the client leave."""
    months = quantities.months(terms["within"]) or 1
    return rules.Termination(terms["title"], tuple(terms["of"]), terms["misses"], months, terms["short_of"])
