"""Offering waiting work, and taking back offers that nobody answers."""

from datetime import datetime

from workfloor.core.people import actions as people
from workfloor.core.people import rules as people_rules
from workfloor.core.people.models import Presence
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.kit import locks
from workfloor.ops.router import queries, rules


def pulse(*, now: datetime) -> int:
    """Take back what lapsed, then offer what waits; returns the number of offers made."""
    lapse_offers(now=now)
    return offer_waiting_work(now=now)


def offer_waiting_work(*, now: datetime) -> int:
    """Offer the most urgent waiting work to the people who may do it; returns the number of offers made.

    The caller has entered every client. One router decides at a time; a second one leaves it to the first.
    """
    if not locks.hold_if_free("router"):
        return 0
    made = 0
    while offers := _offer_once(now):
        made += offers
    return made


def _offer_once(now: datetime) -> int:
    """One round gives each person at most one item; who has room for more is served in the next."""
    items, terms = queries.waiting(now)
    people_free = queries.free(terms, now) if items else {}
    waiting = queries.as_waiting(list(items.values()), terms, now)
    pairs = rules.match(waiting, [free for _, free in people_free.values()], now)
    present = _still_available(list(pairs.values()))
    made = 0
    for item_id, person_id in pairs.items():
        if person_id in present:
            item = items[item_id]
            of = terms[item.queue_id]
            work.offer(
                item=item, person=people_free[person_id][0], at_once=of.at_once, offer_seconds=of.offer_seconds, now=now
            )
            made += 1
    return made


def _still_available(person_ids: list[int]) -> set[int]:
    """Those who have not gone away meanwhile, their presence locked so that they cannot until the offers stand."""
    presences = Presence.objects.select_for_update().filter(person_id__in=person_ids, state="available")
    return set(presences.order_by("person_id").values_list("person_id", flat=True))


def lapse_offers(*, now: datetime) -> int:
    """Take back the offers that were not answered in time and set the people away; returns how many."""
    count = 0
    for item in work_queries.lapsed(now):
        person = work.lapse(item=item, now=now)
        if person is not None:
            count += 1
            if _still_available([person.id]):  # who is at lunch, or has gone home, is away already
                people.go_away(person=person, reason=people_rules.LAPSED, now=now)
    return count
