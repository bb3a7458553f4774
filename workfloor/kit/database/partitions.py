"""Monthly range partitions of append-only tables, made ahead of time; there is no default partition."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

from workfloor.kit.database import rls

MOST_YEARS = 10  # for which nobody has made partitions ahead
_IMMUTABLE = "workfloor_append_only"

# One function for all append-only tables; partitions need triggers of their own against TRUNCATE.
APPEND_ONLY_SQL = f"""
CREATE OR REPLACE FUNCTION {_IMMUTABLE}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a correction is another row', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""


def append_only_sql(table: str) -> str:
    """The trigger that refuses UPDATE, DELETE and TRUNCATE on one table or partition."""
    return (
        f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "{table}" '
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_IMMUTABLE}()"
    )


def month_of(at: datetime | date) -> date:
    """The first day of the month (UTC) that an instant falls into."""
    day = at.astimezone(UTC).date() if isinstance(at, datetime) else at
    return day.replace(day=1)


def following(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def ensure(table: str, month: date, *, shared: bool) -> bool:
    """Make the partition of one month, walled and append-only like its parent; False if it stands already.

    A partition that is queried by its own name is not covered by the parent's policy, hence its own. It is attached
    when it is whole: that waits for nobody who reads or writes, and keeps nobody waiting.
    """
    month = month_of(month)
    name = f"{table}_{month:%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return False
        cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)')
        for statement in [*rls.policy_sql(name, shared=shared), append_only_sql(name)]:
            cursor.execute(statement)
        cursor.execute(
            f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" '
            f"FOR VALUES FROM ('{month} 00:00+00') TO ('{following(month)} 00:00+00')"
        )
    return True


# What each connection has seen to stand for good, so that whoever writes looks once a month and not each time.
_stands: WeakKeyDictionary[Any, set[date]] = WeakKeyDictionary()
# Those that this very transaction has made may go again with it.
_STANDING = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = %s::regclass AND inhrelid NOT IN (
    SELECT relation FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid = pg_backend_pid() AND relation IS NOT NULL
)
"""


def make_room(table: str, instants: Iterable[datetime], *, shared: bool) -> None:
    """Make what is missing of the partitions of these instants' months, as whoever makes them ahead has not come to it.

    Not those before the first one, for which an import makes its own, nor many years after the last: there an instant
    is a mistake, which is seen at once.
    """
    wanted = {month_of(at) for at in instants}
    connection.ensure_connection()
    stands = _stands.setdefault(connection.connection, set())
    if wanted <= stands:
        return
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [table])
        stands |= {_named(row[0]) for row in cursor.fetchall()}
    for month in wanted - stands:
        if stands and min(stands) < month and month.year <= max(stands).year + MOST_YEARS:
            ensure(table, month, shared=shared)


def months(first: date, count: int) -> list[date]:
    """`count` months from the month of `first` on."""
    found = [month_of(first)]
    while len(found) < count:
        found.append(following(found[-1]))
    return found


def made(table: str) -> list[date]:
    """The months that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = %s::regclass ORDER BY relname",
            [table],
        )
        names = [row[0] for row in cursor.fetchall()]
    return [_named(name) for name in names]


def _named(partition: str) -> date:
    return date(int(partition[-7:-3]), int(partition[-2:]), 1)
