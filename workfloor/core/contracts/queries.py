"""Reading contracts: which version is in force, and what it says of a queue."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from math import inf
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from workfloor.core.contracts import models as contracts_models
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.people.models import Certificate, Person
from workfloor.core.people.qualification import qualifies
from workfloor.kit import declarations
from workfloor.kit.database.prepared import PreparedQuery
from workfloor.kit.text import masks
from workfloor.kit.time import calendars


class NoContract(LookupError):
    """No version is in force for that client on that day."""


class Unreadable(NoContract):
    """A version is there and cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Terms:
    """A contract as one version has it."""

    version: int
    contract: contracts_terms.Contract


@dataclass(frozen=True)
class QueueTerms:
    """What the version in force says of one queue."""

    version: int
    process_kind: str
    dispositions: tuple[str, ...]
    calendar: calendars.Calendar
    requires: Mapping[str, int]
    relax: tuple[contracts_terms.Ring, ...]
    priority: int
    answer_within_seconds: int | None
    resolve_within_seconds: int | None
    offer_seconds: int
    max_concurrency: int
    reopen_within_seconds: int
    letter: Mapping[str, str]
    sticky_for_seconds: int | None
    preemptible: bool
    preempts: bool
    unmasked: tuple[str, ...]

    @property
    def target_seconds(self) -> int:
        """How soon work is agreed; what has no target of its own is as urgent as if it had been within a day."""
        return self.answer_within_seconds or self.resolve_within_seconds or 86_400


def latest(client_id: int) -> contracts_models.Version | None:
    """The version of a client's contract that was signed last, in force or not yet."""
    return versions(client_id).last()


def versions(client_id: int) -> QuerySet[contracts_models.Version]:
    """All versions of a client's contract, the first one first."""
    return contracts_models.Version.objects.filter(client_id=client_id).order_by("number").defer("source")


def signed_by(client_ids: Iterable[int]) -> dict[int, list[contracts_models.Version]]:
    """All versions of these clients' contracts, the first one first; by the client's id."""
    found: dict[int, list[contracts_models.Version]] = defaultdict(list)
    known = contracts_models.Version.objects.filter(client_id__in=client_ids).order_by("client_id", "number")
    for version in known.defer("source"):
        found[version.client_id].append(version)
    return found


_VERSIONS = PreparedQuery(lambda client_id: versions(client_id))


def terms(version: contracts_models.Version) -> contracts_terms.Contract:
    """What a version says; its text is fetched and read once a process, since a version never changes."""
    if version.digest not in _read:
        from workfloor.core.contracts import parsing as contracts_parsing  # only now: it is slow to load

        try:
            _read[version.digest] = contracts_parsing.stored(version.source)
        except Exception as fault:  # by rules that have changed since it was signed, or altered in the database
            raise Unreadable(
                f"version {version.number} of the contract cannot be read: {masks.worded(fault)}"
            ) from fault
    return _read[version.digest]


def unreadable() -> list[tuple[contracts_models.Version, str]]:
    """The versions inside the wall that cannot be read, and why: their clients' work waits, all others' goes on."""
    from workfloor.core.contracts import parsing as contracts_parsing

    found = []
    for version in contracts_models.Version.objects.select_related("client").order_by("client__slug", "number"):
        try:
            contracts_parsing.stored(version.source)
        except Exception as fault:
            found.append((version, masks.worded(fault)))
    return found


_read: dict[str, contracts_terms.Contract] = {}


def in_force(client_id: int, at: datetime) -> Terms:
    """The version in force at an instant, on whichever day that is in the contract's zone, with that day's targets.

    Raises NoContract if there is none.
    """
    return in_force_on(client_id, today(client_id, at))


def in_force_on(client_id: int, day: date) -> Terms:
    """The version in force on a day of the contract's zone, with the targets of that day.

    Raises NoContract if there is none.
    """
    version = versions(client_id).filter(effective_on__lte=day).last()
    if version is None:
        raise NoContract(_("no contract is in force on {day}").format(day=day))
    return Terms(version.number, terms(version).on(day))


def all_in_force(client_ids: Iterable[int], at: datetime) -> dict[int, contracts_terms.Contract]:
    """What the versions in force at an instant say, by client, in one question; without those that cannot be read."""
    found = {}
    for client_id, known in signed_by(client_ids).items():
        with suppress(Unreadable):
            day = calendars.day_of(at, terms(known[-1]).zone)
            begun = [version for version in known if version.effective_on <= day]
            if begun:
                found[client_id] = terms(begun[-1]).on(day)
    return found


def today(client_id: int, at: datetime) -> date:
    """The day that it is at an instant by the client's contract, in UTC where there is none."""
    known = latest(client_id)
    return calendars.day_of(at, terms(known).zone if known else "UTC")


def terms_of(queue: contracts_models.Queue, at: datetime) -> QueueTerms:
    """What the version in force at an instant says of a queue.

    Before the contract starts, and once an amendment has taken the queue out, the nearest version that has it: work
    that waits there still has to be done.
    """
    return terms_among(_VERSIONS(queue.client_id), queue.name, at)


def requires_at_last(queue: contracts_models.Queue, at: datetime) -> dict[str, int]:
    """Which skills work of a queue requires, and at which levels, once its last skill relaxation ring is reached."""
    terms = terms_of(queue, at)
    found = dict(terms.requires)
    for ring in terms.relax:
        found |= ring.requires
    return found


def terms_by(queue: contracts_models.Queue) -> Callable[[datetime], QueueTerms]:
    """What `terms_of` says of a queue at any instant, asked for once."""
    return partial(terms_among, _VERSIONS(queue.client_id), queue.name)


def terms_among(known: list[contracts_models.Version], queue: str, at: datetime) -> QueueTerms:
    """What `terms_of` says, by the versions that the queue's client has signed, the first one first."""
    day = calendars.day_of(at, terms(known[-1]).zone) if known else date.max
    begun = [version for version in known if version.effective_on <= day]
    for version in [*reversed(begun), *known]:
        if found := _queue_terms(version, queue):
            return found
    raise NoContract(f"no version has a queue {queue}")


def masked_kinds(queue: contracts_models.Queue, at: datetime) -> tuple[str, ...]:
    """Which numbers are masked in what is written about a queue's work at an instant (kit.masks.KINDS)."""
    return tuple(kind for kind in masks.KINDS if kind not in terms_of(queue, at).unmasked)


def zone_of(client_id: int, at: datetime) -> ZoneInfo:
    """The zone of a client's contract as its version at an instant has it, else its first one; UTC without one."""
    known = list(versions(client_id))
    begun = [each for each in known if each.effective_on <= calendars.day_of(at, terms(each).zone)]
    return ZoneInfo(terms((begun or known)[-1 if begun else 0]).zone) if known else ZoneInfo("UTC")


def _queue_terms(version: contracts_models.Version, name: str) -> QueueTerms | None:
    contract = terms(version)
    for process in contract.processes:
        for queue in process.queues:
            if queue.name == name:
                calendar = contracts_terms.calendar(contract.calendars[process.calendar])
                return QueueTerms(
                    version.number,
                    process.kind,
                    process.dispositions,
                    calendar,
                    queue.requires,
                    queue.relax,
                    queue.priority,
                    queue.answer_within_seconds,
                    queue.resolve_within_seconds,
                    queue.offer_seconds,
                    queue.max_concurrency,
                    queue.reopen_within_seconds,
                    process.letter,
                    queue.sticky_for_seconds,
                    queue.preemptible,
                    queue.preempts,
                    process.unmasked,
                )
    return None


def abroad(contract: contracts_terms.Contract, on: date) -> dict[str, list[str]]:
    """For each onshore process, the sites outside the client's country from which its work can be offered to somebody.

    That is who is cleared for the client and holds what one of its queues requires on that day, at the last ring.
    """
    onshore = [process for process in contract.processes if process.location == "onshore"]
    elsewhere = Person.objects.filter(
        clearances__client__slug=contract.client, clearances__withdrawn_at=None, left_at=None, site__isnull=False
    ).exclude(site__country=contract.country)
    sites = {number: f"{name} ({country})" for number, name, country in elsewhere.values_list(*_SITE)}
    held = _held(on) if onshore and sites else {}
    found = {
        process.name: sorted({site for person, site in sites.items() if _serves(held.get(person, {}), process)})
        for process in onshore
    }
    return {name: where for name, where in found.items() if where}


_SITE = ("id", "site__name", "site__country")


def _serves(skills: Mapping[str, int], process: contracts_terms.Process) -> bool:
    return any(qualifies(skills, contracts_terms.requirements(queue, inf)) for queue in process.queues)


def _held(on: date) -> dict[int, dict[str, int]]:
    """What each person's certificates are good for on a day."""
    held: dict[int, dict[str, int]] = defaultdict(dict)
    valid = Certificate.objects.filter(revoked_at=None, valid_from__lte=on).exclude(expires_on__lt=on)
    for person, skill, level in valid.values_list("person_id", "skill__name", "level").order_by("level"):
        held[person][skill] = level
    return held


def unserved(contract: contracts_terms.Contract, on: date) -> list[str]:
    """The queues for which nobody holds the certificates on that day, not even after the last ring."""
    held = _held(on)
    return [
        name
        for name, queue in contract.queues().items()
        if not any(qualifies(skills, contracts_terms.requirements(queue, inf)) for skills in [{}, *held.values()])
    ]


def warnings(contract: contracts_terms.Contract, now: datetime) -> list[str]:
    """What it asks for and today's people are not, certified or where it wants its work; what it lacks to bill."""
    today = calendars.day_of(now, contract.zone)
    names = unserved(contract, today)
    found = [f"today nobody holds the certificates that these queues require: {', '.join(names)}."] if names else []
    if contract.prices and contract.billing is None:
        found.append("its months can be closed and not invoiced: say under [billing] whom the invoices go to.")
    return found + [
        f"{process} is onshore, in {contract.country}; its work can be offered at {', '.join(sites)} too."
        for process, sites in abroad(contract, today).items()
    ]


# --- How people name them, where an action asks for one ---------------------------------------------------------------
def queue(name: str) -> contracts_models.Queue | None:
    """A queue inside the wall by its client's name and its own, as in “first-bank/letters”."""
    client, _, own = name.partition("/")
    return queues().filter(client__slug=client, name=own).first()


def queues() -> QuerySet[contracts_models.Queue]:
    """The queues inside the wall, by client and name."""
    return contracts_models.Queue.objects.select_related("client").order_by("client__slug", "name")


def process(name: str) -> contracts_models.Process | None:
    """A process inside the wall by its client's name and its own, as in “first-bank/cards”."""
    client, _, own = name.partition("/")
    return processes().filter(client__slug=client, name=own).first()


def processes() -> QuerySet[contracts_models.Process]:
    """The processes inside the wall, by client and name."""
    return contracts_models.Process.objects.select_related("client").order_by("client__slug", "name")


def _named(row: contracts_models.Queue | contracts_models.Process) -> str:
    return f"{row.client.slug}/{row.name}"


declarations.register.name(
    declarations.Handle(contracts_models.Queue, "queue", queue, queues, _named, see="routing pool list")
)
declarations.register.name(
    declarations.Handle(
        contracts_models.Process, "process", process, processes, _named, see="channels playbook articles"
    )
)
