"""Reading the journal."""

import json
from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet

from workfloor.core.journal import models, rules
from workfloor.kit import partitions

# Facts of transactions that may still be running are left for later: ids are drawn before the commit, so a reader of
# "id greater than the last" would step over a late one and lose it.
_SETTLED = f"""
SELECT id, xid::text::bigint, at, event, client_id, item_id, case_id, person_id, by_id, details FROM {models.TABLE}
WHERE (xid, id) > (%s::text::xid8, %s) AND xid < pg_snapshot_xmin(pg_current_snapshot()) AND event = ANY(%s)
ORDER BY xid, id LIMIT %s
"""


def settled_after(xid: int, fact_id: int, events: Iterable[str], limit: int) -> list[rules.Followed]:
    """The next facts of these events after a place in the journal, in the order of following."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [str(xid), fact_id, list(events), limit])
        return [rules.Followed(*(*row[:-1], json.loads(row[-1]))) for row in cursor.fetchall()]


def of_item(item_id: int) -> QuerySet[models.Fact]:
    """An item's facts, oldest first."""
    return models.Fact.objects.filter(item_id=item_id).order_by("id")


def of_person(person_id: int) -> QuerySet[models.Fact]:
    """The facts about a person, oldest first."""
    return models.Fact.objects.filter(person_id=person_id).order_by("id")


def of_client(client_id: int) -> QuerySet[models.Fact]:
    """A client's facts, oldest first."""
    return models.Fact.objects.filter(client_id=client_id).order_by("id")


def partition_months() -> list[str]:
    """The months that the journal can hold, as "1999-02"."""
    return [f"{month:%Y-%m}" for month in partitions.made(models.TABLE)]
