"""The statement of a client's month, and the items behind each of its figures, read from the work items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models.functions import TruncMonth

from workfloor.core.charges import rules as charges
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts import rules as terms
from workfloor.core.contracts.models import Queue
from workfloor.core.credits import rules as credits
from workfloor.core.measures import queries as sql
from workfloor.core.measures import rules as measures
from workfloor.core.periods import queries as periods
from workfloor.core.periods.models import Close, Figure
from workfloor.core.work.models import Item
from workfloor.kit import calendars, money
from workfloor.kit.money import Money
from workfloor.ops.billing import rules

_Figures = Mapping[str | None, measures.Figure]  # by queue; None: all of them together

COUNTS = ("received", "answered", "abandoned", "excluded", "open")


class NoStatement(ValueError):
    """There is nothing to state for that client and period; the message says why."""


class NoFigure(LookupError):
    """The statement has no figure of that name; the message lists those it has."""


@dataclass(frozen=True, slots=True)
class _Scope:
    client: Client
    contract: terms.Contract
    version: int
    period: rules.Period
    now: datetime
    queues: Mapping[str, int]
    unfinished: Sequence[measures.Outcome]
    supposed: rules.Supposed = rules.AS_IT_WAS

    def names(self) -> dict[int, str]:
        return {number: name for name, number in self.queues.items()}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a client's month came to, under the contract version in force on its first day."""

    client: Client
    contract: terms.Contract
    version: int
    period: rules.Period
    computed_at: datetime
    totals: rules.Totals
    queues: tuple[rules.Totals, ...]
    measures: tuple[rules.Measured, ...]
    lines: tuple[rules.Line, ...]
    credits: tuple[rules.Credit, ...]
    adjustments: tuple[rules.Adjusted, ...]  # of earlier months, which are closed
    taxes: tuple[charges.TaxLine, ...]
    notices: tuple[str, ...]  # what the client may do
    bank: Money | None  # bonuses saved for later credits
    charges: Money
    net: Money  # less the credits, with the adjustments
    total: Money  # with the taxes


def statement(client: Client, period: str, *, now: datetime, supposed: rules.Supposed = rules.AS_IT_WAS) -> Statement:
    """Compute a client's statement for a month such as `1999-02`; the client must have been entered.

    With `supposed`, prices and credits follow that instead of the facts. Raises NoStatement for a malformed period, one
    outside the contract's term, or one that has not begun.
    """
    return _statement(replace(_scope(client, period, now), supposed=supposed))


def _statement(scope: _Scope) -> Statement:
    agreed = scope.contract
    figures = [_figures(scope, level) for level in agreed.service_levels]
    lines = _lines(scope)
    attained = [scope.supposed.attained.get(n, each[None].attained) for n, each in enumerate(figures)]
    month = rules.month(agreed, scope.period.name, lines, attained)
    settled = credits.settle([*_months_before(scope), month])[-1]
    measured = [row for number, found in enumerate(figures) for row in _measured(settled, number, found)]
    owed = rules.due(lines, settled.credits, agreed.currency)
    adjusted = _adjusted(scope)
    net = owed + money.total((each.amount for each in adjusted), agreed.currency)
    taxes = rules.taxes(agreed, lines, month.charges - owed, adjusted)
    everything, *queues = _totals(scope)
    return Statement(
        scope.client, agreed, scope.version, scope.period, scope.now, everything, tuple(queues), tuple(measured),
        tuple(lines), settled.credits, tuple(adjusted), tuple(taxes), settled.notices, settled.bank, month.charges, net,
        net + money.total((each.amount for each in taxes), agreed.currency),
    )  # fmt: skip


def _adjusted(scope: _Scope) -> list[rules.Adjusted]:
    return [
        rules.Adjusted(
            f"a{number}", each.period, each.figure, each.title,
            Money(each.amount, each.currency).rounded(scope.contract.rounding), _tax(each.tax), each.because,
            each.dispute_id,
        )
        for number, each in enumerate(periods.adjustments(scope.client.id, scope.period.name), 1)
    ]  # fmt: skip


def _tax(kept: Mapping[str, str] | None) -> charges.Tax | None:
    return charges.Tax(kept["name"], kept["title"], kept["category"], Decimal(kept["rate"])) if kept else None


def _lines(scope: _Scope) -> list[rules.Line]:
    day = scope.period.starts_at.astimezone(ZoneInfo(scope.period.zone)).date()
    counted = [
        scope.supposed.counts[n] if n in scope.supposed.counts else _charged(scope, price)
        for n, price in enumerate(scope.contract.prices)
    ]
    return rules.lines(scope.contract, counted, day)


def _months_before(scope: _Scope) -> Iterator[credits.Month]:
    """Compute the earlier months that the credits of this one look back on, each under its own version."""
    agreed, (year, number) = scope.contract, map(int, scope.period.name.split("-"))
    begun = (year - agreed.starts_on.year) * 12 + number - agreed.starts_on.month
    for back in range(min(_needed(scope), begun), 0, -1):
        years, month = divmod(year * 12 + number - 1 - back, 12)
        then = _scope(scope.client, f"{years:04}-{month + 1:02}", scope.now)
        if close := periods.frozen(scope.client.id, then.period.name):
            yield rules.kept_month(then.contract, then.period.name, close.basis)
            continue
        attained = [_figures(then, level)[None].attained for level in then.contract.service_levels]
        yield rules.month(then.contract, then.period.name, _lines(then), attained)


def _needed(scope: _Scope) -> int:
    """How many months back: where this version looks back at all, as far as any version did."""
    every = [contracts.terms(version) for version in contracts.versions(scope.client.id)]
    return max(map(rules.months_behind, every)) if rules.months_behind(scope.contract) else 0


def _scope(client: Client, period: str, now: datetime) -> _Scope:
    bounds, found = _period(client, period, now)
    queues = dict(Queue.objects.filter(client=client).values_list("name", "id"))
    unfinished = _unfinished(client, bounds, {number: name for name, number in queues.items()})
    return _Scope(client, found.contract, found.version, bounds, now, queues, unfinished)


def _period(client: Client, name: str, now: datetime) -> tuple[rules.Period, contracts.Terms]:
    """Cut the month to the contract's term and find the version in force on the first day that is left."""
    try:
        latest = contracts.in_force(client.id, date.max).contract
        starts_at, ends_at = calendars.period_bounds(name, latest.zone)
    except contracts.NoContract:
        raise NoStatement(f"{client.slug} has no contract. Sign one: workfloor contract sign FILE") from None
    except ValueError as fault:
        raise NoStatement(str(fault)) from None
    begins, ended = (
        calendars.instant(day, time(0), latest.zone) for day in (latest.starts_on, latest.ends_on + timedelta(days=1))
    )
    if ends_at <= begins:
        raise NoStatement(f"The contract of {client.slug} starts on {latest.starts_on}; {name} lies before it.")
    if starts_at >= ended:
        raise NoStatement(f"The contract of {client.slug} ended on {latest.ends_on}; {name} lies after it.")
    if starts_at > now:
        raise NoStatement(f"{name} has not begun yet in {latest.zone}.")
    first, last = max(starts_at, begins), min(ends_at, ended)
    found = contracts.in_force(client.id, first.astimezone(ZoneInfo(latest.zone)).date())
    return rules.Period(name, latest.zone, first, last, "open" if now < last else "over"), found


def _unfinished(client: Client, period: rules.Period, names: Mapping[int, str]) -> list[measures.Outcome]:
    items = Item.objects.filter(
        client=client, received_at__gte=period.starts_at, received_at__lt=period.ends_at
    ).exclude(state__in=("done", "abandoned", "cancelled"))
    columns = (
        "queue_id",
        "received_at",
        "queued_at",
        "connected_at",
        "paused_seconds",
        "awaiting_customer_since",
    )
    return [
        measures.Outcome(number, names[queue], received, queued, connected, paused_seconds=paused, awaiting_since=since)
        for number, queue, received, queued, connected, paused, since in items.values_list("id", *columns)
    ]


def _late(scope: _Scope, level: terms.ServiceLevel) -> list[int]:
    working = {queue: partial(calendars.working_seconds, _calendar_of(scope.contract, queue)) for queue in level.of}
    return [
        item.item_id
        for item in scope.unfinished
        if item.queue in level.of and measures.is_late(level, item, scope.now, working[item.queue])
    ]


def _calendar_of(contract: terms.Contract, queue: str) -> calendars.Calendar:
    process = next(p for p in contract.processes if any(each.name == queue for each in p.queues))
    return terms.calendar(contract.calendars[process.calendar])


def _measured(settled: credits.Settled, number: int, figures: _Figures) -> Iterator[rules.Measured]:
    """Judge a level over all its queues together, then report each of them, in the contract's order."""
    level = settled.levels[number]
    yield rules.Measured(f"m{number + 1}", level, None, figures[None], settled.verdicts[number])
    for queue in level.of:
        yield rules.Measured(f"m{number + 1}/{queue}", level, queue, figures.get(queue) or measures.figure(level, []))


def _figures(scope: _Scope, level: terms.ServiceLevel) -> _Figures:
    adding = sql.SHARES if level.measure in measures.SHARES else sql.SPANS
    asked = adding.format(expression=sql.EXPRESSIONS[level.measure], short=sql.SHORT, counted=sql.COUNTED)
    names = scope.names()
    return {names.get(row[0]): _figure(level, *row[1:]) for row in _rows(asked, _level_values(scope, level, level.of))}


def _figure(level: terms.ServiceLevel, counted: int, met: Any, more: Any) -> measures.Figure:
    if level.measure in measures.MEANS:
        return measures.mean_figure(counted, Decimal(met), [Decimal(value) for value in more or ()])
    return measures.Figure(counted) if level.measure == "volume" else measures.share_figure(counted, met, more)


def _charged(scope: _Scope, price: terms.Price) -> int:
    """Count a price's items or seconds."""
    if price.counts is None:
        return 0
    asked = f"SELECT coalesce(sum({sql.QUANTITIES[price.counts]}), 0) {sql.COUNTED}"
    return int(_rows(asked, _price_values(scope, price))[0][0])


def _totals(scope: _Scope) -> list[rules.Totals]:
    """Count all items of the period, then those of each queue that had some, in the order of their names."""
    names = scope.names()
    found = [rules.Totals(names.get(row[0]), *map(int, row[1:])) for row in _rows(sql.TOTALS, _values(scope, ()))]
    return sorted(found, key=lambda each: each.queue or "")


def _values(scope: _Scope, queues: Sequence[str]) -> dict[str, Any]:
    return {
        "client": scope.client.id,
        "starts_at": scope.period.starts_at,
        "ends_at": scope.period.ends_at,
        "queues": [scope.queues[name] for name in queues],
    }


def _price_values(scope: _Scope, price: terms.Price) -> dict[str, Any]:
    return _values(scope, price.of) | {"dispositions": list(price.dispositions)}


def _level_values(scope: _Scope, level: terms.ServiceLevel, queues: Sequence[str]) -> dict[str, Any]:
    return _values(scope, queues) | {
        "threshold": level.threshold_seconds or 0,
        "short": level.short_abandon_seconds or 0,
        "per_answered": level.per == "answered",
        "per_patient": level.per == "offered-less-short-abandons",
        "late": _late(scope, level),
        "percentiles": [percent / 100 for percent in measures.PERCENTILES],
    }


def _rows(asked: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(asked, values)
        return list(cursor.fetchall())


# --- The items behind a figure ----------------------------------------------------------------------------------


def subject(client: Client, period: str, name: str, *, now: datetime) -> rules.Subject:
    """Find a figure by its id (`m1`, `m1/regular`, `l2`, `c1`, `answered`) or by its title; raises as `statement` does.

    Raises NoFigure where the statement has none of that name.
    """
    close = periods.frozen(client.id, period)
    found = list(map(partial(_kept, close), periods.figures(close))) if close else subjects(client, period, now=now)
    ids = {each.id: each for each in found}
    titles = {each.title.casefold(): each for each in reversed(found)}
    chosen = ids.get(name) or titles.get(name.casefold())
    if chosen is None:
        listed = ", ".join(each for each in ids if "/" not in each)
        raise NoFigure(f"The statement has no figure {name!r}. It has: {listed}; and for one queue, such as m1/QUEUE.")
    return replace(chosen, kept=_counted(close, chosen.id)) if close else chosen


def _kept(close: Close, figure: Figure) -> rules.Subject:
    zone = close.basis["zone"]
    return rules.Subject(figure.name, figure.title, figure.row, close.version, zone, "", {}, ())


def _counted(close: Close, name: str) -> list[rules.Counted]:
    return [
        rules.Counted(number, key, queue, datetime.fromisoformat(received), state, agent, rules.kept_value(value))
        for (number, key, queue, received, state, agent), value in periods.counted(close, name)
    ]


def subjects(client: Client, period: str, *, now: datetime) -> list[rules.Subject]:
    """Return every figure of a statement that can be opened; raises as `statement` does."""
    scope = _scope(client, period, now)
    return list(_subjects(scope, _statement(scope)))


def items_behind(subject: rules.Subject) -> Iterator[rules.Counted]:
    """Read the items that a figure counts, as they were received; streams from the server, inside a transaction."""
    if subject.kept is not None:
        yield from subject.kept
        return
    with connection.chunked_cursor() as cursor:
        cursor.execute(subject.sql, subject.values)
        while rows := cursor.fetchmany(2000):
            yield from (rules.Counted(*row) for row in rows)


def counts_item(subject: rules.Subject, item_id: int) -> bool:
    """Say whether a figure counts an item."""
    if subject.kept is not None:
        return any(each.item_id == item_id for each in subject.kept)
    asked = f"SELECT EXISTS (SELECT FROM ({subject.sql}) AS counted WHERE id = %(item)s)"
    return bool(_rows(asked, {**subject.values, "item": item_id})[0][0])


def months(client: Client) -> list[str]:
    """Return the months, of the contract's zone, in which the client's work arrived, newest first."""
    try:
        zone = contracts.in_force(client.id, date.max).contract.zone
    except contracts.NoContract:
        return []
    found = Item.objects.filter(client=client).annotate(month=TruncMonth("received_at", tzinfo=ZoneInfo(zone)))
    return [f"{month:%Y-%m}" for month in found.values_list("month", flat=True).distinct().order_by("-month")]


def _subjects(scope: _Scope, made: Statement) -> Iterator[rules.Subject]:
    for row in made.measures:
        yield _of_level(scope, row.id, row.level, row, row.queue)
    for number, line in enumerate(made.lines, 1):
        price = scope.contract.prices[line.price]
        values = _price_values(scope, price)
        yield _subject(scope, f"l{number}", line.title, line, sql.QUANTITIES[price.counts], sql.COUNTED, values)
    for number, credit in enumerate(made.credits, 1):
        if credit.level is not None:
            yield _of_level(scope, f"c{number}", scope.contract.service_levels[credit.level], credit, None)
    for totals in (made.totals, *made.queues):
        yield from (_of_count(scope, totals, count) for count in COUNTS)


def _of_level(scope: _Scope, id: str, level: terms.ServiceLevel, row: rules.Row, queue: str | None) -> rules.Subject:
    title = f"{level.name}/{queue}" if queue else level.name
    values = _level_values(scope, level, [queue] if queue else level.of)
    return _subject(scope, id, title, row, sql.EXPRESSIONS[level.measure], sql.COUNTED, values)


def _of_count(scope: _Scope, totals: rules.Totals, count: str) -> rules.Subject:
    chosen = f"{sql.OF_PERIOD} AND {sql.COUNTS[count]}"
    if totals.queue is None:
        return _subject(scope, count, count, totals, "1", chosen, _values(scope, ()))
    chosen += " AND item.queue_id = ANY(%(queues)s::bigint[])"
    name = f"{count}/{totals.queue}"
    return _subject(scope, name, name, totals, "1", chosen, _values(scope, [totals.queue]))


def _subject(
    scope: _Scope, id: str, title: str, row: rules.Row, expression: str, chosen: str, values: Mapping[str, Any]
) -> rules.Subject:
    asked = sql.ITEMS.format(expression=expression, chosen=chosen)
    return rules.Subject(id, title, row, scope.version, scope.period.zone, asked, values)
