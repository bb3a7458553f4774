"""The two shapes in which a statement leaves: plain values for programs, and worded values for paper and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from workfloor.core.charges import rules as charges
from workfloor.core.clients.models import Client
from workfloor.core.journal.models import Fact
from workfloor.core.measures import forms as figures
from workfloor.core.periods import forms as standing
from workfloor.core.periods import queries as periods
from workfloor.core.periods import rules as months
from workfloor.ops.billing import queries, rules


@dataclass(frozen=True, slots=True)
class Stated:
    """A month's statement as it leaves: JSON text for programs, words for paper and pages."""

    plain: str
    printed: dict[str, Any]


def stated(client: Client, period: str, *, now: datetime) -> Stated:
    """Return what was frozen of a closed month, and what an open one comes to now; raises as queries.statement does."""
    close = periods.close(client.id, period)
    if close and close.state in months.SHUT:
        return Stated(close.plain, close.printed | standing.standing(client.id, period, close))
    made = queries.statement(client, period, now=now)
    return Stated(months.written(plain(made)), printed(made) | standing.standing(client.id, period, close))


# --- For programs: numbers for counts, percents and seconds; strings for money and rates, which are exact ---------


def plain(made: queries.Statement) -> dict[str, Any]:
    """Return a statement as JSON values."""
    return {
        "client": made.client.slug,
        "title": made.contract.title,
        "version": made.version,
        "period": plain_period(made.period),
        "computed_at": made.computed_at.isoformat(),
        "currency": made.contract.currency,
        "totals": plain_totals(made.totals),
        "queues": [plain_totals(totals) for totals in made.queues],
        "measures": [figures.plain_measured(row, made.version) for row in made.measures],
        "left_out": [figures.plain_left_out(row) for row in made.left_out],
        "lines": [plain_line(line, number) for number, line in enumerate(made.lines, 1)],
        "credits": [plain_credit(credit, number) for number, credit in enumerate(made.credits, 1)],
        "charges": str(made.charges.amount),
        "adjustments": [plain_adjusted(each) for each in made.adjustments],
        "net": str(made.net.amount),
        "taxes": [plain_tax(tax) for tax in made.taxes],
        "total": str(made.total.amount),
        "bank": None if made.bank is None else str(made.bank.amount),
        "notices": list(made.notices),
    }


def plain_period(period: rules.Period) -> dict[str, Any]:
    """Return the period; `to` is the first instant after it."""
    zone = ZoneInfo(period.zone)
    return {
        "name": period.name,
        "state": period.state,
        "from": period.starts_at.astimezone(zone).isoformat(),
        "to": period.ends_at.astimezone(zone).isoformat(),
        "zone": period.zone,
    }


def plain_totals(totals: rules.Totals) -> dict[str, Any]:
    """Return the counts of all queues together (queue None) or of one."""
    return {
        "queue": totals.queue,
        **{count: getattr(totals, count) for count in queries.COUNTS},
        "talk_seconds": totals.talk_seconds,
        "hold_seconds": totals.hold_seconds,
        "wrap_seconds": totals.wrap_seconds,
    }


def plain_line(line: rules.Line, number: int) -> dict[str, Any]:
    """Return a line of the invoice."""
    return {
        "id": f"l{number}",
        "title": line.title,
        "unit": line.unit,
        "quantity": _quantity(line.quantity),
        "rate": None if line.rate is None else str(line.rate),
        "slices": [{"quantity": _quantity(part.quantity), "rate": str(part.rate)} for part in line.slices],
        "amount": str(line.amount.amount),
        "tax": line.tax,
    }


def plain_tax(line: charges.TaxLine) -> dict[str, Any]:
    """Return a tax with its base; `category` is the code of EN 16931, `rate` is in percent."""
    return {
        "name": line.tax.name,
        "title": line.tax.title,
        "category": line.tax.category,
        "rate": str(line.tax.rate),
        "base": str(line.base.amount),
        "amount": str(line.amount.amount),
    }


def plain_credit(credit: rules.Credit, number: int) -> dict[str, Any]:
    """Return a credit; `measure` is the id of the missed level (None: all of them), `computed` is before the caps."""
    return {
        "id": f"c{number}",
        "name": credit.name,
        "note": credit.note,
        "measure": None if credit.level is None else f"m{credit.level + 1}",
        "computed": str(credit.computed.amount),
        "from_bank": str(credit.from_bank.amount) if credit.from_bank else None,
        "amount": str(credit.amount.amount),
    }


def plain_adjusted(each: rules.Adjusted) -> dict[str, Any]:
    """Return a line that corrects a closed month: `period` and `figure` say what, `because` and `dispute` why."""
    return {
        "id": each.id,
        "title": each.title,
        "period": each.period,
        "figure": each.figure,
        "because": each.because,
        "dispute": each.dispute,
        "amount": str(each.amount.amount),
        "tax": each.tax.name if each.tax else None,
    }


def plain_subject(subject: rules.Subject) -> dict[str, Any]:
    """Return the figure that an explanation is about."""
    if isinstance(subject.row, Mapping):
        return dict(subject.row)
    row, number = subject.row, int(subject.id[1:]) if subject.id[1:].isdigit() else 0
    if isinstance(row, rules.Measured):
        return figures.plain_measured(row, subject.version)
    if isinstance(row, rules.Line):
        return plain_line(row, number)
    if isinstance(row, rules.LeftOut):
        return figures.plain_left_out(row)
    return plain_credit(row, number) if isinstance(row, rules.Credit) else plain_totals(row)


def plain_counted(item: rules.Counted, zone: str) -> dict[str, Any]:
    """Return an item behind a figure: `met` for a share, else the `value` that it adds, or why it is left out."""
    value = item.value
    return {
        "item": item.item_id,
        "key": item.key,
        "queue": item.queue,
        "received_at": _local(item.received_at, zone).isoformat(),
        "state": item.state,
        "agent": item.agent,
        "met": value if isinstance(value, bool) else None,
        "value": None if isinstance(value, bool) else float(value) if isinstance(value, Decimal) else value,
    }


def _quantity(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else round(float(value), 4)


# --- For people -------------------------------------------------------------------------------------------------


def printed(made: queries.Statement) -> dict[str, Any]:
    """Return a statement with every value worded; the same for the terminal, the page and the paper."""
    every = [figures.worded_measured(row) for row in made.measures]
    return {
        "client": made.contract.title,
        "slug": made.client.slug,
        "month": f"{_local(made.period.starts_at, made.period.zone):%B %Y}",
        "period": worded_period(made.period),
        "version": f"Contract version {made.version}",
        "notice": _notice(made),
        "totals": [[count, f"{getattr(made.totals, count):,}"] for count in queries.COUNTS]
        + [["talk", f"{made.totals.talk_seconds:,} s"]],
        "measures": [row for row in every if not row["queue"]],
        "left_out": [figures.worded_left_out(row) for row in made.left_out],
        "by_queue": [row for row in every if row["queue"]],
        "lines": [worded_line(line, number) for number, line in enumerate(made.lines, 1)],
        "charges": str(made.charges),
        "credits": [worded_credit(credit, number) for number, credit in enumerate(made.credits, 1)],
        "adjustments": [worded_adjusted(each) for each in made.adjustments],
        "net": str(made.net) if made.taxes else "",
        "taxes": [worded_tax(line) for line in made.taxes],
        "total": str(made.total),
        "bank": "" if made.bank is None else str(made.bank),
        "ends": list(made.notices),
        **standing.OPEN,
    }


def worded_period(period: rules.Period) -> str:
    """Word the period's first and last day: `1 February 1999 to 28 February 1999, Asia/Jerusalem`."""
    first = _local(period.starts_at, period.zone)
    last = _local(period.ends_at - timedelta(seconds=1), period.zone)
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}, {period.zone}"


def worded_line(line: rules.Line, number: int) -> dict[str, str]:
    """Word a line of the invoice; several rates are listed slice by slice."""
    slices = "; ".join(f"{_grouped(part.quantity)} at {part.rate}" for part in line.slices)
    return {
        "id": f"l{number}",
        "title": line.title,
        "quantity": "" if line.unit == "fixed" else _units(line),
        "rate": slices if line.rate is None else "" if line.unit == "fixed" else str(line.rate),
        "amount": str(line.amount),
    }


def _units(line: rules.Line) -> str:
    """Word a quantity; of costs that are passed through it is the amount itself."""
    return _grouped(line.quantity) + ("" if line.unit == "pass-through" else f" {line.unit}s")


def worded_credit(credit: rules.Credit, number: int) -> dict[str, Any]:
    """Word a credit, saying so where a cap has cut it; `opens` where it has items of its own."""
    met = f", {credit.from_bank} of it from the bonus bank" if credit.from_bank else ""
    owed = credit.amount + credit.from_bank if credit.from_bank else credit.amount
    cut = "" if owed == credit.computed else f" ({credit.computed} before the cap)"
    note = (f", {credit.note}" if credit.note else "") + met
    return {
        "id": f"c{number}",
        "title": f"Credit: {credit.name}{note}{cut}",
        "amount": str(-credit.amount if credit.amount else credit.amount),
        "opens": credit.level is not None,
    }


def worded_adjusted(each: rules.Adjusted) -> dict[str, str]:
    """Word a line that corrects a closed month."""
    return {
        "id": each.id,
        "title": each.title,
        "amount": str(each.amount),
        "period": each.period,
        "figure": each.figure,
    }


def worded_tax(line: charges.TaxLine) -> dict[str, str]:
    """Word a tax with what it is on."""
    title = f"{line.tax.title}, {line.tax.rate.normalize():f} % of {line.base}"
    return {"title": title, "amount": str(line.amount)}


def worded_counted(item: rules.Counted, zone: str) -> dict[str, Any]:
    """Word an item behind a figure: `says` is met or missed, or what it adds."""
    value = item.value
    return {
        "item": item.item_id,
        "received": f"{_local(item.received_at, zone):%Y-%m-%d %H:%M:%S}",
        "queue": item.queue,
        "state": item.state,
        "agent": item.agent,
        "says": ("met" if value else "missed")
        if isinstance(value, bool)
        else f"{value.normalize():f}"
        if isinstance(value, Decimal)
        else str(value),
        "key": item.key,
    }


def worded_fact(fact: Fact, zone: str) -> dict[str, str]:
    """Word a fact of the journal."""
    details = ", ".join(f"{name} {value}" for name, value in fact.details.items())
    return {"at": f"{_local(fact.at, zone):%Y-%m-%d %H:%M:%S}", "event": fact.event, "details": details}


def _notice(made: queries.Statement) -> str:
    if made.period.state != "open":
        return ""
    at = _local(made.computed_at, made.period.zone)
    return f"This period is still open: the figures stand as of {at.day} {at:%B %Y, %H:%M} and will change."


def _grouped(quantity: Fraction) -> str:
    return f"{_quantity(quantity):,}"


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))
