"""The statement of a client's month, and the items behind each of its figures, read from the work items."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from workfloor.core.claims import queries as claims_queries
from workfloor.core.clients.models import Client
from workfloor.core.contracts import pricing
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import catalogue
from workfloor.core.measures import queries as measures_queries
from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.models import Close
from workfloor.core.work.models import Item
from workfloor.kit.figures import steps
from workfloor.kit.figures.money import Money
from workfloor.kit.figures.steps import Step
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window
from workfloor.ops.billing import amounts, settlement

COUNTS = ("received", "answered", "abandoned", "cancelled", "open")


class NoStatement(ValueError):
    """There is nothing to state for that client and period; the message says why."""


class NoFigure(LookupError):
    """The statement has no figure of that name; the message lists those it has."""


@dataclass(frozen=True, slots=True)
class _Scope:
    client: Client
    version: int
    period: settlement.Period
    counting: measures_queries.Scope
    supposed: settlement.Supposed = settlement.AS_IT_WAS

    @property
    def contract(self) -> contracts_terms.Contract:
        return self.counting.contract

    @property
    def month(self) -> Window:
        return Window(self.period.name, self.period.starts_at, self.period.ends_at)

    @property
    def day(self) -> date:
        """The first day of the period."""
        return calendars.day_of(self.period.starts_at, self.period.zone)


@dataclass(frozen=True, slots=True)
class _Judged:
    window: Window | None
    figures: measures_queries.Figures

    @property
    def attained(self) -> Decimal | None:
        """What the month is judged by: nothing yet while the window runs."""
        return self.figures[None].attained if self.window and self.window.is_due else None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a client's month came to, under the contract version in force on its first day."""

    client: Client
    contract: contracts_terms.Contract
    version: int
    period: settlement.Period
    computed_at: datetime
    totals: settlement.Totals
    queues: tuple[settlement.Totals, ...]
    measures: tuple[catalogue.Measured, ...]
    excluded: tuple[catalogue.Excluded, ...]
    lines: tuple[pricing.Line, ...]
    credits: tuple[settlement.Credit, ...]
    adjustments: tuple[settlement.Adjusted, ...]  # of earlier months, which are closed
    taxes: tuple[pricing.TaxLine, ...]
    notices: tuple[str, ...]  # what the client may do
    bank: Money | None  # bonuses saved for later credits
    charges: Money
    net: Money  # less the credits, with the adjustments
    total: Money  # with the taxes
    how: Mapping[str, Step]  # what each amount was computed from, by its id, in the order of the statement


def statement(
    client: Client, period: str, *, now: datetime, supposed: settlement.Supposed = settlement.AS_IT_WAS
) -> Statement:
    """Compute a client's statement for a month such as `1999-02`; the client must have been entered.

    With `supposed`, prices and credits follow that instead of the facts. Raises NoStatement for a malformed period, one
    outside the contract's term, or one that has not begun.
    """
    return _statement(replace(_scope(client, period, now), supposed=supposed))


def recounted(client: Client, period: str, *, now: datetime) -> Statement:
    """Compute the same statement from the items alone, without the rollups; raises as `statement` does."""
    return _statement(_scope(client, period, now, by_items=True))


def _statement(scope: _Scope) -> Statement:
    agreed, found = scope.contract, _judged(scope)
    lines, adjusted = _lines(scope), _adjusted(scope)
    settled = settlement.settle([*_months_before(scope), _month(scope, lines, found)])[-1]
    charges = settlement.charges(lines, agreed.currency)
    off = amounts.credited(settled.credits, agreed.currency, settled.spared)
    net = amounts.net(charges, off, adjusted)
    taxes = settlement.taxes(agreed, lines, steps.amount(off), adjusted)
    total = amounts.total(net, taxes)
    how = amounts.opened(lines, charges, settled, off, adjusted, net, taxes, total)
    everything, *queues = _totals(scope)
    return Statement(
        scope.client,
        agreed,
        scope.version,
        scope.period,
        scope.counting.now,
        everything,
        tuple(queues),
        tuple(row for number, each in enumerate(found) for row in _measured(settled, number, each)),
        tuple(_excluded(settled, found)),
        tuple(lines),
        settled.credits,
        tuple(adjusted),
        tuple(taxes),
        settled.notices,
        settled.bank,
        steps.amount(charges),
        steps.amount(net),
        steps.amount(total),
        how,
    )


def _adjusted(scope: _Scope) -> list[settlement.Adjusted]:
    return [
        settlement.Adjusted(
            f"a{number}",
            each.period,
            each.figure,
            each.title,
            Money(each.amount, each.currency).rounded(scope.contract.rounding),
            _tax(each.tax),
            each.because,
            each.dispute_id,
            steps.read(each.how) if each.how else None,
        )
        for number, each in enumerate(periods_queries.adjustments(scope.client.id, scope.period.name), 1)
    ]


def _tax(kept: Mapping[str, str] | None) -> pricing.Tax | None:
    return pricing.Tax(kept["name"], kept["title"], kept["category"], Decimal(kept["rate"])) if kept else None


def _judged(scope: _Scope) -> list[_Judged]:
    levels = scope.contract.service_levels
    return [_Judged(*measures_queries.judged(scope.counting, level, scope.period.name)) for level in levels]


def _month(scope: _Scope, lines: Sequence[pricing.Line], found: Sequence[_Judged]) -> settlement.Month:
    attained = [scope.supposed.attained.get(number, each.attained) for number, each in enumerate(found)]
    return settlement.month(scope.contract, scope.period.name, lines, attained)


def _lines(scope: _Scope) -> list[pricing.Line]:
    delivered: Mapping[str, Decimal] = {}
    if any(price.counts == "delivered" for price in scope.contract.prices):
        delivered = claims_queries.delivered(scope.client.id, scope.period.starts_at, scope.period.ends_at)
    counted = measures_queries.charged(scope.counting, scope.contract.prices, scope.month)
    added = [
        count + Fraction(delivered.get(each.title, 0))
        for count, each in zip(counted, scope.contract.prices, strict=True)
    ]
    supposed = [scope.supposed.counts.get(number, count) for number, count in enumerate(added)]
    return settlement.lines(scope.contract, supposed, scope.day)


def _months_before(scope: _Scope) -> Iterator[settlement.Month]:
    """Compute the earlier months that the credits of this one look back on, each under its own version."""
    agreed, (year, number) = scope.contract, map(int, scope.period.name.split("-"))
    begun = (year - agreed.starts_on.year) * 12 + number - agreed.starts_on.month
    for back in range(min(_needed(scope), begun), 0, -1):
        years, month = divmod(year * 12 + number - 1 - back, 12)
        then = _scope(scope.client, f"{years:04}-{month + 1:02}", scope.counting.now, by_items=scope.counting.by_items)
        if close := periods_queries.frozen(scope.client.id, then.period.name):
            yield settlement.kept_month(then.contract, then.period.name, close.basis)
            continue
        yield _month(then, _lines(then), _judged(then))


def _needed(scope: _Scope) -> int:
    """How many months back: where this version looks back at all, as far as any version did."""
    every = [contracts_queries.terms(version) for version in contracts_queries.versions(scope.client.id)]
    return max(map(settlement.months_behind, every)) if settlement.months_behind(scope.contract) else 0


def _scope(client: Client, period: str, now: datetime, *, by_items: bool = False) -> _Scope:
    bounds, found = _period(client, period, now)
    queues = dict(Queue.objects.filter(client=client).values_list("name", "id"))
    return _Scope(
        client, found.version, bounds, measures_queries.Scope(client.id, found.contract, queues, now, by_items)
    )


def _period(client: Client, name: str, now: datetime) -> tuple[settlement.Period, contracts_queries.Terms]:
    """Cut the month to the contract's term and find the version in force on the first day that is left."""
    try:
        latest = contracts_queries.in_force_on(client.id, date.max).contract
        starts_at, ends_at = calendars.period_bounds(name, latest.zone)
    except contracts_queries.Unreadable as fault:
        raise NoStatement(f"{client.slug}: {fault}.") from fault
    except contracts_queries.NoContract:
        raise NoStatement(
            _("{client} has no contract. Sign one: workfloor contracts sign FILE").format(client=client.slug)
        ) from None
    except ValueError as fault:
        raise NoStatement(str(fault)) from None
    begins, ended = (
        calendars.instant(day, time(0), latest.zone) for day in (latest.starts_on, latest.ends_on + timedelta(days=1))
    )
    if ends_at <= begins:
        raise NoStatement(
            _("The contract of {client} starts on {starts_on}; {name} lies before it.").format(
                client=client.slug, starts_on=latest.starts_on, name=name
            )
        )
    if starts_at >= ended:
        raise NoStatement(
            _("The contract of {client} ended on {ends_on}; {name} lies after it.").format(
                client=client.slug, ends_on=latest.ends_on, name=name
            )
        )
    if starts_at > now:
        raise NoStatement(_("{name} has not begun yet in {zone}.").format(name=name, zone=latest.zone))
    first, last = max(starts_at, begins), min(ends_at, ended)
    found = contracts_queries.in_force(client.id, first)
    return settlement.Period(name, latest.zone, first, last, "open" if now < last else "over"), found


def _measured(settled: settlement.Settled, number: int, found: _Judged) -> Iterator[catalogue.Measured]:
    """Judge a level over all its queues together, then report each of them, in the contract's order."""
    level, every = settled.levels[number], found.figures
    yield catalogue.Measured(f"m{number + 1}", level, None, every[None], settled.verdicts[number], found.window)
    for queue in level.of:
        own = every.get(queue) or catalogue.nothing(level)
        yield catalogue.Measured(f"m{number + 1}/{queue}", level, queue, own, window=found.window)


def _excluded(settled: settlement.Settled, found: Sequence[_Judged]) -> Iterator[catalogue.Excluded]:
    for number, (level, each) in enumerate(zip(settled.levels, found, strict=True), 1):
        if (count := each.figures[None].excluded) and each.window:
            yield catalogue.Excluded(f"x{number}", level, each.window, count)


def _totals(scope: _Scope) -> list[settlement.Totals]:
    """Count all items of the period, then those of each queue that had some, in the order of their names."""
    found = [
        settlement.Totals(queue, *counts) for queue, counts in measures_queries.totals(scope.counting, scope.month)
    ]
    return sorted(found, key=lambda each: each.queue or "")


# --- The items behind a figure ----------------------------------------------------------------------------------


def subject(client: Client, period: str, name: str, *, now: datetime) -> settlement.Subject:
    """Find a figure by its id (`m1`, `m1/regular`, `l2`, `c1`, `total`) or by its title; raises as `statement` does.

    Raises NoFigure where the statement has none of that name.
    """
    close = periods_queries.frozen(client.id, period)
    found = _kept(close) if close else _every(_scope(client, period, now))
    ids = {each.id: each for each in found}
    titles = {each.title.casefold(): each for each in reversed(found)}
    chosen = ids.get(name) or titles.get(name.casefold())
    if chosen is None:
        listed = ", ".join(each for each in ids if "/" not in each)
        raise NoFigure(
            _("The statement has no figure {name!r}. It has: {listed}; and for one queue, such as m1/QUEUE.").format(
                name=name, listed=listed
            )
        )
    return replace(chosen, kept=_counted(close, chosen)) if close else chosen


def _every(scope: _Scope) -> list[settlement.Subject]:
    made = _statement(scope)
    return _opened(list(_subjects(scope, made)), made.how, scope.version, scope.period.zone)


def _opened(
    found: Sequence[settlement.Subject], how: Mapping[str, Step], version: int, zone: str
) -> list[settlement.Subject]:
    """Add to each figure what its amount was computed from, and the amounts that are no more than that."""
    known = [replace(each, how=how.get(each.id)) for each in found]
    ids = {each.id for each in found}
    others = [
        settlement.Subject(
            name,
            step.words,
            {"id": name, "title": step.words, "amount": str(steps.amount(step).amount)},
            version,
            zone,
            "",
            {},
            (),
            "amounts",
            step,
        )
        for name, step in how.items()
        if name not in ids
    ]
    return [*known, *others]


def _kept(close: Close) -> list[settlement.Subject]:
    """The figures that a closed month froze; what each counted is read when it is opened."""
    figures = list(periods_queries.figures(close))
    rows = {figure.name: figure.row for figure in figures}
    zone = close.basis["zone"]
    found = [
        settlement.Subject(each.name, each.title, each.row, close.version, zone, "", {}, (), _opens(each.row, rows))
        for each in figures
    ]
    kept = json.loads(close.plain).get("how", {})
    return _opened(found, {name: steps.read(each) for name, each in kept.items()}, close.version, zone)


def _opens(row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> settlement.Opens:
    """What a frozen figure opens to; of a credit `measure` is the id of its level, and None where it is of them all."""
    if "measure" in row and "computed" in row and row["measure"] not in rows:
        return "levels"
    judged = rows.get(row.get("measure") or "", row)
    return "outages" if judged.get("measure") == "availability" else "items"


def _counted(close: Close, subject: settlement.Subject) -> list[settlement.Counted]:
    if subject.opens in ("levels", "amounts"):
        return []
    apart = subject.opens == "outages"
    return [
        settlement.Counted(
            number, key, queue, datetime.fromisoformat(received), state, agent, settlement.kept_value(value)
        )
        for (number, key, queue, received, state, agent), value in periods_queries.counted(close, subject.id, apart)
    ]


def subjects(client: Client, period: str, *, now: datetime) -> list[settlement.Subject]:
    """Return every figure of a statement that can be opened; raises as `statement` does."""
    scope = _scope(client, period, now)
    return list(_subjects(scope, _statement(scope)))


def items_behind(subject: settlement.Subject) -> Iterator[settlement.Counted]:
    """Read the items that a figure counts, as they were received; streams from the server, inside a transaction."""
    if subject.kept is not None:
        yield from subject.kept
        return
    with connection.chunked_cursor() as cursor:
        cursor.execute(subject.sql, subject.values)
        while rows := cursor.fetchmany(2000):
            yield from (settlement.Counted(*row) for row in rows)


def counts_item(subject: settlement.Subject, item_id: int) -> bool:
    """Say whether a figure counts an item."""
    if subject.kept is not None:
        return any(each.item_id == item_id for each in subject.kept)
    asked = f"SELECT EXISTS (SELECT FROM ({subject.sql}) AS counted WHERE id = %(item)s)"
    return bool(measures_queries.rows((asked, {**subject.values, "item": item_id}))[0][0])


def facts_behind(subject: settlement.Subject, number: int) -> Sequence[Fact]:
    """Read the facts of an item that a figure counts, or of the claim of an outage."""
    return list(claims_queries.facts(number) if subject.opens == "outages" else event_log_queries.of_item(number))


def months(client: Client) -> list[str]:
    """Return the months, of the contract's zone, in which the client's work arrived, newest first."""
    try:
        zone = contracts_queries.in_force_on(client.id, date.max).contract.zone
    except contracts_queries.NoContract:
        return []
    found = Item.objects.filter(client=client).annotate(month=TruncMonth("received_at", tzinfo=ZoneInfo(zone)))
    return [f"{month:%Y-%m}" for month in found.values_list("month", flat=True).distinct().order_by("-month")]


def _subjects(scope: _Scope, made: Statement) -> Iterator[settlement.Subject]:
    counting = scope.counting
    for row in made.measures:
        yield from _of_level(scope, row.id, row, row.queue)
    for left in made.excluded:
        asked = measures_queries.items_excluded(counting, left.level, left.window)
        yield _subject(scope, left.id, f"{left.level.name}, excluded from SLA", left, asked)
    for number, line in enumerate(made.lines, 1):
        price = scope.contract.prices[line.price]
        expression = measures_queries.QUANTITIES[None if price.counts == "delivered" else price.counts]
        values = measures_queries.price_values(counting, price, scope.month)
        yield _subject(
            scope, f"l{number}", line.title, line, measures_queries.items(expression, measures_queries.COUNTED, values)
        )
    whole = {row.id: row for row in made.measures}
    for number, credit in enumerate(made.credits, 1):
        judged = None if credit.level is None else whole[f"m{credit.level + 1}"]
        of_level = [] if judged is None else _of_level(scope, f"c{number}", judged, None)
        yield replace(next(iter(of_level), _of_levels(scope, number, credit)), row=credit)
    for totals in (made.totals, *made.queues):
        yield from (_of_count(scope, totals, count) for count in COUNTS)


def _of_level(scope: _Scope, id: str, row: catalogue.Measured, queue: str | None) -> Iterator[settlement.Subject]:
    if row.window is None:
        return
    title = f"{row.level.name}/{queue}" if queue else row.level.name
    asked = measures_queries.items_of_level(scope.counting, row.level, row.window, [queue] if queue else row.level.of)
    subject = _subject(scope, id, title, row, asked)
    yield replace(subject, opens="outages") if row.level.measure == "availability" else subject


def _of_levels(scope: _Scope, number: int, credit: settlement.Credit) -> settlement.Subject:
    """A credit of all levels together, or of a level that this month does not judge: it counts no items of its own."""
    zone = scope.period.zone
    return settlement.Subject(f"c{number}", credit.name, credit, scope.version, zone, "", {}, (), "levels")


def _of_count(scope: _Scope, totals: settlement.Totals, count: str) -> settlement.Subject:
    chosen = f"{measures_queries.OF_PERIOD} AND {measures_queries.COUNTS[count]}"
    name = f"{count}/{totals.queue}" if totals.queue else count
    if totals.queue:
        chosen += " AND item.queue_id = ANY(%(queues)s::bigint[])"
    values = measures_queries.values(scope.counting, scope.month, [totals.queue] if totals.queue else ())
    return _subject(scope, name, name, totals, measures_queries.items("1", chosen, values))


def _subject(
    scope: _Scope, id: str, title: str, row: settlement.Row, asked: measures_queries.Asked
) -> settlement.Subject:
    return settlement.Subject(id, title, row, scope.version, scope.period.zone, *asked)
