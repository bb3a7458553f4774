"""What a contract says, as plain values, and the checks that no single clause can fail alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Literal

from workfloor.core.charges import rules as charges
from workfloor.core.charges.rules import Book
from workfloor.core.charges.rules import Price as Price
from workfloor.core.charges.rules import Tier as Tier
from workfloor.core.parties import rules as parties
from workfloor.core.promises import rules as promises
from workfloor.core.promises.rules import Credits as Credits
from workfloor.core.promises.rules import Forecast, Termination
from workfloor.core.promises.rules import ServiceLevel as ServiceLevel
from workfloor.kit import calendars, money

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class CalendarTerms:
    """Working hours as agreed; a span is (start, end) local time, end 00:00 meaning midnight at the end."""

    name: str
    zone: str
    week: Mapping[Weekday, tuple[tuple[time, time], ...]]
    holidays: str | None = None  # country, or country-subdivision, of the `holidays` package
    closed_on: tuple[date, ...] = ()
    open_on: tuple[date, ...] = ()  # worked like an ordinary weekday although a holiday


@dataclass(frozen=True, slots=True)
class Ring:
    """After so long a wait, these skills suffice at these lower levels; level 0 lifts the requirement."""

    after_seconds: int
    requires: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Queue:
    """Where work waits: who may take it, how urgent it is, by when it is due (in working time)."""

    name: str
    title: str
    requires: Mapping[str, int]  # skill -> level, 1 to 5
    relax: tuple[Ring, ...] = ()
    priority: int = 0  # higher is more urgent
    answer_within_seconds: int | None = None
    resolve_within_seconds: int | None = None
    offer_seconds: int = 20  # how long one agent may leave an offer open
    at_once: int = 1  # how many such items one agent may hold; divides 60
    reopen_within_seconds: int = 14 * 86400  # after its resolution, for a customer who writes again
    keep_for_seconds: int | None = None  # how long work of a case is kept for whoever knows it
    yields: bool = False  # may be put aside for work that interrupts
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    title: str
    kind: str
    location: str
    calendar: str
    dispositions: tuple[str, ...]
    queues: tuple[Queue, ...]
    letter: Mapping[str, str] = field(default_factory=dict)  # opening and closing of every written reply
    keep_clear: tuple[str, ...] = ()  # kinds of number (kit.masks.KINDS) that are kept as they were typed


@dataclass(frozen=True, slots=True)
class Contract:
    client: str
    title: str
    signed_on: date
    starts_on: date
    ends_on: date  # the last day
    currency: str
    zone: str
    country: str
    rounding: str  # a name of kit.money.ROUNDINGS
    calendars: Mapping[str, CalendarTerms] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    credits: Credits | None = None
    prices: tuple[Price, ...] = ()
    terminations: tuple[Termination, ...] = ()
    indexation: Mapping[str, charges.Indexation] = field(default_factory=dict)
    taxes: Mapping[str, charges.Tax] = field(default_factory=dict)
    billing: parties.Billing | None = None
    currencies: Mapping[str, tuple[charges.Exchange, ...]] = field(default_factory=dict)
    forecasts: tuple[Forecast, ...] = ()

    @property
    def book(self) -> Book:
        """What all prices share."""
        return Book(self.currency, self.rounding, self.starts_on, self.indexation, self.taxes, self.currencies)

    def on(self, day: date) -> "Contract":
        """Return the contract with its levels as they are promised on a day."""
        return replace(self, service_levels=tuple(promises.on(level, day) for level in self.service_levels))

    def queues(self) -> dict[str, Queue]:
        return {queue.name: queue for process in self.processes for queue in process.queues}


def requirements(queue: Queue, waited_seconds: float) -> dict[str, int]:
    """Return skill -> level that an item asks for after waiting so long."""
    levels = dict(queue.requires)
    for ring in queue.relax:
        if waited_seconds >= ring.after_seconds:
            levels.update(ring.requires)
    return {skill: level for skill, level in levels.items() if level > 0}


# Checks across clauses


@dataclass(frozen=True, slots=True)
class Fault:
    """What no schema sees: `because` names the other places that it follows from."""

    place: str
    message: str
    because: tuple[str, ...] = ()


def check(contract: Contract) -> list[Fault]:
    """Return everything that is wrong with a contract whose clauses are each well-formed."""
    first = (_check_head, _check_calendars, _check_processes)
    then = (_check_levels, _check_hours, _check_forecasts, _check_prices)
    return [fault for one in first + then for fault in one(contract)]


def check_amendment(before: Contract, after: Contract) -> list[Fault]:
    """Return what an amendment may not change: every figure and every item of the past hangs on it."""
    found = [
        Fault(f"contract.{term}", f"cannot change in an amendment; it is {getattr(before, term)}.")
        for term in ("currency", "zone", "starts_on")
        if getattr(before, term) != getattr(after, term)
    ]
    home = {queue.name: process.name for process in before.processes for queue in process.queues}
    for i, process in enumerate(after.processes):
        for j, queue in enumerate(process.queues):
            if (old := home.get(queue.name, process.name)) != process.name:
                message = f"{queue.name} is a queue of {old}; give the new queue another name."
                found.append(Fault(f"processes[{i}].queues[{j}].name", message, (f"processes[{i}].name",)))
    return found


_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def _check_head(contract: Contract) -> Iterator[Fault]:
    days = {name: getattr(contract, name) for name in ("signed_on", "starts_on", "ends_on")}
    for name, day in days.items():
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            yield Fault(f"contract.{name}", f"{day} is no year to have a contract in.")
    for earlier in ("starts_on", "signed_on"):
        if days[earlier] > contract.ends_on:
            message = f"the term ends on {contract.ends_on}, before {earlier} ({days[earlier]})."
            yield Fault("contract.ends_on", message, (f"contract.{earlier}",))
    if contract.currency not in money.MINOR_UNITS:
        yield Fault("contract.currency", f"{contract.currency} is no currency of ISO 4217.")
    if contract.zone not in calendars.zones():
        yield Fault("contract.zone", f"{contract.zone} is no time zone; write one such as Europe/Berlin.")
    if contract.country not in calendars.countries():
        yield Fault("contract.country", f"{contract.country} is no country of ISO 3166.")
    if contract.billing:
        yield from (Fault(*wrong) for wrong in parties.check(contract.billing, calendars.countries()))


def _check_calendars(contract: Contract) -> Iterator[Fault]:
    for name, terms in contract.calendars.items():
        place = f"calendars.{name}"
        if terms.zone not in calendars.zones() and terms.zone != contract.zone:
            yield Fault(f"{place}.zone", f"{terms.zone} is no time zone; write one such as Europe/Berlin.")
        if terms.holidays and not calendars.holiday_calendar_exists(terms.holidays):
            yield Fault(f"{place}.holidays", f"there is no calendar of public holidays for {terms.holidays}.")
        for index, day in enumerate(terms.open_on):
            if day in terms.closed_on:
                yield Fault(f"{place}.open_on[{index}]", f"{day} is closed too.", (f"{place}.closed_on",))
            elif WEEKDAYS[day.weekday()] not in terms.week:
                message = f"{day} is a {WEEKDAYS[day.weekday()]}, for which the week has no hours."
                yield Fault(f"{place}.open_on[{index}]", message, (f"{place}.week",))
        yield from _check_spans(place, terms)
        if _never_open(contract, terms):
            because = ("contract.starts_on", "contract.ends_on", f"{place}.holidays", f"{place}.closed_on")
            yield Fault(f"{place}.week", "is never open within the term: nobody could ever work.", because)


def _check_spans(place: str, terms: CalendarTerms) -> Iterator[Fault]:
    """Look for spans of the week that run into the next one; the last runs into the first."""
    day = 24 * 60
    found = []
    for weekday, spans in terms.week.items():
        for index, (opens, closes) in enumerate(spans):
            first = WEEKDAYS.index(weekday) * day + opens.hour * 60 + opens.minute
            length = (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
            found.append((first, first + (length if length > 0 else length + day), weekday, index))
    found.sort()
    for (_, end, weekday, before), (start, _, later, index) in pairwise(found):
        if end > start:
            message = f"overlaps a span of {weekday} that ends later."
            yield Fault(f"{place}.week.{later}[{index}]", message, (f"{place}.week.{weekday}[{before}]",))
    if len(found) > 1 and found[-1][1] - 7 * day > found[0][0]:
        (_, _, weekday, index), (_, _, last, before) = found[0], found[-1]
        message = f"overlaps a span of {last} that ends later."
        yield Fault(f"{place}.week.{weekday}[{index}]", message, (f"{place}.week.{last}[{before}]",))


def _never_open(contract: Contract, terms: CalendarTerms) -> bool:
    sensible = all(_FIRST_YEAR <= day.year <= _LAST_YEAR for day in (contract.starts_on, contract.ends_on))
    known = terms.holidays is None or calendars.holiday_calendar_exists(terms.holidays)
    if not (sensible and known and terms.zone in calendars.zones()):
        return False  # each of these is a fault of its own
    start = calendars.instant(contract.starts_on, time(0), terms.zone)
    end = calendars.instant(contract.ends_on + timedelta(days=1), time(0), terms.zone)
    try:
        return start < end < calendars.add_working(calendar(terms), start, 1)
    except calendars.NeverOpen:
        return True


def calendar(terms: CalendarTerms) -> calendars.Calendar:
    """Return the terms as a calendar that working time is counted by."""
    return calendars.Calendar(
        zone=terms.zone,
        week={WEEKDAYS.index(day): spans for day, spans in terms.week.items()},
        holidays=terms.holidays,
        closed_on=frozenset(terms.closed_on),
        open_on=frozenset(terms.open_on),
    )


def calendar_of(contract: Contract, queue: str) -> calendars.Calendar:
    """Return the calendar that a queue's promises in working time run in."""
    process = next(one for one in contract.processes if any(each.name == queue for each in one.queues))
    return calendar(contract.calendars[process.calendar])


def _check_processes(contract: Contract) -> Iterator[Fault]:
    queues = [
        (f"processes[{i}].queues[{j}]", queue)
        for i, process in enumerate(contract.processes)
        for j, queue in enumerate(process.queues)
    ]
    yield from _twice([(f"processes[{i}].name", one.name) for i, one in enumerate(contract.processes)])
    yield from _twice([(f"{place}.name", queue.name) for place, queue in queues])
    for i, process in enumerate(contract.processes):
        if process.calendar not in contract.calendars:
            message = f"there is no calendar {process.calendar}; there is {', '.join(contract.calendars)}."
            yield Fault(f"processes[{i}].calendar", message, ("calendars",))
        yield from _twice([(f"processes[{i}].dispositions[{j}]", d) for j, d in enumerate(process.dispositions)])
        yield from _check_letter(f"processes[{i}].letter", process.letter)
    for place, queue in queues:
        yield from _check_queue(place, queue)
    kinds = (process.kind for process in contract.processes for _ in process.queues)
    for kind, (place, queue) in zip(kinds, queues, strict=True):
        yield from _check_interruption(place, kind, queue)


# Nobody is left on the line for the sake of somebody else.
_ON_THE_LINE = ("inbound-voice", "outbound-voice", "chat", "technical-support")


def _check_interruption(place: str, kind: str, queue: Queue) -> Iterator[Fault]:
    if queue.yields and kind in _ON_THE_LINE:
        message = f"cannot be for {kind}: a customer is on the line and is not put aside. Take it out."
        yield Fault(f"{place}.yields", message, (f"{place.rpartition('.')[0]}.kind",))
    if queue.yields and queue.interrupts:
        yield Fault(f"{place}.yields", "contradicts interrupts: keep one of the two.", (f"{place}.interrupts",))


FILLED_IN = ("customer", "agent", "client", "case")


def _check_letter(place: str, letter: Mapping[str, str]) -> Iterator[Fault]:
    for part, text in letter.items():
        for name in re.findall(r"\{([^{}]*)\}", text):
            if name not in FILLED_IN:
                known = ", ".join(f"{{{one}}}" for one in FILLED_IN)
                yield Fault(f"{place}.{part}", f"nothing fills in {{{name}}}; there is {known}.")


def _twice(named: Sequence[tuple[str, str]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for place, name in named:
        if name in first:
            yield Fault(place, f"{name} is there twice; the first is at {first[name]}.", (first[name],))
        first.setdefault(name, place)


def _check_queue(place: str, queue: Queue) -> Iterator[Fault]:
    answer, resolve = queue.answer_within_seconds, queue.resolve_within_seconds
    for key, seconds in (("answer_within", answer), ("resolve_within", resolve)):
        if seconds == 0:
            yield Fault(f"{place}.{key}", "is no time at all: nobody could ever be that fast.")
    if answer and resolve and answer > resolve:
        message = "an item would be due resolved before it is due answered."
        yield Fault(f"{place}.resolve_within", message, (f"{place}.answer_within",))
    asked, waited = dict(queue.requires), -1
    for number, ring in enumerate(queue.relax):
        here = f"{place}.relax[{number}]"
        if ring.after_seconds <= waited:
            yield Fault(f"{here}.after", "must be later than the ring before it.", (f"{place}.relax",))
        for skill, level in ring.requires.items():
            if level >= asked.get(skill, 0):
                now = f"level {asked[skill]} is asked already" if skill in asked else "is not asked at all"
                message = f"a ring can only lower what is asked: {skill} {now}."
                yield Fault(f"{here}.{skill}", message, (f"{place}.requires",))
        asked, waited = asked | dict(ring.requires), ring.after_seconds


def _check_levels(contract: Contract) -> Iterator[Fault]:
    levels = [(f"service_levels[{i}]", level) for i, level in enumerate(contract.service_levels)]
    yield from _twice([(f"{place}.name", level.name) for place, level in levels])
    for place, level in levels:
        yield from _check_of(contract, place, level.of)
        if level.threshold_seconds == 0:
            yield Fault(f"{place}.threshold", "is no time at all: nobody could ever be that fast.")
    for wrong in promises.check(contract.service_levels, contract.credits, contract.terminations):
        yield Fault(*wrong)


def _check_hours(contract: Contract) -> Iterator[Fault]:
    for number, level in enumerate(contract.service_levels):
        if level.hours and level.hours not in contract.calendars:
            message = f"there is no calendar {level.hours}; there is {', '.join(contract.calendars)}."
            yield Fault(f"service_levels[{number}].hours", message, ("calendars",))


def _check_forecasts(contract: Contract) -> Iterator[Fault]:
    for number, forecast in enumerate(contract.forecasts):
        place = f"forecasts[{number}]"
        yield from _check_of(contract, place, forecast.of)
        if (forecast.month is None) == (not forecast.week):
            yield Fault(place, "needs either month or week.", (f"{place}.month", f"{place}.week"))
        for before, other in enumerate(contract.forecasts[:number]):
            if set(forecast.of) == set(other.of) and forecast.starts_on <= other.starts_on:
                here = f"forecasts[{before}].from"
                yield Fault(f"{place}.from", f"must be later than {here}, of the same queues.", (here,))
            elif set(forecast.of) != set(other.of) and (both := set(forecast.of) & set(other.of)):
                message = f"{min(both)} is in forecasts[{before}].of too, with other queues."
                yield Fault(f"{place}.of", message, (f"forecasts[{before}].of",))
    yield from _check_bands(contract)


def _check_bands(contract: Contract) -> Iterator[Fault]:
    known = {queue for forecast in contract.forecasts for queue in forecast.of}
    banded = {queue for level in contract.service_levels if level.above_forecast is not None for queue in level.of}
    for number, level in enumerate(contract.service_levels):
        missing = [queue for queue in level.of if queue not in known]
        if level.above_forecast is not None and missing:
            message = f"there is no forecast of {', '.join(missing)}: write it under [[forecasts]]."
            yield Fault(f"service_levels[{number}].exclude", message, ("forecasts", f"service_levels[{number}].of"))
    for number, forecast in enumerate(contract.forecasts):
        if not banded.intersection(forecast.of):
            message = 'has no effect: no service level of its queues has exclude = ["volume-above-forecast(...)"].'
            yield Fault(f"forecasts[{number}]", message, ("service_levels",))


def _check_of(contract: Contract, place: str, of: Sequence[str]) -> Iterator[Fault]:
    known = contract.queues()
    processes = enumerate(contract.processes)
    names = tuple(f"processes[{i}].queues[{j}].name" for i, one in processes for j in range(len(one.queues)))
    for index, name in enumerate(of):
        if name not in known:
            yield Fault(f"{place}.of[{index}]", f"there is no queue {name} in any process.", names)
    yield from _twice([(f"{place}.of[{index}]", name) for index, name in enumerate(of)])


def _check_prices(contract: Contract) -> Iterator[Fault]:
    prices = [(f"prices[{i}]", price) for i, price in enumerate(contract.prices)]
    yield from _twice([(f"{place}.title", price.title) for place, price in prices])
    for place, price in prices:
        yield from _check_of(contract, place, price.of)
    known = {queue.name: process.dispositions for process in contract.processes for queue in process.queues}
    for wrong in charges.check(contract.book, contract.prices, known):
        yield Fault(*wrong)
    if contract.credits and len(contract.taxes) > 1 and not contract.credits.tax:
        message = f"is missing: name the tax whose base credits lessen: {', '.join(contract.taxes)}."
        yield Fault("credits.tax", message, ("taxes",))
    elif contract.credits and contract.credits.tax and contract.credits.tax not in contract.taxes:
        message = f"there is no tax {contract.credits.tax}; there is {', '.join(contract.taxes) or 'none'}."
        yield Fault("credits.tax", message, ("taxes",))
