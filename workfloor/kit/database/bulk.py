"""Rows in bulk, by way of a table of the transaction's own: PostgreSQL takes no COPY into a table behind a wall."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def insert(
    table: str, columns: Sequence[str], rows: bytes, same: Mapping[str, Any] | None = None, once: str = ""
) -> int:
    """Insert rows in their order, as kit.text.copying has them; returns how many it were.

    `same` are further columns, which have one value in all rows; rows that the table has already, going by the columns
    named in `once`, are passed over.
    """
    staged, named, same = f"{table}_staged", ", ".join(columns), same or {}
    every = ", ".join([*columns, *same])
    values = ", ".join([*columns, *["%s"] * len(same)])
    unless = f"ON CONFLICT ({once}) DO NOTHING" if once else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {staged} ON COMMIT DROP AS SELECT {named} FROM {table} WITH NO DATA"
        )
        with cursor.copy(f"COPY {staged} ({named}) FROM STDIN") as copying:
            copying.write(rows)
        cursor.execute(f"INSERT INTO {table} ({every}) SELECT {values} FROM {staged} {unless}", [*same.values()])
        count = int(cursor.rowcount)
        cursor.execute(f"TRUNCATE {staged}")
    return count
