"""What a contract would have come to in months that are over, by the very rules that make a statement."""

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from workfloor.core.charges import rules as charges
from workfloor.core.contracts import rules as contracts
from workfloor.core.contracts.rules import CalendarTerms, Contract, ServiceLevel
from workfloor.core.credits import rules as credits
from workfloor.core.measures import rules as measuring
from workfloor.core.measures.rules import Figure, Outcome
from workfloor.kit import calendars, money
from workfloor.kit.money import Money
from workfloor.ops.billing import rules as billing
from workfloor.ops.billing.rules import Measured, Period, Totals

Span = tuple[datetime, datetime]
NOWHERE = ""  # the queue of past work that is left out, and of a queue that had none


@dataclass(frozen=True, slots=True)
class Past:
    """A piece of past work: what became of it, under no contract yet; `pauses` are when the customer owed an answer."""

    outcome: Outcome
    ended_at: datetime | None = None
    pauses: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where past work comes from: how it is called, in which months it lies, what it cannot tell."""

    name: str
    queues: tuple[str, ...]
    tells_dispositions: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month under a contract, as its statement would have had it; `days` are its promises day by day."""

    period: Period
    totals: Totals
    queues: tuple[Totals, ...]
    measures: tuple[Measured, ...]
    days: Mapping[int, tuple[tuple[date, Figure], ...]]  # by the number of the level
    lines: tuple[billing.Line, ...]
    settled: credits.Settled
    net: Money
    taxes: tuple[charges.TaxLine, ...]
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
    looks_back: int  # months before the first that its credits would have asked for, and that nobody knows


# --- Whether it can be told at all --------------------------------------------------------------------------------

Renames = Mapping[str, tuple[str, ...]]  # what a past queue is called now; NOWHERE: left out
Wrong = tuple[str, str]  # place in the contract's file, what is wrong


def faults(contract: Contract, source: Source, renames: Renames, last: str) -> Iterator[Wrong]:
    """Yield everything that past work does not tell, and that this contract would need up to a last month."""
    if f"{contract.ends_on:%Y-%m}" < last:
        yield "contract.ends_on", f"the term is over before {last}: try fewer months, or another --begins."
    if f"{contract.starts_on:%Y-%m}" > last:
        yield "contract.starts_on", f"the term begins only after {last}: take an earlier --begins."
    yield from _faults_of_queues(contract, source, renames)
    yield from _faults_of_levels(contract)
    for number, price in enumerate(contract.prices):
        if price.counts == "delivered":
            message = f"charges “{price.title}” by what both sides approve, which past work does not tell."
            yield f"prices[{number}].unit", message
        if price.counts == "disposed" and not source.tells_dispositions:
            message = f"charges “{price.title}” by disposition, which {source.name} does not tell."
            yield f"prices[{number}].unit", message


_TOLD = ("answered-within", "abandoned", "speed-of-answer", "handled-time", "resolved-within", "volume")


def _faults_of_levels(contract: Contract) -> Iterator[Wrong]:
    for number, level in enumerate(contract.service_levels):
        place = f"service_levels[{number}]"
        if level.measure not in _TOLD:
            yield f"{place}.measure", f"{level.measure} is not tried on past months; tried are {', '.join(_TOLD)}."
        if level.window != "month":
            yield f"{place}.window", "is not tried on past months; only levels by the month are."
        if level.hours:
            yield f"{place}.hours", "are not tried on past months."
        if level.exclude or level.above_forecast is not None:
            message = "what is left out is not tried on past months; take exclude out of a copy to see it without."
            yield f"{place}.exclude", message


def _faults_of_queues(contract: Contract, source: Source, renames: Renames) -> Iterator[Wrong]:
    filled = {name for queue in source.queues for name in _homes(contract, queue, renames)}
    known = contract.queues()
    for i, process in enumerate(contract.processes):
        for j, queue in enumerate(process.queues):
            if queue.name not in filled and queue.name not in renames.get(NOWHERE, ()):
                message = (
                    f"no past work was in {queue.name}. Say which queue it was, --queue OLD={queue.name}, or that "
                    f"there was none, --queue ={queue.name}."
                )
                yield f"processes[{i}].queues[{j}].name", message
    for old in source.queues:
        homes = _homes(contract, old, renames)
        if not homes:
            message = f"has no queue for past work in {old}. Say what it is now, --queue {old}=NEW, or leave it out, "
            yield "processes", f"{message}--queue {old}=; its queues are {', '.join(known)}."
        elif len(homes) > 1:
            yield "processes", f"{old} is to be {' and '.join(homes)}; past work cannot be told apart."


def _homes(contract: Contract, queue: str, renames: Renames) -> list[str]:
    """Return what a past queue is in the contract: NOWHERE where it is left out; none, or several, is a fault."""
    known = contract.queues()
    named = [name for name in renames.get(queue, ()) if name in known or name == NOWHERE]
    return named or ([queue] if queue in known else [])


def home(contract: Contract, queue: str, renames: Renames) -> str:
    """Return what a past queue is called in the contract, NOWHERE where its work is left out."""
    return next(iter(_homes(contract, queue, renames)), NOWHERE)


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
    """Return the months that a trial runs through: from the first, or from as far before it as credits look back.

    Nothing is known before `known_from`; None where past work is known from its very beginning.
    """
    since = _number_of(f"{contract.starts_on:%Y-%m}")
    if known_from:
        since = max(since, _number_of(known_from))
    begins = max(_number_of(first) - billing.months_behind(contract), min(since, _number_of(first)))
    return [_period(contract, _name_of(number)) for number in range(begins, _number_of(last) + 1)]


def unknown_months(contract: Contract, over: Sequence[Period]) -> int:
    """Return how many months of the term before the first one its credits would look back on."""
    begun = _number_of(over[0].name) - _number_of(f"{contract.starts_on:%Y-%m}")
    return min(billing.months_behind(contract), max(begun, 0)) if begun else 0


def _period(contract: Contract, name: str) -> Period:
    """Cut a month to the contract's term, as its statement does."""
    starts_at, ends_at = calendars.period_bounds(name, contract.zone)
    begins = calendars.instant(contract.starts_on, time(0), contract.zone)
    ended = calendars.instant(contract.ends_on + timedelta(days=1), time(0), contract.zone)
    return Period(name, contract.zone, max(starts_at, begins), min(ends_at, ended), "over")


# --- One contract, month after month -------------------------------------------------------------------------------

Given = Callable[[Period], Iterable[Past]]


def tried(contract: Contract, over: Sequence[Period], given: Given, renames: Renames, now: datetime) -> list[Month]:
    """Compute each month in its order, so that what looks back sees those before it; `given` are its items."""
    unsettled = [_unsettled(contract, period, given(period), renames, now) for period in over]
    settled = credits.settle(each.month for each in unsettled)
    return [_month(contract, *each) for each in zip(unsettled, settled, strict=True)]


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A month before its credits: what was measured and charged."""

    period: Period
    totals: tuple[Totals, ...]
    figures: tuple[Mapping[str | None, Figure], ...]
    days: Mapping[int, tuple[tuple[date, Figure], ...]]
    lines: tuple[billing.Line, ...]
    month: credits.Month


def _unsettled(
    contract: Contract, period: Period, given: Iterable[Past], renames: Renames, now: datetime
) -> _Unsettled:
    day = period.starts_at.astimezone(ZoneInfo(period.zone)).date()
    agreed = contract.on(day)
    items = list(_seen(agreed, given, renames))
    late = [_late(agreed, level, items, now) for level in agreed.service_levels]
    figures = tuple(
        {None: measuring.figure(level, items, gone)}
        | {queue: measuring.figure(replace(level, of=(queue,)), items, gone) for queue in level.of}
        for level, gone in zip(agreed.service_levels, late, strict=True)
    )
    counted = [sum(measuring.quantity(price, item) or 0 for item in items) for price in agreed.prices]
    lines = tuple(billing.lines(agreed, counted, day))
    month = billing.month(agreed, period.name, lines, [each[None].attained for each in figures])
    days = {
        number: tuple(_by_day(level, items, late[number], period))
        for number, level in enumerate(agreed.service_levels)
        if level.expected is not None
    }
    return _Unsettled(period, tuple(_totals(items)), figures, days, lines, month)


def _month(contract: Contract, made: _Unsettled, settled: credits.Settled) -> Month:
    window = calendars.Window(made.period.name, made.period.starts_at, made.period.ends_at)
    measures = [
        Measured(
            f"m{number + 1}" + (f"/{queue}" if queue else ""), level, queue, figure, None if queue else verdict, window
        )
        for number, (level, verdict, by_queue) in enumerate(
            zip(settled.levels, settled.verdicts, made.figures, strict=True)
        )
        for queue, figure in by_queue.items()
    ]
    net = billing.due(made.lines, settled.credits, contract.currency)
    tax = contract.credits.tax if contract.credits else None
    taxes = tuple(charges.taxes(contract.book, made.lines, settled.month.charges - net, tax))
    total = net + money.total((each.amount for each in taxes), contract.currency)
    everything, *queues = made.totals
    return Month(
        made.period, everything, tuple(queues), tuple(measures), made.days, made.lines, settled, net, taxes, total
    )


def _seen(contract: Contract, given: Iterable[Past], renames: Renames) -> Iterator[Outcome]:
    """See past work under a contract: in its queues, and with its own working time where that is promised."""
    timed = {
        queue: contracts.calendar_of(contract, queue)
        for level in contract.service_levels
        if level.measure == "resolved-within"
        for queue in level.of
    }
    homes: dict[str, str] = {}
    for past in given:
        old = past.outcome.queue
        queue = homes.setdefault(old, home(contract, old, renames))
        if queue in timed:
            yield _timed(past, queue, partial(calendars.working_seconds, timed[queue]))
        elif queue:
            yield past.outcome if queue == old else replace(past.outcome, queue=queue)


def _timed(past: Past, queue: str, working: Callable[[datetime, datetime], int]) -> Outcome:
    """Count working time from received to resolved, and in the customer's pauses, each pause in whole seconds."""
    paused = sum(working(*pause) for pause in past.pauses)
    spent = working(past.outcome.received_at, past.ended_at) - paused if past.ended_at else None
    return replace(past.outcome, queue=queue, working_seconds=spent, paused_seconds=paused)


def _late(contract: Contract, level: ServiceLevel, items: Iterable[Outcome], now: datetime) -> set[int]:
    working = {queue: partial(calendars.working_seconds, contracts.calendar_of(contract, queue)) for queue in level.of}
    return {
        item.item_id
        for item in items
        if _is_open(item) and item.queue in working and measuring.is_late(level, item, now, working[item.queue])
    }


def _is_open(item: Outcome) -> bool:
    return not (item.done or item.abandoned_at or item.cancelled_at)


def _by_day(
    level: ServiceLevel, items: Iterable[Outcome], late: set[int], period: Period
) -> Iterator[tuple[date, Figure]]:
    zone, own = ZoneInfo(period.zone), dict[date, list[Outcome]]()
    for item in items:
        if item.queue in level.of:
            own.setdefault(item.received_at.astimezone(zone).date(), []).append(item)
    day, after = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
    while day < after:
        yield day, measuring.figure(level, own.get(day, ()), late)
        day += timedelta(days=1)


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
        excluded=len(items) - len(there),
        talk_seconds=sum(item.talk_seconds for item in answered),
        hold_seconds=sum(item.hold_seconds for item in answered),
        wrap_seconds=sum(item.wrap_seconds for item in answered),
    )
