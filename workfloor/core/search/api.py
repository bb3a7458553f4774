"""Searching by the API, for people: what their own page finds, in the clients that they are cleared for."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import AwareDatetime

from workfloor.core.access import permissions
from workfloor.core.clients.api import PROBLEMS, Problem
from workfloor.core.looks import requests as looks_requests
from workfloor.core.people.api import PersonAuth
from workfloor.core.search import asking
from workfloor.core.search import queries as search_queries
from workfloor.core.work.api import Text
from workfloor.kit.time import clock

router = Router(auth=PersonAuth(), tags=["search"])


class CustomerFound(Schema):
    """A customer; or who somebody says to be in a case, which nobody has confirmed."""

    client: str
    reference: str
    name: str
    customer: int | None
    case: int | None


class CaseFound(Schema):
    """A case, and what was said in it that has the words."""

    client: str
    case: int
    subject: str
    opened_at: datetime
    resolved_at: datetime | None
    message: int | None
    said_at: datetime | None
    excerpt: str


class SearchFound(Schema):
    """The best first. `after` asks for the next page; with none there is no more."""

    customers: list[CustomerFound]
    by_number: list[CaseFound]
    cases: list[CaseFound]
    after: str | None


class SearchIn(Schema):
    """What is looked for."""

    words: Text = Field(min_length=1, max_length=asking.LONGEST)
    client: Text = Field("", max_length=100, description="One client alone, by its name in addresses.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    channel: Text = Field("", max_length=50, description="As of messages: email, chat; note for internal notes.")
    after: Text = Field("", max_length=100, description="What the page before said.")


@router.get(
    "/search",
    response={200: SearchFound, 403: Problem} | PROBLEMS,
    summary="Look for customers, cases and messages",
    description="All of the words are looked for, with or without accents; customers also where they are mistyped.",
)
def search(request: HttpRequest, asked: Query[SearchIn]) -> SearchFound:
    by, now = request.auth, clock.now()  # type: ignore[attr-defined]
    if not permissions.may(by, "conversations.read"):
        raise HttpError(403, "That takes the role agent, leader or manager.")
    clients = search_queries.clients_of(by, asked.client)
    if asked.client and not clients:
        raise HttpError(404, "There is no client of that name that you are cleared for.")
    try:
        after = asking.Mark.read(asked.after) if asked.after else None
    except ValueError as fault:
        raise HttpError(422, "This is no place in what was found; search again.") from fault
    until = min(asked.until or now, now)
    found = search_queries.found(
        asking.Asked(asked.words, tuple(each.id for each in clients), asked.since, until, asked.channel, after)
    )
    looks_requests.note(request, *found.seen, by=by, now=now)
    return SearchFound(**search_queries.rows(found))
