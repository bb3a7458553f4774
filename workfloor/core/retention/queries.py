"""Reading for how long things are kept."""

from datetime import datetime

from django.db.models import Q

from workfloor.core.retention import kinds
from workfloor.core.retention.models import Retention


def days(kind: str, client_id: int | None = None) -> int:
    """For how many days: as was said for the client, else for the installation, else by itself."""
    found = Retention.objects.filter(Q(client=None) | Q(client_id=client_id), kind=kind)
    said = {each.client_id: each.days for each in found}
    return said.get(client_id, said.get(None, kinds.KINDS[kind].days))


def due_before(kind: str, now: datetime, client_id: int | None = None) -> datetime:
    """What is older than this is to be deleted."""
    return kinds.before(now, days(kind, client_id))


def said_of(client_id: int | None) -> set[str]:
    """The kinds of which something was said for a client, or for the installation."""
    of = Q(client=None) if client_id is None else Q(client_id=client_id)
    return set(Retention.objects.filter(of).values_list("kind", flat=True))
