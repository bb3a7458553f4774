"""What is escalated, and what is no more, when something happens to work."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log.events import Followed
from workfloor.core.work import lifecycle
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation import matching
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ops.escalation.models import Escalation

OVER = ("work.wrapped-up", "work.abandoned", "work.cancelled")


# One follower does both, so that what was asked and answered at once is raised before it is closed.
@event_log_events.follows(
    "escalation.escalate",
    "work.escalated",
    "work.escalation-answered",
    "work.received",
    "work.connected",
    "case.classified",
    "message.received",
    *OVER,
)
def escalate(facts: Sequence[Followed], now: datetime) -> None:
    """Raise what the contracts of these facts' clients say, and close what is answered or done."""
    agreed = {
        each: escalation_queries.is_agreed(each, now) for each in {fact.client_id for fact in facts if fact.client_id}
    }
    has_open = escalation_queries.with_open({fact.item_id for fact in facts if fact.item_id})
    for fact in facts:
        concerns = fact.event == "work.escalated" or fact.item_id in has_open or agreed.get(fact.client_id or 0)
        item = _item(fact) if concerns else None
        if item is not None:
            _close(item, fact, now)
            _raise(item, _happened(fact, item), now)


def _item(fact: Followed) -> Item | None:
    """The item that a fact is about; of a case that was classified the latest."""
    if fact.item_id is not None:
        return work_queries.item(fact.item_id)
    return work_queries.items().filter(case_id=fact.case_id).order_by("id").last() if fact.case_id else None


def _happened(fact: Followed, item: Item) -> matching.Happened:
    customer = item.case.customer.reference if item.case and item.case.customer else ""
    if fact.event == "work.escalated":
        # What was answered by now, or is done, needs nobody any more.
        asks = item.escalated_at == fact.at and item.state not in lifecycle.FINISHED
        return matching.Happened(help=fact.details["note"] if asks else "")
    if fact.event == "work.received":
        return matching.Happened(is_complaint=bool(item.case and item.case.kind == "complaint"), customer=customer)
    if fact.event == "case.classified":
        return matching.Happened(is_complaint=fact.details["kind"] == "complaint")
    if fact.event == "work.wrapped-up":
        return matching.Happened(disposition=fact.details.get("disposition", ""))
    if fact.event == "message.received":
        message = conversations_queries.message(fact.details["message"])
        return matching.Happened(customer=customer, text=f"{message.subject}\n{message.text}" if message else "")
    return matching.Happened()


def _raise(item: Item, happened: matching.Happened, now: datetime) -> None:
    if happened == matching.Happened():
        return
    for agreed in escalation_queries.agreed(item, now):
        said = matching.why(agreed, happened)
        if said is not None and (agreed.event == "help" or not escalation_queries.was_raised(item.id, agreed)):
            escalation.escalate(item=item, agreed=agreed, said=said, by=escalation.ENGINE, now=now)


def _close(item: Item, fact: Followed, now: datetime) -> None:
    if fact.event == "work.escalation-answered":
        for each in escalation_queries.open_on([item.id], "help"):
            text, who = fact.details["note"], fact.by_id
            escalation.mark_answered(escalation=each, text=text, person_id=who, by=escalation.ENGINE, now=now)
        return
    ends: tuple[str, ...] = ()
    if fact.event in OVER:
        ends, because = ("help", "at-risk", "missed"), Escalation.WORK_DONE
    elif fact.event == "work.connected" and item.due_at is None:  # what was to be answered is
        ends, because = ("at-risk", "missed"), Escalation.IN_TIME
    for each in escalation_queries.open_on([item.id], *ends) if ends else ():
        escalation.close(escalation=each, because=because, by=escalation.ENGINE, now=now)
