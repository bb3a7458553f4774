"""The edge of every request: who it is, which clients they enter, and one transaction around it."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_GET

from workfloor.core.people import hearing as people_hearing
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import rls, snapshots
from workfloor.kit.web import live as web_live

Respond = Callable[[HttpRequest], HttpResponseBase]


class Request(HttpRequest):
    """A request whose person is known."""

    person: people_models.Person


def entering(get_response: Respond) -> Respond:
    """Run each request in a transaction that has entered the clients of the person who asks, and no others.

    An error rolls back, also one that has become a response. A stream starts after the connection was handed back.
    What settings name as OF_ONE_MOMENT is read as it stood at one moment.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        account_id = request.user.pk  # before the transaction, for it may end a session
        with snapshots.one_moment() if _is_of_one_moment(request) else transaction.atomic():
            _enter(request, account_id)
            response = get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        if isinstance(response, StreamingHttpResponse):
            connection.close()
        return response

    return respond


def _is_of_one_moment(request: HttpRequest) -> bool:
    if request.method != "GET":
        return False
    try:
        return resolve(request.path_info).view_name in settings.OF_ONE_MOMENT
    except Resolver404:
        return False


def _enter(request: HttpRequest, account_id: int | None) -> None:
    person = None
    if account_id is not None:
        rls.enter_every_client()
        person = people_queries.by_account(account_id)
        rls.enter(*(people_queries.enterable(person) if person else []))
    else:
        rls.enter()
    request.person = person  # type: ignore[attr-defined]


@login_required
@require_GET
def live(request: Request) -> StreamingHttpResponse:
    """The stream of what changes, by the topics asked for: /live/?topic=floor&topic=person:5."""
    wanted = frozenset(request.GET.getlist("topic"))
    person, clients = request.person, people_queries.enterable(request.person) if request.person else []
    if person is None or not all(qualification.may_hear(topic, person.id, person.roles, clients) for topic in wanted):
        raise PermissionDenied("These topics are not for you.")
    account = request.user
    assert isinstance(account, people_models.Account)
    session = request.session.session_key or ""
    hearer = people_hearing.Hearer(person.id, account.pk, session, account.password, wanted)
    unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = web_live.events(wanted, lambda page: people_hearing.watch.over(page, hearer))
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=unbuffered)
