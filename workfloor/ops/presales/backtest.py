"""What a contract would have come to in months that are over, by the very rules that make a statement."""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workfloor.core.catalogue import entries
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.contracts import pricing
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.pricing import Price
from workfloor.core.contracts.terms import CalendarTerms, Contract
from workfloor.core.measures import catalogue
from workfloor.core.measures.catalogue import Excluded, Figure, Measured
from workfloor.kit.figures import money
from workfloor.kit.figures.money import Money
from workfloor.kit.time import calendars
from workfloor.ops.billing import settlement
from workfloor.ops.billing.settlement import Period, Totals
from workfloor.ops.presales import past_work
from workfloor.ops.presales.past_work import Records, Renames

_Judged = tuple[calendars.Window | None, catalogue.Figures]


@dataclass(frozen=True, slots=True)
class Source:
    """Where past work comes from: how it is called, in which months it lies, what it cannot tell."""

    name: str
    queues: tuple[str, ...]
    tells: frozenset[str] = frozenset()  # of FACTS
    delivers: frozenset[str] = frozenset()  # the prices under which hours or costs were approved, or could have been


@dataclass(frozen=True, slots=True)
class Month:
    """A month under a contract, as its statement would have had it; `days` are its targets day by day."""

    period: Period
    totals: Totals
    queues: tuple[Totals, ...]
    measures: tuple[Measured, ...]
    excluded: tuple[Excluded, ...]
    days: Mapping[int, tuple[tuple[date, Figure], ...]]  # by the number of the level
    lines: tuple[pricing.Line, ...]
    settled: settlement.Settled
    net: Money
    taxes: tuple[pricing.TaxLine, ...]
    total: Money

    @property
    def charges(self) -> Money:
        return self.settled.month.charges

    @property
    def credited(self) -> Money:
        """All credits together, those earned back taken off."""
        return self.charges - self.net


@dataclass(frozen=True, slots=True)
class Trial:
    """A contract tried on past months; `moved_by` says by how many months its dates were moved to hold them."""

    contract: Contract
    moved_by: int
    months: tuple[Month, ...]
    looks_back: int  # months before the first that its credits or windows would have asked for, and that nobody knows


# --- Whether it can be told at all --------------------------------------------------------------------------------

Wrong = tuple[str, str]  # place in the contract's file, what is wrong
# That an event log tells, and an export does not.
FACTS = ("dispositions", "cases", "customers", "transfers", "holds", "events", "deliveries")
_ASK = "Take a client's own event log, --client, or take it out of a copy."


def faults(contract: Contract, source: Source, renames: Renames, last: str) -> Iterator[Wrong]:
    """Yield everything that past work does not tell, and that this contract would need up to a last month."""
    if f"{contract.ends_on:%Y-%m}" < last:
        yield "contract.ends_on", f"the term is over before {last}: try fewer months, or another --begins."
    if f"{contract.starts_on:%Y-%m}" > last:
        yield "contract.starts_on", f"the term begins only after {last}: take an earlier --begins."
    yield from _faults_of_queues(contract, source, renames)
    yield from _faults_of_levels(contract, source)
    for number, price in enumerate(contract.prices):
        if price.counts == "delivered" and "deliveries" not in source.tells:
            message = f"charges “{price.title}” by what both sides approve, which {source.name} does not tell. {_ASK}"
            yield f"prices[{number}].unit", message
        elif price.counts == "delivered" and price.title not in source.delivers:
            known = ", ".join(sorted(source.delivers)) or "none"
            message = f"{source.name} has no hours or costs under “{price.title}”; it has {known}. Call the price so."
            yield f"prices[{number}].title", message
        if price.counts == "disposed" and "dispositions" not in source.tells:
            message = f"charges “{price.title}” by disposition, which {source.name} does not tell. {_ASK}"
            yield f"prices[{number}].unit", message


def _faults_of_levels(contract: Contract, source: Source) -> Iterator[Wrong]:
    for number, level in enumerate(contract.service_levels):
        needs = entries.BY_NAME[level.measure].needs
        if needs and needs.fact not in source.tells:
            message = f"{level.measure} {needs.words}, which {source.name} does not tell. {_ASK}"
            yield f"service_levels[{number}].measure", message
        if level.exclude and "events" not in source.tells:
            message = f"{source.name} does not tell of {', '.join(level.exclude)}. {_ASK}"
            yield f"service_levels[{number}].exclude", message


def _faults_of_queues(contract: Contract, source: Source, renames: Renames) -> Iterator[Wrong]:
    filled = {name for queue in source.queues for name in past_work.homes(contract, queue, renames)}
    known = contract.queues()
    for i, process in enumerate(contract.processes):
        for j, queue in enumerate(process.queues):
            if queue.name not in filled and queue.name not in renames.get(past_work.NOWHERE, ()):
                message = (
                    f"no past work was in {queue.name}. Say which queue it was, --queue OLD={queue.name}, or that "
                    f"there was none, --queue ={queue.name}."
                )
                yield f"processes[{i}].queues[{j}].name", message
    for old in source.queues:
        homes = past_work.homes(contract, old, renames)
        if not homes:
            message = f"has no queue for past work in {old}. Say what it is now, --queue {old}=NEW, or leave it out, "
            yield "processes", f"{message}--queue {old}=; its queues are {', '.join(known)}."
        elif len(homes) > 1:
            yield "processes", f"{old} is to be {' and '.join(homes)}; past work cannot be told apart."


# --- The months ---------------------------------------------------------------------------------------------------


def holding(contract: Contract, first: str, last: str, begins: str | None = None) -> tuple[Contract, int]:
    """Return the contract with its dates moved so that its term holds months such as `1999-02`, and by how many.

    It stays where it is when its term has the months already; else it begins in `begins`, or in the first of them.
    """
    since, until = _number_of(f"{contract.starts_on:%Y-%m}"), _number_of(f"{contract.ends_on:%Y-%m}")
    if begins is None and since <= _number_of(first) and _number_of(last) <= until:
        return contract, 0
    by = _number_of(begins or first) - since
    moved = _moved(contract, by)
    assert isinstance(moved, Contract)
    return replace(moved, starts_on=moved.starts_on.replace(day=1)), by


def _number_of(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def between(first: str, last: str) -> list[str]:
    """Return the names of all months from one such as `1999-02` to another."""
    return [_name_of(number) for number in range(_number_of(first), _number_of(last) + 1)]


def _name_of(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


def _moved(terms: Any, months: int) -> Any:
    """Move every date in terms by whole months; calendars stay, for their holidays are where they are."""
    if isinstance(terms, date):
        year, month = divmod(terms.year * 12 + terms.month - 1 + months, 12)
        return date(year, month + 1, min(terms.day, monthrange(year, month + 1)[1]))
    if isinstance(terms, tuple):
        return tuple(_moved(each, months) for each in terms)
    if isinstance(terms, Mapping):
        return {key: _moved(each, months) for key, each in terms.items()}
    if is_dataclass(terms) and not isinstance(terms, CalendarTerms | type):
        return replace(terms, **{each.name: _moved(getattr(terms, each.name), months) for each in fields(terms)})
    return terms


def periods(contract: Contract, first: str, last: str, known_from: str | None = None) -> list[Period]:
    """Return the months that a trial runs through: from the first, or from as far before it as the contract looks back.

    Nothing is known before `known_from`; None where past work is known from its very beginning.
    """
    begins = min(max(_looked_at(contract, first), _number_of(known_from) if known_from else 0), _number_of(first))
    return [_period(contract, _name_of(number)) for number in range(begins, _number_of(last) + 1)]


def unknown_months(contract: Contract, first: str, known_from: str | None) -> int:
    """Return how many months of the term its credits and windows would look back on that nobody knows."""
    return max(0, _number_of(known_from) - _looked_at(contract, first)) if known_from else 0


def _looked_at(contract: Contract, first: str) -> int:
    """The number of the earliest month that a first month depends on; none lies before the term."""
    reach = settlement.months_behind(contract) + max(map(_months_of, contract.service_levels), default=1) - 1
    return max(_number_of(first) - reach, _number_of(f"{contract.starts_on:%Y-%m}"))


def _months_of(level: ServiceLevel) -> int:
    named = {"day": 1, "week": 1, "month": 1, "quarter": 3, "year": 12}
    return named.get(level.window) or int(level.window.split()[0])


def _period(contract: Contract, name: str) -> Period:
    """Cut a month to the contract's term, as its statement does."""
    starts_at, ends_at = calendars.period_bounds(name, contract.zone)
    begins = calendars.instant(contract.starts_on, time(0), contract.zone)
    ended = calendars.instant(contract.ends_on + timedelta(days=1), time(0), contract.zone)
    return Period(name, contract.zone, max(starts_at, begins), min(ends_at, ended), "over")


# --- One contract, month after month -------------------------------------------------------------------------------


def tried(contract: Contract, over: Sequence[Period], records: Records, renames: Renames, now: datetime) -> list[Month]:
    """Compute each month in its order, so that what looks back sees those before it."""
    made: list[_Unsettled] = []
    for period in over:
        made.append(_unsettled(_Work(contract, records, renames, now), period, made))
    settled = settlement.settle(each.month for each in made)
    return [_month(contract, *each) for each in zip(made, settled, strict=True)]


@dataclass(frozen=True, slots=True)
class _Work:
    contract: Contract
    records: Records
    renames: Renames
    now: datetime


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A month before its credits: what was measured and charged; `parts` are what it adds to longer windows."""

    period: Period
    totals: tuple[Totals, ...]
    parts: tuple[past_work.Parts, ...]
    judged: tuple[_Judged, ...]
    days: Mapping[int, tuple[tuple[date, Figure], ...]]
    lines: tuple[pricing.Line, ...]
    month: settlement.Month


def _unsettled(work: _Work, period: Period, before: Sequence[_Unsettled]) -> _Unsettled:
    day = calendars.day_of(period.starts_at, period.zone)
    agreed = work.contract.on(day)
    seen = _seen(work, agreed, period)
    items = seen.between(period.starts_at, period.ends_at)
    own = tuple(_own_parts(seen, level, period) for level in agreed.service_levels)
    judged = tuple(_judged(seen, number, period, own[number], before) for number in range(len(own)))
    delivered = work.records.delivered(period.starts_at, period.ends_at)
    lines = tuple(settlement.lines(agreed, [_quantity(price, items, delivered) for price in agreed.prices], day))
    attained = [figures[None].attained if window and window.is_due else None for window, figures in judged]
    month = settlement.month(agreed, period.name, lines, attained)
    with_target = [number for number, level in enumerate(agreed.service_levels) if level.expected is not None]
    days = {number: tuple(_by_day(seen, agreed.service_levels[number], period)) for number in with_target}
    return _Unsettled(period, tuple(_totals(items)), own, judged, days, lines, month)


def _seen(work: _Work, contract: Contract, period: Period) -> past_work.Seen:
    """See a month; from before it where a week or a band of it begins earlier; and what lasts in its windows."""
    levels = contract.service_levels
    since = _earliest(contract, (level for level in levels if _months_of(level) == 1), period, work.now)
    if any(level.above_forecast is not None for level in levels):
        first = calendars.day_of(since, period.zone).replace(day=1)
        since = calendars.instant(first, time(0), period.zone)
    window = calendars.Window(period.name, since, period.ends_at)
    lasting_since = min(since, _earliest(contract, levels, period, work.now))
    return past_work.seen(contract, work.records, work.renames, window, work.now, lasting_since)


def _earliest(contract: Contract, levels: Iterable[ServiceLevel], period: Period, now: datetime) -> datetime:
    every = (each for level in levels for each in catalogue.windows(contract, level, period.name, now))
    return min([period.starts_at, *(window.starts_at for window in every)])


def _quantity(price: Price, items: Iterable[Outcome], delivered: Mapping[str, Decimal]) -> Fraction:
    return Fraction(delivered.get(price.title, 0)) + sum(catalogue.quantity(price, item) or 0 for item in items)


def _own_parts(seen: past_work.Seen, level: ServiceLevel, period: Period) -> past_work.Parts:
    """What the month adds to a window of several; nothing where the window is not longer."""
    if _months_of(level) == 1 or level.measure == "availability":
        return {}
    return past_work.parts(seen, level, calendars.Window(period.name, period.starts_at, period.ends_at))


def _judged(
    seen: past_work.Seen, number: int, period: Period, own: past_work.Parts, before: Sequence[_Unsettled]
) -> _Judged:
    level = seen.contract.service_levels[number]
    found = []
    for window in catalogue.windows(seen.contract, level, period.name, seen.now):
        several = [past_work.parts(seen, level, window)]
        if own:
            several = [each.parts[number] for each in before if each.period.starts_at >= window.starts_at]
            several.append(own)
        found.append((window, past_work.together(level, several)))
    return catalogue.judged(level, found)


def _by_day(seen: past_work.Seen, level: ServiceLevel, period: Period) -> Iterator[tuple[date, Figure]]:
    first, last = (calendars.day_of(at, period.zone) for at in (period.starts_at, period.ends_at))
    for window in calendars.windows("day", period.name, period.zone, first, last - calendars.DAY):
        yield date.fromisoformat(window.name), past_work.parts(seen, level, window, ())[None].figure


def _month(contract: Contract, made: _Unsettled, settled: settlement.Settled) -> Month:
    measures = tuple(row for number in range(len(made.judged)) for row in _measured(made, settled, number))
    net = settlement.due(made.lines, settled.credits, contract.currency)
    tax = contract.credits.tax if contract.credits else None
    taxes = tuple(pricing.taxes(contract.book, made.lines, settled.month.charges - net, tax))
    total = net + money.total((each.amount for each in taxes), contract.currency)
    everything, *queues = made.totals
    excluded = tuple(
        Excluded(f"x{row.id[1:]}", row.level, row.window, row.figure.excluded)
        for row in measures
        if row.queue is None and row.window and row.figure.excluded
    )
    return Month(
        made.period, everything, tuple(queues), measures, excluded, made.days, made.lines, settled, net, taxes, total
    )


def _measured(made: _Unsettled, settled: settlement.Settled, number: int) -> Iterator[Measured]:
    level, (window, figures) = settled.levels[number], made.judged[number]
    yield Measured(f"m{number + 1}", level, None, figures[None], settled.verdicts[number], window)
    for queue in level.of:
        own = figures.get(queue) or catalogue.nothing(level)
        yield Measured(f"m{number + 1}/{queue}", level, queue, own, window=window)


def _totals(items: Iterable[Outcome]) -> Iterator[Totals]:
    """Count all items, then those of each queue that had some, in the order of their names."""
    by_queue: dict[str, list[Outcome]] = {}
    for item in items:
        by_queue.setdefault(item.queue, []).append(item)
    yield _counted(None, [item for own in by_queue.values() for item in own])
    yield from (_counted(queue, own) for queue, own in sorted(by_queue.items()))


def _counted(queue: str | None, items: Sequence[Outcome]) -> Totals:
    there = [item for item in items if not item.cancelled_at]
    answered = [item for item in there if item.connected_at]
    return Totals(
        queue=queue,
        received=len(items),
        answered=len(answered),
        abandoned=sum(not item.connected_at and item.abandoned_at is not None for item in there),
        cancelled=len(items) - len(there),
        talk_seconds=sum(item.talk_seconds for item in answered),
        hold_seconds=sum(item.hold_seconds for item in answered),
        wrap_seconds=sum(item.wrap_seconds for item in answered),
    )
