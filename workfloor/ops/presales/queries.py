"""What an import needs to know of a client, which files were imported, and past work as the event log has it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Max, Min, Q, QuerySet

from workfloor.core.catalogue import population, repeat_contact_within
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims import queries as claims_queries
from workfloor.core.claims import rules as claims_rules
from workfloor.core.claims.rules import Event
from workfloor.core.clients.models import Client
from workfloor.core.contracts import pricing
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log.models import Fact
from workfloor.core.work.kinds import BEGUN_BY_US, CONVERSATIONS, OF_PROCESS
from workfloor.core.work.models import Item
from workfloor.ops.presales import export_reading, export_rows, past_work
from workfloor.ops.presales import models as presales_models


@dataclass(frozen=True)
class Place:
    """Where a client's past work goes: its queues by name, and the time that its contract covers."""

    client: Client
    queues: Mapping[str, Queue]
    zone: ZoneInfo
    window: export_rows.Window


def place(client: Client, now: datetime) -> Place | None:
    """Where the past work of an entered client goes; None if it never signed a contract."""
    signed = list(contracts_queries.versions(client.id))
    if not signed:
        return None
    first, latest = contracts_queries.terms(signed[0]), contracts_queries.terms(signed[-1])
    zone = ZoneInfo(latest.zone)
    window = export_rows.Window(
        _midnight(first.starts_on, zone), _midnight(latest.ends_on + timedelta(days=1), zone), now
    )
    queues = Queue.objects.filter(client=client).select_related("process")
    return Place(client, {queue.name: queue for queue in queues}, zone, window)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def plan(place: Place, how: export_rows.Map) -> export_reading.Plan:
    """How to read an export, with what the contract says of its queues, from one version to the next."""
    days = sorted({version.effective_on for version in contracts_queries.versions(place.client.id)})
    since, homes = [_midnight(day, place.zone) for day in days], {}
    for name in set(how.queues.values()):
        terms_at = contracts_queries.terms_by(place.queues[name])
        found = [terms_at(datetime.combine(day, time(12), place.zone)) for day in days]
        said = [export_reading.Said(each.version, OF_PROCESS[each.process_kind], each.calendar) for each in found]
        homes[name] = export_reading.Home(place.queues[name].id, place.queues[name].process_id, since, said)
    return export_reading.Plan(how, place.window, place.client.id, homes)


def imports() -> QuerySet[presales_models.Import]:
    """The files imported for the clients inside the wall, newest first."""
    return presales_models.Import.objects.select_related("client").order_by("-imported_at", "-id")


def same_file(client: Client, sha256: str) -> presales_models.Import | None:
    """The import of exactly this file, if there was one."""
    return presales_models.Import.objects.filter(client=client, sha256=sha256).select_related("client").first()


def known_keys(client: Client, keys: Iterable[str], but: Collection[int]) -> set[str]:
    """Which of these calls are there already, as items other than those."""
    there = Item.objects.filter(client=client, key__in=list(keys)).exclude(id__in=but)
    return set(there.values_list("key", flat=True))


def report(imported: presales_models.Import) -> dict[str, Any]:
    """An import as plain values, for people and programs to read."""
    counts = ("rows", "answered", "abandoned", "phantom", "left_out")
    return {
        "client": imported.client.slug,
        "source": imported.source,
        "file": imported.file,
        "sha256": imported.sha256,
        "imported_at": imported.imported_at.isoformat(timespec="seconds"),
        "first_at": imported.first_at.isoformat(),
        "last_at": imported.last_at.isoformat(),
        **{name: getattr(imported, name) for name in counts},
        "dirt": imported.dirt,
        "unused_columns": imported.unused_columns,
    }


_STEPS = {
    "work.queued": "at",
    "work.scheduled": "for_at",
    "work.transferred": "at",
    "work.snoozed": "until",
    "work.connected": "at",
    "work.pending-customer": "at",
    "work.customer-answered": "at",
    "work.reply-sent": "at",
    "work.ended": "at",
    "work.reopened": "at",
    "work.waited-in-vain": "at",
    "work.reply-undelivered": "at",
}

# For an item of a case: whether nothing of the case came in before it, and when the next did.
_CASES = f"""SELECT item.id, NOT EXISTS (
        SELECT FROM work_item AS before WHERE before.case_id = item.case_id AND before.cancelled_at IS NULL
        AND {population.is_contact("before")}
        AND (before.received_at, before.id) < (item.received_at, item.id)),
    (SELECT min(later.received_at) FROM work_item AS later WHERE later.case_id = item.case_id
        AND later.cancelled_at IS NULL AND {population.is_contact("later")}
        AND (later.received_at, later.id) > (item.received_at, item.id))
    FROM work_item AS item WHERE item.id = ANY(%s) AND item.case_id IS NOT NULL"""

# For an item of a known customer: when their next contact came in, about whatever case.
_CUSTOMERS = f"""SELECT item.id, (SELECT min(later.received_at) FROM {repeat_contact_within.CONTACTS}
        WHERE own.id = item.case_id AND (later.received_at, later.id) > (item.received_at, item.id))
    FROM work_item AS item JOIN work_case AS of ON of.id = item.case_id
    WHERE item.id = ANY(%s) AND of.customer_id IS NOT NULL"""

_AT_ONCE = 2000


def queues(client: Client) -> tuple[str, ...]:
    """The queues in which the client ever had work."""
    used = Queue.objects.filter(client=client, items__isnull=False).distinct()
    return tuple(used.order_by("id").values_list("name", flat=True))


def arrivals(client: Client) -> tuple[datetime, datetime] | None:
    """When the first and the last of the client's work arrived; None where none did."""
    found = Item.objects.filter(client=client).aggregate(first=Min("received_at"), last=Max("received_at"))
    return (found["first"], found["last"]) if found["first"] else None


def delivers(client: Client) -> frozenset[str]:
    """The prices by which hours or costs of the client are charged, or ever were claimed."""
    agreed = (
        price for version in contracts_queries.versions(client.id) for price in contracts_queries.terms(version).prices
    )
    titles = {price.title for price in agreed if price.unit in pricing.DELIVERED}
    return frozenset(titles | {each.price for each in claims_queries.claims(client.id, kinds=claims_rules.DELIVERIES)})


@dataclass(frozen=True, slots=True)
class EventLog:
    """A client's event_log, who must have been entered; what not all contracts need is read where it is asked for."""

    client: Client
    with_clocks: bool = True
    with_cases: bool = True
    with_customers: bool = True

    def received(self, since: datetime, until: datetime) -> Iterator[past_work.Past]:
        """What became of the items received in a time, as they were received."""
        yield from self._past(Q(received_at__gte=since, received_at__lt=until))

    def open_in(self, since: datetime, until: datetime) -> Iterator[past_work.Past]:
        """What came in before a time was over and was not over itself when it began."""
        ended = Q(ended_at__isnull=True) & Q(abandoned_at__isnull=True) & Q(cancelled_at__isnull=True)
        over = ended | Q(ended_at__gt=since) | Q(ended_at__isnull=True, abandoned_at__gt=since)
        yield from EventLog(self.client, False, False, False)._past(Q(received_at__lt=until) & over)

    def events(self, since: datetime, until: datetime) -> list[Event]:
        """What lasted into a time and counts."""
        return claims_queries.events(self.client.id, since, until)

    def delivered(self, since: datetime, until: datetime) -> Mapping[str, Decimal]:
        """The hours and costs of a time that were approved, by the title of their price."""
        return claims_queries.delivered(self.client.id, since, until)

    def _past(self, which: Q) -> Iterator[past_work.Past]:
        chosen: QuerySet[Item] = Item.objects.filter(which, client=self.client).select_related("queue")
        chosen = chosen.exclude(kind__in=BEGUN_BY_US)
        names = dict(Queue.objects.filter(client=self.client).values_list("id", "name"))
        for some in _batches(chosen.order_by("received_at", "id").iterator(chunk_size=_AT_ONCE)):
            numbers = [item.id for item in some]
            steps = _steps(numbers, some[0].received_at, names) if self.with_clocks else {}
            cases = _cases(numbers) if self.with_cases else {}
            next_of_customer = _next_of_customer(numbers) if self.with_customers else {}
            for item in some:
                became = _outcome(item, *cases.get(item.id, (False, None)))
                if item.id in next_of_customer:
                    became = replace(became, is_of_customer=True, next_of_customer_at=next_of_customer[item.id])
                yield past_work.Past(became, steps.get(item.id, ()), item.kind)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    for first in items:
        yield [first, *(item for _, item in zip(range(_AT_ONCE - 1), items, strict=False))]


def _outcome(item: Item, is_first: bool, next_at: datetime | None) -> Outcome:
    return Outcome(
        item_id=item.id,
        queue=item.queue.name,
        received_at=item.received_at,
        queued_at=item.queued_at,
        connected_at=item.connected_at,
        abandoned_at=item.abandoned_at,
        cancelled_at=item.cancelled_at,
        done=item.state == "done",
        talk_seconds=item.talk_seconds,
        hold_seconds=item.hold_seconds,
        wrap_seconds=item.wrap_seconds,
        awaiting_since=item.pending_customer_since,
        disposition=item.disposition,
        in_conversation=bool(item.connected_at) and item.kind in CONVERSATIONS,
        ended_at=item.ended_at,
        came_back_seconds=item.came_back_seconds,
        is_first_of_case=is_first,
        next_of_case_at=next_at,
        transfers=item.transfers,
    )


def _cases(numbers: list[int]) -> dict[int, tuple[bool, datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_CASES, [numbers])
        return {number: (is_first, next_at) for number, is_first, next_at in cursor.fetchall()}


def _next_of_customer(numbers: list[int]) -> dict[int, datetime | None]:
    with connection.cursor() as cursor:
        cursor.execute(_CUSTOMERS, [numbers])
        return dict(cursor.fetchall())


def _steps(numbers: list[int], since: datetime, names: Mapping[int, str]) -> dict[int, tuple[past_work.Step, ...]]:
    """What moved the clocks of some items, received since an instant, in its order."""
    facts = Fact.objects.filter(item_id__in=numbers, event__in=_STEPS, at__gte=since).order_by("item_id", "id")
    found: dict[int, list[past_work.Step]] = defaultdict(list)
    where: dict[int, str] = {}
    replied: dict[int, int | None] = {}
    for number, event, at, details in facts.values_list("item_id", "event", "at", "details").iterator(_AT_ONCE):
        assert number is not None
        where[number] = names.get(details.get("queue"), where.get(number, ""))
        if step := _step(event, details, replied.get(number)):
            found[number].append((step, _when(event, at, details), where[number]))
        if (told := details.get("reply_seconds")) is not None or event == "work.reply-undelivered":
            replied[number] = told
    return {number: tuple(steps) for number, steps in found.items()}


def _step(event: str, details: Mapping[str, Any], replied: int | None) -> str:
    """What a fact is to a clock; '' where a later reply was lost, and the first one stands."""
    if event != "work.reply-undelivered":
        return event.partition(".")[2]
    if (first := details.get("reply_seconds")) is None:
        return "every-reply-lost"
    return "" if first == replied else "reply-lost"


def _when(event: str, at: datetime, details: Mapping[str, Any]) -> datetime:
    return at if _STEPS[event] == "at" else datetime.fromisoformat(details[_STEPS[event]])
