"""Locks by name, which end with the transaction, or with the connection."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection


def hold(*name: object) -> None:
    """Wait for the lock of this name and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["/".join(map(str, name))])


def hold_all(names: Iterable[Sequence[object]]) -> None:
    """Wait for the locks of these names, always in the same order, and hold them until the transaction ends."""
    keys = sorted("/".join(map(str, name)) for name in names)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%s::text[]) AS key", [keys])


def hold_if_free(*name: object) -> bool:
    """Take the lock of this name until the transaction ends, unless someone has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", ["/".join(map(str, name))])
        return bool(cursor.fetchone()[0])


def lead(*name: object) -> bool:
    """Take the lock of this name for as long as this connection lives, unless another has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", ["/".join(map(str, name))])
        return bool(cursor.fetchone()[0])


@contextmanager
def kept(*name: object) -> Iterator[bool]:
    """Keep the lock of this name over several transactions; gives whether it was free. A death lets go of it."""
    key = "/".join(map(str, name))
    is_free = lead(*name)
    try:
        yield is_free
    finally:
        if is_free:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
