"""The API of work: send it in, read its state, take it back."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, JsonValue

from workfloor.core.clients.api import TokenAuth
from workfloor.core.contracts.models import Queue
from workfloor.core.work import actions, models, queries, rules
from workfloor.kit import clock

router = Router(tags=["work"])


class CustomerIn(Schema):
    """How the sender names the customer."""

    model_config = ConfigDict(extra="forbid")
    reference: str = Field(min_length=1, max_length=200)
    name: str = Field("", max_length=200)


class WorkIn(Schema):
    """One piece of work. The same `key` again is the same work, so a lost answer can be asked for again."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=1, max_length=200)
    queue: str = Field(min_length=1, max_length=50)
    title: str = Field("", max_length=500)
    payload: dict[str, JsonValue] = {}
    customer: CustomerIn | None = None
    case_kind: Literal["complaint", "request", "question", "lead"] = "request"


class WorkOut(Schema):
    """What became of it."""

    key: str
    queue: str
    kind: str
    state: str
    title: str
    received_at: datetime
    answer_by: datetime | None
    due_at: datetime | None
    connected_at: datetime | None
    ended_at: datetime | None
    wrapped_up_at: datetime | None
    disposition: str


class Problem(Schema):
    """What is wrong, and what to do."""

    detail: str


def _out(item: models.Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in WorkOut.model_fields if name != "queue"} | {"queue": item.queue.name}


def _found(request: Any, key: str) -> models.Item:
    item = queries.by_key(request.auth.client_id, key)
    if item is None:
        raise HttpError(404, "Not Found")
    return item


@router.post(
    "/work", auth=TokenAuth("work:write"), response={201: WorkOut, 200: WorkOut, 404: Problem, 409: Problem},
    summary="Send work in",
)  # fmt: skip
def send(request: Any, body: WorkIn) -> tuple[int, dict[str, Any]]:
    """201 when the work is new, 200 when this key brought it before, 409 when the key brought other work."""
    queue = Queue.objects.select_related("client").filter(client_id=request.auth.client_id, name=body.queue).first()
    if queue is None:
        raise HttpError(404, f"There is no queue “{body.queue}”; its contract names the queues.")
    customer = body.customer and actions.Customer(body.customer.reference, body.customer.name)
    try:
        item, new = actions.receive(
            queue=queue, key=body.key, title=body.title, payload=body.payload, customer=customer,
            case_kind=body.case_kind, now=clock.now(),
        )  # fmt: skip
    except actions.Conflict as conflict:
        raise HttpError(409, str(conflict)) from conflict
    return (201 if new else 200), _out(item)


@router.get(
    "/work/{key}", auth=TokenAuth("work:read"), response={200: WorkOut, 404: Problem}, summary="Read the state of work"
)
def state(request: HttpRequest, key: str) -> dict[str, Any]:
    """The state of the work that was sent with this key."""
    return _out(_found(request, key))


class Cancel(Schema):
    """Why the work is not to be done any more."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=200)


@router.post(
    "/work/{key}/cancel", auth=TokenAuth("work:write"), response={200: WorkOut, 404: Problem, 409: Problem},
    summary="Take work back",
)  # fmt: skip
def cancel(request: HttpRequest, key: str, body: Cancel) -> dict[str, Any]:
    """Work that nobody needs any more; measures leave it out. 409 when it is finished already."""
    try:
        return _out(actions.cancel(item=_found(request, key), reason=body.reason, now=clock.now()))
    except rules.NotNow as refused:
        raise HttpError(409, str(refused)) from refused
