"""What the leader's page shows, read at once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Extract, Floor

from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log.models import Fact
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Clearance, Person, Site
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.ops.channels.chat import queries as chat_queries

BUCKET_SECONDS = 900
BUCKETS = 32  # eight hours: a shift


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a small chart, in the chart's own units; a 15-minute bucket is one unit wide."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many items came in each 15-minute bucket, the latest last."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)

    @property
    def most(self) -> int:
        """The fullest bucket."""
        return max(self.counts, default=0)

    def bars(self, height: float = 10.0) -> list[Bar]:
        """Draw them: the fullest bucket as high as the chart, an empty one not at all."""
        heights = [height * count / max(self.most, 1) for count in self.counts]
        return [Bar(x, height - tall, tall) for x, tall in enumerate(heights) if tall]


def arrivals(by_bucket: Mapping[int, int], last: int, buckets: int = BUCKETS) -> Arrivals:
    """Put counts by bucket (whole 15-minute buckets since 1970) in a row that ends with `last`, gaps as zero."""
    return Arrivals(tuple(by_bucket.get(number, 0) for number in range(last - buckets + 1, last + 1)))


def bucket(at: datetime) -> int:
    """Return the 15-minute bucket that an instant lies in, counted since 1970."""
    return int(at.timestamp()) // BUCKET_SECONDS


def percent(part: int, whole: int) -> int | None:
    """Return a share in whole percent, rounded down so that 100 means all of them; None of nothing."""
    return part * 100 // whole if whole else None


def target_seconds(queued_at: datetime | None, target_at: datetime | None) -> float | None:
    """Return how long the target gives from queueing, at least a second; None where nothing is agreed or waits."""
    if queued_at is None or target_at is None:
        return None
    return max(1.0, (target_at - queued_at).total_seconds())


ANSWERED_SINCE = timedelta(days=30)


@dataclass
class Line:
    """One queue: what waits in it, what is being done, and how its target is met today."""

    client: Client
    queue: Queue
    terms: contracts_terms.Queue
    kind: str
    waiting: int = 0
    resting: int = 0  # until the customer answers
    scheduled: int = 0  # for a time to come
    offered: int = 0
    held: int = 0
    oldest_queued_at: datetime | None = None
    target_seconds: float | None = None
    done: int = 0
    answered: int = 0
    in_time: int = 0
    arrivals: Arrivals = field(default_factory=lambda: Arrivals(()))

    @property
    def in_time_percent(self) -> int | None:
        """Answered in time, in percent of those answered of what came in today."""
        return percent(self.in_time, self.answered)


@dataclass
class Worker:
    """One agent: whether they take work, what they have in hand, what they did today."""

    person: Person
    items: list[Item] = field(default_factory=list)
    done: int = 0
    on_shift: bool = True
    heard_at: datetime | None = None  # when a browser of theirs was there last
    is_gone: bool = False  # for too long to be offered work
    is_ours: bool = False  # cleared for a client of whoever looks, who may open them

    @property
    def browser_gone_since(self) -> datetime | None:
        """Since when somebody with work in hand has no page of ours open; None where they have one."""
        return self.heard_at if self.is_gone and self.items else None

    @property
    def working(self) -> bool:
        """Whether something is in hand that was accepted."""
        return any(item.state != "offered" for item in self.items)

    @property
    def rank(self) -> tuple[bool, int, str]:
        """At work before gone home; busy, then free, then away."""
        state = self.person.agent_state.state
        order = 0 if self.items else 1 if state == "available" else 2
        return (state == "signed-out" and not self.items, order, self.person.name)


@dataclass(frozen=True)
class Call:
    """An item for which an agent asked for help."""

    item: Item
    note: str


@dataclass(frozen=True)
class TheFloor:
    """The leader's page."""

    lines: list[Line]
    at_work: list[Worker]
    gone: list[Worker]
    calls: list[Call]
    clients: list[Client]
    sites: list[Site]
    zone: ZoneInfo
    answered: list[chat_queries.Answered]

    @property
    def waiting(self) -> int:
        """All that waits."""
        return sum(line.waiting for line in self.lines)

    @property
    def in_work(self) -> int:
        """All that is in somebody's hands."""
        return sum(line.held for line in self.lines)

    @property
    def done(self) -> int:
        """All that was done today."""
        return sum(line.done for line in self.lines)

    @property
    def free(self) -> int:
        """Who could take something now."""
        there = [worker for worker in self.at_work if worker.on_shift and not worker.items]
        return sum(worker.person.agent_state.state == "available" for worker in there)

    @property
    def in_time_percent(self) -> int | None:
        """Answered in time today over all queues."""
        return percent(sum(line.in_time for line in self.lines), sum(line.answered for line in self.lines))


def zone_of(person: Person) -> ZoneInfo:
    """Return the zone of the person's site."""
    return ZoneInfo(person.site.zone if person.site else "UTC")


def floor(person: Person, client_id: int | None, site_id: int | None, now: datetime) -> TheFloor:
    """Read the floor as a leader sees it, of one client or all that they may enter, and of one site or all."""
    zone = zone_of(person)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    every = list(clients_queries.clients())
    shown = [each for each in every if client_id in (None, each.id)]
    workers = crew(site_id, [each.id for each in shown], now, midnight)
    return TheFloor(
        lines=lines(shown, now, midnight),
        at_work=[worker for worker in workers if not worker.rank[0]],
        gone=[worker for worker in workers if worker.rank[0]],
        calls=calls([each.id for each in shown]),
        clients=every,
        sites=list(Site.objects.order_by("name")),
        zone=zone,
        answered=chat_queries.answered([each.id for each in shown], now - ANSWERED_SINCE),
    )


def lines(shown: list[Client], now: datetime, midnight: datetime) -> list[Line]:
    """Read every queue that a contract in force names."""
    found = {line.queue.id: line for client in shown for line in target(client, now)}
    ours = Item.objects.filter(client_id__in=[client.id for client in shown], queue_id__in=found)
    for row in [*open_now(ours, now), *came_since(ours, midnight), *done_since(ours, midnight)]:
        line = found[row.pop("queue_id")]
        target_at = row.pop("target_at", None)
        for name, value in row.items():
            setattr(line, name, value)
        if target_at:
            line.target_seconds = target_seconds(line.oldest_queued_at, target_at)
    draw(found, ours, now)
    return sorted(found.values(), key=lambda line: (line.client.title, -line.terms.priority, line.queue.name))


def target(client: Client, now: datetime) -> list[Line]:
    """Read a client's queues as the contract in force has them; none where no contract is in force."""
    try:
        contract = contracts_queries.in_force(client.id, now).contract
    except contracts_queries.NoContract:
        return []
    queues = {queue.name: queue for queue in Queue.objects.filter(client=client)}
    return [
        Line(client, queues[each.name], each, process.kind)
        for process in contract.processes
        for each in process.queues
        if each.name in queues
    ]


def open_now(ours: QuerySet[Item], now: datetime) -> list[dict[str, Any]]:
    """Count what waits and what is in somebody's hands."""
    waits = Q(state="waiting", pending_customer_since=None, queued_at__lte=now)
    unfinished = ours.filter(Q(state="waiting") | Q(person__isnull=False)).values("queue_id")
    return list(
        unfinished.annotate(
            waiting=Count("id", waits),
            resting=Count("id", Q(state="waiting", pending_customer_since__isnull=False)),
            scheduled=Count("id", Q(state="waiting", pending_customer_since=None, queued_at__gt=now)),
            offered=Count("id", Q(state="offered")),
            held=Count("id", Q(state__in=["held", "wrapping"])),
            oldest_queued_at=Min("queued_at", filter=waits),
            target_at=Min(Coalesce("answer_by", "due_at"), filter=waits),
        )
    )


def came_since(ours: QuerySet[Item], midnight: datetime) -> list[dict[str, Any]]:
    """Count what came in today and was answered, and of that what was answered within the target."""
    came = ours.filter(received_at__gte=midnight, connected_at__isnull=False, answer_by__isnull=False)
    in_time = Count("id", Q(connected_at__lte=F("answer_by")))
    return list(came.values("queue_id").annotate(answered=Count("id"), in_time=in_time))


def done_since(ours: QuerySet[Item], midnight: datetime) -> list[dict[str, Any]]:
    """Count what was done today."""
    return list(
        ours.filter(done_by__isnull=False, wrapped_up_at__gte=midnight).values("queue_id").annotate(done=Count("id"))
    )


def draw(found: dict[int, Line], ours: QuerySet[Item], now: datetime) -> None:
    """Give every queue its arrivals of the last hours."""
    last = bucket(now)
    start = datetime.fromtimestamp((last - BUCKETS + 1) * BUCKET_SECONDS, now.tzinfo)
    place_in_time = Floor(Extract("received_at", "epoch") / BUCKET_SECONDS)
    rows = ours.filter(received_at__gte=start).annotate(place=place_in_time).values_list("queue_id", "place")
    counted: dict[int, dict[int, int]] = {}
    for queue_id, place, count in rows.annotate(count=Count("id")):
        counted.setdefault(queue_id, {})[int(place)] = count
    for queue_id, line in found.items():
        line.arrivals = arrivals(counted.get(queue_id, {}), last)


def crew(site_id: int | None, client_ids: list[int], now: datetime, midnight: datetime) -> list[Worker]:
    """Read the agents of one site or all, those with work in hand first."""
    agents = people_queries.staff().filter(roles__contains=["agent"])
    if site_id is not None:
        agents = agents.filter(site_id=site_id)
    cleared = Clearance.objects.filter(person=OuterRef("pk"), withdrawn_at=None)
    gone_at = now - timedelta(minutes=settings.WORKFLOOR_BROWSER_GONE_MINUTES or 10**6)
    workers = {
        agent.id: Worker(
            agent,
            on_shift=people_queries.on_shift(agent, now)[0],
            heard_at=agent.heard_at,
            is_gone=agent.heard_at is not None and agent.heard_at <= gone_at,
            is_ours=agent.is_ours,
        )
        for agent in people_queries.with_shifts(agents, now).annotate(heard_at=F("heard__at"), is_ours=Exists(cleared))
    }
    for item in (
        work_queries.items().filter(client_id__in=client_ids, person_id__in=workers).order_by("connected_at", "id")
    ):
        workers[item.person_id].items.append(item)  # type: ignore[index]
    done = Item.objects.filter(client_id__in=client_ids, done_by_id__in=workers, wrapped_up_at__gte=midnight)
    for person_id, count in Counter(done.values_list("done_by_id", flat=True)).items():
        workers[person_id].done = count
    return sorted(workers.values(), key=lambda worker: worker.rank)


def calls(client_ids: list[int]) -> list[Call]:
    """Read the unfinished items for which help was asked, the longest asked first, with what was asked."""
    asked = work_queries.items().filter(client_id__in=client_ids, escalated_at__isnull=False)
    asked = asked.filter(Q(state="waiting") | Q(person__isnull=False)).order_by("escalated_at")
    facts = Fact.objects.filter(event="work.escalated", item_id__in=[item.id for item in asked]).order_by("id")
    notes = {fact.item_id: fact.details.get("note", "") for fact in facts}
    return [Call(item, notes.get(item.id, "")) for item in asked]
