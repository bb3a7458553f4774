"""What a router reads: what is so now, and what has changed since it last looked."""

import itertools
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Prefetch

from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.journal import models as journal_models
from workfloor.core.people import queries as people_queries
from workfloor.core.people import rules as people
from workfloor.core.people.models import Certificate, Clearance, Person, Presence, Spell
from workfloor.core.queueing import rules as queueing
from workfloor.core.work import models as work
from workfloor.core.work import queries as work_queries
from workfloor.ops.dispatch import models, rules
from workfloor.ops.stakes import queries as stakes

REFUSED_FOR = timedelta(seconds=30)
REFUSALS = ("work.declined", "work.offer-expired")


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
    staked = stakes.stakes(served, now)
    largest = max(staked.values(), default=0.0) or 1.0
    return tuple(_line(queue, contracts.terms_of(queue, now), staked.get(queue.id, 0.0) / largest) for queue in served)


def _line(queue: Queue, terms: contracts.QueueTerms, stake: float) -> rules.Line:
    relax = tuple((float(ring.after_seconds), dict(ring.requires)) for ring in terms.relax)
    slope = queueing.slope(terms.promised_seconds, terms.priority, stake)
    return rules.Line(
        queue.id, queue.client_id, dict(terms.requires), relax, terms.at_once, slope, terms.offer_seconds,
        terms.yields, terms.interrupts,
    )  # fmt: skip


def everything(pool: str, now: datetime) -> rules.News:
    """All that a router must be told to begin with."""
    served = lines(pool, now)
    found = all_things([line.queue_id for line in served])
    uneven = tuple(sorted(handicaps(pool, served, now).items()))
    return rules.News(now.timestamp(), served, workers(now), found, refusals(now), handicaps=uneven)


# --- fairness of load --------------------------------------------------------------------------------------------

# How busy everybody who takes work now was in the last day: their spells, and what they did and have in hand, each
# thing counted by the part of a person that it takes.
_DAY = f"""
SELECT presence.person_id,
    extract(epoch FROM %(now)s - greatest(presence.since, %(start)s)) + coalesce((
        SELECT sum(extract(epoch FROM spell.ended_at - greatest(spell.started_at, %(start)s)))
        FROM {Spell._meta.db_table} spell WHERE spell.person_id = presence.person_id AND spell.ended_at > %(start)s
    ), 0),
    coalesce((
        SELECT sum((item.talk_seconds + item.hold_seconds + item.wrap_seconds) / coalesce(line.at_once, 1)::float8)
        FROM {work.Item._meta.db_table} item
        LEFT JOIN unnest(%(queues)s::bigint[], %(at_once)s::int[]) AS line(queue_id, at_once) USING (queue_id)
        WHERE item.done_by_id = presence.person_id AND item.wrapped_up_at > %(start)s
    ), 0) + coalesce((
        SELECT sum(extract(epoch FROM %(now)s - greatest(hand.since, %(start)s))
                   * (upper(hand.share) - lower(hand.share)) / {people.CAPACITY})
        FROM {work.Assignment._meta.db_table} hand WHERE hand.person_id = presence.person_id AND NOT hand.aside
    ), 0)
FROM {Presence._meta.db_table} presence WHERE presence.state = 'available'
"""
DAY = timedelta(days=1)
# As if everybody had been there so much longer, as busy as all: who has just come is neither ahead nor behind.
COMMON_SECONDS = 1800.0


def handicaps(pool: str, served: Iterable[rules.Line], now: datetime) -> dict[int, float]:
    """How many whole seconds further back in line each of the pool's people stands, by how busy they were in the last
    day and how busy all together; {} where the pool does not even out.
    """
    weight = models.Fairness.objects.filter(pool=pool).values_list("seconds", flat=True).first()
    if not weight:
        return {}
    at_once = {line.queue_id: line.at_once for line in served}
    given: dict[str, Any] = {"now": now, "start": now - DAY, "queues": list(at_once), "at_once": list(at_once.values())}
    with connection.cursor() as cursor:
        cursor.execute(_DAY, given)
        day = [(person_id, float(present), float(busy)) for person_id, present, busy in cursor.fetchall()]
    occupancy = sum(busy for _, _, busy in day) / (sum(present for _, present, _ in day) or 1.0)
    return {
        person_id: float(round(queueing.handicap(
            busy + occupancy * COMMON_SECONDS, present + COMMON_SECONDS, occupancy, weight
        )))
        for person_id, present, busy in day
    }  # fmt: skip


# --- people ------------------------------------------------------------------------------------------------------


def workers(now: datetime, person_ids: Collection[int] | None = None) -> tuple[rules.Worker, ...]:
    """Agents as they are now: these, or all who are with us. Who is none any more takes no work."""
    agents = Person.objects.filter(client=None).select_related("presence", "site").order_by("id")
    agents = agents.filter(roles__contains=["agent"], left_at=None) if person_ids is None else agents
    agents = agents if person_ids is None else agents.filter(id__in=person_ids)
    found = people_queries.with_shifts(agents, now).prefetch_related(
        Prefetch("certificates", Certificate.objects.select_related("skill")),
        Prefetch("clearances", Clearance.objects.filter(withdrawn_at=None)),
    )
    return tuple(_worker(person, now) for person in found)


def zone_of(person: Person) -> tzinfo:
    """Certificates begin and expire with the day where the person works."""
    return ZoneInfo(person.site.zone) if person.site else UTC


def _worker(person: Person, now: datetime) -> rules.Worker:
    zone = zone_of(person)
    day = now.astimezone(zone).date()
    held = people_queries.held(person.certificates.all())
    presence = person.presence
    on_shift, ends = people_queries.on_shift(person, now)
    here = on_shift and presence.state == "available" and person.left_at is None and person.is_a("agent")
    clients = tuple(sorted(each.client_id for each in person.clearances.all()))
    changes = [d for each in held for d in (each.valid_from, each.expires_on and each.expires_on + timedelta(1))]
    turns = [datetime.combine(d, time(0), zone) for d in changes if d and d > day] + ([ends] if ends else [])
    until = min((each.timestamp() for each in turns), default=None)
    return rules.Worker(person.id, people.skills(held, day), clients, here, presence.since.timestamp(), until, on_shift)


# --- work --------------------------------------------------------------------------------------------------------

_THINGS = f"""
SELECT item.id, item.queue_id, extract(epoch FROM item.queued_at)::float8,
       CASE WHEN hand.item_id IS NOT NULL THEN '{rules.WITH_SOMEBODY}'
            WHEN item.state = 'waiting' AND item.awaiting_customer_since IS NULL THEN '{rules.WAITING}'
            ELSE '{rules.GONE}' END,
       coalesce(hand.person_id, 0), coalesce(lower(hand.share), 0), coalesce(upper(hand.share), 0),
       CASE WHEN item.state = 'waiting' AND item.kept_for_id IS NOT NULL THEN item.kept_for_id ELSE 0 END,
       CASE WHEN item.state = 'waiting' AND item.kept_for_id IS NOT NULL
            THEN extract(epoch FROM item.kept_until)::float8 ELSE 0 END,
       coalesce(hand.yields, false), item.ahead_seconds::float8
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
