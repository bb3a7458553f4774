"""What is at stake in each queue now, by where its promises stand this month."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.measures import queries as measures
from workfloor.core.promises.rules import ServiceLevel
from workfloor.core.work.models import Item
from workfloor.ops.stakes import rules


def stakes(served: Iterable[Queue], now: datetime) -> dict[int, float]:
    """What one more contact within its promises is worth in each queue, by where they stand this month.

    In percent of the client's charges, for what credits come to in money is known at the end of the month. Of several
    promises of a queue, the one with most at stake counts.
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
        if rules.bound(level) is None or not queue_ids:
            continue
        met, counted = _attained(client_id, level, queue_ids, start, now)
        to_come = counted * (1 - passed) / max(passed, 1 / days)
        yield queue_ids, rules.stake(level, contract.credits, met, counted, to_come)


_COUNT = "SELECT count(met), count(*) FILTER (WHERE met) FROM (SELECT {expression} AS met {counted}) AS each"


def _attained(
    client_id: int, level: ServiceLevel, queue_ids: list[int], start: datetime, now: datetime
) -> tuple[int, int]:
    """How many of the month's contacts kept a promise so far, of how many, by the very measure that is billed by."""
    threshold = level.threshold_seconds or 0
    given: dict[str, Any] = {
        "client": client_id, "queues": queue_ids, "starts_at": start, "ends_at": now + timedelta(days=1),
        "threshold": threshold, "short": level.short_abandon_seconds or 0, "per_answered": level.per == "answered",
        "per_patient": level.per == "offered-less-short-abandons",
        "late": _late(queue_ids, now - timedelta(seconds=threshold)) if level.measure == "answered-within" else [],
    }  # fmt: skip
    with connection.cursor() as cursor:
        expression = measures.EXPRESSIONS[level.measure]
        cursor.execute(_COUNT.format(expression=expression, counted=measures.COUNTED), given)
        counted, met = cursor.fetchone()
    return counted - met if level.lower_is_better else met, counted


def _late(queue_ids: list[int], queued_before: datetime) -> list[int]:
    """What still waits and cannot be answered in time any more."""
    waits = Item.objects.filter(state__in=["waiting", "offered"], connected_at=None, queue_id__in=queue_ids)
    return list(waits.filter(queued_at__lt=queued_before).values_list("id", flat=True))
