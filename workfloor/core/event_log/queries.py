"""Reading the event log."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Min, QuerySet

from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.kit import declarations
from workfloor.kit.database import jobs, partitions

# The positions are found first, in their own narrow table: joined at once, the planner may read every fact there is.
_AFTER = f"""
SELECT placed.position, fact.id, fact.at, fact.event, fact.client_id, fact.item_id, fact.case_id, fact.person_id,
       fact.by_id, fact.details
FROM (
    SELECT position, fact_id, at FROM {event_log_models.POSITIONS}
    WHERE position > %s AND event = ANY(%s) ORDER BY position LIMIT %s
) placed CROSS JOIN LATERAL (
    SELECT * FROM {event_log_models.TABLE} WHERE at = placed.at AND id = placed.fact_id OFFSET 0
) fact ORDER BY placed.position
"""


def after(position: int, events: Iterable[str], limit: int) -> list[event_log_events.Followed]:
    """The next facts of these events after a position, in the order in which they became visible.

    The caller has entered every client: a fact behind a wall would be missing, and passed over for ever.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AFTER, [position, list(events), limit])
        return [event_log_events.Followed(*(*row[:-1], json.loads(row[-1]))) for row in cursor.fetchall()]


def events_after(position: int, limit: int) -> tuple[int, set[str]]:
    """The events of the next facts after a position, and the position of the last of them."""
    found = event_log_models.Position.objects.filter(position__gt=position).order_by("position")
    rows = found.values_list("position", "event")[:limit]
    return max((row[0] for row in rows), default=position), {row[1] for row in rows}


# What people say of themselves all day long, and engines: facts that nobody administers anything by.
_AT_WORK = ("person.available", "person.away", "person.signed-in", "person.signed-out", "engine.entered-every-client")


def every() -> QuerySet[event_log_models.Fact]:
    """Every fact inside the wall."""
    return event_log_models.Fact.objects.all()


def administrative() -> QuerySet[event_log_models.Fact]:
    """What was changed but no work."""
    return every().filter(item_id=None, case_id=None).exclude(event__in=_AT_WORK)


def last_position() -> int:
    """The position of the fact that became visible last; 0 where there is none."""
    last = event_log_models.Position.objects.order_by("-position").values_list("position", flat=True).first()
    return last or 0


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a follower is behind: facts that wait for it, and since when the oldest of them does."""

    follower: str
    waiting: int
    since: datetime | None
    parked: int

    def seconds(self, now: datetime) -> float:
        """For how long the oldest of them has waited; 0 where none does."""
        return max(0.0, (now - self.since).total_seconds()) if self.since else 0.0


ALARM_SECONDS = 60.0  # behind: then somebody has to look


_LAG = f"""
SELECT count(*), min(recorded_at) FROM {event_log_models.POSITIONS} WHERE position > %s AND event = ANY(%s)
"""


def lags() -> list[Lag]:
    """How far each follower is behind; facts without a position wait for all that follow them."""
    places = dict(event_log_models.Cursor.objects.values_list("follower", "position"))
    parked = Counter(event_log_models.Parked.objects.values_list("follower", flat=True))
    return [
        _lag(follower, places.get(name, 0), parked[name])
        for name, follower in sorted(event_log_events.register.followers.items())
    ]


def _lag(follower: event_log_events.Follower, position: int, parked: int) -> Lag:
    unplaced = event_log_models.Unplaced.objects.filter(event__in=follower.events)
    queued = unplaced.aggregate(waiting=Count("fact_id"), since=Min("recorded_at"))
    with connection.cursor() as cursor:
        cursor.execute(_LAG, [position, list(follower.events)])
        [(waiting, since)] = cursor.fetchall()
    oldest = min((each for each in (since, queued["since"]) if each), default=None)
    return Lag(follower.name, waiting + queued["waiting"], oldest, parked)


def parked() -> QuerySet[event_log_models.Parked]:
    """The facts that followers failed over, the oldest first."""
    return event_log_models.Parked.objects.order_by("id")


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that failed and can be tried again or dropped: a fact that a follower failed over, or a job."""

    name: str  # such as fact-12, job-7
    what: str
    since: datetime
    tries: int
    error: str
    of: event_log_models.Parked | jobs.Failed

    def __str__(self) -> str:
        return self.name


def failures() -> Iterator[Failure]:
    """What failed inside the wall, the oldest first: facts, then jobs, which belong to no client."""
    yield from map(_of_fact, parked().iterator())
    yield from map(_of_job, jobs.failed())


def failure(name: str) -> Failure | None:
    """One of them, by its name."""
    kind, _, number = name.partition("-")
    if kind == "job":
        return next((_of_job(each) for each in jobs.failed() if str(each.id) == number), None)
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    fact = parked().filter(id=int(number)).first() if kind == "fact" and is_number else None
    return _of_fact(fact) if fact else None


def _of_fact(fact: event_log_models.Parked) -> Failure:
    what = f"{fact.follower} over {fact.event}"
    return Failure(f"fact-{fact.id}", what, fact.parked_at, fact.tries, fact.error, fact)


def _of_job(job: jobs.Failed) -> Failure:
    error = "see logs/worker.log in the data folder"
    return Failure(f"job-{job.id}", job.task, job.failed_at, job.attempts, error, job)


declarations.register.name(
    declarations.Handle(Failure, "failure called", failure, failures, lambda each: each.name, see="admin failed list")
)


def undecided(since: datetime) -> QuerySet[event_log_models.Fact]:
    """Where what should have decided about work that came in failed, the newest first."""
    failed = event_log_models.Fact.objects.filter(event=event_log_events.DecisionFailed.name, at__gte=since)
    return failed.order_by("-at", "-id")


# What is visible now and was not in an earlier snapshot: nothing is lost however late it commits, nothing comes twice,
# and no long transaction elsewhere keeps it back. The price is that facts do not come in the order of their ids. Facts
# that were written in another cluster, and restored into this one, have transaction ids that are still to come here.
_UNSEEN = f"""
SELECT now.snapshot::text, fact.id, fact.event, fact.item_id, fact.person_id, fact.client_id
FROM (SELECT pg_current_snapshot() AS snapshot) now LEFT JOIN {event_log_models.TABLE} fact
    ON fact.xid >= pg_snapshot_xmin(%(before)s::pg_snapshot) AND fact.xid < pg_snapshot_xmax(pg_current_snapshot())
   AND NOT pg_visible_in_snapshot(fact.xid, %(before)s)
   AND fact.xid > '3' AND fact.xid <> %(but)s::text::xid8 AND fact.event <> ALL(%(ignoring)s)
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
