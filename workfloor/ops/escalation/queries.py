"""Reading escalations, whom they are told, and which targets are close or missed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.models import Message
from workfloor.core.event_log.events import Followed
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import lifecycle
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


def of_work_that_is_over() -> QuerySet[Escalation]:
    """What is open of work that nobody can help with any more: it was raised while its end was being read."""
    return Escalation.objects.filter(closed_at=None, event__in=ABOUT_WORK, item__state__in=lifecycle.FINISHED)


def seen_by(item: Item) -> str:
    """Who has acknowledged the call for help with an item, if somebody has; "" where nobody has."""
    found = open_on([item.id], "help").filter(acknowledged_by__isnull=False)
    return found.values_list("acknowledged_by__name", flat=True).first() or ""


# --- what facts are about ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What is known of the work that a batch of facts is about, in as many questions for one fact as for a thousand.

    Whoever follows the facts keeps `raised` and `open` true of what they raise and close.
    """

    contracts: dict[int, contracts_terms.Contract]  # in force, by client
    items: dict[int, Item]
    latest: dict[int, Item]  # by case
    messages: dict[int, Message]
    raised: set[tuple[int, str, str]]  # item, event and title of whatever was ever raised
    open: dict[int, list[Escalation]]  # by item

    def item(self, fact: Followed) -> Item | None:
        """The item that a fact is about; of a case that was classified the latest."""
        return self.items.get(fact.item_id) if fact.item_id is not None else self.latest.get(fact.case_id or 0)

    def agreed(self, item: Item) -> list[contracts_terms.Escalation]:
        """What is agreed for an item's queue; the usual for calls for help where no contract is in force."""
        contract = self.contracts.get(item.client_id)
        return contract.escalations_of(item.queue.name) if contract else [contracts_terms.CALL_FOR_HELP]


def concerned(facts: Sequence[Followed], now: datetime) -> tuple[list[Followed], Known]:
    """Those of some facts that may raise or close something, and what is known of them."""
    contracts = _in_force({fact.client_id for fact in facts if fact.client_id}, now)
    opened: dict[int, list[Escalation]] = defaultdict(list)
    item_ids = {fact.item_id for fact in facts if fact.item_id}
    for each in Escalation.objects.filter(item_id__in=item_ids, closed_at=None).order_by("id"):
        opened[each.item_id].append(each)
    have_rules = {client_id for client_id, contract in contracts.items() if contract.escalations}
    found = [
        fact
        for fact in facts
        if fact.event == "work.escalated" or fact.item_id in opened or fact.client_id in have_rules
    ]
    return found, _known(found, contracts, opened)


def _in_force(client_ids: Iterable[int], now: datetime) -> dict[int, contracts_terms.Contract]:
    found = {}
    for client_id in client_ids:
        with suppress(contracts_queries.NoContract):
            found[client_id] = contracts_queries.in_force(client_id, now).contract
    return found


def _known(
    facts: Sequence[Followed], contracts: dict[int, contracts_terms.Contract], opened: dict[int, list[Escalation]]
) -> Known:
    if not facts:
        return Known(contracts, {}, {}, {}, set(), opened)
    items = work_queries.items().in_bulk({fact.item_id for fact in facts if fact.item_id})
    case_ids = {fact.case_id for fact in facts if fact.case_id and not fact.item_id}
    of_cases = work_queries.items().filter(case_id__in=case_ids).order_by("case_id", "-id").distinct("case_id")
    latest = {each.case_id: each for each in of_cases if each.case_id}
    message_ids = {fact.details["message"] for fact in facts if fact.event == "message.received"}
    raised = Escalation.objects.filter(item_id__in={*items, *(each.id for each in latest.values())})
    return Known(
        contracts,
        items,
        latest,
        conversations_queries.messages().in_bulk(message_ids),
        set(raised.values_list("item_id", "event", "title")),
        opened,
    )


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


def mail_due(now: datetime) -> list[list[int]]:
    """The notices to be mailed by now: those of one person at one address, or of a client's address, are one mail."""
    found: dict[tuple[int | None, int | None, str], list[int]] = defaultdict(list)
    due = Notice.objects.filter(mail_due_at__lte=now).order_by("id")
    for number, person_id, client_id, to in due.values_list("id", "person_id", "client_id", "to"):
        found[person_id, None if person_id else client_id, to].append(number)
    return list(found.values())


def locked_to_mail(numbers: Sequence[int]) -> list[Notice]:
    """Those of some notices that are still to be mailed, locked until the transaction ends."""
    due = Notice.objects.filter(id__in=numbers, mail_due_at__isnull=False)
    return list(due.select_for_update(of=("self",)).order_by("id"))


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
ABOUT_WORK: Final = ("help", "at-risk", "missed")  # which are over with the work


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
