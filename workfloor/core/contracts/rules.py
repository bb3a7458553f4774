"""What a contract says, as plain values, and the checks that no single clause can fail alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Literal

Measure = Literal[
    "answered-within", "abandoned", "speed-of-answer", "handled-time", "resolved-within", "volume"
]
Per = Literal["answered", "offered", "offered-less-short-abandons"]
Unit = Literal["contact", "minute", "transaction", "fixed"]
Counts = Literal["answered", "received", "done", "talk", "handled"]
Tiering = Literal["volume", "graduated"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# What a work item of a process is called, by the process's kind.
ITEM_KINDS: Mapping[str, str] = {
    "inbound-voice": "call",
    "outbound-voice": "call",
    "chat": "chat",
    "email": "email",
    "data-capture": "document",
    "payables": "document",
    "receivables": "document",
    "bookkeeping": "document",
}


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


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    title: str
    kind: str
    location: str
    calendar: str
    dispositions: tuple[str, ...]
    queues: tuple[Queue, ...]

    @property
    def item_kind(self) -> str:
        return ITEM_KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A promise; expected and minimum are percent, or seconds for speed-of-answer and handled-time.

    A level without `expected` is only reported. `weight` is its share of the credit pool in percent.
    """

    name: str
    measure: Measure
    of: tuple[str, ...]
    threshold_seconds: int | None = None
    per: Per | None = None
    short_abandon_seconds: int | None = None
    expected: Decimal | None = None
    minimum: Decimal | None = None
    window: Literal["month"] = "month"
    weight: Decimal | None = None

    @property
    def lower_is_better(self) -> bool:
        return self.measure in ("abandoned", "speed-of-answer", "handled-time")


@dataclass(frozen=True, slots=True)
class Credits:
    """Percents: at_risk of the period's charges, times pool, times weight; cap of the period's charges."""

    rule: Literal["at-risk"]
    at_risk: Decimal
    pool: Decimal
    cap: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    up_to: int | None  # last quantity at this rate; None: no end
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the invoice: either a rate or tiers; `counts` says which quantity, None for fixed."""

    title: str
    unit: Unit
    of: tuple[str, ...]
    counts: Counts | None = None
    rate: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    tiering: Tiering | None = None
    minimum: Decimal | None = None  # the line is trued up to this amount


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

    def queues(self) -> dict[str, Queue]:
        return {queue.name: queue for process in self.processes for queue in process.queues}


def requirements(queue: Queue, waited_seconds: float) -> dict[str, int]:
    """Return skill -> level that an item asks for after waiting so long."""
    levels = dict(queue.requires)
    for ring in queue.relax:
        if waited_seconds >= ring.after_seconds:
            levels.update(ring.requires)
    return {skill: level for skill, level in levels.items() if level > 0}
