"""Past work, as the event log has it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from workfloor.core.clients.models import Client
from workfloor.core.work import models as work_models
from workfloor.core.work.kinds import BEGUN_BY_US
from workfloor.ops.simulation.scenarios import Past


def past(client: Client, start: datetime, end: datetime) -> Iterator[Past]:
    """A client's items that queued in a time and were answered or abandoned, in their order."""
    found = work_models.Item.objects.filter(
        client=client, queued_at__gte=start, queued_at__lt=end, state__in=["done", "abandoned"]
    ).select_related("queue", "done_by")
    found = found.exclude(kind__in=BEGUN_BY_US)
    for item in found.order_by("queued_at", "id").iterator(chunk_size=2000):
        left = item.connected_at or item.abandoned_at
        if left is None:
            continue
        answered = item.connected_at is not None
        yield Past(
            queue=item.queue.name,
            queued_at=item.queued_at,
            waited=(left - item.queued_at) / timedelta(seconds=1),
            outcome="answered" if answered else "abandoned",
            handling=float(item.talk_seconds + item.hold_seconds),
            wrap_up=float(item.wrap_seconds),
            agent=item.agent_label or (item.done_by.name if item.done_by else ""),
        )
