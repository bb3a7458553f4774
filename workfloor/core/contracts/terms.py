"""What a contract says, as plain values; levels and prices have modules of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Any, Literal

from workfloor.core.contracts import levels, pricing
from workfloor.core.contracts.levels import Credits, Forecast, ServiceLevel, Termination
from workfloor.core.contracts.pricing import Book, Price
from workfloor.kit.text.translation import gettext_noop
from workfloor.kit.time import calendars

# --- Whom invoices go to ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Billing:
    """The client as its invoices name it, and how they are to be made out.

    `entity` is the legal entity of the provider that issues them; None where there is only one. `endpoint` is the
    client's electronic address as SCHEME:ADDRESS. What is not `electronic` need not be a valid EN 16931 document.
    """

    name: str
    street: str
    city: str
    postcode: str
    country: str
    due_days: int
    region: str = ""
    vat_id: str = ""
    legal_id: str = ""
    endpoint: str = ""
    contact: str = ""
    email: str = ""
    reference: str = ""
    order: str = ""
    entity: str | None = None
    electronic: bool = True


_OPTIONAL = ("region", "vat_id", "legal_id", "endpoint", "contact", "email", "reference", "order")


def billing(terms: Mapping[str, Any]) -> Billing:
    """Read it."""
    return Billing(
        name=terms["name"],
        street=terms["street"],
        city=terms["city"],
        postcode=terms["postcode"],
        country=terms["country"],
        due_days=int(terms["due_within"].split()[0]),
        entity=terms.get("entity"),
        electronic=terms.get("electronic", True),
        **{key: terms[key] for key in _OPTIONAL if key in terms},
    )


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
    max_concurrency: int = 1  # how many such items one agent may hold; divides 60
    reopen_within_seconds: int = 14 * 86400  # after its resolution, for a customer who writes again
    sticky_for_seconds: int | None = None  # how long work of a case is kept for whoever knows it
    preemptible: bool = False  # may be preempted for work that preempts
    preempts: bool = False


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
    unmasked: tuple[str, ...] = ()  # kinds of number (kit.masks.KINDS) that are kept as they were typed


# --- Who is told when something happens ---------------------------------------------------------------------------

Happens = Literal["help", "at-risk", "missed", "complaint", "word", "customer"]
Told = Literal["leader", "manager", "client"]
Mailed = Literal["at-once", "unacknowledged", "never"]  # beside the page Escalations


@dataclass(frozen=True, slots=True)
class Step:
    """Whom an escalation is told, and after how long without acknowledgement the next step follows; None at the end."""

    tell: Told
    timeout_seconds: int | None = None
    email: str = ""  # of the client's, told beside its own people


@dataclass(frozen=True, slots=True)
class Escalation:
    """What happens to work, in which queues (none named: all), and whom it is told, one after the other."""

    title: str
    event: Happens
    steps: tuple[Step, ...]
    of: tuple[str, ...] = ()
    before_seconds: int = 0  # of at-risk
    words: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    mail: Mailed = "at-once"


# Holds wherever a contract says nothing of calls for help.
CALL_FOR_HELP = Escalation(
    gettext_noop("Call for help"), "help", (Step("leader", 120), Step("manager")), mail="unacknowledged"
)


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
    indexation: Mapping[str, pricing.Indexation] = field(default_factory=dict)
    taxes: Mapping[str, pricing.Tax] = field(default_factory=dict)
    billing: Billing | None = None
    currencies: Mapping[str, tuple[pricing.Exchange, ...]] = field(default_factory=dict)
    forecasts: tuple[Forecast, ...] = ()
    approvals: Mapping[str, str] = field(default_factory=dict)  # kind of claim -> client, provider, other-side, either
    escalations: tuple[Escalation, ...] = ()

    @property
    def book(self) -> Book:
        """What all prices share."""
        return Book(self.currency, self.rounding, self.starts_on, self.indexation, self.taxes, self.currencies)

    def on(self, day: date) -> "Contract":
        """Return the contract with its levels as they are agreed on a day."""
        return replace(self, service_levels=tuple(levels.on(level, day) for level in self.service_levels))

    def escalations_of(self, queue: str) -> list[Escalation]:
        """Return what is agreed for work of a queue; of calls for help always something."""
        agreed = [each for each in self.escalations if not each.of or queue in each.of]
        return agreed if any(each.event == "help" for each in agreed) else [*agreed, CALL_FOR_HELP]

    def queues(self) -> dict[str, Queue]:
        return {queue.name: queue for process in self.processes for queue in process.queues}


def requirements(queue: Queue, waited_seconds: float) -> dict[str, int]:
    """Return skill -> level that an item asks for after waiting so long."""
    levels = dict(queue.requires)
    for ring in queue.relax:
        if waited_seconds >= ring.after_seconds:
            levels.update(ring.requires)
    return {skill: level for skill, level in levels.items() if level > 0}


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
    """Return the calendar that a queue's targets in working time run in."""
    process = next(one for one in contract.processes if any(each.name == queue for each in one.queues))
    return calendar(contract.calendars[process.calendar])
