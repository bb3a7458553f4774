"""Facts about work items and cases, and their words; a time or a person that one tells of stands in the fact itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class Received(Event):
    name: ClassVar[str] = "work.received"
    key: str
    kind: str
    process: int
    due_at: datetime | None = None


@dataclass(frozen=True)
class Queued(Event):
    name: ClassVar[str] = "work.queued"
    queue: int
    answer_by: datetime | None = None


@dataclass(frozen=True)
class QueuedElsewhere(Event):
    """It waits in another system, which handles it and reports what happens: nobody is offered it here."""

    name: ClassVar[str] = "work.queued-elsewhere"
    queue: int
    answer_by: datetime | None = None


@dataclass(frozen=True)
class Reported(Event):
    """Another system said that this happened, in a report of this name; what follows from it are facts of their own."""

    name: ClassVar[str] = "work.reported"
    report: str
    said: str
    source: str  # the title of the token with which it was said


@dataclass(frozen=True)
class Scheduled(Event):
    name: ClassVar[str] = "work.scheduled"
    queue: int
    for_at: datetime
    answer_by: datetime | None = None


@dataclass(frozen=True)
class StickyAgent(Event):
    """Until then for the person whom the fact names, who knows the case or was asked for."""

    name: ClassVar[str] = "work.sticky-agent"
    until: datetime


@dataclass(frozen=True)
class Offered(Event):
    name: ClassVar[str] = "work.offered"
    expires_at: datetime


@dataclass(frozen=True)
class Accepted(Event):
    name: ClassVar[str] = "work.accepted"
    agent_label: str | None = None


@dataclass(frozen=True)
class Declined(Event):
    name: ClassVar[str] = "work.declined"


@dataclass(frozen=True)
class OfferExpired(Event):
    name: ClassVar[str] = "work.offer-expired"


@dataclass(frozen=True)
class OfferWithdrawn(Event):
    """Taken back before it was answered, for the person took more urgent work, or by whoever leads."""

    name: ClassVar[str] = "work.offer-withdrawn"


@dataclass(frozen=True)
class Preempted(Event):
    """For more urgent work; it stays with its person."""

    name: ClassVar[str] = "work.preempted"
    for_item: int


@dataclass(frozen=True)
class PreemptionEnded(Event):
    name: ClassVar[str] = "work.preemption-ended"


@dataclass(frozen=True)
class Connected(Event):
    name: ClassVar[str] = "work.connected"


@dataclass(frozen=True)
class Held(Event):
    name: ClassVar[str] = "work.held"


@dataclass(frozen=True)
class Resumed(Event):
    name: ClassVar[str] = "work.resumed"


@dataclass(frozen=True)
class PendingCustomer(Event):
    name: ClassVar[str] = "work.pending-customer"
    reply_seconds: int | None = None  # of the first reply, here and below


@dataclass(frozen=True)
class ReplySent(Event):
    name: ClassVar[str] = "work.reply-sent"
    reply_seconds: int | None = None


@dataclass(frozen=True)
class ReplyUndelivered(Event):
    """An answer never reached the customer; what is told is of the first one that did."""

    name: ClassVar[str] = "work.reply-undelivered"
    reply_seconds: int | None = None


@dataclass(frozen=True)
class WaitedInVain(Event):
    """The customer owes no answer, for the question never came: the clock has run all the time."""

    name: ClassVar[str] = "work.waited-in-vain"
    reason: str


@dataclass(frozen=True)
class CustomerAnswered(Event):
    name: ClassVar[str] = "work.customer-answered"
    paused_seconds: int
    due_at: datetime | None = None


@dataclass(frozen=True)
class Transferred(Event):
    name: ClassVar[str] = "work.transferred"
    queue: int
    note: str


@dataclass(frozen=True)
class Snoozed(Event):
    name: ClassVar[str] = "work.snoozed"
    until: datetime


@dataclass(frozen=True)
class Prioritised(Event):
    """From now on it stands in line as if it had waited so much longer."""

    name: ClassVar[str] = "work.prioritised"
    priority: int
    ahead_seconds: int


@dataclass(frozen=True)
class PlaceKept(Event):
    """Whoever sent it is back, and it stands in line as if it had waited since they first came."""

    name: ClassVar[str] = "work.place-kept"
    ahead_seconds: int


@dataclass(frozen=True)
class Escalated(Event):
    name: ClassVar[str] = "work.escalated"
    note: str


@dataclass(frozen=True)
class EscalationAnswered(Event):
    """Whoever leads has answered the agent's call for help."""

    name: ClassVar[str] = "work.escalation-answered"
    note: str


@dataclass(frozen=True)
class LegBegan(Event):
    """Somebody comes in, or is called, and is not connected yet; of our own people the fact names whom."""

    name: ClassVar[str] = "work.leg-began"
    leg: str  # the channel's name for it, here and below
    party: str


@dataclass(frozen=True)
class LegConnected(Event):
    name: ClassVar[str] = "work.leg-connected"
    leg: str


@dataclass(frozen=True)
class LegHeld(Event):
    name: ClassVar[str] = "work.leg-held"
    leg: str


@dataclass(frozen=True)
class LegResumed(Event):
    name: ClassVar[str] = "work.leg-resumed"
    leg: str


@dataclass(frozen=True)
class LegEnded(Event):
    name: ClassVar[str] = "work.leg-ended"
    leg: str
    cause: str | None = None


@dataclass(frozen=True)
class LegRecorded(Event):
    """Where the recording of a leg is kept, by the name that its keeper has for it."""

    name: ClassVar[str] = "work.leg-recorded"
    leg: str
    recording: str


@dataclass(frozen=True)
class ConsultAsked(Event):
    """The owner asks a colleague, whom the fact names, to come in."""

    name: ClassVar[str] = "work.consult-asked"
    expires_at: datetime


@dataclass(frozen=True)
class ConsultJoined(Event):
    name: ClassVar[str] = "work.consult-joined"


@dataclass(frozen=True)
class ConsultDeclined(Event):
    name: ClassVar[str] = "work.consult-declined"


@dataclass(frozen=True)
class ConsultEnded(Event):
    """The consultant is not in it any more, or is not asked any more: `because` is one of theirs below."""

    name: ClassVar[str] = "work.consult-ended"
    because: str


@dataclass(frozen=True)
class MonitorJoined(Event):
    name: ClassVar[str] = "work.monitor-joined"


@dataclass(frozen=True)
class MonitorLeft(Event):
    name: ClassVar[str] = "work.monitor-left"
    because: str


@dataclass(frozen=True)
class TransferredToConsultant(Event):
    """Transferred after a consultation: the consultant, whom the fact names, goes on as the owner."""

    name: ClassVar[str] = "work.transferred-to-consultant"
    by_person: int  # whose it was
    note: str | None = None


@dataclass(frozen=True)
class SecondKeyingAsked(Event):
    name: ClassVar[str] = "work.second-keying-asked"


@dataclass(frozen=True)
class SecondKeyingBegun(Event):
    name: ClassVar[str] = "work.second-keying-begun"


@dataclass(frozen=True)
class SecondKeyingDropped(Event):
    """Not done; somebody else may begin it."""

    name: ClassVar[str] = "work.second-keying-dropped"
    because: str


@dataclass(frozen=True)
class SecondKeyingDone(Event):
    name: ClassVar[str] = "work.second-keying-done"


@dataclass(frozen=True)
class SecondKeyingCalledOff(Event):
    """The item is keyed once after all."""

    name: ClassVar[str] = "work.second-keying-called-off"


@dataclass(frozen=True)
class Keyed(Event):
    """The first keying is done, and how; the item ends when the second is."""

    name: ClassVar[str] = "work.keyed"
    disposition: str | None = None


LEFT = "left"  # of their own accord; here and below, why somebody's part in an item ended
NO_ANSWER = "no answer"
WITHDRAWN = "withdrawn"  # by whoever had asked
OVER = "the owner is done with it"
GONE = "gone"  # signed out of work, or may not see the client any more


@dataclass(frozen=True)
class Ended(Event):
    name: ClassVar[str] = "work.ended"
    working_seconds: int | None = None
    version: int | None = None
    reply_seconds: int | None = None


@dataclass(frozen=True)
class WrappedUp(Event):
    name: ClassVar[str] = "work.wrapped-up"
    disposition: str | None = None


@dataclass(frozen=True)
class Abandoned(Event):
    name: ClassVar[str] = "work.abandoned"


@dataclass(frozen=True)
class Cancelled(Event):
    name: ClassVar[str] = "work.cancelled"
    reason: str


@dataclass(frozen=True)
class Reopened(Event):
    name: ClassVar[str] = "work.reopened"
    reason: str
    paused_seconds: int = 0  # working time for which it lay resolved
    due_at: datetime | None = None


@dataclass(frozen=True)
class CaseOpened(Event):
    name: ClassVar[str] = "case.opened"
    kind: str


@dataclass(frozen=True)
class CustomerConfirmed(Event):
    """Somebody of ours said that who wrote is a customer: who they said to be, and whom we know by that."""

    name: ClassVar[str] = "case.customer-confirmed"
    claimed_reference: str
    claimed_name: str
    customer: int
    known_name: str
    is_new: bool


@dataclass(frozen=True)
class CaseResolved(Event):
    name: ClassVar[str] = "case.resolved"


@dataclass(frozen=True)
class CaseReopened(Event):
    name: ClassVar[str] = "case.reopened"


_SAID: Mapping[str, Any] = {
    "work.received": pgettext_lazy("happened to an item", "Received"),
    "work.queued": lazy("Queued"),
    "work.scheduled": lazy("Scheduled"),
    "work.queued-elsewhere": lazy("Queued in another system"),
    "work.reported": lazy("Reported"),
    "work.sticky-agent": lazy("Sticky agent: waits for whoever knows the case"),
    "work.offered": lazy("Offered"),
    "work.accepted": lazy("Accepted"),
    "work.declined": lazy("Declined"),
    "work.offer-expired": lazy("Offer not answered (RONA)"),
    "work.offer-withdrawn": lazy("Offer withdrawn"),
    "work.preempted": lazy("Preempted by more urgent work"),
    "work.preemption-ended": lazy("Preemption over"),
    "work.connected": lazy("Connected"),
    "work.held": lazy("Put on hold"),
    "work.resumed": lazy("Resumed"),
    "work.pending-customer": lazy("Pending customer"),
    "work.customer-answered": lazy("The customer answered"),
    "work.reply-undelivered": lazy("Reply not delivered"),
    "work.waited-in-vain": lazy("Waits no more: the customer never had our reply"),
    "work.reply-sent": lazy("Reply sent"),
    "work.transferred": lazy("Transferred"),
    "work.snoozed": lazy("Snoozed"),
    "work.prioritised": lazy("Priority raised"),
    "work.place-kept": lazy("Back at the place in line that was kept"),
    "work.escalated": lazy("Escalated"),
    "work.escalation-answered": lazy("Escalation answered"),
    "work.leg-began": lazy("A leg began"),
    "work.leg-connected": lazy("A leg was connected"),
    "work.leg-held": lazy("A leg was held"),
    "work.leg-resumed": lazy("A leg was resumed"),
    "work.leg-ended": lazy("A leg ended"),
    "work.leg-recorded": lazy("A leg was recorded"),
    "work.consult-asked": lazy("A colleague is asked in (consult)"),
    "work.consult-joined": lazy("The consultant joined"),
    "work.consult-declined": lazy("The colleague declined"),
    "work.consult-ended": lazy("Consultation over"),
    "work.monitor-joined": lazy("Monitored from now on"),
    "work.monitor-left": lazy("Not monitored any more"),
    "work.transferred-to-consultant": lazy("Transferred to the consultant"),
    "work.second-keying-asked": lazy("To be keyed twice"),
    "work.second-keying-begun": lazy("Second keying begun"),
    "work.second-keying-dropped": lazy("Second keying dropped"),
    "work.second-keying-done": lazy("Second keying done"),
    "work.second-keying-called-off": lazy("To be keyed once after all"),
    "work.keyed": lazy("First keying done"),
    "work.ended": lazy("Ended"),
    "work.wrapped-up": lazy("Wrapped up"),
    "work.abandoned": lazy("The customer left"),
    "work.cancelled": lazy("Cancelled"),
    "work.reopened": lazy("Reopened"),
}


_BECAUSE: Mapping[str, Any] = {
    LEFT: pgettext_lazy("happened to an item", "left"),
    NO_ANSWER: lazy("no answer"),
    WITHDRAWN: pgettext_lazy("happened to an item", "withdrawn"),
    OVER: lazy("the owner is done with it"),
    GONE: pgettext_lazy("happened to an item", "gone"),
}


def said(event: str, details: Mapping[str, Any]) -> str:
    """Word a fact about an item, with what its details add for a reader."""
    words = str(_SAID.get(event) or _(event.replace(".", " ").replace("-", " ").capitalize()))
    because = str(_BECAUSE.get(details.get("because", ""), details.get("because") or ""))
    added = details.get("note") or details.get("disposition") or details.get("reason") or because
    added = added or details.get("priority")
    if "source" in details and "said" in details:
        added = _("{said}, by {source}").format(said=_(details["said"]), source=details["source"])
    return f"{words}: {added}" if added else words
