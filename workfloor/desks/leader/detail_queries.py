"""What a leader reads of one queue, one person and one item before they press anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, Value

from workfloor.core.access import permissions
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.models import Message
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import AgentState, Certificate, Person, Shift
from workfloor.core.work import lifecycle, roles, supervising
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.desks.leader import crew_queries
from workfloor.desks.leader.queries import zone_of
from workfloor.ui import wording

MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Able:
    """Somebody to whom an item can be assigned, with the levels of the skills that its queue asks for."""

    person: Person
    skills: Mapping[str, int]
    has_room: bool


@dataclass(frozen=True)
class OnIt:
    """Somebody who takes part in an item beside its owner."""

    person: Person
    role: str
    is_asked: bool


@dataclass(frozen=True)
class LookedAt:
    """One item with what was sent, what happened to it, and what can be pressed."""

    item: Item
    fields: tuple[wording.Field, ...]
    told: list[work_queries.Told]
    zone: ZoneInfo
    as_seen: str
    may_supervise: bool
    is_monitored: bool  # by whoever looks
    on_it: list[OnIt]
    messages: list[Message]  # for whoever monitors it
    draft: str  # what its owner is writing
    help: list[work_queries.Help]  # what was asked of whoever leads last, and the answer
    able: list[Able]
    dispositions: tuple[str, ...]

    @property
    def is_in_hand(self) -> bool:
        """Whether it is offered to somebody or with them."""
        return self.item.state in ("offered", "held")

    @property
    def next_priority(self) -> int | None:
        """What its priority can be raised to."""
        raised = self.item.priority + 1
        waits = self.item.state in ("waiting", "offered", "held")
        return raised if waits and raised <= supervising.HIGHEST_PRIORITY else None

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it can still be said that it is not to be done."""
        return self.item.state in ("waiting", "offered", "held")

    @property
    def can_be_assigned(self) -> bool:
        """Whether somebody else could have it now."""
        waits = self.item.state == "waiting" and not (self.item.pending_customer_since or self.item.keyed_at)
        return self.is_in_hand or waits

    @property
    def may_be_keyed_twice(self) -> bool:
        """Whether a second keying can be asked for."""
        return self.item.declared.keyed and not self.item.second_keying and self.can_be_assigned


def looked_at(person: Person, item_id: int, now: datetime) -> LookedAt | None:
    """Read an item inside the wall, whoever holds it; None where there is none."""
    item = work_queries.item(item_id)
    if item is None:
        return None
    may = permissions.may(person, "work.supervise")
    part = roles.part_of(item.beside, person.id)
    monitored = part is not None and part["role"] == roles.MONITOR
    reads = monitored and item.case_id
    names = Person.objects.in_bulk(roles.people(item.beside))
    return LookedAt(
        item=item,
        fields=wording.readable(item.payload),
        told=work_queries.told(item.id),
        zone=zone_of(person),
        as_seen=str(supervising.seen(item)),
        may_supervise=may,
        is_monitored=monitored,
        on_it=[OnIt(names[each["person"]], each["role"], "asked_until" in each) for each in item.beside or ()],
        messages=conversations_queries.all_of_case(item.case_id) if reads and item.case_id else [],
        draft=conversations_queries.draft(item.id, item.person_id).text if monitored and item.person_id else "",
        help=work_queries.help_with(item),
        able=able(item, now) if may and item.state in ("waiting", "offered", "held") else [],
        dispositions=_dispositions(item) if may and item.state == "wrapping" else (),
    )


def _dispositions(item: Item) -> tuple[str, ...]:
    try:
        return tuple(contracts_queries.terms_of(item.queue, item.received_at).dispositions)
    except contracts_queries.Unreadable:
        return ()


def able(item: Item, now: datetime) -> list[Able]:
    """Read who takes work now and may have an item, those with room first; their skills are looked at when it is."""
    cleared = {"clearances__client_id": item.client_id, "clearances__withdrawn_at": None}
    there = people_queries.on_the_floor().filter(agent_state__state="available", **cleared).distinct()
    found = list(there.exclude(id=item.person_id or 0).prefetch_related("certificates__skill")[:MOST_SHOWN])
    taken = work_queries.shares([each.id for each in found])
    terms = contracts_queries.terms_of(item.queue, now)
    every = [
        Able(
            each,
            {skill: level for skill, level in people_queries.skills_at(each, now).items() if skill in terms.requires},
            lifecycle.free_share(taken[each.id], terms.max_concurrency, qualification.CAPACITY) is not None,
        )
        for each in found
    ]
    return sorted(every, key=lambda each: (not each.has_room, -sum(each.skills.values()), each.person.name))


@dataclass(frozen=True)
class LookedInto:
    """One queue with what waits in it, in line, and what of it is in somebody's hands."""

    queue: Queue
    zone: ZoneInfo
    waiting: list[Item]
    in_hand: list[Item]
    later: list[Item]  # pending customer, scheduled, or keyed once and waiting for the second
    may_supervise: bool


def looked_into(person: Person, queue_id: int, now: datetime) -> LookedInto | None:
    """Read a queue inside the wall; None where there is none."""
    queue = Queue.objects.select_related("client").filter(id=queue_id).first()
    if queue is None:
        return None
    ahead = ExpressionWrapper(F("ahead_seconds") * Value(timedelta(seconds=1)), output_field=DurationField())
    place = ExpressionWrapper(F("queued_at") - ahead, output_field=DateTimeField())  # as Item.place_at
    open_ = work_queries.items().filter(queue=queue)
    rests = Q(pending_customer_since__isnull=False) | Q(queued_at__gt=now) | Q(keyed_at__isnull=False)
    waiting = open_.filter(state="waiting").annotate(place=place).order_by("place", "id")
    return LookedInto(
        queue,
        zone_of(person),
        list(waiting.exclude(rests)[:MOST_SHOWN]),
        list(open_.filter(person__isnull=False).order_by("connected_at", "id")[:MOST_SHOWN]),
        list(waiting.filter(rests)[:MOST_SHOWN]),
        permissions.may(person, "work.supervise"),
    )


@dataclass(frozen=True)
class LookedUp:
    """One agent: their state, skills, what they have in hand and take part in, and their day."""

    person: Person
    agent_state: AgentState
    worker: crew_queries.Worker
    as_seen: str
    skills: Mapping[str, int]
    clients: list[str]
    items: list[Item]
    beside: list[tuple[Item, str]]
    done: list[Item]
    handled_seconds: float | None  # the mean of those done
    shift: list[Shift]
    zone: ZoneInfo
    may_set_state: bool
    reasons: tuple[str, ...]
    may_grant: bool
    grants: list[Certificate]  # what leaders granted them, for some hours
    lacking: list[Queue]  # whose work they would get with a grant


def looked_up(person: Person, agent_id: int, now: datetime) -> LookedUp | None:
    """Read an agent with what of theirs is inside the wall; None for who is no agent, or works for others' clients."""
    agent = people_queries.staff().filter(roles__contains=["agent"], id=agent_id).first()
    if agent is None or not agent.clearances.filter(withdrawn_at=None).exists():
        return None
    zone = zone_of(person)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    done = list(work_queries.done_by(agent, midnight)[:MOST_SHOWN])
    took = [each.talk_seconds + each.hold_seconds + each.wrap_seconds for each in done]
    parts = [(each, roles.part_of(each.beside, agent.id)) for each in work_queries.asked(agent)]
    clearances = agent.clearances.filter(withdrawn_at=None).select_related("client").order_by("client__title")
    items = [*work_queries.offered_to(agent), *work_queries.held_by(agent)]
    return LookedUp(
        person=agent,
        agent_state=agent.agent_state,
        worker=crew_queries.worker(agent, items, now),
        as_seen=agent.agent_state.since.isoformat(),
        skills=dict(sorted(people_queries.skills_at(agent, now).items())),
        clients=[each.client.title for each in clearances],
        items=items,
        beside=[(each, part["role"]) for each, part in parts if part],
        done=done,
        handled_seconds=sum(took) / len(took) if took else None,
        shift=people_queries.shifts(agent, now)[:3],
        zone=zone,
        may_set_state=permissions.may(person, "states.set-others"),
        reasons=qualification.NOT_READY_REASONS,
        may_grant=permissions.may(person, "skills.grant"),
        grants=people_queries.grants(agent, now),
        lacking=_lacking(agent, now),
    )


def _lacking(agent: Person, now: datetime) -> list[Queue]:
    """The queues of the clients that somebody is cleared for of which they get no work for want of a skill."""
    skills = people_queries.skills_at(agent, now)
    cleared = agent.clearances.filter(withdrawn_at=None).values_list("client_id", flat=True)
    contracts = contracts_queries.all_in_force(cleared, now)
    wanted = {
        (client_id, queue.name)
        for client_id, contract in contracts.items()
        for queue in contract.queues().values()
        if not qualification.qualifies(skills, queue.requires)
    }
    queues = Queue.objects.filter(client_id__in=contracts).select_related("client").order_by("client__title", "name")
    return [queue for queue in queues if (queue.client_id, queue.name) in wanted]
