"""What a router reads: what is so now, what changed, and what is at stake; and how evenly a month went."""

import calendar
import itertools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from workfloor.core.catalogue import occupancy
from workfloor.core.contracts import models as contracts_models
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import catalogue
from workfloor.core.measures import queries as measures_queries
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import AgentState, Certificate, Clearance, Person, Shift, Spell
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import attempts
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import state, urgency, utilisation


def stakes(served: Iterable[Queue], now: datetime) -> dict[int, float]:
    """What one more contact within its targets is worth in each queue, by where they stand in their windows.

    In percent of the client's charges, for what credits come to in money is known at the end of the month. Of several
    targets of a queue, the one with most at stake counts.
    """
    found: dict[int, float] = defaultdict(float)
    ours = {queue.id for queue in served}
    for client_id in {queue.client_id for queue in served}:
        of_client, _ = attempts.attempt(partial(_stakes_of, client_id, now), f"measuring client {client_id}")
        for queue_ids, stake in of_client or ():
            for queue_id in ours.intersection(queue_ids):
                found[queue_id] = max(found[queue_id], stake)
    return found


def _stakes_of(client_id: int, now: datetime) -> list[tuple[list[int], float]]:
    found: list[tuple[list[int], float]] = []
    try:
        contract = contracts_queries.in_force(client_id, now).contract
    except contracts_queries.NoContract:
        return found
    named = dict(Queue.objects.filter(client_id=client_id).values_list("name", "id"))
    scope = measures_queries.Scope(client_id, contract, named, now)
    for level in contract.service_levels:
        window = _running(scope, level) if urgency.bound(level) is not None else None
        if window is not None:
            figure = measures_queries.figures(scope, level, window)[None]
            passed = (now - window.starts_at) / (window.ends_at - window.starts_at)
            met = urgency.kept(level, figure.counted, figure.met or 0)
            worth = urgency.exposure(
                level, contract.credits, met, figure.counted, urgency.to_come(figure.counted, passed)
            )
            found.append(([named[name] for name in level.of], worth))
    return found


def _running(scope: measures_queries.Scope, level: ServiceLevel) -> Window | None:
    """The window of a level that has begun and is not over; it may end in the next month."""
    local = scope.now.astimezone(ZoneInfo(scope.contract.zone))
    periods = (local, local.replace(day=28) + timedelta(days=4))
    found = (
        window for each in periods for window in catalogue.windows(scope.contract, level, f"{each:%Y-%m}", scope.now)
    )
    return next((window for window in found if window.starts_at <= scope.now < window.ends_at), None)


REFUSED_FOR = timedelta(seconds=30)
REFUSALS = ("work.declined", "work.offer-expired")


def queues(pool: str) -> list[Queue]:
    """The queues that a pool's router serves."""
    elsewhere = routing_models.Pooled.objects.exclude(pool=pool).values("queue_id")
    here = routing_models.Pooled.objects.filter(pool=pool).values("queue_id")
    chosen = (
        Queue.objects.exclude(id__in=elsewhere) if pool == routing_models.MAIN else Queue.objects.filter(id__in=here)
    )
    return list(chosen.select_related("client").order_by("id"))


def lines(pool: str, now: datetime, measured: bool = True) -> tuple[state.Line, ...]:
    """The pool's queues with their terms in force and, if `measured`, what is at stake in each now.

    Measuring takes time: every client's service levels are counted. A client whose contract cannot be read or measured
    is left out, or counts as if nothing were at stake there, and the log says so: all others are served.
    """
    served = queues(pool)
    staked = stakes(served, now) if measured else {}
    largest = max(staked.values(), default=0.0) or 1.0
    signed = contracts_queries.signed_by({queue.client_id for queue in served})
    found = {}
    for client_id, versions in signed.items():
        own = [queue for queue in served if queue.client_id == client_id]
        terms, _ = attempts.attempt(partial(_terms, versions, own, now), f"the contract of client {client_id}")
        found.update(terms or {})
    return tuple(
        _line(queue, found[queue.id], staked.get(queue.id, 0.0) / largest) for queue in served if queue.id in found
    )


def _terms(
    versions: list[contracts_models.Version], own: Iterable[Queue], now: datetime
) -> dict[int, contracts_queries.QueueTerms]:
    return {queue.id: contracts_queries.terms_among(versions, queue.name, now) for queue in own}


def _line(queue: Queue, terms: contracts_queries.QueueTerms, stake: float) -> state.Line:
    relax = tuple((float(ring.after_seconds), dict(ring.requires)) for ring in terms.relax)
    slope = urgency.slope(terms.target_seconds, terms.priority, stake)
    return state.Line(
        queue.id,
        queue.client_id,
        dict(terms.requires),
        relax,
        terms.max_concurrency,
        slope,
        terms.offer_seconds,
        terms.preemptible,
        terms.preempts,
    )


def everything(pool: str, now: datetime, measured: bool = True) -> state.News:
    """All that a router must be told to begin with."""
    served = lines(pool, now, measured)
    found = all_things([line.queue_id for line in served])
    uneven = tuple(sorted(handicaps(pool, served, now).items()))
    return state.News(now.timestamp(), served, workers(now), found, refusals(now), handicaps=uneven)


# --- fairness of load --------------------------------------------------------------------------------------------

# How busy everybody who takes work now was in the last day: their spells, and what they did and have in hand, each
# thing counted by the part of a person that it takes.
_DAY = f"""
SELECT agent_state.person_id,
    extract(epoch FROM %(now)s - greatest(agent_state.since, %(start)s)) + coalesce((
        SELECT sum(extract(epoch FROM spell.ended_at - greatest(spell.started_at, %(start)s)))
        FROM {Spell._meta.db_table} spell WHERE spell.person_id = agent_state.person_id AND spell.ended_at > %(start)s
    ), 0),
    coalesce((
        SELECT sum((item.talk_seconds + item.hold_seconds + item.wrap_seconds)
            / coalesce(line.max_concurrency, 1)::float8)
        FROM {work_models.Item._meta.db_table} item
        LEFT JOIN unnest(%(queues)s::bigint[], %(max_concurrency)s::int[])
            AS line(queue_id, max_concurrency) USING (queue_id)
        WHERE item.done_by_id = agent_state.person_id AND item.wrapped_up_at > %(start)s
    ), 0) + coalesce((
        SELECT sum(extract(epoch FROM %(now)s - greatest(hand.since, %(start)s))
                   * (upper(hand.share) - lower(hand.share)) / {qualification.CAPACITY})
        FROM {work_models.Assignment._meta.db_table} hand
        WHERE hand.person_id = agent_state.person_id AND NOT hand.aside
    ), 0)
FROM {AgentState._meta.db_table} agent_state WHERE agent_state.state = 'available'
"""

DAY = timedelta(days=1)

# As if everybody had been there so much longer, as busy as all: who has just come is neither ahead nor behind.
COMMON_SECONDS = 1800.0


def handicaps(pool: str, served: Iterable[state.Line], now: datetime) -> dict[int, float]:
    """How many whole seconds further back in line each of the pool's people stands, by how busy they were in the last
    day and how busy all together; {} where the pool does not even out.
    """
    weight = routing_models.Fairness.objects.filter(pool=pool).values_list("seconds", flat=True).first()
    if not weight:
        return {}
    max_concurrency = {line.queue_id: line.max_concurrency for line in served}
    given: dict[str, Any] = {
        "now": now,
        "start": now - DAY,
        "queues": list(max_concurrency),
        "max_concurrency": list(max_concurrency.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_DAY, given)
        day = [(person_id, float(present), float(busy)) for person_id, present, busy in cursor.fetchall()]
    of_all = occupancy.occupancy(sum(busy for _, _, busy in day), sum(present for _, present, _ in day)) or 0.0
    return {
        person_id: float(
            round(urgency.handicap(busy + of_all * COMMON_SECONDS, present + COMMON_SECONDS, of_all, weight))
        )
        for person_id, present, busy in day
    }


# --- people ------------------------------------------------------------------------------------------------------
def workers(now: datetime, person_ids: Collection[int] | None = None) -> tuple[state.Worker, ...]:
    """Agents as they are now: these, or all who are with us. Who is none any more takes no work."""
    agents = Person.objects.filter(client=None).select_related("agent_state", "site").order_by("id")
    agents = agents.filter(roles__contains=["agent"], left_at=None) if person_ids is None else agents
    agents = agents if person_ids is None else agents.filter(id__in=person_ids)
    found = people_queries.with_shifts(agents, now).prefetch_related(
        Prefetch("certificates", Certificate.objects.select_related("skill")),
        Prefetch("clearances", Clearance.objects.filter(withdrawn_at=None)),
    )
    return tuple(_worker(person, now) for person in found)


def _worker(person: Person, now: datetime) -> state.Worker:
    zone = people_queries.zone_of(person)
    day = calendars.day_of(now, zone)
    held = people_queries.held(person.certificates.all())
    agent_state = person.agent_state
    on_shift, ends = people_queries.on_shift(person, now)
    here = on_shift and agent_state.state == "available" and person.left_at is None and person.is_a("agent")
    clients = tuple(sorted(each.client_id for each in person.clearances.all()))
    changes = [d for each in held for d in (each.valid_from, each.expires_on and each.expires_on + timedelta(1))]
    turns = [datetime.combine(d, time(0), zone) for d in changes if d and d > day] + ([ends] if ends else [])
    until = min((each.timestamp() for each in turns), default=None)
    return state.Worker(
        person.id, qualification.skills(held, day), clients, here, agent_state.since.timestamp(), until, on_shift
    )


# --- work --------------------------------------------------------------------------------------------------------
_THINGS = f"""
SELECT item.id, item.queue_id, extract(epoch FROM item.queued_at)::float8,
       CASE WHEN NOT isempty(hand.share) THEN '{state.WITH_SOMEBODY}'
            WHEN item.state = 'waiting' AND item.pending_customer_since IS NULL AND item.keyed_at IS NULL
                AND NOT item.elsewhere                 THEN '{state.WAITING}'
            ELSE '{state.GONE}' END,
       coalesce(hand.person_id, 0), coalesce(lower(hand.share), 0), coalesce(upper(hand.share), 0),
       CASE WHEN item.state = 'waiting' AND item.sticky_agent_id IS NOT NULL THEN item.sticky_agent_id ELSE 0 END,
       CASE WHEN item.state = 'waiting' AND item.sticky_agent_id IS NOT NULL
            THEN extract(epoch FROM item.sticky_until)::float8 ELSE 0 END,
       coalesce(hand.preemptible, false), item.ahead_seconds::float8,
       CASE WHEN item.beside IS NULL THEN NULL ELSE (
           SELECT array_agg(ARRAY[part.person_id, lower(part.share), upper(part.share)] ORDER BY part.person_id)
           FROM {work_models.Assignment._meta.db_table} part
           WHERE part.item_id = item.id AND part.place > 0 AND NOT isempty(part.share)
       ) END
FROM {work_models.Item._meta.db_table} item
LEFT JOIN {work_models.Assignment._meta.db_table} hand ON hand.item_id = item.id AND hand.place = 0
"""


def things(item_ids: Collection[int]) -> tuple[state.Thing, ...]:
    """These items as they are now."""
    return _things("WHERE item.id = ANY(%s)", [list(item_ids)]) if item_ids else ()


def all_things(queue_ids: Collection[int]) -> tuple[state.Thing, ...]:
    """What waits in these queues, and whatever is with anybody."""
    waiting = _things("WHERE item.state = 'waiting' AND item.queue_id = ANY(%s)", [list(queue_ids)])
    held = _things("WHERE item.person_id IS NOT NULL AND NOT isempty(hand.share)", [])
    told = {each.item_id for each in waiting + held}
    beside = work_models.Assignment.objects.filter(place__gt=0).values_list("item_id", flat=True)
    return waiting + held + things(sorted(set(beside) - told))


def _things(where: str, values: list[Any]) -> tuple[state.Thing, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_THINGS + where, values)
        things = itertools.starmap(state.Thing, cursor.fetchall())
        return tuple(
            each._replace(parts=tuple((person, low, high) for person, low, high in each.parts or ())) for each in things
        )


_REFUSALS = f"""
SELECT fact.person_id, item.queue_id, extract(epoch FROM fact.at)::float8 + %s
FROM {event_log_models.TABLE} fact JOIN {work_models.Item._meta.db_table} item ON item.id = fact.item_id
WHERE fact.event = ANY(%s) AND fact.at >= %s AND fact.person_id IS NOT NULL
"""


def refusals(now: datetime, fact_ids: Collection[int] | None = None) -> tuple[state.Refusal, ...]:
    """Who let work of which queue go by a moment ago: as these facts say, or all."""
    values: list[Any] = [REFUSED_FOR.total_seconds(), list(REFUSALS), now - REFUSED_FOR]
    where = _REFUSALS + ("" if fact_ids is None else " AND fact.id = ANY(%s)")
    with connection.cursor() as cursor:
        cursor.execute(where, values if fact_ids is None else [*values, list(fact_ids)])
        return tuple(itertools.starmap(state.Refusal, cursor.fetchall()))


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


def unanswered(now: datetime, queue_ids: Iterable[int]) -> list[work_models.Item]:
    """The offers of these queues that nobody answered in time."""
    return list(work_queries.lapsed(now).filter(queue_id__in=list(queue_ids)))


# Work that waits and people who are there when a month begins came before, at most so long ago.
BEFORE = timedelta(days=31)


class NoPeriod(ValueError):
    """What was given is no month."""


@dataclass(frozen=True)
class Utilisation:
    """A month: what was passed over, each person's share with their name, mean and spread of occupancy."""

    period: str
    offers: int
    passed_over: list[utilisation.Passed]
    shares: list[tuple[str, utilisation.Share]]
    occupancy: tuple[float, float] | None


def month_utilisation(period: str, now: datetime) -> Utilisation:
    """Look at a month such as 2026-11, in UTC: the people of several contracts and zones share one floor.

    The caller has entered every client. Raises NoPeriod.
    """
    start, end = _bounds(period)
    end = min(end, max(now, start))
    everyone = utilisation.shares(_facts(start - BEFORE, end), start, end, _max_concurrency(end))
    kept = utilisation.planned(_facts(start - BEFORE, end, "person"), _shifts(start, end), start, end)
    everyone = [each._replace(planned=kept.get(each.person_id, each.planned)) for each in everyone]
    absent = sorted(kept.keys() - {each.person_id for each in everyone})
    everyone += [utilisation.Share(each, 0, 0, 0, 0.0, 0.0, kept[each]) for each in absent]
    names = dict(Person.objects.filter(id__in=[each.person_id for each in everyone]).values_list("id", "name"))
    passed = [each for each in utilisation.passed_over(_facts(start - BEFORE, end)) if each.at >= start]
    named = sorted((names.get(each.person_id, ""), each) for each in everyone)
    return Utilisation(period, sum(each.offered for each in everyone), passed, named, utilisation.spread(everyone))


def _max_concurrency(now: datetime) -> dict[int, int]:
    """How many items of each queue somebody can have at once, by the contracts in force at an instant."""
    every = list(Queue.objects.all())
    found: dict[int, int] = {}
    for client_id, versions in contracts_queries.signed_by({queue.client_id for queue in every}).items():
        own = [queue for queue in every if queue.client_id == client_id]
        terms, _ = attempts.attempt(partial(_terms, versions, own, now), f"the contract of client {client_id}")
        found |= {queue_id: each.max_concurrency for queue_id, each in (terms or {}).items()}
    return found


def _bounds(period: str) -> tuple[datetime, datetime]:
    if not (found := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", period)) or int(found[1]) < 1900:
        raise NoPeriod(_("“{period}” is no month; write it like 2026-11").format(period=period))
    year, month = int(found[1]), int(found[2])
    start = datetime(year, month, 1, tzinfo=UTC)
    return start, start + timedelta(days=calendar.monthrange(year, month)[1])


def _shifts(start: datetime, end: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
    """The shifts of a time that were not cancelled, by person."""
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    planned = Shift.objects.filter(cancelled_at=None, starts_at__lt=end, ends_at__gt=start)
    for person_id, starts_at, ends_at in planned.values_list("person_id", "starts_at", "ends_at"):
        found.setdefault(person_id, []).append((starts_at, ends_at))
    return found


def _facts(start: datetime, end: datetime, of: str = "work|person") -> Iterator[Fact]:
    about = Fact.objects.filter(at__gte=start, at__lt=end, event__regex=rf"^({of})\.").order_by("id")
    return about.iterator(chunk_size=5_000)
