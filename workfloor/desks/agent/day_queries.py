"""What an agent's own day came to: what they handled, how long it took, how busy they were, and their shifts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from workfloor.core.catalogue import occupancy
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.desks.agent import queries as agent_queries

MOST_SHIFTS = 14


@dataclass(frozen=True, slots=True)
class Done:
    """One item that somebody finished: the seconds that it took, and whether its target was met, where it has one."""

    item: Item
    seconds: int
    in_time: bool | None


@dataclass(frozen=True, slots=True)
class Sums:
    """What some items came to: how many, the mean seconds of each, and how many met their target of how many."""

    done: int
    mean_seconds: float | None
    in_time: int
    with_target: int

    @property
    def in_time_percent(self) -> int | None:
        """Whole percent that met their target, rounded down so that 100 means all; None where none has one."""
        return self.in_time * 100 // self.with_target if self.with_target else None


@dataclass(frozen=True, slots=True)
class MyDay:
    """A person's day, by the clock of their site."""

    zone: ZoneInfo
    now: datetime
    sums: Sums
    queues: list[tuple[Item, Sums]]  # an item stands for its queue
    occupancy_percent: int | None
    staffed_seconds: float
    shifts: list[people_models.Shift]
    done: list[Done]
    offers: list[Item]  # that wait on the desk meanwhile
    signatures: list[tuple[str, str, str]]  # the language, what it is called, and what is kept for it


def sums(done: Iterable[Done]) -> Sums:
    """Add up what was done."""
    every = list(done)
    judged = [each.in_time for each in every if each.in_time is not None]
    mean = sum(each.seconds for each in every) / len(every) if every else None
    return Sums(len(every), mean, sum(judged), len(judged))


def in_time(item: Item) -> bool | None:
    """Whether an item met its target: resolved by when it was due, else answered by when that was; None without one."""
    if item.due_at:
        return (item.ended_at or item.wrapped_up_at or item.due_at) <= item.due_at
    if item.answer_by and item.connected_at:
        return item.connected_at <= item.answer_by
    return None


def busy_percent(busy_seconds: float, staffed_seconds: float) -> int | None:
    """Return occupancy in whole percent, at most 100: what is finished after signing out was staffed too."""
    share = occupancy.occupancy(busy_seconds, staffed_seconds)
    return None if share is None else min(100, round(100 * share))


def my_day(person: Person, now: datetime) -> MyDay:
    """Read a person's day since midnight at their site."""
    zone = agent_queries.zone_of(person)
    midnight = agent_queries.midnight(zone, now)
    done = [Done(each, agent_queries.took(each), in_time(each)) for each in work_queries.done_by(person, midnight)]
    staffed = staffed_seconds(person, midnight, now)
    return MyDay(
        zone=zone,
        now=now,
        sums=sums(done),
        queues=by_queue(done),
        occupancy_percent=busy_percent(busy_seconds(person, done, midnight, now), staffed),
        staffed_seconds=staffed,
        shifts=people_queries.shifts(person, midnight)[:MOST_SHIFTS],
        done=done,
        offers=list(work_queries.offered_to(person)),
        signatures=signatures(person),
    )


def signatures(person: Person) -> list[tuple[str, str, str]]:
    """What somebody keeps to stand beneath their mails, for all languages and each."""
    languages = {people_models.ANY_LANGUAGE: _("In any language")}
    languages |= {code: get_language_info(code)["name_local"] for code in dict(settings.LANGUAGES)}
    return [(code, words, person.signatures.get(code, "")) for code, words in languages.items()]


def by_queue(done: Sequence[Done]) -> list[tuple[Item, Sums]]:
    """Add up what was done in each queue, what we began ourselves apart from contacts; the one with most first."""
    queues: dict[tuple[int, bool], list[Done]] = {}
    for each in done:
        queues.setdefault((each.item.queue_id, each.item.declared.begun_by_us), []).append(each)
    ranked = sorted(queues.values(), key=lambda found: (-len(found), found[0].item.queue.name))
    return [(found[0].item, sums(found)) for found in ranked]


def staffed_seconds(person: Person, midnight: datetime, now: datetime) -> float:
    """For how many seconds since midnight somebody took work."""
    spells = [
        (each.started_at, each.ended_at)
        for each in people_models.Spell.objects.filter(person=person, ended_at__gt=midnight)
    ]
    running = people_models.AgentState.objects.filter(person=person, state="available").first()
    if running:
        spells.append((running.since, now))
    return sum((ended - max(started, midnight)).total_seconds() for started, ended in spells)


def busy_seconds(person: Person, done: Iterable[Done], midnight: datetime, now: datetime) -> float:
    """For how many seconds since midnight all of somebody was in use: one of three chats at once counts a third."""
    in_hand = 0.0
    for each in Assignment.objects.filter(person=person, aside=False):
        part = 0 if each.share.isempty else (each.share.upper - each.share.lower) / qualification.CAPACITY
        in_hand += (now - max(each.since, midnight)).total_seconds() * part
    return in_hand + sum(each.seconds / at_once(each.item) for each in done)


def at_once(item: Item) -> int:
    """How many of such items one agent may hold, by the contract under which this one came."""
    try:
        return contracts_queries.terms_of(item.queue, item.received_at).max_concurrency
    except contracts_queries.Unreadable:
        return 1
