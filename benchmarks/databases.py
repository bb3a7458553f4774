"""Databases to measure in: an embedded server of our own, durable as in an installation, and fresh copies of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from workfloor.core.access import actors
from workfloor.kit.database import postgres

SIGNED_AT = datetime(1999, 1, 1, tzinfo=UTC)


@contextmanager
def migrated() -> Iterator[str]:
    """Start a server in a folder that goes afterwards, set Django up, and yield the name of a migrated database."""
    with (
        tempfile.TemporaryDirectory(prefix="workfloor-bench-", ignore_cleanup_errors=True) as folder,
        postgres.Server(Path(folder), creates_databases=True).running() as server,
    ):
        os.environ["WORKFLOOR_DATABASE_URL"], os.environ["WORKFLOOR_DATA"] = server.address, folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "workfloor.settings"
        _set_up()
        yield postgres.NAME


def _set_up() -> None:
    import django
    from django.conf import settings

    # One connection, so that the process can move to another database.
    settings.DATABASES["default"]["OPTIONS"].pop("pool")
    django.setup()
    from workfloor.kit.database import migrations

    migrations.migrate()


def sign_example() -> None:
    """Sign the bank's contract in the database that Django uses, and make the event log's months."""
    from django.db import transaction

    from benchmarks import call_log
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.event_log import actions as event_log
    from workfloor.kit.database import rls
    from workfloor.kit.time import clock

    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=clock.now())
        contracts.sign(source=(call_log.EXAMPLE / "contract.toml").read_text(), by=actors.ROOT, now=SIGNED_AT)


@contextmanager
def copy(template: str) -> Iterator[str]:
    """Let Django use a fresh copy of a database during the block; yields its address for other processes."""
    before, name = current(), f"{template}_copy"
    use("postgres")
    try:
        _drop(name)  # of a benchmark that was broken off
        _on_server("CREATE DATABASE {} TEMPLATE {}", name, template)
        use(name)
        yield _address(name)
    finally:
        use("postgres")
        try:
            _drop(name)
        finally:
            use(before)


def current() -> str:
    """Return the name of the database that Django uses."""
    from django.db import connection

    return str(connection.settings_dict["NAME"])


def use(name: str) -> None:
    """Let Django use the database of that name from now on."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def _address(name: str) -> str:
    return conninfo.make_conninfo(os.environ["WORKFLOOR_DATABASE_URL"], dbname=name)


def _drop(name: str) -> None:
    """Drop a database, if it is there, from under whatever process is still connected to it."""
    with psycopg.connect(_address("postgres"), autocommit=True) as server:
        ours = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
        )
        server.execute(ours, [name])
    _on_server("DROP DATABASE IF EXISTS {}", name)


def _on_server(statement: str, *names: str) -> None:
    with psycopg.connect(_address("postgres"), autocommit=True) as server:
        server.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
