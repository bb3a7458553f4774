"""Past work as a client's own journal has it."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db.models import Max, Min

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.journal.models import Fact
from workfloor.core.measures.rules import Outcome
from workfloor.core.work.models import Item
from workfloor.ops.backtest import rules

_PAUSES = ("work.awaits-customer", "work.customer-answered", "work.waited-in-vain")


def queues(client: Client) -> tuple[str, ...]:
    """The queues in which the client ever had work."""
    used = Queue.objects.filter(client=client, items__isnull=False).distinct()
    return tuple(used.order_by("id").values_list("name", flat=True))


def arrivals(client: Client) -> tuple[datetime, datetime] | None:
    """When the first and the last of the client's work arrived; None where none did."""
    found = Item.objects.filter(client=client).aggregate(first=Min("received_at"), last=Max("received_at"))
    return (found["first"], found["last"]) if found["first"] else None


def past(client: Client, starts_at: datetime, ends_at: datetime, with_pauses: bool) -> Iterator[rules.Past]:
    """What became of the items received in a time, as they were received; the client must have been entered.

    Pauses are read from the facts, and only where working time is promised: a calendar of its own sees them otherwise.
    """
    paused = _pauses(client, starts_at) if with_pauses else {}
    found = Item.objects.filter(client=client, received_at__gte=starts_at, received_at__lt=ends_at)
    for item in found.select_related("queue").order_by("received_at", "id").iterator(chunk_size=2000):
        outcome = Outcome(
            item_id=item.id, queue=item.queue.name, received_at=item.received_at, queued_at=item.queued_at,
            connected_at=item.connected_at, abandoned_at=item.abandoned_at, cancelled_at=item.cancelled_at,
            done=item.state == "done", talk_seconds=item.talk_seconds, hold_seconds=item.hold_seconds,
            wrap_seconds=item.wrap_seconds, awaiting_since=item.awaiting_customer_since, disposition=item.disposition,
        )  # fmt: skip
        yield rules.Past(outcome, item.ended_at, paused.get(item.id, ()))


def _pauses(client: Client, since: datetime) -> Mapping[int, tuple[rules.Span, ...]]:
    """From when until when customers owed an answer, by item."""
    facts = Fact.objects.filter(client_id=client.id, event__in=_PAUSES, at__gte=since, item_id__isnull=False)
    begun: dict[int, datetime] = {}
    found: dict[int, tuple[rules.Span, ...]] = {}
    for number, event, at in facts.order_by("id").values_list("item_id", "event", "at").iterator():
        assert number is not None
        if event == _PAUSES[0]:
            begun[number] = at
        elif event == _PAUSES[2]:  # the customer never owed an answer
            begun.pop(number, None)
        elif number in begun:
            found[number] = (*found.get(number, ()), (begun.pop(number), at))
    return found
