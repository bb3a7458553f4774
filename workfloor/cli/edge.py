"""Where a command meets the installation: settings, the database server, the transaction."""

import gc
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import admission

if TYPE_CHECKING:
    from workfloor.core.access.actors import Actor
    from workfloor.core.clients.models import Client
    from workfloor.core.people.models import Person


@contextmanager
def installation(*, pooled: bool = True) -> Iterator[None]:
    """Django is set up and the database runs, fit for use, during the block; its tables may be missing.

    What keeps a command from the database ends it with a line that says what to do. Without `pooled` the process has
    one connection, unless it was set up before.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
    gc.disable()  # nothing of what is loaded is garbage, and looking for some takes a tenth of the time
    try:
        import django
        from django.apps import apps
        from django.conf import settings
        from django.db import DatabaseError

        pooled = pooled or apps.ready
        refuse_where_root_alone_may()
        with nullcontext() if settings.WORKFLOOR_DATABASE_URL else _embedded_server():
            django.setup()
            gc.freeze()
            gc.enable()
            _refuse_the_unfit(pooled)
            yield
    except DatabaseError as fault:
        raise click.ClickException(f"The database said: {str(fault).strip()}") from fault
    finally:
        gc.enable()


@contextmanager
def _embedded_server() -> Iterator[None]:
    from django.conf import settings

    from workfloor.kit.database import backups, postgres

    try:
        archiving = backups.settings(settings.WORKFLOOR_BACKUP)
        if settings.WORKFLOOR_BACKUP:
            backups.make_folder(settings.WORKFLOOR_BACKUP, settings.WORKFLOOR_DATA)
    except (backups.BackupFault, OSError) as fault:
        raise click.ClickException(f"WORKFLOOR_BACKUP: {fault}") from None
    with postgres.running(settings.WORKFLOOR_DATA, archiving):
        yield


def without_database() -> None:
    """Set Django up for a command that needs its pages and no database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
    import django

    django.setup()


@contextmanager
def database(*, one_moment: bool = False) -> Iterator[None]:
    """The block is one transaction on a migrated database: all of it is stored, or on any exception nothing.

    With `one_moment` it only reads, all of it as it stood when the block began. Whoever signed in and may not give this
    command is refused first. The caller enters its clients: `enter(...)` or `enter_all()`.
    """
    with installation(pooled=False):
        from django.db import transaction

        from workfloor.kit.database import snapshots

        if missing := missing_migrations():
            raise click.ClickException(f"The database lacks {len(missing)} migrations. Run: workfloor admin migrate")
        with snapshots.one_moment() if one_moment else transaction.atomic():
            _admit()
            yield


@contextmanager
def client(slug: str, *, one_moment: bool = False) -> Iterator["Client"]:
    """The client of that name, entered for one transaction; without one the command ends, naming those there are."""
    with database(one_moment=one_moment):
        yield enter(slug)


def enter(slug: str) -> "Client":
    """Enter the client of that name, and no other, in the transaction."""
    from workfloor.kit.database import rls

    by = enter_all()
    found = named(slug)
    if not by.may_enter(found.id):  # administrators see every client, and enter those that they are cleared for
        raise click.ClickException(f"{by.name} is not cleared for {slug}.")
    rls.enter(found.id)
    return found


def enter_all() -> "Actor":
    """Enter every client, as far as whoever signed in may see them; returns who the command acts as.

    Administrators see all, for they clear people for any; so does the root of the installation.
    """
    from workfloor.core.people import queries as people_queries
    from workfloor.kit.database import rls

    rls.enter_every_client()
    by = _signed_in()
    if by is not None and not by.is_a("administrator"):
        rls.enter(*people_queries.enterable(by))
    return by or _root()


def named(slug: str) -> "Client":
    """The client of that name, once all are entered; without one the command ends, naming those there are."""
    from workfloor.core.clients import queries as clients_queries

    found = clients_queries.by_slug(slug)
    if found is None:
        known = ", ".join(each.slug for each in clients_queries.clients()) or "none yet"
        raise click.ClickException(f"No client {slug!r} here. Clients: {known}.")
    return found


# --- Who the command acts as ------------------------------------------------------------------------------------------


def acting() -> "Actor":
    """Who the command acts as, in a transaction that has entered every client or the person's own."""
    return _signed_in() or _root()


def _root() -> "Actor":
    from workfloor.core.access import actors

    return actors.ROOT


def _admit() -> None:
    """Refuse whoever signed in and has no role that opens this command, before it looks at anything."""
    context = click.get_current_context(silent=True)
    wanted = admission.permission(context) if context and token() else None
    if wanted is None:
        return
    from workfloor.core.access import permissions
    from workfloor.kit.database import rls

    rls.enter_every_client()
    try:
        permissions.admit(acting(), wanted)
    except permissions.Refused as refused:
        raise click.ClickException(str(refused)) from None
    rls.enter()


def refuse_where_root_alone_may() -> None:
    """End a command that is only for the root of the installation where somebody signed in."""
    context = click.get_current_context(silent=True)
    if context and admission.name(context) in admission.ROOT_ALONE and token():
        admission.permission(context)


def person() -> "Person":
    """The same, for what somebody answers for by name; the command ends where nobody is signed in."""
    found = _signed_in()
    if found is None:
        raise click.ClickException("Somebody answers for this by name. Sign in first: workfloor sign-in EMAIL")
    return found


def _signed_in() -> "Person | None":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
    from django.conf import settings

    from workfloor.core.people import queries as people_queries
    from workfloor.kit.time import clock

    shown = token()
    if not shown:
        return None
    found = people_queries.signed_in_by(shown, clock.now())
    if found is None:
        where = "WORKFLOOR_TOKEN" if settings.WORKFLOOR_TOKEN else str(settings.WORKFLOOR_SIGN_IN)
        raise click.ClickException(
            f"The sign-in in {where} has ended. Again: workfloor sign-in EMAIL; or forget it: workfloor sign-out"
        )
    return found


def token() -> str:
    """What this user's commands show, "" where nobody signed in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
    from django.conf import settings

    kept = settings.WORKFLOOR_SIGN_IN
    return settings.WORKFLOOR_TOKEN or (kept.read_text().strip() if kept.exists() else "")


def missing_migrations() -> list[str]:
    """The migrations that the database has not had, as "app.name", in order."""
    from workfloor.kit.database import migrations

    return migrations.missing()


def refuse_an_old_schema() -> None:
    """End a command that runs by itself on a database that lacks migrations."""
    if missing_migrations():
        raise click.ClickException("The database is older than this version. Run: workfloor admin migrate")


def limit_statements(*, statement: int, lock: int, idle: int) -> None:
    """Let no statement of this process take longer (in seconds), wait longer for a lock, or lie idle in a transaction.

    Before anything connects. What an import or a migration does takes as long as it takes: commands have no limits.
    """
    limits = {"statement_timeout": statement, "lock_timeout": lock, "idle_in_transaction_session_timeout": idle}
    said = [f"-c {name}={seconds}s" for name, seconds in limits.items()]
    os.environ["PGOPTIONS"] = " ".join([*said, *filter(None, [os.environ.get("PGOPTIONS")])])


def close_to_others() -> None:
    """Let no other user of the machine read what this process and its children write from now on."""
    os.umask(0o077)


def keep_metrics() -> None:
    """Count what this process does with the others of the installation; before anything is counted."""
    from workfloor import settings
    from workfloor.kit.web import metrics

    metrics.keep_in(settings.WORKFLOOR_DATA / "metrics")


def let_go() -> None:
    """Give the database's connections back, for a process that only watches from now on."""
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def keep_secret_key() -> None:
    """Store the secret key in the data folder, so that sign-ins outlive a restart."""
    from workfloor import settings
    from workfloor.kit import made_once

    path = settings.WORKFLOOR_DATA / "secret-key"
    if os.environ.get("WORKFLOOR_SECRET_KEY") or path.exists():
        return
    made_once.make(path, settings.SECRET_KEY.encode())
    settings.SECRET_KEY = path.read_text().strip()  # which is another's, where one was quicker


_LOGIN = """SELECT current_setting('server_version_num')::int, rolsuper, rolbypassrls
    FROM pg_roles WHERE rolname = current_user"""


def _refuse_the_unfit(pooled: bool) -> None:
    """Of a pool, ask over a connection of its own: its failure has a reason, a pool's says that it took too long."""
    import psycopg
    from django.db import OperationalError, connection

    from workfloor.kit.database import postgres

    parameters = connection.get_connection_params()
    where = {name: value for name, value in parameters.items() if name not in ("context", "cursor_factory")}
    try:
        if pooled:
            with psycopg.connect(**where) as asking:
                login = asking.execute(_LOGIN).fetchone()
        else:
            connection.settings_dict["OPTIONS"].pop("pool", None)
            with connection.cursor() as cursor:
                cursor.execute(_LOGIN)
                login = cursor.fetchone()
    except (psycopg.OperationalError, OperationalError) as fault:
        words = f"The database cannot be reached: {str(fault).strip()}\nCheck WORKFLOOR_DATABASE_URL and its server."
        raise postgres.ServerFault(words) from fault
    if login and (reason := postgres.unfit(*login)):
        raise postgres.ServerFault(reason)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr; a callback that takes how many of how many are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Day(click.ParamType[date]):
    """A day, written as 2027-01-31."""

    name = "day"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            self.fail(f"{value!r} is no day; write it like 2027-01-31.", param, ctx)
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"There is no {value}; write a day like 2027-01-31.", param, ctx)


DAY = Day()
