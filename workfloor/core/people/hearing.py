"""Who hears the live streams of this process, and whether they still may: a stream outlives no right to it."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction

from workfloor.core.people import actions as people
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.kit.web import live as web_live

LOOK_EVERY_SECONDS: Final = 5.0
NOTE_EVERY: Final = 6  # looks; at each of them the database hears whose browsers are there

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hearer:
    """Somebody who opened a stream: by which session of which account, with which password, for which topics."""

    person_id: int
    account_id: int
    session: str
    password: str  # as it is kept; whoever has a new one signs in anew
    wanted: frozenset[str]


def refused(hearers: Collection[Hearer], now: datetime) -> set[Hearer]:
    """Those who may not hear their topics any more: signed out, gone, or without the role or the clearance for them.

    In three queries, however many they are. The caller has entered every client.
    """
    sessions = set(
        Session.objects.filter(session_key__in={each.session for each in hearers}, expire_date__gt=now).values_list(
            "session_key", flat=True
        )
    )
    ids = {each.person_id for each in hearers}
    with_us = people_models.Person.objects.filter(id__in=ids, left_at=None, account__is_active=True)
    known = with_us.select_related("account").in_bulk()
    cleared: dict[int, list[int]] = defaultdict(list)
    rights = people_models.Clearance.objects.filter(person_id__in=ids, withdrawn_at=None)
    for person_id, client_id in rights.values_list("person_id", "client_id"):
        cleared[person_id].append(client_id)

    def may(hearer: Hearer) -> bool:
        person = known.get(hearer.person_id)
        if person is None or person.account is None or hearer.session not in sessions:
            return False
        if (person.account.id, person.account.password) != (hearer.account_id, hearer.password):
            return False
        clients = [person.client_id] if person.client_id is not None else cleared[person.id]
        return all(qualification.may_hear(topic, person.id, person.roles, clients) for topic in hearer.wanted)

    return {each for each in hearers if not may(each)}


class Watch:
    """The streams that are open in this process, looked at every few seconds."""

    def __init__(self) -> None:
        self._open: dict[web_live.Page, Hearer] = {}
        self._looks = 0
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hearing")

    @contextlib.contextmanager
    def over(self, page: web_live.Page, hearer: Hearer) -> Iterator[None]:
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


def _refused(hearers: Collection[Hearer], *, notes: bool) -> set[Hearer]:
    now = clock.now()
    try:
        with transaction.atomic():
            rls.enter_every_client()
            over = refused(hearers, now)
            if notes:
                people.note_heard(person_ids={each.person_id for each in set(hearers) - over}, now=now)
            return over
    finally:
        connection.close()


watch = Watch()
