"""The events that other systems are told of, what each of them says, and how that is written.

Nothing here tells what somebody wrote or who somebody is: no texts, no reasons, no names of people or customers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from workfloor.kit.text.translation import gettext as _

VERSION: Final = 1
TEST: Final = "webhook.test"


@dataclass(frozen=True, slots=True)
class Public:
    """An event in words, and its fields, each with what it says."""

    words: str
    fields: Mapping[str, str]


_QUEUE: Final = "the queue, by its name"
_DUE: Final = "when it must be resolved, if the contract says so"
_BY: Final = "when it must be answered, if the contract says so"
_REPLY: Final = "seconds until the first reply"
_MESSAGE: Final = "the message's number"
_CHANNEL: Final = "email or chat"
_PERIOD: Final = "the month, such as 2026-03"
_DISPUTE: Final = "the dispute's number"
_FIGURE: Final = "the figure's name in the statement"

EVENTS: Final[dict[str, Public]] = {
    "work.received": Public(
        "Work came in.", {"kind": "such as call or email", "process": "by its name", "due_at": _DUE}
    ),
    "work.queued": Public("It waits in a queue.", {"queue": _QUEUE, "answer_by": _BY}),
    "work.scheduled": Public("It waits for a time.", {"queue": _QUEUE, "for_at": "that time", "answer_by": _BY}),
    "work.accepted": Public("An agent has it in hand.", {}),
    "work.connected": Public("The agent has begun with it; of a call, that agent and customer talk.", {}),
    "work.pending-customer": Public("The customer owes an answer.", {"reply_seconds": _REPLY}),
    "work.customer-answered": Public("The customer has answered.", {"due_at": _DUE}),
    "work.reply-sent": Public("A reply was sent.", {"reply_seconds": _REPLY}),
    "work.reply-undelivered": Public("A reply never arrived.", {}),
    "work.transferred": Public("It went to another queue.", {"queue": _QUEUE}),
    "work.snoozed": Public("An agent put it off.", {"until": "until when"}),
    "work.prioritised": Public("Its priority was raised.", {"priority": "the new one"}),
    "work.escalated": Public("The agent called the team leader.", {}),
    "work.escalation-answered": Public("The agent's call was answered.", {}),
    "work.ended": Public(
        "The contact is over.", {"working_seconds": "working time since it came in", "reply_seconds": _REPLY}
    ),
    "work.wrapped-up": Public("It is done.", {"disposition": "how it ended, from the process's own list"}),
    "work.abandoned": Public("The customer left before anybody answered.", {}),
    "work.cancelled": Public("Nobody needs it any more.", {}),
    "work.reopened": Public("It was done, and is to be done again.", {"due_at": _DUE}),
    "case.opened": Public("A case was opened.", {"kind": "complaint, request, question or lead"}),
    "case.classified": Public("It is of another kind.", {"kind": "the new one"}),
    "case.resolved": Public("Nothing is left to be done.", {}),
    "case.reopened": Public("There is something to be done again.", {}),
    "case.merged": Public("It is one with another case.", {"into": "the other case's number"}),
    "case.split": Public("An item got a case of its own.", {"out_of": "the case's number before"}),
    "message.received": Public("A customer wrote.", {"message": _MESSAGE, "channel": _CHANNEL}),
    "message.reply-written": Public("A reply was written.", {"message": _MESSAGE, "channel": _CHANNEL}),
    "message.sent": Public("It was sent.", {"message": _MESSAGE}),
    "message.undelivered": Public("It did not arrive.", {"message": _MESSAGE}),
    "period.proposed": Public("Somebody proposes to close a month.", {"period": _PERIOD}),
    "period.reopened": Public("The proposal was taken back.", {"period": _PERIOD}),
    "period.closed": Public("The month's figures stand.", {"period": _PERIOD}),
    "period.restated": Public(
        "A closed month's figure is corrected in a later statement.",
        {"period": _PERIOD, "figure": _FIGURE, "into": "the statement's month"},
    ),
    "dispute.raised": Public("A figure is disputed.", {"dispute": _DISPUTE, "period": _PERIOD, "figure": _FIGURE}),
    "dispute.upheld": Public("The client was right.", {"dispute": _DISPUTE}),
    "dispute.rejected": Public("The figure was right.", {"dispute": _DISPUTE}),
    "invoice.issued": Public(
        "A closed month was invoiced.",
        {"invoice": "its number", "period": _PERIOD, "gross": "the amount, as a text", "currency": "such as EUR"},
    ),
    "invoice.credited": Public(
        "An invoice was taken back.", {"invoice": "its number", "credit_note": "the credit note's number"}
    ),
}
GROUPS: Final = tuple(dict.fromkeys(name.partition(".")[0] for name in EVENTS))


class Unknown(ValueError):
    """Nothing is called so; the message says what there is."""


def vetted(names: Iterable[str]) -> list[str]:
    """Names of events and of groups, each once and in the order of the list. Raises Unknown, also for none."""
    wanted = set(names)
    known = [*GROUPS, *EVENTS]
    if strange := sorted(wanted.difference(known)):
        raise Unknown(
            _("No event or group is called {strange}. Groups: {groups}; or {known}.").format(
                strange=", ".join(strange), groups=", ".join(GROUPS), known=known[-1]
            )
        )
    if not wanted:
        raise Unknown(_("Choose what is sent: {groups}, or events by their names.").format(groups=", ".join(GROUPS)))
    return [name for name in known if name in wanted]


def is_chosen(event: str, names: Iterable[str]) -> bool:
    """Whether an event is one of these events or of one of these groups."""
    return event in EVENTS and not {event, event.partition(".")[0]}.isdisjoint(names)


def line(event: str, item_id: int | None, case_id: int | None) -> str:
    """What an event stands in line with: those of one line arrive in their order, lines do not wait for each other."""
    if item_id is not None:
        return f"item:{item_id}"
    return f"case:{case_id}" if case_id is not None else event.partition(".")[0]


@dataclass(frozen=True, slots=True)
class About:
    """What a fact's numbers stand for, in a client's own names."""

    client: str
    item: Mapping[str, Any] | None = None
    case: int | None = None
    queues: Mapping[int, str] | None = None
    processes: Mapping[int, str] | None = None


def told(key: str, event: str, at: datetime, details: Mapping[str, Any], about: About) -> dict[str, Any]:
    """What is sent: of a fact's details the documented fields alone, queues and processes by their names."""
    fields = EVENTS[event].fields if event in EVENTS else {}
    names: dict[str, Mapping[int, str]] = {"queue": about.queues or {}, "process": about.processes or {}}
    data = {name: details[name] for name in fields if details.get(name) is not None}
    data |= {name: names[name][data[name]] for name in names.keys() & data.keys()}
    return {
        "version": VERSION,
        "id": key,
        "event": event,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "client": about.client,
        "item": dict(about.item) if about.item else None,
        "case": about.case,
        "data": data,
    }
