"""The API of work: send it in, read its state, take it back."""

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Path, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import AfterValidator, AwareDatetime, ConfigDict, model_validator

from workfloor.core.access import actors
from workfloor.core.access.actors import Actor
from workfloor.core.clients.api import PROBLEMS, Problem, TokenAuth
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.looks.actions import Seen
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import lifecycle, reporting
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.time import clock

router = Router(tags=["work"])
DEEPEST_PAYLOAD: Final = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def storable(text: str) -> str:
    """Text that UTF-8 can write and PostgreSQL can keep."""
    if "\x00" in text:
        raise ValueError(_("holds a NUL character, which cannot be stored"))
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise ValueError(_("holds half of a character (a lone surrogate)")) from fault
    return text


def printable(text: str) -> str:
    """Storable text that fits on one line, and into an address."""
    if _CONTROL.search(text):
        raise ValueError(_("holds a control character; a key is one line of text"))
    return storable(text)


def plain(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload that can be stored and found again: its texts, its numbers and its depth."""
    _check(payload, 1)
    return payload


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST_PAYLOAD and isinstance(value, dict | list):
        raise ValueError(_("is nested more than {deepest_payload} levels deep").format(deepest_payload=DEEPEST_PAYLOAD))
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(_("holds a number that is not finite"))
    elif isinstance(value, dict | list):
        for each in value:
            _check(each, depth + 1)
        if isinstance(value, dict):
            _check(list(value.values()), depth)


Text = Annotated[str, AfterValidator(storable)]
Key = Annotated[str, AfterValidator(printable)]
KeyInPath = Annotated[Key, Path(max_length=200, description="The key that the work was sent with, percent-encoded.")]


class CustomerIn(Schema):
    """How the sender names the customer."""

    model_config = ConfigDict(extra="forbid")
    reference: Text = Field(min_length=1, max_length=200, description="The customer's number at the client.")
    name: Text = Field("", max_length=200)


class WorkIn(Schema):
    """One piece of work. The same `key` again is the same work, so a lost answer can be asked for again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "key": "mail-2026-11-21-0042",
                    "queue": "mail",
                    "title": "My bill is wrong",
                    "payload": {"from": "customer@example.com", "text": "I paid twice."},
                    "customer": {"reference": "C-1007", "name": "Maria Costa"},
                    "case_kind": "complaint",
                }
            ]
        },
    )
    key: Key = Field(min_length=1, max_length=200, description="The sender's own name for this work, unique for good.")
    queue: Text = Field(min_length=1, max_length=50, description="A queue of the contract in force.")
    title: Text = Field("", max_length=500, description="One line that tells the agent what it is about.")
    payload: Annotated[dict[str, Any], AfterValidator(plain)] = Field(
        default={}, description="What the agent needs to see, as any JSON object."
    )
    customer: CustomerIn | None = Field(None, description="Whom it is for; opens the case in their name.")
    case_kind: Literal["complaint", "request", "question", "lead"] = "request"
    follows: Key | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The key of earlier work, to whose case this belongs; the customer is that case's.",
    )
    not_before: AwareDatetime | None = Field(
        None, description="Nobody is offered it before, such as a callback at an agreed time; targets run from then."
    )
    ask_for: Text | None = Field(
        None,
        max_length=200,
        description="The address of its sticky agent, cleared for you, who is offered it first for `sticky_for`.",
    )

    handled_elsewhere_since: AwareDatetime | None = Field(
        None,
        description="Another system of yours handles it, to which it came then, in the last seven days: nobody is "
        "offered it here, targets run from then, and you report what happens.",
    )


class ReportIn(Schema):
    """Something that happened to work that another system handles. The same `id` again is the same report."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"id": "pbx-77-1", "event": "answered", "at": "2026-11-21T10:00:08+00:00", "agent": "extension 214"},
                {"id": "pbx-77-4", "event": "ended", "at": "2026-11-21T10:04:30+00:00", "disposition": "resolved"},
            ]
        },
    )
    id: Key = Field(min_length=1, max_length=200, description="Your own name for this report, unique for good.")
    event: reporting.What = Field(description="What happened.")
    at: AwareDatetime = Field(description="When it happened, by your system's clock.")
    agent: Text = Field("", max_length=200, description="Of what was answered: by whom, as your system names them.")
    queue: Text = Field("", max_length=50, description="Of what was transferred: to which queue of the contract.")
    note: Text = Field("", max_length=500, description="Of what was transferred: why, in a line.")
    disposition: Text = Field(
        "", max_length=200, description="How it ended, from the process's own list; with `ended`, or by itself."
    )

    @model_validator(mode="after")
    def belongs_together(self) -> "ReportIn":
        """Each event comes with what belongs to it, and with nothing else."""
        needs = {"transferred": "queue", "disposition": "disposition"}.get(self.event)
        if needs and not getattr(self, needs):
            raise ValueError(_("{event} needs {needs}").format(event=self.event, needs=needs))
        allowed = {
            "answered": {"agent"},
            "transferred": {"queue", "note"},
            "ended": {"disposition"},
            "disposition": {"disposition"},
        }.get(self.event, set())
        if extra := {name for name in ("agent", "queue", "note", "disposition") if getattr(self, name)} - allowed:
            raise ValueError(
                _("{part0} does not belong to {event}").format(part0=", ".join(sorted(extra)), event=self.event)
            )
        return self


class WorkOut(Schema):
    """What became of it. Times are instants in UTC; those that have not come are null."""

    key: str
    queue: str
    kind: str = Field(description=f"One of {', '.join(work_kinds.NAMES)}.")
    state: str = Field(description=f"One of {', '.join(lifecycle.STATES)}.")
    title: str
    received_at: datetime
    queued_at: datetime = Field(description="Since when it waits; of scheduled work, from when on it will.")
    answer_by: datetime | None = Field(description="Until when the contract agrees an answer.")
    due_at: datetime | None = Field(description="Until when the contract agrees that it is done.")
    connected_at: datetime | None = Field(description="When an agent first took it up.")
    ended_at: datetime | None
    wrapped_up_at: datetime | None
    disposition: str = Field(description="The disposition, from the process's own list; empty until it is wrapped up.")


class ReportOut(Schema):
    """What followed from a report."""

    id: str
    waits_for: str = Field(
        description="What has to be reported before this can be counted, such as answered; empty where it is counted."
    )
    work: WorkOut = Field(description="The work as it was when this had been taken in.")


class Cancel(Schema):
    """Why the work is not to be done any more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the customer has paid"}]})
    reason: Text = Field(min_length=1, max_length=200)


def _out(item: work_models.Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in WorkOut.model_fields if name != "queue"} | {"queue": item.queue.name}


def _system(request: Any) -> Actor:
    """Who calls: the client's system that shows this token."""
    return actors.system(request.auth.title, request.auth.client_id)


def _read(request: Any, key: str) -> dict[str, Any]:
    item = _found(request, key)
    seen = Seen(looks_models.ITEM, item.id, item.client_id, item.case_id)
    looks_requests.note(request, seen, by=_system(request), now=clock.now())
    return _out(item)


def _found(request: Any, key: str) -> work_models.Item:
    item = work_queries.by_key(request.auth.client_id, key)
    if item is None:
        raise HttpError(404, "No work was sent with this key.")
    return item


def _queue(request: Any, name: str) -> Queue:
    queue = Queue.objects.select_related("client").filter(client_id=request.auth.client_id, name=name).first()
    if queue is None:
        raise HttpError(404, f"There is no queue “{name}”; the contract names the queues.")
    return queue


def _case(request: Any, key: str | None) -> work_models.Case | None:
    return _found(request, key).case if key else None


def _agent(request: Any, address: str | None) -> Person | None:
    if address is None:
        return None
    person = people_queries.by_email(address)
    if person is None or people_queries.clearance(person, request.auth.client.slug) is None:
        raise HttpError(404, f"Nobody who is cleared for you signs in as {address}.")
    return person


@router.post(
    "/work",
    auth=TokenAuth("work:write"),
    response={200: WorkOut, 201: WorkOut, 409: Problem} | PROBLEMS,
    summary="Send work in",
)
def send(request: HttpRequest, body: WorkIn) -> Status[dict[str, Any]]:
    """201 when the work is new, 200 when this key brought it before, 409 when the key brought other work.

    So send again whenever no answer came: it is one piece of work however often it arrives.
    """
    customer = work.Customer(body.customer.reference, body.customer.name) if body.customer else None
    try:
        item, new = work.receive(
            queue=_queue(request, body.queue),
            key=body.key,
            title=body.title,
            payload=body.payload,
            customer=customer,
            case_kind=body.case_kind,
            case=_case(request, body.follows),
            not_before=body.not_before,
            asked_for=_agent(request, body.ask_for),
            came_at=body.handled_elsewhere_since and body.handled_elsewhere_since.astimezone(UTC),
            by=_system(request),
            now=clock.now(),
        )
    except work.Conflict as conflict:
        raise HttpError(409, f"{conflict}.") from conflict
    except work.Refused as refused:
        raise HttpError(422, str(refused)) from refused
    except contracts_queries.Unreadable as fault:
        raise HttpError(503, "Your contract cannot be read here just now; send this again later.") from fault
    except contracts_queries.NoContract as gone:
        raise HttpError(404, f"The contract in force has no queue “{body.queue}” any more.") from gone
    return Status(201 if new else 200, _out(item))


# Keys may hold slashes. Taking back comes first, so that the longer address is not read as a key.
@router.post(
    "/work/{path:key}/cancel",
    auth=TokenAuth("work:write"),
    response={200: WorkOut, 409: Problem} | PROBLEMS,
    summary="Take work back",
)
def cancel(request: HttpRequest, key: KeyInPath, body: Cancel) -> dict[str, Any]:
    """Cancel work that nobody needs any more; it counts in no measure. 409 when it is finished already."""
    try:
        return _out(work.cancel(item=_found(request, key), reason=body.reason, by=_system(request), now=clock.now()))
    except lifecycle.NotNow as refused:
        raise HttpError(409, f"{refused}.") from refused


@router.post(
    "/work/{path:key}/events",
    auth=TokenAuth("work:write"),
    response={200: ReportOut, 409: Problem} | PROBLEMS,
    summary="Report what happened elsewhere",
)
def report(request: Any, key: KeyInPath, body: ReportIn) -> dict[str, Any]:
    """Say what happened to work that another system handles, in any order; 409 when it cannot have.

    What comes too early waits (`waits_for`) and counts as soon as that is reported. The same id again is answered as it
    was the first time; 409 when it comes with other content.
    """
    said = reporting.Said(body.event, body.agent, body.queue, body.note, body.disposition)
    found, at = _found(request, key), body.at.astimezone(UTC)
    try:
        made, new = reporting.report(
            item=found,
            key=body.id,
            said=said,
            at=at,
            source=request.auth.title,
            by=_system(request),
            now=clock.now(),
        )
    except (work.Conflict, reporting.Impossible) as refused:
        raise HttpError(409, f"{str(refused).rstrip('.')}.") from refused
    except work.Refused as refused:
        raise HttpError(422, str(refused)) from refused
    if new:
        answer = ReportOut(id=made.key, waits_for=made.waits_for, work=WorkOut(**_out(_found(request, key))))
        reporting.keep_answer(made=made, answer=answer.model_dump(mode="json"))
    return made.answer  # type: ignore[no-any-return]


@router.get("/work/{path:key}/events", auth=TokenAuth("work:read"), response=WorkOut, include_in_schema=False)
def state_of_key_like_events(request: HttpRequest, key: KeyInPath) -> dict[str, Any]:
    """The state of work whose key itself ends in “/events”."""
    return _read(request, f"{key}/events")


@router.get("/work/{path:key}/cancel", auth=TokenAuth("work:read"), response=WorkOut, include_in_schema=False)
def state_of_key_like_cancel(request: HttpRequest, key: KeyInPath) -> dict[str, Any]:
    """The state of work whose key itself ends in “/cancel”."""
    return _read(request, f"{key}/cancel")


@router.get(
    "/work/{path:key}",
    auth=TokenAuth("work:read"),
    response={200: WorkOut} | PROBLEMS,
    summary="Read the state of work",
)
def state(request: HttpRequest, key: KeyInPath) -> dict[str, Any]:
    """The state of the work that was sent with this key."""
    return _read(request, key)
