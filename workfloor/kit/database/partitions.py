"""Monthly range partitions of append-only tables, made ahead of time; there is no default partition."""

from datetime import UTC, date, datetime

from django.db import connection

from workfloor.kit.database import rls

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

    A partition that is queried by its own name is not covered by the parent's policy, hence its own.
    """
    month = month_of(month)
    name = f"{table}_{month:%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return False
        cursor.execute(
            f'CREATE TABLE "{name}" PARTITION OF "{table}" '
            f"FOR VALUES FROM ('{month} 00:00+00') TO ('{following(month)} 00:00+00')"
        )
        for statement in [*rls.policy_sql(name, shared=shared), append_only_sql(name)]:
            cursor.execute(statement)
    return True


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
    return [date(int(name[-7:-3]), int(name[-2:]), 1) for name in names]
