"""Saying for how long things are kept, and telling that some were deleted."""

from datetime import datetime
from typing import Annotated

from django.contrib.sessions.models import Session

from workfloor.core.access import actors
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.retention import events as retention_events
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.core.retention.models import Retention
from workfloor.kit.database import jobs, locks
from workfloor.kit.declarations import field

# What is never deleted can be named too: the refusal says why.
_KIND = field("What", "What is kept; what an invoice rests on stays.", choices=(*kinds.KINDS, *kinds.KEPT))


@action(
    "Set how long something is kept",
    permission="retention.set",
    command="admin retention set",
    says="{kind}: {days} days, {result} before.",
    example="workfloor admin retention set raw-mail 30 --client first-bank",
)
def set_days(
    *,
    kind: Annotated[str, _KIND],
    days: Annotated[int, field("Days", least=0, most=kinds.LONGEST_DAYS)],
    client: Annotated[Client | None, field("Client", "For this client alone, where it can differ.")] = None,
    by: Actor,
    now: datetime,
) -> int:
    """Keep something for so many days, for all clients or for one alone.

    Closed months, invoices, documents and the event log are never deleted, and cannot be shortened.
    """
    return _set(kind, days, client, by, now)


@action(
    "Keep something for the usual time",
    permission="retention.set",
    command="admin retention reset",
    says="{kind} is kept for the usual time; {result} days before.",
    example="workfloor admin retention reset raw-mail --client first-bank",
)
def reset_days(
    *,
    kind: Annotated[str, _KIND],
    client: Annotated[Client | None, field("Client", "For this client alone: as long as for the others.")] = None,
    by: Actor,
    now: datetime,
) -> int:
    """Take back what was said of how long something is kept."""
    return _set(kind, None, client, by, now)


def _set(kind: str, days: int | None, client: Client | None, by: Actor, now: datetime) -> int:
    kinds.vetted(kind, days, for_client=client is not None)
    client_id = client.id if client else None
    locks.hold("retention", client_id or 0, kind)
    before = retention_queries.days(kind, client_id)
    if days is None:
        Retention.objects.filter(client=client, kind=kind).delete()
    else:
        Retention.objects.update_or_create(client=client, kind=kind, defaults={"days": days, "set_at": now})
    if retention_queries.days(kind, client_id) != before:
        said = retention_events.RetentionSet(kind, before, days)
        event_log.record(said, at=now, client_id=client_id, by=by)
    return before


def tell(*, kind: str, count: int, days: int, now: datetime, client_id: int | None = None) -> None:
    """Record that so many of a kind were deleted, which were older than so many days; of none there is no fact."""
    if count:
        event_log.record(retention_events.Expired(kind, count, days), at=now, client_id=client_id, by=actors.CLOCK)


def delete_sessions(*, now: datetime) -> int:
    """Delete sign-ins that expired so long ago; returns how many."""
    days = retention_queries.days("sessions")
    count, _ = Session.objects.filter(expire_date__lt=kinds.before(now, days)).delete()
    tell(kind="sessions", count=count, days=days, now=now)
    return count


def drop_failed_jobs(*, now: datetime) -> int:
    """Drop jobs that failed so long ago; returns how many."""
    days = retention_queries.days("failed-jobs")
    due = [each for each in jobs.failed() if each.failed_at < kinds.before(now, days)]
    for each in due:
        jobs.drop(each.id)
    tell(kind="failed-jobs", count=len(due), days=days, now=now)
    return len(due)
