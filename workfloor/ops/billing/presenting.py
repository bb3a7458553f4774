"""Statements and closed months as plain values for programs, and in words for paper and pages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from workfloor.core.access import offering, permissions
from workfloor.core.catalogue import entries
from workfloor.core.claims import queries as claims_queries
from workfloor.core.claims import rules as claims_rules
from workfloor.core.clients.models import Client
from workfloor.core.contracts import levels, pricing
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import catalogue
from workfloor.core.measures import presenting as measures_presenting
from workfloor.core.people.models import Person
from workfloor.core.periods import months as period_months
from workfloor.core.periods import presenting as periods_presenting
from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.models import Adjustment, Close, Dispute
from workfloor.kit.figures import steps
from workfloor.kit.figures.money import Money
from workfloor.kit.figures.steps import Step
from workfloor.ops.billing import closing, invoices, settlement, statements
from workfloor.ops.billing import queries as billing_queries
from workfloor.ops.billing.models import ClosingStep, Invoice
from workfloor.ui import wording


@dataclass(frozen=True, slots=True)
class Stated:
    """A month's statement as it leaves: JSON text for programs, words for paper and pages."""

    plain: str
    printed: dict[str, Any]


def stated(client: Client, period: str, *, now: datetime) -> Stated:
    """Return what was frozen of a closed month, and what an open one comes to now; raises as queries.statement does."""
    close = periods_queries.close(client.id, period)
    standing = periods_presenting.standing(client.id, period, close)
    if close and close.state in period_months.SHUT:
        return Stated(close.plain, opened(close.printed | standing))
    made = statements.statement(client, period, now=now)
    return Stated(period_months.written(plain(made)), opened(printed(made) | standing))


# --- For programs: numbers for counts, percents and seconds; strings for money and rates, which are exact ---------
def plain(made: statements.Statement) -> dict[str, Any]:
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
        "measures": [measures_presenting.plain_measured(row, made.version) for row in made.measures],
        "excluded": [measures_presenting.plain_excluded(row) for row in made.excluded],
        "lines": [plain_line(line, number) for number, line in enumerate(made.lines, 1)],
        "credits": [plain_credit(credit, number) for number, credit in enumerate(made.credits, 1)],
        "charges": str(made.charges.amount),
        "adjustments": [plain_adjusted(each) for each in made.adjustments],
        "net": str(made.net.amount),
        "taxes": [plain_tax(tax, number) for number, tax in enumerate(made.taxes, 1)],
        "total": str(made.total.amount),
        "bank": None if made.bank is None else str(made.bank.amount),
        "notices": list(made.notices),
        "how": {name: steps.plain(how) for name, how in made.how.items()},
    }


def plain_period(period: settlement.Period) -> dict[str, Any]:
    """Return the period; `to` is the first instant after it."""
    zone = ZoneInfo(period.zone)
    return {
        "name": period.name,
        "state": period.state,
        "from": period.starts_at.astimezone(zone).isoformat(),
        "to": period.ends_at.astimezone(zone).isoformat(),
        "zone": period.zone,
    }


def plain_totals(totals: settlement.Totals) -> dict[str, Any]:
    """Return the counts of all queues together (queue None) or of one."""
    return {
        "queue": totals.queue,
        **{count: getattr(totals, count) for count in statements.COUNTS},
        "talk_seconds": totals.talk_seconds,
        "hold_seconds": totals.hold_seconds,
        "wrap_seconds": totals.wrap_seconds,
    }


def plain_line(line: pricing.Line, number: int) -> dict[str, Any]:
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


def plain_tax(line: pricing.TaxLine, number: int) -> dict[str, Any]:
    """Return a tax with its base; `category` is the code of EN 16931, `rate` is in percent."""
    return {
        "id": f"t{number}",
        "name": line.tax.name,
        "title": line.tax.title,
        "category": line.tax.category,
        "rate": str(line.tax.rate),
        "base": str(line.base.amount),
        "amount": str(line.amount.amount),
    }


def plain_credit(credit: settlement.Credit, number: int) -> dict[str, Any]:
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


def plain_adjusted(each: settlement.Adjusted) -> dict[str, Any]:
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


def plain_subject(subject: settlement.Subject) -> dict[str, Any]:
    """Return the figure that an explanation is about."""
    if isinstance(subject.row, Mapping):
        return dict(subject.row)
    row, number = subject.row, int(subject.id[1:]) if subject.id[1:].isdigit() else 0
    if isinstance(row, catalogue.Measured):
        return measures_presenting.plain_measured(row, subject.version)
    if isinstance(row, pricing.Line):
        return plain_line(row, number)
    if isinstance(row, catalogue.Excluded):
        return measures_presenting.plain_excluded(row)
    return plain_credit(row, number) if isinstance(row, settlement.Credit) else plain_totals(row)


def definition(subject: settlement.Subject) -> str:
    """Say what the measure of a figure counts, as the catalogue defines it; nothing for what is no measure."""
    measure = entries.BY_NAME.get(plain_subject(subject).get("measure") or "")
    return _(measure.definition) if measure else ""


def plain_counted(item: settlement.Counted, zone: str) -> dict[str, Any]:
    """Return an item behind a figure: `met` for a share, else the `value` that it adds, or why it is excluded."""
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
# Of a printed statement: what is no words, what people wrote, and the counts, whose names lead to their items.
NAMES = (
    "slug",
    "id",
    "state",
    "mood",
    "digest",
    "figure",
    "into",
    "client",
    "name",
    "queue",
    "words",
    "decision",
    "totals",
)


def printed(made: statements.Statement) -> dict[str, Any]:
    """Return a statement with every value worded; the same for the terminal, the page and the paper."""
    every = [measures_presenting.worded_measured(row) | {"short": shortened(row)} for row in made.measures]
    return {
        "client": made.contract.title,
        "slug": made.client.slug,
        "month": f"{_local(made.period.starts_at, made.period.zone):%B %Y}",
        "period": worded_period(made.period),
        "version": gettext_noop("Contract version {version}, signed on {day}").format(
            version=made.version, day=_day(made.contract.signed_on)
        ),
        "notice": _notice(made),
        "totals": [[count, f"{getattr(made.totals, count):,}"] for count in statements.COUNTS]
        + [["talk", f"{made.totals.talk_seconds:,} s"]],
        "talk": f"{made.totals.talk_seconds // 3600:,} h {made.totals.talk_seconds % 3600 // 60} min",
        "measures": [row for row in every if not row["queue"]],
        "excluded": [measures_presenting.worded_excluded(row) for row in made.excluded],
        "by_queue": [row for row in every if row["queue"]],
        "lines": [worded_line(line, number) for number, line in enumerate(made.lines, 1)],
        "charges": str(made.charges),
        "credits": [worded_credit(credit, number) for number, credit in enumerate(made.credits, 1)],
        "adjustments": [worded_adjusted(each) for each in made.adjustments],
        "net": str(made.net) if made.taxes else "",
        "taxes": [worded_tax(line, number) for number, line in enumerate(made.taxes, 1)],
        "total": str(made.total),
        "bank": "" if made.bank is None else str(made.bank),
        "ends": list(made.notices),
        "how": [worded_how(name, how, made.period.name) for name, how in made.how.items()],
        **periods_presenting.OPEN,
    }


def shortened(row: catalogue.Measured) -> str:
    """Word a figure for a screen: a mean time by the clock, to the second, a percent to two decimals.

    Empty where that would fall on the other side of what was agreed: only all of its decimals say the verdict.
    """
    attained, level = row.figure.attained, row.level
    if attained is None:
        return ""
    is_time = level.measure in catalogue.MEANS
    short = attained.quantize(Decimal(1) if is_time else Decimal("0.01"))
    if levels.verdict(level, short) != levels.verdict(level, attained):
        return ""
    return wording.clock_face(int(short)) if is_time else f"{short:,} %"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def worded_period(period: settlement.Period) -> str:
    """Word the period's first and last day: `1 February 1999 to 28 February 1999, Asia/Jerusalem`."""
    first = _local(period.starts_at, period.zone)
    last = _local(period.ends_at - timedelta(seconds=1), period.zone)
    return gettext_noop("{first} to {last}, {zone}").format(first=_day(first), last=_day(last), zone=period.zone)


def worded_line(line: pricing.Line, number: int) -> dict[str, str]:
    """Word a line of the invoice; several rates are listed slice by slice."""
    slices = "; ".join(f"{_grouped(part.quantity)} at {part.rate}" for part in line.slices)
    return {
        "id": f"l{number}",
        "title": line.title,
        "quantity": "" if line.unit == "fixed" else _units(line),
        "rate": slices if line.rate is None else "" if line.unit == "fixed" else str(line.rate),
        "amount": str(line.amount),
    }


def _units(line: pricing.Line) -> str:
    """Word a quantity; of costs that are passed through it is the amount itself."""
    return _grouped(line.quantity) + ("" if line.unit == "pass-through" else f" {line.unit}s")


def worded_credit(credit: settlement.Credit, number: int) -> dict[str, Any]:
    """Word a credit, saying so where a cap has cut it; `opens` where it has items of its own."""
    bank = gettext_noop("{amount} of it from the bonus bank")
    met = f", {bank.format(amount=credit.from_bank)}" if credit.from_bank else ""
    owed = credit.amount + credit.from_bank if credit.from_bank else credit.amount
    whole = gettext_noop("{amount} before the cap")
    cut = "" if owed == credit.computed else f" ({whole.format(amount=credit.computed)})"
    note = (f", {credit.note}" if credit.note else "") + met
    return {
        "id": f"c{number}",
        "title": f"{gettext_noop('Credit')}: {credit.name}{note}{cut}",
        "amount": str(-credit.amount if credit.amount else credit.amount),
        "opens": credit.level is not None,
    }


def worded_adjusted(each: settlement.Adjusted) -> dict[str, str]:
    """Word a line that corrects a closed month."""
    return {
        "id": each.id,
        "title": each.title,
        "amount": str(each.amount),
        "period": each.period,
        "figure": each.figure,
    }


def worded_tax(line: pricing.TaxLine, number: int) -> dict[str, str]:
    """Word a tax with what it is on."""
    title = f"{line.tax.title}, {line.tax.rate.normalize():f} % of {line.base}"
    return {"id": f"t{number}", "title": title, "amount": str(line.amount)}


def opened(worded: Mapping[str, Any]) -> dict[str, Any]:
    """Put beside each amount of a worded statement what it was computed from; a month closed long ago may not say it.

    A sum that has no row of its own opens with the sum that it is part of.
    """
    how = {each["id"]: each for each in worded.get("how", ())}
    rows = {
        part: [{**row, "how": how.get(row.get("id"), {})} for row in worded[part]]
        for part in ("lines", "credits", "adjustments", "taxes")
    }
    parts = ["credits", "net"] if worded["net"] else ["credits", "net", "total"]
    last = how.get(parts[-1], {})
    lines = [line for name in parts for line in how.get(name, {}).get("lines", ())]
    return {**worded, **rows, "how": list(how.values()), "opened": how | {parts[-1]: {**last, "lines": lines}}}


def worded_how_of_invoice(client_id: int, period: str) -> dict[str, Any]:
    """Word what the amounts of a closed month, as invoiced, were computed from; `total` has all its sums."""
    close = periods_queries.frozen(client_id, period)
    how = {each["id"]: each for each in close.printed.get("how", ())} if close else {}
    sums = [each for name, each in how.items() if name in ("credits", "net", "total") or name.startswith("t")]
    return how | {"total": {**how["total"], "lines": [line for each in sums for line in each["lines"]]}} if how else {}


def paper_of_invoice(made: Invoice) -> dict[str, Any]:
    """Word an invoice for paper, with an appendix of what each amount of its month was computed from (`how`).

    A month that was closed without it has none.
    """
    close = periods_queries.frozen(made.client_id, made.period)
    how = list(close.printed.get("how", ())) if close else []
    return invoices.printed(invoices.read(made.value)) | {"how": how, "month": made.period}


def worded_how(name: str, how: Step, period: str) -> dict[str, Any]:
    """Word what an amount of a period was computed from, as the lines of a worksheet whose last comes to it."""
    lines = steps.worksheet(how, period) or [f"{how.words}: {steps.number(how.result, how.unit)}"]
    return {"id": name, "title": how.words, "amount": steps.number(how.result, how.unit), "lines": lines}


OF_MAIL = "email:"  # how the key of work that came by mail begins, which says nothing to anybody


def worded_counted(item: settlement.Counted, zone: str) -> dict[str, Any]:
    """Word an item behind a figure: `says` is met or missed, or what it adds."""
    value = item.value
    return {
        "item": item.item_id,
        "received_at": _local(item.received_at, zone),
        "queue": item.queue,
        "state": _(item.state),
        "agent": item.agent,
        "says": (_("met") if value else _("missed"))
        if isinstance(value, bool)
        else f"{value.normalize():f}"
        if isinstance(value, Decimal)
        else str(value),
        "key": "" if item.key.startswith(OF_MAIL) else item.key,
    }


def worded_nothing(subject: settlement.Subject) -> str:
    """Say why a figure opens to nothing."""
    if subject.opens == "amounts":
        return _("No items of its own: it is computed from the amounts above. Open those, such as l1.")
    if subject.opens == "levels":
        return _("No items of its own: it follows from the figures of service levels. Open those, such as m1.")
    return _("No items: a fixed price, or nothing was counted.")


def worded_fact(fact: Fact, zone: str) -> dict[str, str]:
    """Word a fact of the event log."""
    details = ", ".join(f"{name} {value}" for name, value in fact.details.items())
    return {"at": f"{_local(fact.at, zone):%Y-%m-%d %H:%M:%S}", "event": fact.event, "details": details}


def _notice(made: statements.Statement) -> str:
    if made.period.state != "open":
        return ""
    at = _local(made.computed_at, made.period.zone)
    return gettext_noop(
        "This period is still open: the figures stand as of {day} {at:%B %Y, %H:%M} and will change."
    ).format(day=at.day, at=at)


def _grouped(quantity: Fraction) -> str:
    return f"{_quantity(quantity):,}"


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


LONGEST_WORDS = 2000
MOODS = {"open": "", "provisional": "close", "closed": "calm", "restated": "calm"}


def worded_claims(client: Client, person: Person, back: str) -> list[dict[str, Any]]:
    """Word the claims that wait for a decision; whoever may decide one, having not made it, is offered to."""
    version = contracts_queries.latest(client.id)
    zone = contracts_queries.terms(version).zone if version else "UTC"
    waiting = claims_queries.claims(client.id, kinds=claims_rules.KINDS, state="claimed")
    return [
        {
            "id": claim.id,
            "kind": claim.kind,
            "from": f"{_local(claim.starts_at, zone):%Y-%m-%d %H:%M}",
            "until": f"{_local(claim.ends_at, zone):%Y-%m-%d %H:%M}",
            "of": ", ".join(claim.queues)
            or (f"{claim.quantity.normalize():f} {claim.price}" if claim.quantity else ""),
            "reason": claim.reason,
            "by": claim.claimed_by,
            "offers": offering.offers(person, "claims.approve", "claims.refuse", back=back, claim=claim.id)
            if claim.claimed_by_id != person.id
            else [],
        }
        for claim in waiting
    ]


def summary(client: Client) -> dict[str, str]:
    """Word how far a client is closed and what waits for somebody."""
    shut = [period for period, state in periods_queries.states(client.id).items() if state in period_months.SHUT]
    proposed = [period for period, state in periods_queries.states(client.id).items() if state == "provisional"]
    disputes = periods_queries.disputes(client.id, states=(period_months.RAISED,)).count()
    waiting = [_("{period} waits for approval").format(period=period) for period in proposed]
    if disputes:
        undecided = ngettext("{number} undecided dispute", "{number} undecided disputes", disputes)
        waiting.append(undecided.format(number=disputes))
    return {"until": shut[-1] if shut else _("no month"), "waiting": ", ".join(waiting)}


def worded_months(client: Client, person: Person, back: str) -> dict[str, Any]:
    """Word a client's months, newest first, with what this person may do; its disputes and adjustments.

    `back` is the address of the page, to which the forms that it offers lead back.
    """
    closes = {each.period: each for each in periods_queries.closes(client.id)}
    steps, invoiced = billing_queries.closing_steps(client.id), billing_queries.invoiced(client.id)
    names = sorted({*statements.months(client), *closes}, reverse=True)
    months = [_month(name, closes.get(name), steps.get(name), person) for name in names]
    for month in months:
        if month["state"] in period_months.SHUT and month["name"] not in invoiced:
            about = {"client": client.slug, "period": month["name"]}
            month["offers"] = offering.offers(person, "billing.issue_invoice", back=back, **about)
    return {
        "months": months,
        "disputes": [_to_decide(each, person, back) for each in periods_queries.disputes(client.id)],
        "adjustments": [_adjustment(each) for each in periods_queries.all_adjustments(client.id)],
        "offers": offering.offers(person, "billing.restate", back=back, client=client.slug),
    }


def _to_decide(dispute: Dispute, person: Person, back: str) -> dict[str, Any]:
    """Word a dispute; whoever may decide it, having not raised it, is offered to."""
    found: dict[str, Any] = dict(periods_presenting.worded_dispute(dispute))
    if dispute.state == period_months.RAISED and dispute.raised_by_id != person.id:
        deciding = ("billing.uphold", "billing.reject")
        found["offers"] = offering.offers(person, *deciding, back=back, dispute=dispute.id)
    return found


def _month(name: str, close: Close | None, step: ClosingStep | None, person: Person) -> dict[str, Any]:
    """Word a month; while a step of it goes on, nothing else can be begun."""
    state = close.state if close else "open"
    going = f"{step.get_step_display()} {name}: {step.percent} %" if step and not step.error else ""
    may = {} if going else _may(close, state, person)
    return {
        "going": going,
        "percent": step.percent if step else 0,
        "failed": step.error.splitlines() if step else [],
        "name": name,
        "state": state,
        "mood": MOODS[state],
        "closing": periods_presenting.closing(close),
        "digest": close.digest if close else "",
        "may_dispute": close is not None and permissions.may(person, "disputes.raise"),
        **may,
    }


def _may(close: Close | None, state: str, person: Person) -> dict[str, bool]:
    return {
        "may_propose": state == "open" and permissions.may(person, "periods.propose"),
        "may_approve": close is not None
        and state == "provisional"
        and close.proposed_by_id != person.id
        and permissions.may(person, "periods.approve"),
        "may_reopen": state == "provisional" and permissions.may(person, "periods.propose"),
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
        label=gettext_lazy("Figure"),
        help_text=gettext_lazy("The whole figure is disputed; name single items in the words."),
    )
    words = forms.CharField(
        label=gettext_lazy("What is wrong"),
        max_length=LONGEST_WORDS,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": gettext_lazy("Say in words what is wrong.")},
    )

    def __init__(self, close: Close, data: Any = None) -> None:
        super().__init__(data)
        choice = self.fields["figure"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", _("Choose a figure")), *_figures(close)]
        choice.error_messages["required"] = _("Choose the figure that is wrong.")


def _figures(close: Close) -> list[tuple[str, str]]:
    """The figures of a month by their names, each with what it is called."""
    plain = json.loads(close.plain)
    titles = {row["id"]: row.get("title") or row.get("name") for part in _PARTS for row in plain[part]}
    named = ((name, titles.get(name) or titles.get(name.partition("/")[0])) for name in closing.figures(close))
    return [(name, f"{title} ({name})" if title else _(name)) for name, title in named]


_PARTS = ("measures", "lines", "credits", "adjustments")


def disputed(client: Client, period: str) -> list[dict[str, str]]:
    """Word what was disputed of a month."""
    return [periods_presenting.worded_dispute(each) for each in periods_queries.disputes(client.id, period)]
