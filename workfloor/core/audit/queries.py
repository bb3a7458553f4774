"""Who changed what, when, from what to what; and who saw whose personal data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from workfloor.core.audit import sentences
from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.looks import models as looks_models
from workfloor.core.looks.models import Look
from workfloor.core.people.models import Person
from workfloor.core.work.models import Case, Customer, Item

MOST: Final = 1000  # entries that are answered at once
MOST_CASES: Final = 10_000  # of one customer
_LOOK: Final = "look."  # how the names of looks begin, among those of events


@dataclass(frozen=True, slots=True)
class Cursor:
    """The entry after which, going back in time, one reads on."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.id}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """The cursor that was written so; None where it is none."""
        at, _, number = text.rpartition("_")
        try:
            found = cls(datetime.fromisoformat(at), int(number))
        except ValueError:
            return None
        return found if found.at.tzinfo and 0 <= found.id < 2**63 else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know; what is empty asks for everything.

    `who` is part of a name, or root, or an engine; `about` part of what something is called; `event` how an event's
    name begins. From `since` on, before `until`.
    """

    who: str = ""
    about: str = ""
    event: str = ""
    client: Client | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_work: bool = False  # also what happened to work, item by item
    customer: str = ""  # of looks: the customer's reference or address
    after: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done or seen, as the audit tells it."""

    at: datetime
    id: int
    who: str
    says: str
    client: str
    event: str
    place: str = ""  # of a look: the page, the call or the command
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.at, self.id)


def changes(asked: Asked, most: int = 100) -> list[Entry]:
    """What was changed, the newest first, inside the wall: at most `most`, and never more than MOST.

    What happened to work itself is in each item's history, and here where that is asked for.
    """
    facts = event_log_queries.every() if asked.with_work else event_log_queries.administrative()
    if asked.event:
        facts = facts.filter(event__startswith=asked.event)
    if asked.about:
        named = Person.objects.filter(name__icontains=asked.about).values("id")
        facts = facts.filter(Q(details__icontains=asked.about) | Q(person_id__in=named))
    return _told(list(_page(facts, asked)[: min(most, MOST)]))


def looks(asked: Asked, most: int = 100) -> list[Entry]:
    """Who saw personal data, the newest first, inside the wall; of one customer's where that is asked for."""
    found = Look.objects.all()
    if asked.event:
        found = found.filter(what__startswith=asked.event.removeprefix(_LOOK))
    if asked.about:
        named = Person.objects.filter(name__icontains=asked.about).values("id")
        found = found.filter(what=looks_models.PERSON, number__in=named)
    if asked.customer:
        found = found.filter(_of_customer(asked.customer.strip()))
    return _seen(list(_page(found, asked)[: min(most, MOST)]))


def every(asked: Asked, most: int, *, seen: bool) -> Iterator[list[Entry]]:
    """All that was asked for, in groups of `most`: none is kept once the next is asked for."""
    read = looks if seen else changes
    while group := read(asked, most):
        yield group
        asked = replace(asked, after=group[-1].cursor)


def _page(rows: QuerySet[Any], asked: Asked) -> QuerySet[Any]:
    if asked.who:
        known = Person.objects.filter(name__icontains=asked.who).values("id")
        rows = rows.filter(Q(by_id__in=known) | Q(by_id=None, acted_as__icontains=asked.who))
    if asked.client:
        rows = rows.filter(client_id=asked.client.id)
    if asked.since:
        rows = rows.filter(at__gte=asked.since)
    if asked.until:
        rows = rows.filter(at__lt=asked.until)
    if asked.after:
        rows = rows.filter(at__lte=asked.after.at).exclude(at=asked.after.at, id__gte=asked.after.id)
    return rows.order_by("-at", "-id")


def _of_customer(written: str) -> Q:
    """Looks at whatever is a customer's: known by that reference, said to be, or writing from that address."""
    customers = list(Customer.objects.filter(reference__iexact=written).values_list("id", flat=True))
    theirs = [
        Case.objects.filter(customer__in=customers),
        Case.objects.filter(claimed_reference__iexact=written),
        Case.objects.filter(id__in=Message.objects.filter(sender__iexact=written).values("case_id")),
    ]
    cases = {number for some in theirs for number in some.values_list("id", flat=True)[:MOST_CASES]}
    items = list(Item.objects.filter(case__in=cases).values_list("id", flat=True)[:MOST_CASES])
    return reduce(
        or_,
        [
            Q(case_id__in=cases),
            Q(what=looks_models.CASE, number__in=cases),
            Q(what=looks_models.ITEM, number__in=items),
            Q(what=looks_models.CUSTOMER, number__in=customers),
        ],
    )


def _names(of: Iterable[int | None]) -> dict[int | None, str]:
    found: dict[int | None, str] = dict(Person.objects.filter(id__in=set(of) - {None}).values_list("id", "name"))
    return found


def _slugs(of: Iterable[int | None]) -> dict[int | None, str]:
    found: dict[int | None, str] = dict(Client.objects.filter(id__in=set(of) - {None}).values_list("id", "slug"))
    return found


def _told(facts: Sequence[Fact]) -> list[Entry]:
    people = _names(number for fact in facts for number in (fact.by_id, fact.person_id))
    clients = _slugs(fact.client_id for fact in facts)
    numbers = {fact.details["queue"] for fact in facts if isinstance(fact.details.get("queue"), int)}
    queues = dict(Queue.objects.filter(id__in=numbers).values_list("id", "name"))
    return [_fact(fact, people, clients, queues) for fact in facts]


def _fact(fact: Fact, people: dict[int | None, str], clients: dict[int | None, str], queues: dict[int, str]) -> Entry:
    by = sentences.who(people.get(fact.by_id, ""), fact.acted_as)
    named = {
        "about": people.get(fact.person_id, ""),
        "client": clients.get(fact.client_id, ""),
        "item": _("item {number}").format(number=fact.item_id) if fact.item_id else "",
        "case": _("case {number}").format(number=fact.case_id) if fact.case_id else "",
        "queue_name": queues.get(fact.details.get("queue", 0), "") if queues else "",
    }
    return Entry(
        at=fact.at,
        id=fact.id,
        who=by,
        says=sentences.sentence(by, fact.event, fact.details, named),
        client=named["client"],
        event=fact.event,
        before=fact.details.get("before"),
        after=fact.details.get("after"),
    )


def _seen(found: Sequence[Look]) -> list[Entry]:
    persons = [each.number for each in found if each.what == looks_models.PERSON]
    people, clients = _names([*(each.by_id for each in found), *persons]), _slugs(each.client_id for each in found)
    entries = []
    for each in found:
        by = sentences.who(people.get(each.by_id, ""), each.acted_as)
        about = people.get(each.number, "") if each.what == looks_models.PERSON else ""
        says = sentences.looked(by, each.what, each.number, about)
        client = clients.get(each.client_id, "")
        entries.append(Entry(each.at, each.id, by, says, client, f"{_LOOK}{each.what}", place=each.place))
    return entries
