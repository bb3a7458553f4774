"""Who is on the floor: how many in which state, and those to look at with what they have in hand."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from operator import attrgetter
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import Count, Exists, F, Field, Func, Max, OuterRef, QuerySet, Sum

from workfloor.core.catalogue import occupancy
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Clearance, Person, Shift
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.desks.leader import thresholds
from workfloor.desks.leader.thresholds import InHand, Parts, Standing

MOST_SHOWN: Final = 40
MOST_NAMED: Final = 60  # of those who are signed out
NOTHING: Final = Parts()


@dataclass(frozen=True)
class Asked:
    """Whose people are read: of a site or all; `usual` is today's AHT by queue, in seconds."""

    site_id: int | None
    client_ids: list[int]
    now: datetime
    midnight: datetime
    usual: Mapping[int, float]
    state: str = ""
    every: bool = False


@dataclass
class Worker:
    """One agent: what they do, what they have in hand, what they did today."""

    person: Person
    standing: Standing
    parts: Parts = NOTHING
    items: list[Item] = field(default_factory=list)
    done: int = 0
    heard_at: datetime | None = None  # when a browser of theirs was there last
    is_gone: bool = False  # for too long to be offered work
    is_ours: bool = False  # cleared for a client of whoever looks, who may open them

    @property
    def browser_gone_since(self) -> datetime | None:
        """Since when somebody with work in hand has no page of ours open; None where they have one."""
        return self.heard_at if self.is_gone and self.items else None


@dataclass(frozen=True)
class Crew:
    """All agents by state, and those that a page shows."""

    counts: Mapping[str, int]  # by thresholds.STATES
    too_long: Mapping[str, int]  # how many of them have been in it for too long
    shown: list[Worker]
    left_out: int  # who would be shown as well, if there was room
    gone: list[Worker]  # signed out, as many as are named
    occupancy: float | None

    @property
    def states(self) -> list[tuple[str, int, int]]:
        """Each state that somebody is in: how many, and how many for too long."""
        return [(state, self.counts[state], self.too_long[state]) for state in thresholds.STATES if self.counts[state]]

    @property
    def at_work(self) -> int:
        """Who is not signed out."""
        return sum(self.counts.values()) - self.counts["signed-out"]


class _Read(NamedTuple):
    """What is read of every agent."""

    person_id: int
    name: str
    takes_work: bool  # by their agent state
    parts: Parts
    standing: Standing

    @property
    def rank(self) -> tuple[int, str]:
        """Too long in a state, then busy, free, and away."""
        order = 0 if self.standing.is_too_long else 1 + _ORDER[self.standing.state]
        return order, self.name


_ORDER: Final = {"available": 1, "not-ready": 2, "off-shift": 2, "signed-out": 3} | dict.fromkeys(
    ("offered", "on-call", "on-chat", "working", "on-hold", "wrap-up"), 0
)


def crew(asked: Asked) -> Crew:
    """Read the agents of one site or all, those who need to be looked at first."""
    everybody = _everybody(asked)
    counts = Counter(each.standing.state for each in everybody)
    too_long = Counter(each.standing.state for each in everybody if each.standing.is_too_long)
    gone = [each for each in everybody if each.standing.state == "signed-out"]
    there = [each for each in everybody if each.standing.state == asked.state] if asked.state else None
    if there is None:
        there = [each for each in everybody if each.standing.state != "signed-out"]
    rank = attrgetter("rank")
    kept = sorted(there, key=rank) if asked.every else nsmallest(MOST_SHOWN, there, key=rank)
    named = gone[:MOST_NAMED] if not asked.state and len(gone) <= MOST_NAMED else []
    workers = _workers([*kept, *named], asked)
    return Crew(
        counts,
        too_long,
        [workers[each.person_id] for each in kept],
        len(there) - len(kept),
        [workers[each.person_id] for each in named],
        _occupancy(everybody, counts),
    )


def _agents(site_id: int | None) -> QuerySet[Person]:
    agents = Person.objects.filter(client=None, left_at=None, roles__contains=["agent"])
    return agents if site_id is None else agents.filter(site_id=site_id)


def at_work(client_id: int | None, site_id: int | None) -> list[Person]:
    """Who is not signed out, of those cleared for a client or any that whoever asks may enter, at a site or all."""
    cleared = Clearance.objects.filter(person=OuterRef("pk"), withdrawn_at=None)
    cleared = cleared if client_id is None else cleared.filter(client_id=client_id)
    there = _agents(site_id).filter(Exists(cleared)).exclude(agent_state__state="signed-out")
    return list(there.order_by("name"))


# Of thousands of people instants are read as numbers of seconds, in a tenth of the time; a field of no type converts
# nothing that the driver has read.
def _seconds(of: str) -> Func:
    return Func(F(of), template="extract(epoch FROM %(expressions)s)::float8", output_field=Field())


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _everybody(asked: Asked) -> list[_Read]:
    shifts = Shift.objects.filter(person=OuterRef("pk"), cancelled_at=None)
    now = asked.now
    rows = _agents(asked.site_id).values_list(
        "id",
        "name",
        "agent_state__state",
        "agent_state__reason",
        _seconds("agent_state__since"),
        Exists(shifts),
        Exists(shifts.filter(starts_at__lte=now, ends_at__gt=now)),
    )
    held = _in_hand(asked)
    taken = parts(Assignment.objects.filter(client_id__in=asked.client_ids))
    return [
        _Read(
            person_id,
            name,
            state == "available",
            taken.get(person_id, NOTHING),
            thresholds.standing(
                state or "signed-out",
                reason or "",
                _instant(since) or now,
                held.get(person_id, []),
                asked.usual,
                is_on_shift=on_shift or not planned,
                now=now,
                has_room=taken.get(person_id, NOTHING).has_room,
            ),
        )
        for person_id, name, state, reason, since, planned, on_shift in rows.order_by("name")
    ]


def _in_hand(asked: Asked) -> Mapping[int | None, list[InHand]]:
    held: dict[int | None, list[InHand]] = defaultdict(list)
    items = Item.objects.filter(client_id__in=asked.client_ids, person__isnull=False)
    times = map(_seconds, ("connected_at", "on_hold_since", "ended_at"))
    for person_id, state, kind, queue_id, *at in items.values_list("person_id", "state", "kind", "queue_id", *times):
        held[person_id].append(InHand(state, kind, queue_id, *map(_instant, at)))
    return held


def _workers(read: list[_Read], asked: Asked) -> dict[int, Worker]:
    ids = [each.person_id for each in read]
    ours = Exists(Clearance.objects.filter(person=OuterRef("pk"), withdrawn_at=None))
    shown = Person.objects.select_related("site", "team", "agent_state").annotate(heard_at=F("heard__at"), is_ours=ours)
    people: dict[int, Any] = shown.in_bulk(ids)
    gone_at = asked.now - timedelta(minutes=settings.WORKFLOOR_BROWSER_GONE_MINUTES or 10**6)
    workers = {
        each.person_id: Worker(
            people[each.person_id],
            each.standing,
            each.parts,
            heard_at=people[each.person_id].heard_at,
            is_gone=(at := people[each.person_id].heard_at) is not None and at <= gone_at,
            is_ours=people[each.person_id].is_ours,
        )
        for each in read
    }
    items = work_queries.items().filter(client_id__in=asked.client_ids, person_id__in=ids)
    for item in items.order_by("connected_at", "id"):
        workers[item.person_id].items.append(item)  # type: ignore[index]
    done = Item.objects.filter(client_id__in=asked.client_ids, done_by_id__in=ids, wrapped_up_at__gte=asked.midnight)
    for person_id, count in done.values_list("done_by_id").annotate(count=Count("id")):
        workers[person_id].done = count
    return workers


def worker(agent: Person, items: list[Item], now: datetime) -> Worker:
    """One agent as the floor shows them, with what they have in hand."""
    state, taken = (
        agent.agent_state,
        parts(Assignment.objects.filter(client_id__in={each.client_id for each in items}, person=agent)),
    )
    found, on_shift = taken.get(agent.id, NOTHING), people_queries.shift(agent, now)[0]
    in_hand = [InHand(*(getattr(each, name) for name in InHand._fields)) for each in items]
    standing = thresholds.standing(
        state.state, state.reason, state.since, in_hand, {}, is_on_shift=on_shift, now=now, has_room=found.has_room
    )
    return Worker(agent, standing, found, items)


def parts(hands: QuerySet[Assignment]) -> dict[int, Parts]:
    """What of people is taken by some offers and work in hand; nothing is said of who has none."""
    share = F("share__endswith") - F("share__startswith")
    rows = hands.filter(aside=False, share__isempty=False).values_list("person_id")
    return {
        person_id: Parts(*row)
        for person_id, *row in rows.annotate(many=Count("item_id"), taken=Sum(share), largest=Max(share))
    }


def _occupancy(everybody: list[_Read], counts: Mapping[str, int]) -> float | None:
    """The share of the capacity of those who take work that is in use; work of clients that one may not see is not."""
    takers = [each for each in everybody if each.takes_work]
    taken = sum(each.parts.taken for each in takers)
    found = occupancy.occupancy(taken, (len(takers) - counts["off-shift"]) * qualification.CAPACITY)
    return None if found is None else min(1.0, found)
