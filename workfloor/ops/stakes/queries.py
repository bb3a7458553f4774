"""What is at stake in each queue now, by where its promises stand."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.measures import queries as measures
from workfloor.core.measures import rules as measuring
from workfloor.core.promises.rules import ServiceLevel
from workfloor.kit.calendars import Window
from workfloor.ops.stakes import rules


def stakes(served: Iterable[Queue], now: datetime) -> dict[int, float]:
    """What one more contact within its promises is worth in each queue, by where they stand in their windows.

    In percent of the client's charges, for what credits come to in money is known at the end of the month. Of several
    promises of a queue, the one with most at stake counts.
    """
    found: dict[int, float] = defaultdict(float)
    ours = {queue.id for queue in served}
    for client_id in {queue.client_id for queue in served}:
        for queue_ids, stake in _stakes_of(client_id, now):
            for queue_id in ours.intersection(queue_ids):
                found[queue_id] = max(found[queue_id], stake)
    return found


def _stakes_of(client_id: int, now: datetime) -> Iterator[tuple[list[int], float]]:
    try:
        contract = contracts.in_force(client_id, now.date()).contract
    except contracts.NoContract:
        return
    named = dict(Queue.objects.filter(client_id=client_id).values_list("name", "id"))
    scope = measures.Scope(client_id, contract, named, now)
    for level in contract.service_levels:
        window = _running(scope, level) if rules.bound(level) is not None else None
        if window is not None:
            figure = measures.figures(scope, level, window)[None]
            passed = (now - window.starts_at) / (window.ends_at - window.starts_at)
            kept = rules.kept(level, figure.counted, figure.met or 0)
            stake = rules.stake(level, contract.credits, kept, figure.counted, rules.to_come(figure.counted, passed))
            yield [named[name] for name in level.of], stake


def _running(scope: measures.Scope, level: ServiceLevel) -> Window | None:
    """The window of a level that has begun and is not over; it may end in the next month."""
    local = scope.now.astimezone(ZoneInfo(scope.contract.zone))
    periods = (local, local.replace(day=28) + timedelta(days=4))
    found = (
        window for each in periods for window in measuring.windows(scope.contract, level, f"{each:%Y-%m}", scope.now)
    )
    return next((window for window in found if window.starts_at <= scope.now < window.ends_at), None)
