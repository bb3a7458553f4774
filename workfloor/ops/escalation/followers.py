"""What is escalated, and what is no more, when something happens to work."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log.events import Followed
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation import matching
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ops.escalation.models import Escalation
from workfloor.ops.escalation.queries import Known

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
    found, known = escalation_queries.concerned(facts, now)
    for fact in found:
        item = known.item(fact)
        if item is not None:
            _close(item, fact, known, now)
            _raise(item, _happened(fact, item, known), known, now)


def _happened(fact: Followed, item: Item, known: Known) -> matching.Happened:
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
        message = known.messages.get(fact.details["message"])
        return matching.Happened(customer=customer, text=f"{message.subject}\n{message.text}" if message else "")
    return matching.Happened()


def _raise(item: Item, happened: matching.Happened, known: Known, now: datetime) -> None:
    if happened == matching.Happened():
        return
    for agreed in known.agreed(item):
        said = matching.why(agreed, happened)
        rule = (item.id, agreed.event, agreed.title)
        if said is not None and (agreed.event == "help" or rule not in known.raised):
            made = escalation.escalate(item=item, agreed=agreed, said=said, by=escalation.ENGINE, now=now)
            known.raised.add(rule)
            known.open[item.id] = [each for each in known.open[item.id] if _rule(each) != _rule(made)] + [made]


def _rule(raised: Escalation) -> tuple[str, str]:
    return raised.event, raised.title


def _close(item: Item, fact: Followed, known: Known, now: datetime) -> None:
    if fact.event == "work.escalation-answered":
        for each in _taken(known, item, "help"):
            text, who = fact.details["note"], fact.by_id
            escalation.mark_answered(escalation=each, text=text, person_id=who, by=escalation.ENGINE, now=now)
        return
    ends: tuple[str, ...] = ()
    if fact.event in OVER:
        ends, because = escalation_queries.ABOUT_WORK, Escalation.WORK_DONE
    elif fact.event == "work.connected" and item.due_at is None:  # what was to be answered is
        ends, because = ("at-risk", "missed"), Escalation.IN_TIME
    for each in _taken(known, item, *ends):
        escalation.close(escalation=each, because=because, by=escalation.ENGINE, now=now)


def _taken(known: Known, item: Item, *events: str) -> list[Escalation]:
    """What is open of some events on an item, which is then no longer known as open."""
    found = [each for each in known.open[item.id] if each.event in events]
    known.open[item.id] = [each for each in known.open[item.id] if each.event not in events]
    return found
