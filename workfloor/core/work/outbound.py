"""Work that one of us begins: a piece of writing that answers nothing, in its writer's hands from the first."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import hands, joining, roles
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import locks

OUTBOUND_EMAIL = "outbound-email"


def may_work_in(*, person: Person, queue: Queue, now: datetime) -> bool:
    """Whether somebody may see a queue's client, and holds what its work requires at last."""
    return person.may_enter(queue.client_id) and qualification.qualifies(
        people_queries.skills_at(person, now), contracts_queries.requires_at_last(queue, now)
    )


def begin(
    *,
    queue: Queue,
    key: str,
    title: str,
    customer: work.Customer | None = None,
    case: work_models.Case | None = None,
    payload: Mapping[str, Any] | None = None,
    by: Person,
    now: datetime,
) -> work_models.Item:
    """Begin a mail that answers nothing, in a case that is known or a new one of a customer; it is in hand at once.

    It takes its part of its writer where there is room for it, else nothing. The same key again is the same item.
    """
    permissions.admit(by, "conversations.begin", client_id=queue.client_id)
    locks.hold("work.key", queue.client_id, key)
    if known := work_queries.by_key(queue.client_id, key):
        return known
    if not may_work_in(person=by, queue=queue, now=now):
        raise work.Refused(_("You do not hold the skills that work of {queue} requires.").format(queue=queue.name))
    if people_queries.work_state(by) == "signed-out":
        raise work.Refused(_("Go available or not ready first: what you write is work, and is recorded as that."))
    if case:
        work.take_up(case=case, by=by, now=now)
    case = case or work.open_case(client=queue.client, named=customer, kind="request", subject=title, by=by, now=now)
    digest = hashlib.sha256(key.encode()).hexdigest()
    item = work_models.Item(client=queue.client, case=case, title=title, payload=dict(payload or {}), digest=digest)
    terms = contracts_queries.terms_of(queue, now)
    happened = work.arrival(queue=queue, key=key, kind=OUTBOUND_EMAIL, terms=terms, at=now, now=now)
    work.begin(item=item, happened=happened, by=by, now=now)
    item, most, taken = work_queries.locked(item.id), terms.max_concurrency, work_queries.shares([by.id])[by.id]
    if not joining.fits_in(item=item, person=by, role=roles.OWNER, most=most, taken=taken, now=now):
        joining.assign(item=item, person=by, role=roles.OWNER, share=None, now=now)
    offered = work_events.Offered(now + timedelta(seconds=terms.offer_seconds))
    return work.happen(item, offered, work_events.Accepted(), work_events.Connected(), at=now, person=by, by=by)


def discard(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Do without what oneself has begun and sent nothing of."""
    item = hands.locked(item, by)
    if not item.declared.begun_by_us:
        raise work.Refused(_("A customer's work is finished, or handed on."))
    item = work.happen(item, work_events.Cancelled("nothing was written"), at=now, person=by, by=by)
    return work.resolve(item=item, by=by, now=now)
