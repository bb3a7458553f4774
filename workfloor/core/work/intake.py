"""Much work of strangers taken in at once, in few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Entry, Event
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import lifecycle
from workfloor.core.work import models as work_models
from workfloor.core.work.actions import Customer


@dataclass(frozen=True)
class Sent:
    """Work that somebody sent in, each of it a case of its own."""

    key: str
    title: str
    customer: Customer
    at: datetime


def receive_all(*, queue: Queue, kind: str, sent: Sequence[Sent], by: Actor, now: datetime) -> list[work_models.Item]:
    """Take much work of strangers in, as `receive` does. The caller holds the keys and knows that they are new."""
    permissions.admit(by, "work.send-in", client_id=queue.client_id, own=False)
    named = [each.customer for each in sent if not each.customer.is_claimed]
    client, customers = queue.client, _customers(queue.client, named)
    cases = work_models.Case.objects.bulk_create(
        work_models.Case(
            client=client,
            customer=None if each.customer.is_claimed else customers[each.customer.reference],
            kind="request",
            subject=each.title,
            opened_at=each.at,
            **work.claim(each.customer),
        )
        for each in sent
    )
    items, facts, terms = [], [], contracts_queries.terms_by(queue)
    for each, case in zip(sent, cases, strict=True):
        waits = work.arrival(queue=queue, key=each.key, kind=kind, terms=terms(each.at), at=each.at, now=each.at)
        items.append(_begun(work_models.Item(client=client, case=case, title=each.title, state="new"), waits, each.at))
        facts.append([work_events.CaseOpened(case.kind), *waits])
    work_models.Item.objects.bulk_create(items)
    entries = [
        Entry(event, item.received_at, client.id, None if event.name == "case.opened" else item.id, item.case_id, by=by)
        for item, happened in zip(items, facts, strict=True)
        for event in happened
    ]
    event_log.record_all(entries)
    changed = event_log.decide(entries, now=now)
    fresh = work_models.Item.objects.select_related("client", "queue", "case").in_bulk(changed) if changed else {}
    return [fresh.get(item.id, item) for item in items]


def _begun(item: work_models.Item, happened: Sequence[Event], at: datetime) -> work_models.Item:
    for event in happened:
        lifecycle.follow(item, event, at, None)
    return item


def _customers(client: Client, named: Sequence[Customer]) -> dict[str, work_models.Customer]:
    """Customers by their references, known or new; no stranger gives a known one another name."""
    names = {one.reference: one.name for one in sorted(named, key=lambda one: bool(one.name))}
    work_models.Customer.objects.bulk_create(
        (
            work_models.Customer(client=client, reference=reference, name=name)
            for reference, name in sorted(names.items())
        ),
        ignore_conflicts=True,
    )
    found = work_models.Customer.objects.filter(client=client, reference__in=names)
    return {each.reference: each for each in found}
