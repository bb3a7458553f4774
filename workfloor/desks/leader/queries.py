"""What the floor and its wallboard show, read at once: a number of questions that no queue and no agent adds to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log.models import Fact
from workfloor.core.measures import intraday_queries
from workfloor.core.measures.intraday_queries import Agreed, Day
from workfloor.core.people.models import Person, Site
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.desks.leader import crew_queries, sparklines, thresholds
from workfloor.desks.leader.crew_queries import Crew, Worker
from workfloor.ops.channels.chat import queries as chat_queries

ANSWERED_SINCE: Final = timedelta(days=30)


def percent(part: int, whole: int) -> int | None:
    """Return a share in whole percent, rounded down so that 100 means all of them; None of nothing."""
    return part * 100 // whole if whole else None


def target_seconds(queued_at: datetime | None, target_at: datetime | None) -> float | None:
    """Return how long the target gives from queueing, at least a second; None where nothing is agreed or waits."""
    if queued_at is None or target_at is None:
        return None
    return max(1.0, (target_at - queued_at).total_seconds())


@dataclass
class Line:
    """One queue: what waits in it, what is being done, and how its day and the running interval go.

    Judged once, when all is read: a page of many queues asks again and again.
    """

    client: Client
    queue: Queue
    terms: contracts_terms.Queue
    kind: str
    agreed: Agreed | None
    now: datetime
    waiting: int = 0
    resting: int = 0  # until the customer answers
    scheduled: int = 0  # for a time to come
    offered: int = 0
    held: int = 0
    oldest_queued_at: datetime | None = None
    target_seconds: float | None = None
    day: Day = field(default_factory=Day)
    arrivals: sparklines.Arrivals = field(default_factory=lambda: sparklines.Arrivals(()))
    most: int = 0  # the fullest 15 minutes of any queue: as high as a drawing is

    @cached_property
    def service_level(self) -> int | None:
        """Of today, in percent."""
        return percent(self.day.met, self.day.counted) if self.agreed else None

    @cached_property
    def service_level_lately(self) -> int | None:
        """Of the running interval, in percent."""
        return percent(self.day.met_lately, self.day.counted_lately) if self.agreed else None

    @property
    def expected(self) -> int | None:
        """What was agreed, in percent."""
        return int(self.agreed.expected) if self.agreed and self.agreed.expected is not None else None

    @property
    def abandon_percent(self) -> int | None:
        """The abandon rate of today, in percent."""
        return percent(self.day.abandoned, self.day.offered)

    @property
    def path(self) -> str:
        """The arrivals as a drawing, on the scale of all queues of the page."""
        return self.arrivals.path(self.most)

    @cached_property
    def waited_seconds(self) -> float | None:
        """How long what waits longest has waited."""
        return (self.now - self.oldest_queued_at).total_seconds() if self.oldest_queued_at else None

    @cached_property
    def level_mood(self) -> thresholds.Mood:
        """How today's service level stands against what was agreed."""
        return self._judged(self.service_level)

    @cached_property
    def level_mood_lately(self) -> thresholds.Mood:
        """How that of the running interval does."""
        return self._judged(self.service_level_lately)

    def _judged(self, found: int | None) -> thresholds.Mood:
        agreed = self.agreed
        expected, minimum = (agreed.expected, agreed.minimum) if agreed else (None, None)
        return thresholds.level_mood(
            found, None if expected is None else float(expected), None if minimum is None else float(minimum)
        )

    @cached_property
    def wait_mood(self) -> thresholds.Mood:
        """How the longest wait stands against its target."""
        return thresholds.wait_mood(self.waited_seconds, self.target_seconds)

    @cached_property
    def mood(self) -> thresholds.Mood:
        """The worst of all."""
        return thresholds.worst(self.wait_mood, self.level_mood, self.level_mood_lately)

    @cached_property
    def is_quiet(self) -> bool:
        """Whether nothing is there to look at: nothing waits, nobody works on it, and nothing is missed."""
        return not (self.waiting or self.offered or self.held) and self.mood == "calm"

    @property
    def risk(self) -> tuple[Any, ...]:
        """Sorts what needs somebody first: what is missed, then how far the longest wait is past its target."""
        share = (self.waited_seconds or 0.0) / (self.target_seconds or 86_400.0)
        mood = thresholds.MOODS.index(self.mood)
        busy = bool(self.waiting), bool(self.offered or self.held)
        return (-mood, -round(share, 1), *(not each for each in busy), -self.terms.priority, str(self.client))


@dataclass(frozen=True)
class Call:
    """An item for which an agent asked for help."""

    item: Item
    note: str


@dataclass(frozen=True)
class TheFloor:
    """The leader's page."""

    lines: list[Line]
    crew: Crew
    calls: list[Call]
    clients: list[Client]
    sites: list[Site]
    zone: ZoneInfo
    interval_from: datetime

    @cached_property
    def busy(self) -> list[Line]:
        """The queues to look at, those at risk first."""
        return [line for line in self.lines if not line.is_quiet]

    @cached_property
    def quiet(self) -> list[Line]:
        """The others, by client and name."""
        return sorted(
            (line for line in self.lines if line.is_quiet), key=lambda line: (line.client.title, line.queue.name)
        )

    @property
    def waiting(self) -> int:
        """All that waits."""
        return sum(line.waiting for line in self.lines)

    @property
    def in_work(self) -> int:
        """All that is in somebody's hands."""
        return sum(line.held for line in self.lines)

    @property
    def handled(self) -> int:
        """What came in today and was wrapped up."""
        return sum(line.day.handled for line in self.lines)

    @property
    def missed(self) -> int:
        """How many queues are past a target."""
        return sum(line.mood == "late" for line in self.lines)

    @property
    def free(self) -> int:
        """Who could take something now."""
        return self.crew.counts["available"]

    @property
    def service_level(self) -> int | None:
        """Of today over all queues that have one."""
        judged = [line.day for line in self.lines if line.agreed]
        return percent(sum(day.met for day in judged), sum(day.counted for day in judged))

    @property
    def occupancy_percent(self) -> int | None:
        """The share of the capacity of those available that is in use now."""
        return None if self.crew.occupancy is None else int(100 * self.crew.occupancy)

    @property
    def at_work(self) -> list[Worker]:
        """Whom the page shows."""
        return self.crew.shown


def zone_of(person: Person) -> ZoneInfo:
    """Return the zone of the person's site."""
    return ZoneInfo(person.site.zone if person.site else "UTC")


def floor(
    person: Person, client_id: int | None, site_id: int | None, now: datetime, state: str = "", *, every: bool = False
) -> TheFloor:
    """Read the floor as a leader sees it, of one client or all that they may enter, and of one site or all.

    Of the people those who are in a `state` (thresholds.STATES), if one is given; as many as a page shows, or `every`.
    """
    zone = zone_of(person)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    clients = list(clients_queries.clients())
    shown = [each for each in clients if client_id in (None, each.id)]
    found = lines(shown, now, midnight)
    enough = (line for line in found if line.day.handled >= thresholds.LEAST_HANDLED)
    usual = {line.queue.id: line.day.handled_time or 0.0 for line in enough}
    asked = crew_queries.Asked(site_id, [each.id for each in shown], now, midnight, usual, state, every)
    return TheFloor(
        lines=found,
        crew=crew_queries.crew(asked),
        calls=calls([each.id for each in shown]),
        clients=clients,
        sites=list(Site.objects.order_by("name")),
        zone=zone,
        interval_from=intraday_queries.interval_of(now),
    )


def lines(shown: list[Client], now: datetime, midnight: datetime) -> list[Line]:
    """Read every queue that a contract in force names, those at risk first."""
    found = {line.queue.id: line for line in _agreed(shown, now)}
    ids = [client.id for client in shown]
    for row in open_now(Item.objects.filter(client_id__in=ids, queue_id__in=found), now):
        line = found[row.pop("queue_id")]
        target_at = row.pop("target_at", None)
        for name, value in row.items():
            setattr(line, name, value)
        line.target_seconds = target_seconds(line.oldest_queued_at, target_at)
    judged = {queue_id: line.agreed for queue_id, line in found.items()}
    for queue_id, day in intraday_queries.days(ids, judged, midnight, now).items():
        found[queue_id].day = day
    last = sparklines.bucket(now)
    since = datetime.fromtimestamp((last - sparklines.BUCKETS + 1) * sparklines.BUCKET_SECONDS, now.tzinfo)
    came = intraday_queries.arrivals(ids, found, since)
    for queue_id, line in found.items():
        line.arrivals = sparklines.arrivals(came.get(queue_id, {}), last)
    most = max((line.arrivals.most for line in found.values()), default=0)
    for line in found.values():
        line.most = most
    return sorted(found.values(), key=lambda line: line.risk)


def _agreed(shown: list[Client], now: datetime) -> Iterable[Line]:
    """The queues of some clients as the contracts in force have them; none where no contract is in force."""
    clients = {client.id: client for client in shown}
    contracts = contracts_queries.all_in_force(clients, now)
    queues = {(queue.client_id, queue.name): queue for queue in Queue.objects.filter(client_id__in=contracts)}
    for client_id, contract in contracts.items():
        judged = intraday_queries.agreed(contract)
        for process in contract.processes:
            for each in process.queues:
                if queue := queues.get((client_id, each.name)):
                    yield Line(clients[client_id], queue, each, process.kind, judged.get(each.name), now)


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


def calls(client_ids: list[int]) -> list[Call]:
    """Read the unfinished items for which help was asked, the longest asked first, with what was asked."""
    asked = work_queries.items().filter(client_id__in=client_ids, escalated_at__isnull=False)
    asked = asked.filter(Q(state="waiting") | Q(person__isnull=False)).order_by("escalated_at")
    facts = Fact.objects.filter(event="work.escalated", item_id__in=[item.id for item in asked]).order_by("id")
    notes = {fact.item_id: fact.details.get("note", "") for fact in facts}
    return [Call(item, notes.get(item.id, "")) for item in asked]


def answered(now: datetime) -> list[chat_queries.Answered]:
    """What visitors lately answered about chats."""
    return chat_queries.answered([each.id for each in clients_queries.clients()], now - ANSWERED_SINCE)
