"""What a router reads: what is so now, and what has changed since it last looked."""

import calendar
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, F, Prefetch, Q

from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.journal import models as journal_models
from workfloor.core.journal import queries as facts
from workfloor.core.people import queries as people_queries
from workfloor.core.people import rules as people
from workfloor.core.people.models import Certificate, Clearance, Person
from workfloor.core.queueing import rules as queueing
from workfloor.core.work import models as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work import rules as work_rules
from workfloor.ops.dispatch import models, rules

# Whoever asks why looks no further back for what waited and who was there.
LOOKS_BACK = timedelta(days=31)
REFUSED_FOR = timedelta(seconds=30)
REFUSALS = ("work.declined", "work.offer-expired")
# Work without a promise of its own is as urgent as if it had been promised within a day.
NO_PROMISE_SECONDS = 86_400


def queues(pool: str) -> list[Queue]:
    """The queues that a pool's router serves."""
    elsewhere = models.Pooled.objects.exclude(pool=pool).values("queue_id")
    here = models.Pooled.objects.filter(pool=pool).values("queue_id")
    chosen = Queue.objects.exclude(id__in=elsewhere) if pool == models.MAIN else Queue.objects.filter(id__in=here)
    return list(chosen.select_related("client").order_by("id"))


def named(name: str) -> Queue:
    """A queue by its client's name and its own, as in "first-bank/regular". Raises LookupError."""
    client, _, queue = name.partition("/")
    found = Queue.objects.filter(client__slug=client, name=queue).first()
    if found is None:
        raise LookupError(f"There is no queue {name}. Write it as in first-bank/regular; `workfloor pool` lists them.")
    return found


def pools() -> dict[str, str]:
    """Which queue is in which pool, by their names."""
    elsewhere = dict(models.Pooled.objects.values_list("queue_id", "pool"))
    queues = Queue.objects.select_related("client").order_by("client__slug", "name")
    return {f"{queue.client.slug}/{queue.name}": elsewhere.get(queue.id, models.MAIN) for queue in queues}


def lines(pool: str, now: datetime) -> tuple[rules.Line, ...]:
    """The pool's queues with their terms in force, and what is at stake in each now."""
    served = queues(pool)
    staked = stakes(served, now)
    largest = max(staked.values(), default=0.0) or 1.0
    return tuple(_line(queue, contracts.terms_of(queue, now), staked.get(queue.id, 0.0) / largest) for queue in served)


def _line(queue: Queue, terms: contracts.QueueTerms, stake: float) -> rules.Line:
    relax = tuple((float(ring.after_seconds), dict(ring.requires)) for ring in terms.relax)
    promised = terms.answer_within_seconds or terms.resolve_within_seconds or NO_PROMISE_SECONDS
    slope = queueing.slope(promised, terms.priority, stake)
    return rules.Line(queue.id, queue.client_id, dict(terms.requires), relax, terms.at_once, slope, terms.offer_seconds)


def stakes(served: Iterable[Queue], now: datetime) -> dict[int, float]:
    """What one more answer in time is worth in each queue that has such a promise, by where it stands this month.

    In percent of the client's pool of credits: what the credits come to in money is known at the end of the month.
    """
    by_client: dict[int, dict[str, int]] = defaultdict(dict)
    for queue in served:
        by_client[queue.client_id][queue.name] = queue.id
    found: dict[int, float] = defaultdict(float)
    for client_id, named in by_client.items():
        for queue_ids, stake in _stakes_of(client_id, named, now):
            for queue_id in queue_ids:
                found[queue_id] = max(found[queue_id], stake)
    return found


def _stakes_of(client_id: int, named: Mapping[str, int], now: datetime) -> Iterator[tuple[list[int], float]]:
    try:
        contract = contracts.in_force(client_id, now.date()).contract
    except contracts.NoContract:
        return
    start = now.astimezone(ZoneInfo(contract.zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = calendar.monthrange(start.year, start.month)[1]
    passed = (now - start) / timedelta(days=days)
    for level in contract.service_levels:
        queue_ids = [named[name] for name in level.of if name in named]
        if level.measure == "answered-within" and level.expected and level.threshold_seconds and queue_ids:
            met, counted = _attained(client_id, queue_ids, start, level.threshold_seconds)
            to_come = counted * (1 - passed) / max(passed, 1 / days)
            yield (
                queue_ids,
                queueing.stake(float(level.weight or 1), float(level.expected) / 100, met, counted, to_come),
            )


def _attained(client_id: int, queue_ids: list[int], start: datetime, threshold_seconds: int) -> tuple[int, int]:
    """How many contacts of the month were answered in time, of how many answered."""
    answered = work.Item.objects.filter(client_id=client_id, received_at__gte=start, queue_id__in=queue_ids)
    answered = answered.filter(connected_at__isnull=False).exclude(state="cancelled")
    in_time = Q(connected_at__lte=F("queued_at") + timedelta(seconds=threshold_seconds))
    counts = answered.aggregate(met=Count("id", in_time), counted=Count("id"))
    return counts["met"], counts["counted"]


def everything(pool: str, now: datetime) -> rules.News:
    """All that a router must be told to begin with."""
    served = lines(pool, now)
    found = all_things([line.queue_id for line in served])
    return rules.News(now.timestamp(), served, workers(now), found, refusals(now))


# --- people ------------------------------------------------------------------------------------------------------


def workers(now: datetime, person_ids: Collection[int] | None = None) -> tuple[rules.Worker, ...]:
    """Agents as they are now: these, or all who are with us. Who is none any more takes no work."""
    agents = Person.objects.filter(client=None).select_related("presence", "site").order_by("id")
    agents = agents.filter(roles__contains=["agent"], left_at=None) if person_ids is None else agents
    agents = agents if person_ids is None else agents.filter(id__in=person_ids)
    found = agents.prefetch_related(
        Prefetch("certificates", Certificate.objects.select_related("skill")),
        Prefetch("clearances", Clearance.objects.filter(withdrawn_at=None)),
    )
    return tuple(_worker(person, now) for person in found)


def _zone(person: Person) -> tzinfo:
    """Certificates begin and expire with the day where the person works."""
    return ZoneInfo(person.site.zone) if person.site else UTC


def _worker(person: Person, now: datetime) -> rules.Worker:
    zone = _zone(person)
    day = now.astimezone(zone).date()
    held = people_queries.held(person.certificates.all())
    presence = person.presence
    here = presence.state == "available" and person.left_at is None and person.is_a("agent")
    clients = tuple(sorted(each.client_id for each in person.clearances.all()))
    changes = [d for each in held for d in (each.valid_from, each.expires_on and each.expires_on + timedelta(1))]
    until = min((datetime.combine(d, time(0), zone).timestamp() for d in changes if d and d > day), default=None)
    return rules.Worker(person.id, people.skills(held, day), clients, here, presence.since.timestamp(), until)


# --- work --------------------------------------------------------------------------------------------------------

_THINGS = f"""
SELECT item.id, item.queue_id, extract(epoch FROM item.queued_at)::float8,
       CASE WHEN hand.item_id IS NOT NULL THEN '{rules.WITH_SOMEBODY}'
            WHEN item.state = 'waiting' AND item.awaiting_customer_since IS NULL THEN '{rules.WAITING}'
            ELSE '{rules.GONE}' END,
       coalesce(hand.person_id, 0), coalesce(lower(hand.share), 0), coalesce(upper(hand.share), 0)
FROM {work.Item._meta.db_table} item LEFT JOIN {work.Assignment._meta.db_table} hand ON hand.item_id = item.id
"""


def things(item_ids: Collection[int]) -> tuple[rules.Thing, ...]:
    """These items as they are now."""
    return _things("WHERE item.id = ANY(%s)", [list(item_ids)]) if item_ids else ()


def all_things(queue_ids: Collection[int]) -> tuple[rules.Thing, ...]:
    """What waits in these queues, and whatever is with anybody."""
    waiting = _things("WHERE item.state = 'waiting' AND item.queue_id = ANY(%s)", [list(queue_ids)])
    return waiting + _things("WHERE item.person_id IS NOT NULL AND hand.item_id IS NOT NULL", [])


def _things(where: str, values: list[Any]) -> tuple[rules.Thing, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_THINGS + where, values)
        return tuple(itertools.starmap(rules.Thing, cursor.fetchall()))


_REFUSALS = f"""
SELECT fact.person_id, item.queue_id, extract(epoch FROM fact.at)::float8 + %s
FROM {journal_models.TABLE} fact JOIN {work.Item._meta.db_table} item ON item.id = fact.item_id
WHERE fact.event = ANY(%s) AND fact.at >= %s AND fact.person_id IS NOT NULL
"""


def refusals(now: datetime, fact_ids: Collection[int] | None = None) -> tuple[rules.Refusal, ...]:
    """Who let work of which queue go by a moment ago: as these facts say, or all."""
    values: list[Any] = [REFUSED_FOR.total_seconds(), list(REFUSALS), now - REFUSED_FOR]
    where = _REFUSALS + ("" if fact_ids is None else " AND fact.id = ANY(%s)")
    with connection.cursor() as cursor:
        cursor.execute(where, values if fact_ids is None else [*values, list(fact_ids)])
        return tuple(itertools.starmap(rules.Refusal, cursor.fetchall()))


# --- who leads ---------------------------------------------------------------------------------------------------

_STALLED = """
SELECT activity.pid FROM pg_locks held JOIN pg_stat_activity activity USING (pid)
WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted
  AND (held.classid::bigint << 32 | held.objid::bigint) = hashtextextended(%s, 0)
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (activity.state <> 'active' OR activity.wait_event_type = 'Client')
  AND activity.state_change < clock_timestamp()
      - make_interval(secs => CASE activity.application_name WHEN %s THEN %s ELSE %s END)
"""
BEGINS, LEADS = "router begins", "router leads"  # what a leader's connection calls itself


def stalled(lock: str, seconds: float, seconds_to_begin: float) -> list[int]:
    """The server processes that hold a lock of this name for a client that has asked for nothing so long."""
    with connection.cursor() as cursor:
        cursor.execute(_STALLED, [lock, BEGINS, seconds_to_begin, seconds])
        return [row[0] for row in cursor.fetchall()]


def unanswered(now: datetime, queue_ids: Iterable[int]) -> list[work.Item]:
    """The offers of these queues that nobody answered in time."""
    return list(work_queries.lapsed(now).filter(queue_id__in=list(queue_ids)))


# --- why ---------------------------------------------------------------------------------------------------------


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
    if item.state == "waiting" and item.awaiting_customer_since is None:
        offer, news = None, everything(pool, now)
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
    served = lines(pool, offer.at)
    at_once = {line.queue_id: line.at_once for line in served}
    return rules.News(
        offer.at.timestamp(), served, _workers_before(offer), tuple(_things_before(offer, at_once)),
        tuple(each for each in refusals(offer.at) if each.until <= (offer.at + REFUSED_FOR).timestamp()),
    )  # fmt: skip


def _workers_before(offer: journal_models.Fact) -> tuple[rules.Worker, ...]:
    """Agents as they were; a certificate revoked or a clearance withdrawn since was good then."""
    told = _last_facts(offer, "person_id", PRESENCES)
    cleared = Clearance.objects.filter(granted_at__lte=offer.at).exclude(withdrawn_at__lte=offer.at)
    agents = Person.objects.filter(client=None, roles__contains=["agent"], joined_at__lte=offer.at)
    agents = agents.select_related("presence", "site")
    found = agents.exclude(left_at__lte=offer.at).order_by("id").prefetch_related(
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
    skills = people.skills(held, at.astimezone(_zone(person)).date())
    return rules.Worker(person.id, skills, clients, here, since.timestamp())


PRESENCES = ("person.available", "person.away", "person.signed-out")
MOVES = ("work.queued", "work.transferred", "work.offered", "work.accepted", "work.declined", "work.offer-expired",
         "work.awaits-customer", "work.customer-answered", "work.wrapped-up", "work.abandoned", "work.cancelled",
         "work.reopened")  # fmt: skip
TAKES = ("work.offered", "work.accepted")
ENDS = ("work.awaits-customer", "work.wrapped-up", "work.abandoned", "work.cancelled")


def _things_before(offer: journal_models.Fact, at_once: Mapping[int, int]) -> Iterator[rules.Thing]:
    moved = _last_facts(offer, "item_id", MOVES)
    queued = _last_facts(offer, "item_id", ("work.queued", "work.transferred"))
    items = work.Item.objects.in_bulk([item_id for item_id, fact in moved.items() if fact.event not in ENDS])
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for item_id, item in sorted(items.items()):
        fact, queue_id = moved[item_id], queued[item_id].details["queue"]
        thing = rules.Thing(item_id, queue_id, item.queued_at.timestamp())
        if fact.event in TAKES and fact.person_id is not None:
            part = work_rules.free_share(taken[fact.person_id], at_once.get(queue_id, 1), people.CAPACITY)
            taken[fact.person_id].append(part or (0, 60))
            low, high = part or (0, 60)
            thing = thing._replace(state=rules.WITH_SOMEBODY, person_id=fact.person_id, low=low, high=high)
        yield thing


def _last_facts(offer: journal_models.Fact, subject: str, events: Sequence[str]) -> dict[int, journal_models.Fact]:
    """The last fact of these events about each item or person before an offer, of those that it could concern."""
    known = journal_models.Fact.objects.filter(event__in=events, id__lt=offer.id, at__gte=offer.at - LOOKS_BACK)
    known = known.exclude(**{subject: None}).order_by(subject, "-id").distinct(subject)
    return {getattr(fact, subject): fact for fact in known}
