"""Reading escalations, whom they are told, and which targets are close or missed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit import declarations
from workfloor.ops.escalation.models import Escalation, Notice

SHOWN_FOR: Final = timedelta(days=7)
MOST_SHOWN: Final = 200
MOST_AT_ONCE: Final = 100  # of one rule, looked at by the clock
MISSED_WITHIN: Final = timedelta(days=1)  # older misses are no news


def every() -> QuerySet[Escalation]:
    """The escalations inside the wall, with what every page shows of them."""
    found = Escalation.objects.select_related("client", "item__queue", "item__person", "item__case__customer")
    return found.select_related("acknowledged_by", "closed_by")


def locked(escalation: Escalation) -> Escalation:
    """An escalation as it is now, locked until the transaction ends."""
    return Escalation.objects.select_for_update(of=("self",)).select_related("client", "item").get(id=escalation.id)


def due(now: datetime) -> list[int]:
    """The escalations of which the next step is to be told by now."""
    return list(Escalation.objects.filter(due_at__lte=now).order_by("due_at").values_list("id", flat=True))


def open_on(item_ids: Iterable[int], *events: str) -> QuerySet[Escalation]:
    """What is open of some events on some items."""
    return Escalation.objects.filter(item_id__in=item_ids, event__in=events, closed_at=None).order_by("id")


def with_open(item_ids: Iterable[int]) -> set[int]:
    """Those of some items of which anything is open."""
    return set(Escalation.objects.filter(item_id__in=item_ids, closed_at=None).values_list("item_id", flat=True))


def is_agreed(client_id: int, now: datetime) -> bool:
    """Whether a client's contract says anything of escalations."""
    try:
        return bool(contracts_queries.in_force(client_id, now).contract.escalations)
    except contracts_queries.NoContract:
        return False


def was_raised(item_id: int, agreed: contracts_terms.Escalation) -> bool:
    """Whether a rule has applied to an item before."""
    return Escalation.objects.filter(item_id=item_id, event=agreed.event, title=agreed.title).exists()


def seen_by(item: Item) -> str:
    """Who has acknowledged the call for help with an item, if somebody has; "" where nobody has."""
    found = open_on([item.id], "help").filter(acknowledged_by__isnull=False)
    return found.values_list("acknowledged_by__name", flat=True).first() or ""


def agreed(item: Item, now: datetime) -> list[contracts_terms.Escalation]:
    """What is agreed for an item's queue; the usual for calls for help where no contract can be read."""
    try:
        contract = contracts_queries.in_force(item.client_id, now).contract
    except contracts_queries.NoContract:
        return [contracts_terms.CALL_FOR_HELP]
    return contract.escalations_of(item.queue.name)


# --- whom it is told --------------------------------------------------------------------------------------------------


def addressees(step: dict[str, Any], item: Item) -> list[tuple[Person | None, str]]:
    """Whom a step tells of an item, each with a mail address or ""."""
    if step["tell"] == "client":
        people = Person.objects.filter(client_id=item.client_id)
    else:
        cleared = {"clearances__client_id": item.client_id, "clearances__withdrawn_at": None}
        people = people_queries.staff().filter(roles__contains=[step["tell"]], **cleared).distinct()
    found = list(people.filter(left_at=None).select_related("account").order_by("name", "id"))
    team = item.person.team if item.person else None
    if step["tell"] == "leader" and team and (own := [each for each in found if each.id == team.leader_id]):
        found = own
    known: list[tuple[Person | None, str]] = [(each, each.account.email if each.account else "") for each in found]
    also = step["email"] if step["email"] not in {address for _person, address in known} else ""
    return [*known, (None, also)] if also else known


# --- targets ----------------------------------------------------------------------------------------------------------


def close_to_target(client_id: int, rule: contracts_terms.Escalation, now: datetime) -> list[Item]:
    """Open work of the queues of a rule whose target is close (at-risk) or was missed, and that nobody was told of."""
    since, until = now - MISSED_WITHIN, now
    if rule.event == "at-risk":
        since, until = now, now + timedelta(seconds=rule.before_seconds)
    close = Q(due_at__gt=since, due_at__lte=until) | Q(
        connected_at=None, answer_by__gt=since, answer_by__lte=until, due_at=None
    )
    known = Escalation.objects.filter(item=OuterRef("pk"), event=rule.event, title=rule.title)
    found = work_queries.items().filter(close, ~Exists(known), client_id=client_id, state__in=OPEN, elsewhere=False)
    if rule.of:
        found = found.filter(queue__name__in=rule.of)
    return list(found.filter(pending_customer_since=None).order_by("id")[:MOST_AT_ONCE])


OPEN: Final = ("waiting", "offered", "held")


# --- the page ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A step of a chain: who was told when, whose mail did not go out and why; nobody yet where it is still to come."""

    tell: str
    at: datetime | None
    names: list[str]
    fault: str
    due_at: datetime | None


@dataclass(frozen=True)
class Shown:
    """An escalation with its chain."""

    escalation: Escalation
    chain: list[Told]


@dataclass(frozen=True)
class Inbox:
    """What is open, first what nobody has acknowledged, and what was closed lately, newest first."""

    open: list[Shown]
    closed: list[Shown]


def inbox(now: datetime) -> Inbox:
    """Read the escalations inside the wall."""
    opened = every().filter(closed_at=None).order_by("acknowledged_at", "raised_at", "id")
    found = list(opened.filter(acknowledged_at=None)[:MOST_SHOWN])
    found += list(opened.filter(acknowledged_at__isnull=False)[:MOST_SHOWN])
    over = list(every().filter(closed_at__gt=now - SHOWN_FOR).order_by("-closed_at", "-id")[:MOST_SHOWN])
    chains = _chains([*found, *over])
    shown = [Shown(each, chains[each.id]) for each in found]
    return Inbox(shown, [Shown(each, chains[each.id]) for each in over])


def _chains(escalations: list[Escalation]) -> dict[int, list[Told]]:
    notices = list(Notice.objects.filter(escalation__in=escalations).select_related("person").order_by("id"))
    mails = Mail.objects.in_bulk([each.mail_id for each in notices if each.mail_id])
    found = {}
    for each in escalations:
        ours = [notice for notice in notices if notice.escalation_id == each.id]
        found[each.id] = [
            _told(each, number, step["tell"], [one for one in ours if one.step == number], mails)
            for number, step in enumerate(each.steps, 1)
        ]
    return found


def _told(escalation: Escalation, number: int, tell: str, notices: list[Notice], mails: dict[int, Mail]) -> Told:
    names = [each.person.name if each.person else each.to for each in notices]
    failed = [
        mails[each.mail_id] for each in notices if each.mail_id in mails and mails[each.mail_id].state == "failed"
    ]
    due_at = escalation.due_at if number == escalation.steps_told + 1 else None
    return Told(tell, notices[0].told_at if notices else None, names, failed[0].answer if failed else "", due_at)


def _listed() -> QuerySet[Escalation]:
    return Escalation.objects.all()


declarations.register.name(
    declarations.Handle(
        Escalation,
        "escalation",
        declarations.by_number(_listed),
        lambda: _listed().filter(closed_at=None),
        lambda found: str(found.id),
        see="routing escalation list",
    )
)
