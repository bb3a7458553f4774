"""Reading the event log."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.kit.database import partitions

# Facts of transactions that may still be running are left for later: ids are drawn before the commit, so a reader of
# "id greater than the last" would step over a late one and lose it.
_SETTLED = f"""
SELECT id, xid::text::bigint, at, event, client_id, item_id, case_id, person_id, by_id, details
FROM {event_log_models.TABLE}
WHERE (xid, id) > (%s::text::xid8, %s) AND xid < pg_snapshot_xmin(pg_current_snapshot()) AND event = ANY(%s)
ORDER BY xid, id LIMIT %s
"""


def settled_after(xid: int, fact_id: int, events: Iterable[str], limit: int) -> list[event_log_events.Followed]:
    """The next facts of these events after a place in the event log, in the order of following."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [str(xid), fact_id, list(events), limit])
        return [event_log_events.Followed(*(*row[:-1], json.loads(row[-1]))) for row in cursor.fetchall()]


_EVENTS = f"""
SELECT xid::text::bigint, id, event FROM {event_log_models.TABLE}
WHERE (xid, id) > (%s::text::xid8, %s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id LIMIT %s
"""


def events_after(place: tuple[int, int], limit: int) -> tuple[tuple[int, int], set[str]]:
    """The events of the next facts after a place (xid, id) in the event log, and the place of the last of them."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [str(place[0]), place[1], limit])
        rows = cursor.fetchall()
    return (rows[-1][:2] if rows else place), {row[2] for row in rows}


def settled_place() -> tuple[int, int]:
    """A place (xid, id) that all settled facts are at or before and all later ones after."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1")
        return int(cursor.fetchone()[0]), 2**63 - 1


# What is visible now and was not in an earlier snapshot: nothing is lost however late it commits, nothing comes twice,
# and no long transaction elsewhere keeps it back. The price is that facts do not come in the order of their ids.
_UNSEEN = f"""
SELECT now.snapshot::text, fact.id, fact.event, fact.item_id, fact.person_id, fact.client_id
FROM (SELECT pg_current_snapshot() AS snapshot) now LEFT JOIN {event_log_models.TABLE} fact
    ON fact.xid >= pg_snapshot_xmin(%(before)s::pg_snapshot) AND NOT pg_visible_in_snapshot(fact.xid, %(before)s)
   AND fact.xid <> %(but)s::text::xid8 AND fact.event <> ALL(%(ignoring)s)
"""


@dataclass(frozen=True, slots=True)
class Hint:
    """That something happened to an item or a person, and which fact says so."""

    id: int
    event: str
    item_id: int | None
    person_id: int | None
    client_id: int | None


def unseen(before: str, but: int = 0, ignoring: Iterable[str] = ()) -> tuple[str, list[Hint]]:
    """The facts that became visible since a snapshot, but those of one transaction; and the snapshot of now."""
    with connection.cursor() as cursor:
        cursor.execute(_UNSEEN, {"before": before, "but": str(but), "ignoring": list(ignoring)})
        rows = cursor.fetchall()
    return rows[0][0], [Hint(*row[1:]) for row in rows if row[1] is not None]


def snapshot() -> str:
    """What is visible now, for `unseen` to start from; read it before whatever else is read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def of_item(item_id: int) -> QuerySet[event_log_models.Fact]:
    """An item's facts, oldest first."""
    return event_log_models.Fact.objects.filter(item_id=item_id).order_by("id")


def of_person(person_id: int) -> QuerySet[event_log_models.Fact]:
    """The facts about a person, oldest first."""
    return event_log_models.Fact.objects.filter(person_id=person_id).order_by("id")


def of_client(client_id: int) -> QuerySet[event_log_models.Fact]:
    """A client's facts, oldest first."""
    return event_log_models.Fact.objects.filter(client_id=client_id).order_by("id")


def partition_months() -> list[str]:
    """The months that the event log can hold, as "1999-02"."""
    return [f"{month:%Y-%m}" for month in partitions.made(event_log_models.TABLE)]
