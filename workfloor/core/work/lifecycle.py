"""What a work item's facts add up to, and how much of a person an item takes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import legs as work_legs
from workfloor.core.work import roles
from workfloor.kit.text.translation import gettext as _
from workfloor.kit.text.translation import gettext_noop

STATES = ("waiting", "offered", "held", "wrapping", "done", "abandoned", "cancelled")
WITH_SOMEBODY = ("offered", "held", "wrapping")
FINISHED = ("done", "abandoned", "cancelled")
CASE_KINDS = ("complaint", "request", "question", "lead")

_FROM = {
    "work.queued": ("new", "waiting"),
    "work.queued-elsewhere": ("new",),
    "work.sticky-agent": ("waiting",),
    "work.offered": ("waiting",),
    "work.accepted": ("offered", "waiting"),  # past work was accepted without our offer
    "work.declined": ("offered",),
    "work.offer-expired": ("offered",),
    "work.offer-withdrawn": ("offered",),
    "work.preempted": ("held", "wrapping"),
    "work.preemption-ended": ("held", "wrapping"),
    "work.connected": ("held",),
    "work.held": ("held",),
    "work.resumed": ("held",),
    "work.pending-customer": ("waiting", "held"),
    "work.customer-answered": ("waiting", "held"),
    "work.waited-in-vain": ("waiting", "held"),
    "work.reply-sent": ("held",),
    "work.reply-undelivered": ("waiting", "offered", "held", "wrapping", "done"),
    "work.transferred": ("waiting", "held"),
    "work.snoozed": ("held",),
    "work.prioritised": ("waiting", "offered", "held"),
    "work.place-kept": ("waiting",),
    "work.escalated": ("waiting", "offered", "held", "wrapping"),
    "work.escalation-answered": ("waiting", "offered", "held", "wrapping"),
    "work.leg-began": ("waiting", "offered", "held"),
    "work.leg-connected": ("waiting", "offered", "held"),
    "work.leg-held": ("held",),
    "work.leg-resumed": ("held",),
    "work.leg-ended": STATES,
    "work.leg-recorded": STATES,
    "work.consult-asked": ("held",),
    "work.consult-joined": ("held",),
    "work.consult-declined": ("held",),
    "work.consult-ended": STATES,
    "work.monitor-joined": ("held",),
    "work.monitor-left": STATES,
    "work.transferred-to-consultant": ("held",),
    "work.second-keying-asked": ("waiting", "offered", "held"),
    "work.second-keying-begun": ("waiting", "held", "wrapping"),
    "work.second-keying-dropped": STATES,
    "work.second-keying-done": ("waiting", "offered", "held", "wrapping"),
    "work.second-keying-called-off": ("waiting", "offered", "held", "wrapping"),
    "work.keyed": ("wrapping",),
    "work.ended": ("held", "waiting"),  # what waits ends when its second keying is done
    "work.wrapped-up": ("wrapping",),
    "work.abandoned": ("waiting", "offered", "held"),  # held: accepted, but the customer left before being connected
    "work.cancelled": ("waiting", "offered", "held"),
    "work.reopened": ("done",),
}

# What may happen to an item while it is preempted.
_ALSO_ASIDE = (
    "work.preemption-ended",
    "work.transferred",
    "work.escalated",
    "work.escalation-answered",
    "work.wrapped-up",
    "work.cancelled",
    "work.reply-undelivered",
    "work.prioritised",
    "work.monitor-joined",
    "work.monitor-left",
    "work.consult-ended",
    "work.second-keying-asked",
    "work.second-keying-begun",
    "work.second-keying-dropped",
    "work.second-keying-done",
    "work.second-keying-called-off",
    "work.keyed",
    "work.leg-ended",
    "work.leg-recorded",
)


class NotNow(ValueError):
    """The item is not in a state in which that can happen."""


class Fact(Protocol):
    """What a step needs of a fact."""

    @property
    def event(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def person_id(self) -> int | None: ...
    @property
    def details(self) -> Mapping[str, Any]: ...


@dataclass
class Item:
    """A work item's state: these are the columns of `work_item` that its facts add up to.

    Talk, hold and wrap-up are whole seconds without those preempted (`aside_seconds` of the wrap-up); `paused_seconds`,
    `working_seconds` (received to resolved) and `reply_seconds` (to the first reply) are working time of the contract;
    `came_back_seconds` is how long the first resolution lasted by the clock.
    """

    state: str = "new"
    key: str = ""
    kind: str = ""
    process_id: int | None = None
    queue_id: int | None = None
    person_id: int | None = None
    done_by_id: int | None = None
    agent_label: str = ""
    received_at: datetime | None = None
    queued_at: datetime | None = None
    answer_by: datetime | None = None
    due_at: datetime | None = None
    offer_expires_at: datetime | None = None
    connected_at: datetime | None = None
    talking_since: datetime | None = None
    on_hold_since: datetime | None = None
    pending_customer_since: datetime | None = None
    sticky_agent_id: int | None = None
    sticky_until: datetime | None = None
    preempted_at: datetime | None = None
    escalated_at: datetime | None = None
    escalation_answered_at: datetime | None = None
    ended_at: datetime | None = None
    wrapped_up_at: datetime | None = None
    abandoned_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_as: str = ""
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0
    aside_seconds: int = 0
    paused_seconds: int = 0
    working_seconds: int | None = None
    reply_seconds: int | None = None
    came_back_seconds: int | None = None
    disposition: str = ""
    reopened: int = 0
    transfers: int = 0
    priority: int = 0
    ahead_seconds: int = 0
    beside: Any = None
    legs: Any = None
    second_keying: str = ""
    keyed_at: datetime | None = None
    elsewhere: bool = False


COLUMNS = tuple(each.name for each in fields(Item))


ELSEWHERE = "work.queued-elsewhere"


def replay(facts: Iterable[Fact]) -> Item:
    """An item's state from its facts, oldest first.

    What another system handles is told by that system's clock, and some of it later than what came after it.
    """
    item, told = Item(), list(facts)
    if any(fact.event == ELSEWHERE for fact in told):
        told.sort(key=attrgetter("at"))
    for fact in told:
        for column, value in step(item, fact).items():
            setattr(item, column, value)
    return item


def follow(item: Any, event: Any, at: datetime, person_id: int | None) -> dict[str, Any]:
    """Let an item's state follow from an event (event_log.events.Event) of now; the columns that it changed."""
    changed = step(item, SimpleNamespace(event=event.name, at=at, person_id=person_id, details=event.details()))
    for column, value in changed.items():
        setattr(item, column, value)
    return changed


def step(item: Any, fact: Fact) -> dict[str, Any]:
    """The columns that one more fact changes, with their new values; NotNow if the fact cannot follow."""
    if fact.event not in _STEPS:
        return {}
    allow(item, fact.event)
    return _STEPS[fact.event](item, fact, fact.details)


def allow(item: Any, event: str) -> None:
    """Raise NotNow if an event cannot happen to an item in its state."""
    if item.state not in _FROM.get(event, ("new",)):
        raise NotNow(
            _("{done}; “{event}” cannot follow.").format(done=_(_DONE[item.state]), event=event.partition(".")[2])
        )
    if item.preempted_at and event not in _ALSO_ASIDE:
        raise NotNow(_("The item is preempted by more urgent work, and goes on when that has ended"))


_DONE = {
    "new": gettext_noop("The item has not been received"),
    "waiting": gettext_noop("The item waits in its queue"),
    "offered": gettext_noop("The item is offered to somebody"),
    "held": gettext_noop("The item is being worked on"),
    "wrapping": gettext_noop("The item has ended and is being wrapped up"),
    "done": gettext_noop("The item is done"),
    "abandoned": gettext_noop("The customer has left"),
    "cancelled": gettext_noop("The item was cancelled"),
}


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def seconds(start: datetime, end: datetime) -> int:
    """Whole seconds from one instant to another, rounded down; 0 where the clocks of two machines disagree."""
    return max(0, (end - start) // timedelta(seconds=1))


def _received(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": details["key"],
        "kind": details["kind"],
        "process_id": details["process"],
        "received_at": fact.at,
        "due_at": _time(details.get("due_at")),
    }


def _queued(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    answer_by = _time(details.get("answer_by"))
    return {"state": "waiting", "queue_id": details["queue"], "queued_at": fact.at, "answer_by": answer_by}


def _queued_elsewhere(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return _queued(item, fact, details) | {"elsewhere": True}


def _scheduled(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return _queued(item, fact, details) | {"queued_at": _time(details["for_at"])}


def _kept(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"sticky_agent_id": fact.person_id, "sticky_until": _time(details["until"])}


_FOR_ALL: dict[str, Any] = {"sticky_agent_id": None, "sticky_until": None}


def _offered(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.keyed_at:
        raise NotNow(_("The item waits for its second keying"))
    if item.elsewhere:
        raise NotNow(_("Another system handles the item"))
    return {"state": "offered", "person_id": fact.person_id, "offer_expires_at": _time(details["expires_at"])}


def _accepted(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    label = details.get("agent_label", "")
    taken = {"state": "held", "person_id": fact.person_id, "offer_expires_at": None, "agent_label": label}
    return taken | _FOR_ALL


def _offered_on(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": "waiting", "person_id": None, "offer_expires_at": None} | _FOR_ALL


def _connected(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    # The customer was answered once, however often the item changes hands afterwards.
    return {"connected_at": item.connected_at or fact.at, "talking_since": fact.at}


def _reply_sent(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return _replied(item, details)


def _replied(item: Any, details: Mapping[str, Any]) -> dict[str, Any]:
    """The first reply stops the clock of the first response, and later ones do not start it again."""
    known = item.reply_seconds
    return {"reply_seconds": details.get("reply_seconds") if known is None else known}


def _reply_undelivered(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return {"reply_seconds": details.get("reply_seconds")}


def _held(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.on_hold_since:
        raise NotNow(_("The item is on hold already"))
    if work_legs.customer(item.legs):
        return _on_legs(item, work_legs.held(item.legs, _customers_leg(item), fact.at), fact.at)
    if not item.talking_since:
        raise NotNow(_("The customer is not connected"))
    return _laid_down(item, fact.at) | {"on_hold_since": fact.at}


def _resumed(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if not item.on_hold_since:
        raise NotNow(_("The item is not on hold"))
    if work_legs.customer(item.legs):
        return _on_legs(item, work_legs.resumed(item.legs, _customers_leg(item), fact.at), fact.at)
    return _laid_down(item, fact.at) | {"talking_since": fact.at}


def _customers_leg(item: Any) -> str:
    leg = work_legs.customer(item.legs)
    if not work_legs.on(leg) or leg is None:
        raise NotNow(_("The customer is not connected"))
    return leg["leg"]


def _on_legs(item: Any, legs: list[work_legs.Leg], at: datetime) -> dict[str, Any]:
    """What the legs are now, and the talk or hold that runs by them."""
    if work_legs.customer(item.legs) is None and work_legs.customer(legs) is None:
        return {"legs": legs}  # of an earlier contact
    running, now_runs = "talk" if item.talking_since else "hold" if item.on_hold_since else "", work_legs.runs(legs)
    if running == now_runs:
        return {"legs": legs}
    since = {"talk": {"talking_since": at}, "hold": {"on_hold_since": at}, "": {}}
    return _laid_down(item, at) | since[now_runs] | {"legs": legs}


def _leg(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _on_legs(item, work_legs.reported(item.legs, fact), fact.at)
    except work_legs.Impossible as fault:
        raise NotNow(_("This cannot be: {fault}").format(fault=fault)) from fault


def _all_off(item: Any, at: datetime) -> dict[str, Any]:
    """All legs are over, with the talk or hold that runs."""
    return _laid_down(item, at) | ({"legs": work_legs.without(item.legs, at)} if item.legs else {})


def _preempted(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    legs = {"legs": work_legs.back_in_line(item.legs, fact.at)} if item.legs else {}
    return _laid_down(item, fact.at) | legs | {"preempted_at": fact.at}


def _preemption_ended(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if not item.preempted_at:
        raise NotNow(_("The item is not preempted"))
    if item.state == "wrapping":
        return {"preempted_at": None, "aside_seconds": item.aside_seconds + seconds(item.preempted_at, fact.at)}
    if work_legs.customer(item.legs):
        return {"preempted_at": None}  # its channel connects them again
    return {"preempted_at": None, "talking_since": fact.at}


def _laid_down(item: Any, at: datetime) -> dict[str, Any]:
    """The talk or hold that runs is over and counts."""
    talked = item.talk_seconds + (seconds(item.talking_since, at) if item.talking_since else 0)
    on_hold = item.hold_seconds + (seconds(item.on_hold_since, at) if item.on_hold_since else 0)
    return {"talk_seconds": talked, "hold_seconds": on_hold, "talking_since": None, "on_hold_since": None}


def _pending_customer(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.pending_customer_since:
        raise NotNow(_("The item is pending customer already"))
    # The agent is free meanwhile; nobody is offered the item until the customer has answered.
    return _put_back(item, fact.at) | {"pending_customer_since": fact.at} | _replied(item, details)


def _customer_answered(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if not item.pending_customer_since:
        raise NotNow(_("The item is not pending customer"))
    paused = item.paused_seconds + details["paused_seconds"]
    return {"pending_customer_since": None, "paused_seconds": paused, "due_at": _time(details.get("due_at"))}


def _waited_in_vain(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return _customer_answered(item, fact, {"paused_seconds": 0}) | {"due_at": item.due_at}


def _transferred(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    # It keeps the time since when it waits: being passed on costs no item its place.
    return _put_back(item, fact.at) | {"queue_id": details["queue"], "transfers": item.transfers + 1}


def _snoozed(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if work_kinds.KINDS[item.kind].live:
        raise NotNow(_("The customer is here: end it, and agree on when to come back"))
    return _put_back(item, fact.at) | {"queued_at": _time(details["until"])}


def _escalation_answered(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if not item.escalated_at:
        raise NotNow(_("Nobody has asked for help, or it was answered already"))
    return {"escalated_at": None, "escalation_answered_at": fact.at}


def _put_back(item: Any, at: datetime) -> dict[str, Any]:
    legs = {"legs": work_legs.back_in_line(item.legs, at)} if item.legs else {}
    return _laid_down(item, at) | legs | {"state": "waiting", "person_id": None, "preempted_at": None}


def _joined(role: str) -> Callable[[Any, Fact, Mapping[str, Any]], dict[str, Any]]:
    return lambda item, fact, details: {"beside": roles.joined(item.beside, roles.part(role, fact.person_id, details))}


def _left(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if roles.part_of(item.beside, fact.person_id) is None:
        raise NotNow(_("They take no part in the item"))
    left = {"beside": roles.left(item.beside, fact.person_id)}
    if not item.legs:
        return left
    return _on_legs(item, work_legs.without(item.legs, fact.at, person=fact.person_id), fact.at) | left


def _consult_joined(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    part = roles.part_of(item.beside, fact.person_id)
    if part is None or "asked_until" not in part:
        raise NotNow(_("They were not asked"))
    return _joined(roles.CONSULT)(item, fact, {})


def _transferred_to_consultant(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    # Talk or hold goes on: the customer is with the consultant already.
    part = roles.part_of(item.beside, fact.person_id)
    if part is None or part["role"] != roles.CONSULT or "asked_until" in part:
        raise NotNow(_("They have not joined the consultation"))
    gone = work_legs.without(item.legs, fact.at, person=details["by_person"])
    legs = _on_legs(item, gone, fact.at) if item.legs else {}
    return legs | {"beside": roles.left(item.beside, fact.person_id), "person_id": fact.person_id}


def _second_keying_asked(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.second_keying:
        raise NotNow(_("The item is keyed twice already"))
    if not work_kinds.KINDS[item.kind].keyed:
        raise NotNow(_("Work of this kind is not keyed"))
    return {"second_keying": "wanted"}


def _second_keying_begun(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.second_keying != "wanted":
        raise NotNow(
            _("No second keying is wanted") if item.second_keying != "begun" else _("Somebody keys it already")
        )
    return {"second_keying": "begun"} | _joined(roles.KEYS_SECOND)(item, fact, {})


def _second_keying_dropped(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return _left(item, fact, details) | {"second_keying": "wanted"}


def _second_keying_done(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return _left(item, fact, details) | {"second_keying": "done"}


def _second_keying_called_off(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.second_keying != "wanted":
        raise NotNow(
            _("No second keying is waited for") if item.second_keying != "begun" else _("Somebody keys it just now")
        )
    return {"second_keying": ""}


def _keyed(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    # The first keying is wrapped up, and the item is not over: it ends when the second is done.
    done = _wrapped_up(item, fact, details)
    return (
        done
        | {"state": "waiting", "wrapped_up_at": None, "ended_at": None, "working_seconds": None}
        | {"keyed_at": fact.at}
    )


def _ended(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.state == "waiting" and not (item.keyed_at and item.second_keying in ("", "done")):
        raise NotNow(_("The item waits in its queue; “ended” cannot follow."))
    ended = {"state": "wrapping", "ended_at": fact.at, "aside_seconds": 0}
    spent = {"working_seconds": details.get("working_seconds")}
    return _all_off(item, fact.at) | ended | spent | _replied(item, details)


def _wrapped_up(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    # Where it is preempted in that very moment, its wrap-up ended when it was.
    wrapped = seconds(item.ended_at, item.preempted_at or fact.at) - item.aside_seconds
    return {
        "state": "done",
        "wrapped_up_at": fact.at,
        "preempted_at": None,
        "done_by_id": item.person_id or item.done_by_id,
        "keyed_at": None,
        "wrap_seconds": item.wrap_seconds + max(0, wrapped),
        "disposition": details.get("disposition", ""),
        "person_id": None,
    }


def _abandoned(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    if item.state == "held" and item.connected_at is not None:
        raise NotNow(_("The customer was connected: end the item"))
    left = {"state": "abandoned", "abandoned_at": fact.at, "person_id": None, "offer_expires_at": None}
    return left | _all_off(item, fact.at)


def _cancelled(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "state": "cancelled",
        "cancelled_at": fact.at,
        "cancelled_as": details["reason"],
        "person_id": None,
        "offer_expires_at": None,
        "preempted_at": None,
    } | _all_off(item, fact.at)


def _reopened(item: Any, fact: Fact, details: Mapping[str, Any]) -> dict[str, Any]:
    # The time for which it lay resolved is on nobody's clock.
    paused = item.paused_seconds + details.get("paused_seconds", 0)
    lasted = seconds(item.ended_at, fact.at) if item.came_back_seconds is None else item.came_back_seconds
    return {
        "state": "waiting",
        "reopened": item.reopened + 1,
        "ended_at": None,
        "wrapped_up_at": None,
        "working_seconds": None,
        "disposition": "",
        "done_by_id": None,
        "paused_seconds": paused,
        "came_back_seconds": lasted,
        "due_at": _time(details["due_at"]) if "due_at" in details else item.due_at,
    }


_STEPS = {
    "work.received": _received,
    "work.queued": _queued,
    ELSEWHERE: _queued_elsewhere,
    "work.scheduled": _scheduled,
    "work.sticky-agent": _kept,
    "work.offered": _offered,
    "work.accepted": _accepted,
    "work.declined": _offered_on,
    "work.offer-expired": _offered_on,
    "work.offer-withdrawn": _offered_on,
    "work.preempted": _preempted,
    "work.preemption-ended": _preemption_ended,
    "work.connected": _connected,
    "work.held": _held,
    "work.resumed": _resumed,
    "work.pending-customer": _pending_customer,
    "work.customer-answered": _customer_answered,
    "work.waited-in-vain": _waited_in_vain,
    "work.reply-sent": _reply_sent,
    "work.reply-undelivered": _reply_undelivered,
    "work.transferred": _transferred,
    "work.snoozed": _snoozed,
    "work.prioritised": lambda item, fact, details: dict(details),
    "work.place-kept": lambda item, fact, details: dict(details),
    "work.escalated": lambda item, fact, details: {"escalated_at": fact.at, "escalation_answered_at": None},
    "work.escalation-answered": _escalation_answered,
    "work.leg-began": _leg,
    "work.leg-connected": _leg,
    "work.leg-held": _leg,
    "work.leg-resumed": _leg,
    "work.leg-ended": _leg,
    "work.leg-recorded": _leg,
    "work.consult-asked": _joined(roles.CONSULT),
    "work.consult-joined": _consult_joined,
    "work.consult-declined": _left,
    "work.consult-ended": _left,
    "work.monitor-joined": _joined(roles.MONITOR),
    "work.monitor-left": _left,
    "work.transferred-to-consultant": _transferred_to_consultant,
    "work.second-keying-asked": _second_keying_asked,
    "work.second-keying-begun": _second_keying_begun,
    "work.second-keying-dropped": _second_keying_dropped,
    "work.second-keying-done": _second_keying_done,
    "work.second-keying-called-off": _second_keying_called_off,
    "work.keyed": _keyed,
    "work.ended": _ended,
    "work.wrapped-up": _wrapped_up,
    "work.abandoned": _abandoned,
    "work.cancelled": _cancelled,
    "work.reopened": _reopened,
}


class Offer(NamedTuple):
    """An item for a person, who gives it the parts [low, high) of them and has so many seconds to answer.

    Work that is `preemptible` may be preempted; what lies `over` takes parts of such work.
    """

    item_id: int
    person_id: int
    low: int
    high: int
    seconds: int
    preemptible: bool = False
    over: bool = False


def free_share(taken: Iterable[tuple[int, int]], max_concurrency: int, capacity: int) -> tuple[int, int] | None:
    """The part of a person that one more item takes, as a range [low, high) of `capacity`; None if there is none.

    Work of which a person does `max_concurrency` at a time takes one of that many equal shares; a call or a document
    (max_concurrency 1) takes the person whole. `taken` are the ranges already in use.
    """
    size = capacity // max_concurrency
    busy = list(taken)
    for low in range(0, size * max_concurrency, size):
        if all(high_taken <= low or low + size <= low_taken for low_taken, high_taken in busy):
            return (low, low + size)
    return None


def overlap(one: Any, other: Any) -> bool:
    """Whether two parts of a person have anything in common."""
    return bool(one.lower < other.upper and other.lower < one.upper)
