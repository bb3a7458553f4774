"""Why an item was offered to whom it was, or waits: the floor as it was at that moment, from the facts."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch

from workfloor.core.journal import models as journal_models
from workfloor.core.journal import queries as facts
from workfloor.core.people import queries as people_queries
from workfloor.core.people import rules as people
from workfloor.core.people.models import Certificate, Clearance, Person
from workfloor.core.work import models as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work import rules as work_rules
from workfloor.ops.dispatch import models, rules
from workfloor.ops.dispatch import queries as dispatch

# Whoever asks why looks no further back for what waited and who was there.
LOOKS_BACK = timedelta(days=31)


class NoReason(LookupError):
    """Nothing is to be explained: the words say why."""


@dataclass(frozen=True)
class Why:
    """Why an item was offered as it was, or is not: at that moment, who could have had it and who could not."""

    item: work.Item
    at: datetime
    waited_seconds: float
    offered_to: Person | None
    reasons: list[tuple[Person, rules.Reason]]


def why(item_id: int, now: datetime) -> Why:
    """Explain the last offer of an item, or if none was made why it waits. The caller has entered every client.

    Raises NoReason.
    """
    item = work_queries.item(item_id)
    if item is None:
        raise NoReason(f"there is no item {item_id}")
    offer = facts.of_item(item_id).filter(event="work.offered").last()
    pool = models.Pooled.objects.filter(queue=item.queue).values_list("pool", flat=True).first() or models.MAIN
    if item.state == "waiting" and item.queued_at > now:
        raise NoReason(f"item {item_id} is scheduled, and waits from {item.queued_at:%Y-%m-%d %H:%M} UTC on")
    if item.state == "waiting" and item.awaiting_customer_since is None:
        offer, news = None, dispatch.everything(pool, now)
    elif offer is None:
        raise NoReason(f"item {item_id} was never offered, and does not wait to be")
    else:
        news = _before(offer, pool)
    mind = rules.Mind()
    mind.know(news)
    reasons = mind.why(item_id, news.at)
    people = Person.objects.in_bulk([each.person_id for each in reasons])
    at = offer.at if offer else now
    return Why(
        item, at, news.at - mind.things[item_id].since, people.get(offer.person_id) if offer else None,
        [(people[each.person_id], each) for each in reasons],
    )  # fmt: skip


def _before(offer: journal_models.Fact, pool: str) -> rules.News:
    """What was so just before an offer, from the facts: who was there, what waited, what was with whom."""
    served = dispatch.lines(pool, offer.at)
    by_id = {line.queue_id: line for line in served}
    over = (offer.at + dispatch.REFUSED_FOR).timestamp()
    return rules.News(
        offer.at.timestamp(), served, _workers_before(offer), tuple(_things_before(offer, by_id)),
        tuple(each for each in dispatch.refusals(offer.at) if each.until <= over),
    )  # fmt: skip


def _workers_before(offer: journal_models.Fact) -> tuple[rules.Worker, ...]:
    """Agents as they were; a certificate revoked or a clearance withdrawn since was good then."""
    told = _last_facts(offer, "person_id", PRESENCES)
    cleared = Clearance.objects.filter(granted_at__lte=offer.at).exclude(withdrawn_at__lte=offer.at)
    agents = Person.objects.filter(client=None, roles__contains=["agent"], joined_at__lte=offer.at)
    agents = agents.select_related("presence", "site")
    agents = people_queries.with_shifts(agents.exclude(left_at__lte=offer.at), offer.at, known=offer.at)
    found = agents.order_by("id").prefetch_related(
        Prefetch("certificates", Certificate.objects.select_related("skill")), Prefetch("clearances", cleared)
    )  # fmt: skip
    return tuple(_worker_before(person, offer.at, told.get(person.id)) for person in found)


def _worker_before(person: Person, at: datetime, told: journal_models.Fact | None) -> rules.Worker:
    held = [
        people.Held(each.skill.name, each.level, each.valid_from, each.expires_on)
        for each in person.certificates.all()
        if each.revoked_at is None or each.revoked_at > at
    ]
    clients = tuple(sorted(each.client_id for each in person.clearances.all()))
    if person.presence.since <= at:  # and so since then
        here, since = person.presence.state == "available", person.presence.since
    else:
        here, since = told is not None and told.event == "person.available", told.at if told else at
    skills = people.skills(held, at.astimezone(dispatch.zone_of(person)).date())
    on_shift, _ = people_queries.on_shift(person, at)
    return rules.Worker(person.id, skills, clients, here and on_shift, since.timestamp(), on_shift=on_shift)


PRESENCES = ("person.available", "person.away", "person.signed-out")
QUEUED = ("work.queued", "work.scheduled", "work.transferred")
MOVES = (*QUEUED, "work.offered", "work.accepted", "work.declined", "work.offer-expired", "work.offer-withdrawn",
         "work.awaits-customer", "work.customer-answered", "work.wrapped-up", "work.abandoned", "work.cancelled",
         "work.waited-in-vain", "work.reopened")  # fmt: skip
KEPT, KEPT_NO_MORE = "work.kept", ("work.accepted", "work.declined", "work.offer-expired", "work.offer-withdrawn")
TAKES = ("work.offered", "work.accepted")
ENDS = ("work.awaits-customer", "work.wrapped-up", "work.abandoned", "work.cancelled")


def _things_before(offer: journal_models.Fact, served: Mapping[int, rules.Line]) -> Iterator[rules.Thing]:
    moved = _last_facts(offer, "item_id", MOVES)
    queued = _last_facts(offer, "item_id", QUEUED)
    kept = _last_facts(offer, "item_id", (KEPT, *KEPT_NO_MORE))
    first = _last_facts(offer, "item_id", ("work.prioritised",))
    items = work.Item.objects.in_bulk([item_id for item_id, fact in moved.items() if fact.event not in ENDS])
    hands: dict[int, list[rules.Thing]] = defaultdict(list)
    for item_id, item in sorted(items.items()):
        fact, queue_id = moved[item_id], queued[item_id].details["queue"]
        ahead = first[item_id].details["ahead_seconds"] if item_id in first else 0
        thing = rules.Thing(item_id, queue_id, item.queued_at.timestamp(), ahead=ahead)
        if fact.event in TAKES and fact.person_id is not None:
            thing = _taken(thing, fact.person_id, served.get(queue_id), hands[fact.person_id])
            hands[fact.person_id].append(thing)
        elif item_id in kept and kept[item_id].event == KEPT:
            until = datetime.fromisoformat(kept[item_id].details["until"]).timestamp()
            thing = thing._replace(keeper=kept[item_id].person_id, keep_until=until)
        yield thing


def _taken(thing: rules.Thing, person_id: int, line: rules.Line | None, hands: Sequence[rules.Thing]) -> rules.Thing:
    """What somebody had in hand, with the part of them that it took: free ones first, then over work that yields."""
    at_once, over = (line.at_once, line.interrupts) if line else (1, False)
    part = work_rules.free_share([(each.low, each.high) for each in hands], at_once, people.CAPACITY)
    if part is None and over:
        firm = [(each.low, each.high) for each in hands if not each.yields]
        part = work_rules.free_share(firm, at_once, people.CAPACITY)
    low, high = part or (0, people.CAPACITY)
    yields = line is not None and line.yields
    return thing._replace(state=rules.WITH_SOMEBODY, person_id=person_id, low=low, high=high, yields=yields)


def _last_facts(offer: journal_models.Fact, subject: str, events: Sequence[str]) -> dict[int, journal_models.Fact]:
    """The last fact of these events about each item or person before an offer, of those that it could concern."""
    known = journal_models.Fact.objects.filter(event__in=events, id__lt=offer.id, at__gte=offer.at - LOOKS_BACK)
    known = known.exclude(**{subject: None}).order_by(subject, "-id").distinct(subject)
    return {getattr(fact, subject): fact for fact in known}
