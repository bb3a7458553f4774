"""What an import needs to know of a client, and which files were imported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.work.models import Item
from workfloor.ops.history import models, rules


@dataclass(frozen=True)
class Place:
    """Where a client's past work goes: its queues by name, and the time that its contract covers."""

    client: Client
    queues: Mapping[str, Queue]
    zone: ZoneInfo
    window: rules.Window


def place(client: Client, now: datetime) -> Place | None:
    """Where the past work of an entered client goes; None if it never signed a contract."""
    signed = list(contracts.versions(client.id))
    if not signed:
        return None
    first, latest = contracts.terms(signed[0]), contracts.terms(signed[-1])
    zone = ZoneInfo(latest.zone)
    window = rules.Window(_midnight(first.starts_on, zone), _midnight(latest.ends_on + timedelta(days=1), zone), now)
    queues = Queue.objects.filter(client=client).select_related("process")
    return Place(client, {queue.name: queue for queue in queues}, zone, window)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


class Terms:
    """What the contract said of a queue on the day of a call; asks once a queue and day."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[tuple[str, date], contracts.QueueTerms] = {}

    def of(self, call: rules.Call) -> contracts.QueueTerms:
        day = call.received_at.astimezone(self._place.zone).date()
        if (call.queue, day) not in self._known:
            noon = datetime.combine(day, time(12), self._place.zone)
            self._known[call.queue, day] = contracts.terms_of(self._place.queues[call.queue], noon)
        return self._known[call.queue, day]


def imports() -> QuerySet[models.Import]:
    """The files imported for the clients inside the wall, newest first."""
    return models.Import.objects.select_related("client").order_by("-imported_at", "-id")


def same_file(client: Client, sha256: str) -> models.Import | None:
    """The import of exactly this file, if there was one."""
    return models.Import.objects.filter(client=client, sha256=sha256).select_related("client").first()


def known_keys(client: Client, keys: Iterable[str]) -> set[str]:
    """Which of these calls are there already."""
    return set(Item.objects.filter(client=client, key__in=list(keys)).values_list("key", flat=True))


def report(imported: models.Import) -> dict[str, Any]:
    """An import as plain values, for people and programs to read."""
    counts = ("rows", "answered", "abandoned", "phantom", "left_out")
    return {
        "client": imported.client.slug,
        "source": imported.source,
        "file": imported.file,
        "sha256": imported.sha256,
        "imported_at": imported.imported_at.isoformat(timespec="seconds"),
        "first_at": imported.first_at.isoformat(),
        "last_at": imported.last_at.isoformat(),
        **{name: getattr(imported, name) for name in counts},
        "dirt": imported.dirt,
        "unused_columns": imported.unused_columns,
    }
