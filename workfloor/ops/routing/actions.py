"""Offers that nobody answers, work taken up again, and which router serves which queue."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from django.utils.translation import gettext as _

from workfloor.core.access import actors
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.people import qualification
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.kit.declarations import field
from workfloor.ops.routing import events as routing_events
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import queries as routing_queries

ROUTER: Final = actors.engine("router")


# --- offering --------------------------------------------------------------------------------------------------------
def lapse_offers(*, queue_ids: Sequence[int], now: datetime) -> int:
    """Take back the offers that were not answered in time and set the people away; returns how many."""
    count = 0
    for item in routing_queries.unanswered(now, queue_ids):
        person = work.lapse(item=item, by=ROUTER, now=now)
        if person is not None:
            count += 1
            if AgentState.objects.filter(person=person, state="available").exists():  # or is away already
                people.go_away(person=person, reason=qualification.RONA, by=ROUTER, now=now)
    return count


def resume_preempted(*, now: datetime) -> int:
    """Let go on whatever lies aside with nothing over it any more; returns for how many people."""
    people_ids = work_queries.left_aside()
    for person_id in people_ids:
        work.resume_preempted(person_id=person_id, by=ROUTER, now=now)
    return len(people_ids)


# --- pools -----------------------------------------------------------------------------------------------------------
LONGEST_EVENING_OUT: Final = 24 * 3600  # seconds
_POOL: Final = field("Pool", "In small letters, such as night; what `workfloor up` serves is main.", most=50)


@action(
    "Put a queue into a pool",
    permission="routing.set-up",
    command="routing pool put",
    says="{queue} is in the pool {pool}.",
    example="workfloor routing pool put first-bank/regular night",
)
def put_into_pool(
    *,
    queue: Queue,
    pool: Annotated[str, _POOL],
    by: Actor,
    now: datetime,
) -> None:
    """Let the router of another pool serve a queue. Queues that the same people serve belong together in one."""
    _check_name(pool)
    known = routing_models.Pooled.objects.filter(queue=queue).first()
    before = known.pool if known else routing_models.MAIN
    if pool == routing_models.MAIN:
        routing_models.Pooled.objects.filter(queue=queue).delete()
    else:
        routing_models.Pooled.objects.update_or_create(queue=queue, client_id=queue.client_id, defaults={"pool": pool})
    event_log.record(routing_events.PutIntoPool(queue.id, pool, before), at=now, client_id=queue.client_id, by=by)


@action(
    "Even out the load in a pool",
    permission="routing.set-up",
    command="routing pool even-out",
    says="{pool} evens out by {seconds} seconds.",
    example="workfloor routing pool even-out main 600",
)
def even_out(
    *,
    pool: Annotated[str, _POOL],
    seconds: Annotated[int, field("Seconds", "0 for not at all.", least=0, most=LONGEST_EVENING_OUT)],
    by: Actor,
    now: datetime,
) -> None:
    """Let whoever was busier than the others stand back in line, among people who are equally fit for the work.

    Whoever was busy for 10 % more of the last day than all together stands back by a tenth of that time; whoever was
    less busy stands as much further in front.
    """
    _check_name(pool)
    before = routing_models.Fairness.objects.filter(pool=pool).values_list("seconds", flat=True).first() or 0
    routing_models.Fairness.objects.update_or_create(pool=pool, defaults={"seconds": seconds})
    event_log.record(routing_events.EvensOut(pool, seconds, before), at=now, by=by)


def _check_name(pool: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", pool):
        raise ValueError(
            _("“{pool}” is no name of a pool; use small letters, digits and hyphens, as in night-shift").format(
                pool=pool
            )
        )
