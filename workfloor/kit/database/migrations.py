"""Migrations that are safe on a live table: they wait for locks only shortly, and hold none for long."""

import time
from collections.abc import Callable

from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations import Migration, operations
from django.db.models import Field
from django.db.models.fields import NOT_PROVIDED

LOCK_TIMEOUT = "3s"
TRIES = 5
_LOCK_NOT_AVAILABLE = "55P03"


def migrate(say: Callable[[str], None] = lambda line: None) -> None:
    """Bring the tables up to date; a lock that is not free is asked for again later, so that nobody queues behind.

    Raises OperationalError when a table stays locked.
    """
    for attempt in range(1, TRIES + 1):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        try:
            call_command("migrate", interactive=False, verbosity=0)
            return
        except OperationalError as fault:
            if getattr(fault.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE or attempt == TRIES:
                raise
            say(f"A table is in use; trying again ({attempt} of {TRIES}) ...")
            time.sleep(attempt)
        finally:
            connection.close()


def unsafe(migration: Migration) -> list[str]:
    """What in a migration would stop a live installation, in words; the first migration of an app stops nobody.

    A column comes nullable or with a database default, is filled by a job, and becomes NOT NULL later; an index on a
    table with rows is made concurrently; columns in use are neither renamed nor retyped.
    """
    if migration.initial:
        return []
    return [fault for operation in migration.operations if (fault := _fault(operation))]


def _fault(operation: operations.base.Operation) -> str | None:
    if isinstance(operation, operations.AddField) and _breaks_writers(operation.field):
        return f"adds {operation.model_name}.{operation.name} as NOT NULL without a database default"
    if isinstance(operation, operations.RenameField | operations.RenameModel):
        return f"renames what running processes still use: {operation.describe()}"
    if isinstance(operation, operations.AddIndex) and not isinstance(operation, AddIndexConcurrently):
        return f"builds an index under a lock: use AddIndexConcurrently ({operation.describe()})"
    return None


def _breaks_writers(field: "Field[object, object]") -> bool:
    return not field.null and not field.many_to_many and getattr(field, "db_default", NOT_PROVIDED) is NOT_PROVIDED
