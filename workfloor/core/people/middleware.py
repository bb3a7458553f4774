"""The edge of every request: who it is, which clients they enter, and one transaction around it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.utils import translation
from django.views.decorators.http import require_GET

from workfloor.core.people import actions as people
from workfloor.core.people import hearing as people_hearing
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import rls, snapshots
from workfloor.kit.time import clock
from workfloor.kit.web import limits
from workfloor.kit.web import live as web_live

LOOK_EVERY_SECONDS: Final = 5.0  # at who hears the live streams of this process
NOTE_EVERY: Final = 6  # looks; at each of them the database hears whose browsers are there

log = logging.getLogger(__name__)
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
        if (
            isinstance(response, StreamingHttpResponse) and not connection.in_atomic_block
        ):  # as it is of whoever calls us
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
        person, clients = people_queries.at_the_edge(account_id)
        rls.enter(*clients)
    else:
        rls.enter()
    request.person = person  # type: ignore[attr-defined]
    if person is not None and person.language and not request.path.startswith(limits.API):
        translation.activate(person.language)  # until the request is over (ui.views.speaking)


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
    events = web_live.events(wanted, lambda page: watch.over(page, hearer))
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=unbuffered)


# --- who hears it, and whether they still may -------------------------------------------------------------------------


class Watch:
    """The streams that are open in this process, looked at every few seconds."""

    def __init__(self) -> None:
        self._open: dict[web_live.Page, people_hearing.Hearer] = {}
        self._looks = 0
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hearing")

    @contextlib.contextmanager
    def over(self, page: web_live.Page, hearer: people_hearing.Hearer) -> Iterator[None]:
        """Somebody hears a page's topics during the block."""
        self._open[page] = hearer
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            del self._open[page]

    async def _look(self) -> None:
        while self._open:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            heard = dict(self._open)
            notes, self._looks = self._looks % NOTE_EVERY == 0, self._looks + 1
            ask = partial(_refused, set(heard.values()), notes=notes)
            try:
                over = await asyncio.get_running_loop().run_in_executor(self._thread, ask)
            except DatabaseError as fault:  # the database is away; nothing can be heard meanwhile
                log.warning("who hears the live stream cannot be looked up: %s", str(fault).strip())
                continue
            for page, hearer in heard.items():
                if hearer in over:
                    page.end()


def _refused(hearers: Collection[people_hearing.Hearer], *, notes: bool) -> set[people_hearing.Hearer]:
    now = clock.now()
    try:
        with transaction.atomic():
            rls.enter_every_client()
            over = people_hearing.refused(hearers, now)
            if notes:
                people.note_heard(person_ids={each.person_id for each in set(hearers) - over}, now=now)
            return over
    finally:
        connection.close()


watch = Watch()
