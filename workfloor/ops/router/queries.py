"""What the policy needs to know, read from the tables."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from workfloor.core.contracts import queries as contracts
from workfloor.core.people import queries as people
from workfloor.core.people import rules as people_rules
from workfloor.core.people.models import Person
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work
from workfloor.core.work import rules as work_rules
from workfloor.ops.router import rules

REFUSED_FOR = timedelta(seconds=30)
# Work without a promise of its own is as urgent as if it had been promised within a day.
NO_PROMISE = timedelta(days=1)
# Nobody can take more at once than there are people; the oldest of each line are enough to choose from.
OLDEST_OF_A_LINE = 200


def waiting(now: datetime) -> tuple[dict[int, work_models.Item], dict[int, contracts.QueueTerms]]:
    """The oldest items of each line, and the terms of their queues: item id -> item, queue id -> terms."""
    items: dict[int, work_models.Item] = {}
    terms: dict[int, contracts.QueueTerms] = {}
    for queue_id in work.waiting().values_list("queue_id", flat=True).order_by().distinct():
        line = list(work.waiting().filter(queue_id=queue_id)[:OLDEST_OF_A_LINE])
        items |= {item.id: item for item in line}
        terms |= {item.queue_id: contracts.terms_of(item.queue, now) for item in line[:1]}
    return items, terms


def as_waiting(
    items: Iterable[work_models.Item], terms: dict[int, contracts.QueueTerms], now: datetime
) -> list[rules.Waiting]:
    """Items as the policy sees them."""
    refused = work.refusals(now - REFUSED_FOR)
    lines = {item.queue_id: _line(item, terms[item.queue_id]) for item in items}
    return [
        rules.Waiting(
            item.id, lines[item.queue_id], item.queued_at,
            item.answer_by or item.due_at or item.queued_at + NO_PROMISE,
            frozenset(refused.get(item.id, ())),
        )
        for item in items
    ]  # fmt: skip


def _line(item: work_models.Item, terms: contracts.QueueTerms) -> rules.Line:
    relax = [(ring.after_seconds, ring.requires) for ring in terms.relax]
    return rules.Line(item.queue_id, item.client_id, terms.requires, terms.priority, relax)


def free(terms: dict[int, contracts.QueueTerms], now: datetime) -> dict[int, tuple[Person, rules.Free]]:
    """Who takes work now and has room in one of these lines: person id -> the person, and as the policy sees them."""
    available = list(people.available())
    shares = work.shares([person.id for person in available])
    found = {}
    for person in available:
        room = frozenset(
            queue_id
            for queue_id, of in terms.items()
            if work_rules.free_share(shares[person.id], of.at_once, people_rules.CAPACITY)
        )
        if room:
            cleared = frozenset(each.client_id for each in person.clearances.all())
            skills = people.skills_on(person, now.date())
            found[person.id] = (person, rules.Free(person.id, skills, cleared, person.presence.since, room))
    return found
