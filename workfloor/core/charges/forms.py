"""The clauses of a contract file that charge, index and tax, turned into typed terms."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from workfloor.core.charges import rules
from workfloor.kit import quantities

Terms = Mapping[str, Any]

_COUNTS: dict[str, rules.Counts] = {
    "contact": "answered", "minute": "handled", "transaction": "done", "outcome": "disposed",
    "agent-hour": "delivered", "pass-through": "delivered",
}  # fmt: skip


def price(terms: Terms, everywhere: tuple[str, ...]) -> rules.Price:
    """Read a price; without `of` it counts the queues `everywhere`."""
    unit = terms["unit"]
    agreed = unit in ("fixed", "fte-month", *rules.DELIVERED)
    return rules.Price(
        title=terms["title"],
        unit=unit,
        of=() if agreed else tuple(terms.get("of", everywhere)),
        counts=terms.get("counts", _COUNTS.get(unit)),
        rate=quantities.decimal(terms.get("rate")),
        tiers=tuple(rules.Tier(one.get("up_to"), Decimal(one["rate"])) for one in terms.get("tiers", ())),
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


def exchange(terms: Terms) -> tuple[rules.Exchange, ...]:
    """Read what another currency is worth, day by day."""
    return tuple(rules.Exchange(date.fromisoformat(one["from"]), Decimal(one["rate"])) for one in terms["rates"])


def _step(terms: Terms) -> rules.Step:
    return rules.Step(terms["months"], quantities.percent(terms["share"]) or Decimal(0))


def _baseline(terms: Terms) -> rules.Baseline:
    return rules.Baseline(
        quantity=terms["quantity"],
        additional=Decimal(terms["additional"]),
        reduced=Decimal(terms["reduced"]),
        dead_band=quantities.percent(terms.get("dead_band")) or Decimal(0),
        reduced_factor=Decimal(terms.get("reduced_factor", "1")),
    )


def _index_value(terms: Terms) -> rules.IndexValue:
    return rules.IndexValue(date.fromisoformat(terms["from"]), Decimal(terms["value"]))


def indexation(name: str, terms: Terms) -> rules.Indexation:
    """Read how rates follow the years or an index."""
    return rules.Indexation(
        name=name,
        yearly=quantities.percent(terms.get("yearly")),
        starts_on=date.fromisoformat(terms["from"]) if "from" in terms else None,
        base=quantities.decimal(terms.get("base")),
        values=tuple(_index_value(one) for one in terms.get("values", ())),
    )


def tax(name: str, terms: Terms) -> rules.Tax:
    """Read a tax."""
    return rules.Tax(name, terms["title"], terms["category"], quantities.percent(terms["rate"]) or Decimal(0))
