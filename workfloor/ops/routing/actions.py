"""Offers that nobody answers, work taken up again, and which router serves which queue."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.people import qualification
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.ops.routing import events as routing_events
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import queries as routing_queries


# --- offering --------------------------------------------------------------------------------------------------------
def lapse_offers(*, queue_ids: Sequence[int], now: datetime) -> int:
    """Take back the offers that were not answered in time and set the people away; returns how many."""
    count = 0
    for item in routing_queries.unanswered(now, queue_ids):
        person = work.lapse(item=item, now=now)
        if person is not None:
            count += 1
            if AgentState.objects.filter(person=person, state="available").exists():  # or is away already
                people.go_away(person=person, reason=qualification.RONA, now=now)
    return count


def resume_preempted(*, now: datetime) -> int:
    """Let go on whatever lies aside with nothing over it any more; returns for how many people."""
    people_ids = work_queries.left_aside()
    for person_id in people_ids:
        work.resume_preempted(person_id=person_id, now=now)
    return len(people_ids)


# --- pools -----------------------------------------------------------------------------------------------------------
def put_into_pool(*, queue: Queue, pool: str, by: Actor, now: datetime) -> None:
    """Let another router serve a queue. Raises ValueError for what is no name of a pool."""
    permissions.admit(by, "routing.set-up")
    _check_name(pool)
    if pool == routing_models.MAIN:
        routing_models.Pooled.objects.filter(queue=queue).delete()
    else:
        routing_models.Pooled.objects.update_or_create(queue=queue, client_id=queue.client_id, defaults={"pool": pool})
    event_log.record(routing_events.PutIntoPool(queue.id, pool), at=now, client_id=queue.client_id, by=by)


def even_out(*, pool: str, seconds: int, by: Actor, now: datetime) -> None:
    """Let a pool's people stand back for what they did more than the others; 0 for not at all. Raises ValueError."""
    permissions.admit(by, "routing.set-up")
    _check_name(pool)
    routing_models.Fairness.objects.update_or_create(pool=pool, defaults={"seconds": seconds})
    event_log.record(routing_events.EvensOut(pool, seconds), at=now, by=by)


def _check_name(pool: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", pool):
        raise ValueError(
            _("“{pool}” is no name of a pool; use small letters, digits and hyphens, as in night-shift").format(
                pool=pool
            )
        )
