"""Migrations that are safe on a live table: they wait for locks only shortly, and hold none for long."""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
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


def missing() -> list[str]:
    """The migrations that the database has not had, as "app.name", in order."""
    applied = set(MigrationRecorder(connection).applied_migrations())
    if applied >= set(_on_disk()):  # mostly, and then there is no need to load them all
        return []
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _on_disk() -> Iterator[tuple[str, str]]:
    for app in apps.get_app_configs():
        if (module := MigrationLoader.migrations_module(app.label)[0]) and (spec := find_spec(module)):
            for found in iter_modules(spec.submodule_search_locations):
                if found.name[0] not in "_~":  # as Django itself passes them over
                    yield app.label, found.name


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
