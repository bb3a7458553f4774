"""Reading contracts: which version is in force, and what it says of a queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from workfloor.core.contracts import forms, models, rules
from workfloor.kit import calendars


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class NoContract(LookupError):
    """No version is in force for that client on that day."""


@dataclass(frozen=True)
class Terms:
    """A contract as one version has it."""

    version: int
    contract: rules.Contract


@dataclass(frozen=True)
class QueueTerms:
    """What the version in force says of one queue."""

    version: int
    process_kind: str
    dispositions: tuple[str, ...]
    calendar: calendars.Calendar
    requires: Mapping[str, int]
    relax: tuple[rules.Ring, ...]
    priority: int
    answer_within_seconds: int | None
    resolve_within_seconds: int | None
    offer_seconds: int
    at_once: int


@lru_cache(maxsize=256)
def _read(version_id: int, source: str) -> rules.Contract:
    return forms.stored(source)


def in_force(client_id: int, on: date) -> Terms:
    """The version of a client's contract in force on a day of the contract's zone; NoContract if there is none."""
    version = models.Version.objects.filter(client_id=client_id, effective_on__lte=on).order_by("-number").first()
    if version is None:
        raise NoContract(f"no contract is in force on {on}")
    return Terms(version.number, _read(version.id, version.source))


def terms_of(queue: models.Queue, at: datetime) -> QueueTerms:
    """What the version in force at an instant says of a queue; before the contract starts, what its first version says."""
    try:
        terms = in_force(queue.client_id, _day(queue.client_id, at))
    except NoContract:
        first = models.Version.objects.filter(client_id=queue.client_id).earliest("number")
        terms = Terms(first.number, _read(first.id, first.source))
    return _of_queue(terms, queue.name)


def _day(client_id: int, at: datetime) -> date:
    latest = models.Version.objects.filter(client_id=client_id).latest("number")
    return at.astimezone(ZoneInfo(_read(latest.id, latest.source).zone)).date()


def _of_queue(terms: Terms, name: str) -> QueueTerms:
    for process in terms.contract.processes:
        for queue in process.queues:
            if queue.name == name:
                calendar = calendar_of(terms.contract.calendars[process.calendar])
                return QueueTerms(
                    terms.version, process.kind, process.dispositions, calendar, queue.requires, queue.relax,
                    queue.priority, queue.answer_within_seconds, queue.resolve_within_seconds, queue.offer_seconds,
                    queue.at_once,
                )  # fmt: skip
    raise NoContract(f"version {terms.version} has no queue {name}")


def calendar_of(terms: rules.CalendarTerms) -> calendars.Calendar:
    """The working calendar that a contract's terms describe."""
    week = {_WEEKDAYS.index(day): spans for day, spans in terms.week.items()}
    return calendars.Calendar(terms.zone, week, terms.holidays, frozenset(terms.closed_on), frozenset(terms.open_on))
