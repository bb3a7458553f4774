"""The routing explanation: why an item was offered to whom it was, or waits, from the floor as the facts had it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Certificate, Clearance, Person
from workfloor.core.work import lifecycle
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.time import calendars
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import queries as routing_queries
from workfloor.ops.routing import state

# Whoever asks why looks no further back for what waited and who was there.
LOOKS_BACK = timedelta(days=31)


class NoReason(LookupError):
    """Nothing is to be explained: the words say why."""


@dataclass(frozen=True)
class Why:
    """Why an item was offered as it was, or is not: at that moment, who could have had it and who could not."""

    item: work_models.Item
    at: datetime
    waited_seconds: float
    offered_to: Person | None
    reasons: list[tuple[Person, state.Reason]]


def why(item_id: int, now: datetime) -> Why:
    """Explain the last offer of an item, or if none was made why it waits. The caller has entered every client.

    Raises NoReason.
    """
    item = work_queries.item(item_id)
    if item is None:
        raise NoReason(_("there is no item {item}").format(item=item_id))
    offer = event_log_queries.of_item(item_id).filter(event="work.offered").last()
    pool = (
        routing_models.Pooled.objects.filter(queue=item.queue).values_list("pool", flat=True).first()
        or routing_models.MAIN
    )
    if item.elsewhere:
        raise NoReason(
            _("item {item} is handled by another system, and nobody is offered it here").format(item=item_id)
        )
    if item.keyed_at:
        raise NoReason(_("item {item} waits for its second keying, and nobody is offered it").format(item=item_id))
    if item.state == "waiting" and item.queued_at > now:
        raise NoReason(
            _("item {item} is scheduled, and waits from {queued_at:%Y-%m-%d %H:%M} UTC on").format(
                item=item_id, queued_at=item.queued_at
            )
        )
    if item.state == "waiting" and item.pending_customer_since is None:
        offer, news = None, routing_queries.everything(pool, now)
    elif offer is None:
        raise NoReason(_("item {item} was never offered, and does not wait to be").format(item=item_id))
    else:
        news = _before(offer, pool)
    mind = state.Mind()
    mind.know(news)
    reasons = mind.why(item_id, news.at)
    people = Person.objects.in_bulk([each.person_id for each in reasons])
    at = offer.at if offer else now
    return Why(
        item,
        at,
        news.at - mind.things[item_id].since,
        people.get(offer.person_id) if offer else None,
        [(people[each.person_id], each) for each in reasons],
    )


def _before(offer: event_log_models.Fact, pool: str) -> state.News:
    """What was so just before an offer, from the facts: who was there, what waited, what was with whom."""
    served = routing_queries.lines(pool, offer.at)
    by_id = {line.queue_id: line for line in served}
    over = (offer.at + routing_queries.REFUSED_FOR).timestamp()
    return state.News(
        offer.at.timestamp(),
        served,
        _workers_before(offer),
        tuple(_things_before(offer, by_id)),
        tuple(each for each in routing_queries.refusals(offer.at) if each.until <= over),
    )


def _workers_before(offer: event_log_models.Fact) -> tuple[state.Worker, ...]:
    """Agents as they were; a certificate revoked or a clearance withdrawn since was good then."""
    told = _last_facts(offer, "person_id", AGENT_STATES)
    cleared = Clearance.objects.filter(granted_at__lte=offer.at).exclude(withdrawn_at__lte=offer.at)
    agents = Person.objects.filter(client=None, roles__contains=["agent"], joined_at__lte=offer.at)
    agents = agents.select_related("agent_state", "site")
    agents = people_queries.with_shifts(agents.exclude(left_at__lte=offer.at), offer.at, known=offer.at)
    found = agents.order_by("id").prefetch_related(
        Prefetch("certificates", Certificate.objects.select_related("skill")), Prefetch("clearances", cleared)
    )
    return tuple(_worker_before(person, offer.at, told.get(person.id)) for person in found)


def _worker_before(person: Person, at: datetime, told: event_log_models.Fact | None) -> state.Worker:
    held = [
        qualification.Held(each.skill.name, each.level, each.valid_from, each.expires_on)
        for each in person.certificates.all()
        if each.revoked_at is None or each.revoked_at > at
    ]
    clients = tuple(sorted(each.client_id for each in person.clearances.all()))
    if person.agent_state.since <= at:  # and so since then
        here, since = person.agent_state.state == "available", person.agent_state.since
    else:
        here, since = told is not None and told.event == "person.available", told.at if told else at
    skills = qualification.skills(held, calendars.day_of(at, people_queries.zone_of(person)))
    on_shift, _ = people_queries.on_shift(person, at)
    return state.Worker(person.id, skills, clients, here and on_shift, since.timestamp(), on_shift=on_shift)


AGENT_STATES = ("person.available", "person.away", "person.signed-out")
QUEUED = ("work.queued", "work.scheduled", "work.transferred")

MOVES = (
    *QUEUED,
    "work.offered",
    "work.accepted",
    "work.transferred-to-consultant",
    "work.keyed",
    "work.declined",
    "work.offer-expired",
    "work.offer-withdrawn",
    "work.pending-customer",
    "work.customer-answered",
    "work.wrapped-up",
    "work.abandoned",
    "work.cancelled",
    "work.waited-in-vain",
    "work.reopened",
)

KEPT, KEPT_NO_MORE = (
    "work.sticky-agent",
    ("work.accepted", "work.declined", "work.offer-expired", "work.offer-withdrawn"),
)
TAKES = ("work.offered", "work.accepted", "work.transferred-to-consultant")
ENDS = ("work.pending-customer", "work.wrapped-up", "work.keyed", "work.abandoned", "work.cancelled")


# Taking part in an item beside its owner, and the end of that.
JOINS = ("work.consult-asked", "work.consult-joined", "work.second-keying-begun")
LEAVES = (
    *("work.consult-declined", "work.consult-ended", "work.transferred-to-consultant"),
    *("work.second-keying-dropped", "work.second-keying-done"),
)


def _things_before(offer: event_log_models.Fact, served: Mapping[int, state.Line]) -> Iterator[state.Thing]:
    moved = _last_facts(offer, "item_id", MOVES)
    queued = _last_facts(offer, "item_id", QUEUED)
    kept = _last_facts(offer, "item_id", (KEPT, *KEPT_NO_MORE))
    first = _last_facts(offer, "item_id", ("work.prioritised", "work.place-kept"))
    ours = work_models.Item.objects.filter(elsewhere=False)
    items = ours.in_bulk([item_id for item_id, fact in moved.items() if fact.event not in ENDS])
    hands: dict[int, list[state.Thing]] = defaultdict(list)
    parts = _parts_before(offer, served, hands)
    for item_id, item in sorted(items.items()):
        fact, queue_id = moved[item_id], queued[item_id].details["queue"]
        ahead = first[item_id].details["ahead_seconds"] if item_id in first else 0
        thing = state.Thing(item_id, queue_id, item.queued_at.timestamp(), ahead=ahead)
        if fact.event in TAKES and fact.person_id is not None:
            thing = _taken(thing, fact.person_id, served.get(queue_id), hands[fact.person_id])
            hands[fact.person_id].append(thing)
        elif item_id in kept and kept[item_id].event == KEPT:
            until = datetime.fromisoformat(kept[item_id].details["until"]).timestamp()
            thing = thing._replace(keeper=kept[item_id].person_id, keep_until=until)
        yield thing
    for person_id, taken in parts.items():  # each by itself, under a number that no item has
        yield state.Thing(-person_id, 0, 0.0, state.GONE, parts=tuple((person_id, *part) for part in taken))


def _parts_before(
    offer: event_log_models.Fact, served: Mapping[int, state.Line], hands: Mapping[int, list[state.Thing]]
) -> dict[int, list[tuple[int, int]]]:
    """What was taken of people by items in which they took part beside the owner; noted in their hands too."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    told = event_log_models.Fact.objects.filter(event__in=(*JOINS, *LEAVES), id__lt=offer.id)
    told = told.filter(at__gte=offer.at - LOOKS_BACK, person_id__isnull=False, item_id__isnull=False)
    last = list(told.order_by("item_id", "person_id", "-id").distinct("item_id", "person_id"))
    joined = [fact for fact in last if fact.event in JOINS]
    items = work_models.Item.objects.in_bulk({fact.item_id for fact in joined if fact.item_id})
    for fact in joined:
        item, person_id = items.get(fact.item_id or 0), fact.person_id or 0
        if item is None:
            continue
        line = served.get(item.queue_id)
        keys = fact.event == "work.second-keying-begun"
        most = (line.max_concurrency if line else 1) if keys else item.declared.consults
        part = lifecycle.free_share(found[person_id], most, qualification.CAPACITY)
        if part is not None:
            found[person_id].append(part)
            hands[person_id].append(state.Thing(item.id, item.queue_id, 0.0, state.WITH_SOMEBODY, person_id, *part))
    return found


def _taken(
    thing: state.Thing,
    person_id: int,
    line: state.Line | None,
    hands: Sequence[state.Thing],
) -> state.Thing:
    """What somebody had in hand, with the part of them that it took: free ones first, then over preemptible work."""
    max_concurrency, over = (line.max_concurrency, line.preempts) if line else (1, False)
    part = lifecycle.free_share([(each.low, each.high) for each in hands], max_concurrency, qualification.CAPACITY)
    if part is None and over:
        firm = [(each.low, each.high) for each in hands if not each.preemptible]
        part = lifecycle.free_share(firm, max_concurrency, qualification.CAPACITY)
    low, high = part or (0, qualification.CAPACITY)
    preemptible = line is not None and line.preemptible
    return thing._replace(state=state.WITH_SOMEBODY, person_id=person_id, low=low, high=high, preemptible=preemptible)


def _last_facts(offer: event_log_models.Fact, subject: str, events: Sequence[str]) -> dict[int, event_log_models.Fact]:
    """The last fact of these events about each item or person before an offer, of those that it could concern."""
    known = event_log_models.Fact.objects.filter(event__in=events, id__lt=offer.id, at__gte=offer.at - LOOKS_BACK)
    known = known.exclude(**{subject: None}).order_by(subject, "-id").distinct(subject)
    return {getattr(fact, subject): fact for fact in known}


SAID = {
    "could": "could",
    "away": gettext_noop("was not ready"),
    "off shift": gettext_noop("was off shift"),
    "not able": gettext_noop("lacks the skills or the clearance"),
    "ring not reached": gettext_noop("only in a skill relaxation ring that it had not waited for"),
    "sticky agent": gettext_noop("it was held for its sticky agent"),
    "declined": gettext_noop("declined this queue a moment before"),
    "no room": gettext_noop("was at max concurrency"),
}


def worded(why: Why) -> list[dict[str, Any]]:
    """A row for everybody: who, whether they could, what they lacked, ring and score where they have one."""
    return [
        {
            "person": person.name,
            "could": reason.verdict == "could",
            "said": _said(reason),
            "ring": None if reason.ring < 0 else reason.ring + 1,
            "score": None if reason.ring < 0 else round(reason.score, 3),
            "got_it": why.offered_to == person,
        }
        for person, reason in why.reasons
    ]


def _said(reason: state.Reason) -> str:
    if reason.lacks:
        return _("lacks {skills}").format(skills=", ".join(reason.lacks))
    return _(SAID[reason.verdict])


def plain(why: Why) -> dict[str, Any]:
    """The same as data."""
    return {
        "item": why.item.id,
        "key": why.item.key,
        "queue": why.item.queue.name,
        "client": why.item.client.slug,
        "at": why.at.isoformat(),
        "waited_seconds": round(why.waited_seconds, 3),
        "offered_to": why.offered_to.name if why.offered_to else None,
        "people": worded(why),
    }
