"""Who hears live streams, and whether they still may."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session

from workfloor.core.people import models as people_models
from workfloor.core.people import qualification


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
