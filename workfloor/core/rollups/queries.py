"""Reading rollups."""

from datetime import datetime

from django.db.models import QuerySet

from workfloor.core.rollups import models, rules


def quarters(client_id: int, starts_at: datetime, ends_at: datetime) -> QuerySet[models.Quarter]:
    """The rows of a client's quarters that begin between two instants."""
    return models.Quarter.objects.filter(client_id=client_id, starts_at__gte=starts_at, starts_at__lt=ends_at)


def is_loose(client_id: int) -> bool:
    """Say whether something was appended and is not folded yet."""
    return models.Quarter.objects.filter(client_id=client_id, loose=True).exists()


def added_up(client_id: int, starts_at: datetime, ends_at: datetime) -> dict[rules.Key, rules.Sums]:
    """What the rows of each queue and quarter add up to."""
    found: dict[rules.Key, rules.Sums] = {}
    rows = quarters(client_id, starts_at, ends_at).values_list("queue_id", "starts_at", *rules.COLUMNS)
    for queue, quarter, *row in rows.iterator(2000):
        found.setdefault((queue, quarter), rules.Sums()).merge(row)
    return found
