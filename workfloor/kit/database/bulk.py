"""Rows in bulk, by way of a table of the transaction's own: PostgreSQL takes no COPY into a table behind a wall."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def line(values: Iterable[object]) -> str:
    """One row as COPY reads it: None is null, all else stands as str() has it."""
    written = [None if value is None else str(value) for value in values]
    if _SPECIAL.search("".join([each for each in written if each is not None])):  # seldom, and then in one of them
        written = [each and text(each) for each in written]
    return "\t".join([r"\N" if each is None else each for each in written]) + "\n"


def text(value: str) -> str:
    """One value of a row as COPY reads it."""
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], value) if _SPECIAL.search(value) else value


def insert(
    table: str, columns: Sequence[str], lines: Iterable[str], same: Mapping[str, Any] | None = None, once: str = ""
) -> int:
    """Insert rows in their order; returns how many it were.

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
            copying.write("".join(lines))
        cursor.execute(f"INSERT INTO {table} ({every}) SELECT {values} FROM {staged} {unless}", [*same.values()])
        count = int(cursor.rowcount)
        cursor.execute(f"TRUNCATE {staged}")
    return count
