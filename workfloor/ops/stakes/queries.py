"""What is at stake in each queue now, by where its promises stand this month."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q

from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.queueing import rules as queueing
from workfloor.core.work import models as work


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
