"""Recording who looked at personal data, and forgetting it when its time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from workfloor.core.access.actors import Actor
from workfloor.core.looks import models as looks_models
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries

AT_A_TIME: Final = 5000


@dataclass(frozen=True, slots=True)
class Seen:
    """Something with personal data: which of KINDS, its number, the client that it belongs to, and its case."""

    what: str
    number: int = 0
    client_id: int | None = None
    case_id: int | None = None


def look(*, seen: Sequence[Seen], place: str, by: Actor, now: datetime) -> None:
    """Record that somebody sees these; the same again within the quarter of an hour adds nothing.

    One statement, and none that waits: who looks in two tabs at once is recorded once.
    """
    slot = int(now.timestamp()) // looks_models.SLOT_SECONDS
    looks_models.Look.objects.bulk_create(
        [
            looks_models.Look(
                client_id=each.client_id or by.client_id,
                at=now,
                slot=slot,
                by_id=by.person_id,
                acted_as=by.acts_as,
                what=each.what,
                number=each.number,
                case_id=each.case_id,
                place=place,
            )
            for each in sorted(set(seen), key=lambda each: (each.what, each.number))
        ],
        ignore_conflicts=True,
    )


def delete_expired(*, client_id: int | None, now: datetime) -> int:
    """Delete looks at a client's data, or at the provider's own, that are old enough, some of them; how many."""
    days = retention_queries.days("looks", client_id)
    of = Q(client=None) if client_id is None else Q(client_id=client_id)
    old = looks_models.Look.objects.filter(of, at__lt=kinds.before(now, days))
    ids = list(old.order_by("at").values_list("id", flat=True)[:AT_A_TIME])
    looks_models.Look.objects.filter(id__in=ids).delete()
    retention.tell(kind="looks", count=len(ids), days=days, now=now, client_id=client_id)
    return len(ids)
