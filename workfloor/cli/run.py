"""`workfloor up`, `web`, `worker` and `router`: the installation at work."""

import importlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Final

import click

from workfloor.cli import edge
from workfloor.kit.database import postgres
from workfloor.runtime import supervisor
from workfloor.runtime import web as runtime_web

READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1
with_parent = click.option(supervisor.WITH_PARENT, "parent", is_flag=True, hidden=True)


@click.command()
@with_parent
@click.option("--demo", "fills_demo", is_flag=True, help="Fill the sample provider into an empty database.")
def up(fills_demo: bool, parent: bool) -> None:
    """Run everything: database server, web server, worker, router. Ctrl-C stops all of it.

    \b
    Examples:
      workfloor up --demo
      WORKFLOOR_DATA=~/second WORKFLOOR_BIND=127.0.0.1:8001 workfloor up
    """
    signal.signal(signal.SIGINT, _interrupt)  # a shell may have handed it over as ignored
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which is how nohup asks to be let alone
        signal.signal(signal.SIGHUP, _interrupt)
    edge.close_to_others()
    edge.keep_secret_key()
    edge.keep_metrics()
    host, port = runtime_web.bind()
    try:
        with runtime_web.take(host, port) as door, edge.installation():
            _prepare(fills_demo)
            _supervise(door, host, port, os.getppid() if parent else None)
    except KeyboardInterrupt:
        pass
    click.echo("Stopped.", err=True)


@click.command()
@with_parent
def worker(parent: bool) -> None:
    """Run background jobs and the event log's followers until stopped.

    `workfloor up` runs one; run more on other machines with the same WORKFLOOR_DATABASE_URL.
    """
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    if parent:
        supervisor.end_with_parent()
    edge.close_to_others()
    edge.keep_metrics()
    edge.limit_statements(statement=300, lock=60, idle=300)
    with edge.installation():
        if not parent:  # which looked already
            edge.refuse_an_old_schema()
        from workfloor.runtime import worker as runtime_worker

        runtime_worker.run(stop)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)  # impatience must not leave a half-stopped installation
    raise KeyboardInterrupt


def _prepare(fills_demo: bool) -> None:
    """Migrate, make the event log's months, and on request fill an empty database."""
    if edge.missing_migrations():
        click.echo("Preparing the database ...", err=True)
        _migrate()
    if fills_demo and _is_empty():
        click.echo("Filling the sample provider in ...", err=True)
        _fill_demo()
    _make_partitions()
    edge.let_go()


def _migrate() -> int:
    from workfloor.kit.database import migrations

    missing = edge.missing_migrations()
    if missing:
        migrations.migrate(say=lambda line: click.echo(line, err=True))
    _make_partitions()
    return len(missing)


def _make_partitions() -> None:
    from django.db import transaction

    from workfloor.core.event_log import actions as event_log
    from workfloor.kit.time import clock

    with transaction.atomic():
        event_log.make_partitions(first=clock.now())


def _is_empty() -> bool:
    from django.db import transaction

    from workfloor.core.clients import queries as clients_queries
    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        return not clients_queries.clients().exists()


def _fill_demo() -> None:
    from django.db import transaction

    from workfloor.demo import filling
    from workfloor.kit.database import rls
    from workfloor.kit.time import clock

    with transaction.atomic():
        rls.enter_every_client()
        filling.fill(now=clock.now())


def _supervise(door: socket.socket, host: str, port: int, parent: int | None) -> None:
    """Keep the web servers, the worker and the router alive until interrupted, or until the parent process is gone."""
    from django.conf import settings

    os.environ["WORKFLOOR_POOL"] = str(_share_of_connections())
    logs = settings.WORKFLOOR_DATA / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    names, beside = ["worker", "router", *_mail()], list[supervisor.Child]()
    family = [_web(door, logs / "web.log")]
    family += [supervisor.Child(name, logs / f"{name.replace(' ', '-')}.log") for name in names]
    try:
        for child in family:
            child.start()
        _wait_until_it_serves(family[0], host, port)
        for number in range(2, runtime_web.processes() + 1):  # further ones keep nobody waiting for the first page
            family.append(_web(door, logs / f"web-{number}.log"))
            family[-1].start()
        _say_where(host, port)
        looked_at, looks = time.monotonic(), 0
        while parent in (None, os.getppid()):
            if time.monotonic() - looked_at > LOOK_SECONDS:
                looked_at, looks = time.monotonic(), looks + 1
                _fetch_if_asked(family, logs)
                beside += _compiling(logs) if looks == SETTLED_AFTER_LOOKS else []
            for child in family:
                for error in child.errors():
                    click.echo(f"{child.command}: {error} (see {child.log})", err=True)
                if child.keep_alive():
                    click.echo(f"`workfloor {child.command}` ended and was started again; see {child.log}", err=True)
            time.sleep(POLL_SECONDS)
    except supervisor.KeepsEnding as fault:
        raise click.ClickException(str(fault)) from fault
    finally:
        supervisor.end([*family, *beside])


def _compiling(logs: Path) -> list[supervisor.Child]:
    """A process that compiles the simulation, begun where that was never done here; it ends by itself."""
    from django.conf import settings

    from workfloor.kit import extras

    if not extras.has("numba"):
        return []
    from workfloor.ops.simulation import runs as simulation_runs

    if simulation_runs.is_compiled(settings.WORKFLOOR_DATA / "compiled"):
        return []
    click.echo("Simulations are being compiled in the background, about a minute, once.", err=True)
    child = supervisor.Child("admin compile", logs / "compile.log")
    child.start()
    return [child]


def _share_of_connections() -> int:
    """How many connections each web process may have, so that all processes together fit into what the server takes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        )
        most = int(cursor.fetchone()[0])
    edge.let_go()
    share: int = postgres.share(most, runtime_web.processes())
    if share < postgres.LEAST_SHARE:
        raise click.ClickException(
            f"The database takes {most} connections, and {runtime_web.processes()} web processes with all else need "
            f"{postgres.needed(runtime_web.processes())}. Raise its max_connections, or set WORKFLOOR_WEB_PROCESSES."
        )
    return share


def _web(door: socket.socket, log: Path) -> supervisor.Child:
    return supervisor.Child(f"web --door {door.fileno()}", log, inherits=(door.fileno(),))


def _fetch_if_asked(family: list[supervisor.Child], logs: Path) -> None:
    """Begin to fetch mail once a mailbox has been added that needs it."""
    if not any(child.command == FETCH for child in family) and _fetches():
        family.append(supervisor.Child(FETCH, logs / "channels-mail-fetch.log"))
        family[-1].start()


FETCH = "channels mail fetch"
LOOK_SECONDS = 10.0
SETTLED_AFTER_LOOKS = 6  # when the first pages were opened, and the processors have time for what nobody waits for


def _mail() -> list[str]:
    """The commands that take mail in, as far as this installation does."""
    from django.conf import settings

    return [*(["channels mail listen"] if settings.WORKFLOOR_MAIL_BIND else []), *([FETCH] if _fetches() else [])]


def _fetches() -> bool:
    """Whether there is a mailbox whose mail lies on another server; not, while the database is away."""
    from django.db import DatabaseError, transaction

    from workfloor.kit.database import rls
    from workfloor.ops.channels.email import queries as email_queries

    try:
        with transaction.atomic():
            rls.enter_every_client()
            return email_queries.fetched().exists()
    except DatabaseError:
        return False
    finally:
        edge.let_go()


def _wait_until_it_serves(child: supervisor.Child, host: str, port: int) -> None:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if child.process and child.process.poll() is not None:
            raise click.ClickException(f"The web server did not start. {child.last_words()}")
        try:
            socket.create_connection((reachable, port), 1).close()
            return
        except OSError:
            time.sleep(POLL_SECONDS)
    raise click.ClickException(f"The web server does not answer on {host}:{port}; see {child.log}")


def _say_where(host: str, port: int) -> None:
    from django.conf import settings

    address = settings.WORKFLOOR_URL or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(f"\nWorkfloor is at  {address}/\nIts API at       {address}/api/docs")
    click.echo(f"Its files in     {settings.WORKFLOOR_DATA}")
    _print_sign_ins(address)
    click.echo("\nCtrl-C stops it.")
    sys.stdout.flush()


def _print_sign_ins(address: str = "") -> None:
    """The sample provider's sign-ins, where it is filled in, and where its chat can be tried; else how to begin."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from workfloor.demo import sample
    from workfloor.kit.database import rls
    from workfloor.ops.channels.chat import queries as chat_queries

    emails = [email for email, _, _ in sample.SIGN_INS]
    known = set(get_user_model().objects.filter(email__in=emails).values_list("email", flat=True))
    is_anybody_there = bool(known) or get_user_model().objects.exists()
    edge.let_go()
    if not is_anybody_there:
        click.echo("\nNobody can sign in yet. Take somebody on, and print a link by which they choose their password:")
        click.echo("  workfloor people add NAME EMAIL --role administrator\n  workfloor people print-link EMAIL")
    if not known:
        return
    click.echo("\nSample sign-ins, known to the world (keep this installation to yourself):")
    for email, password, role in sample.SIGN_INS:
        if email in known:
            click.echo(f"  {role:<28} {email:<34} {password}")
    with transaction.atomic():
        rls.enter_every_client()
        tried_at = [
            f"  {each.client.title:<28} {address}/chat/demo/{each.key}/"
            for each in chat_queries.widgets().filter(withdrawn_at=None)
        ]
    edge.let_go()
    click.echo("\n".join(["\nChat with the sample's agents as a visitor would, signed in as anybody:", *tried_at]))


@click.command()
@with_parent
@click.option("--door", "descriptor", type=int, hidden=True, help="A port that the parent has taken for several.")
def web(parent: bool, descriptor: int | None) -> None:
    """Run the web server alone, as one process on WORKFLOOR_BIND; `workfloor up` runs several for you."""
    import uvicorn

    if parent:
        supervisor.end_with_parent()
    door = runtime_web.take(*runtime_web.bind()) if descriptor is None else socket.socket(fileno=descriptor)
    edge.close_to_others()
    edge.keep_metrics()
    edge.limit_statements(statement=60, lock=15, idle=60)
    with edge.installation():
        if not parent:  # which looked already
            edge.refuse_an_old_schema()
        importlib.import_module("workfloor.urls")  # the first visitor should not wait for it
        from django.conf import settings as ours

        from workfloor.runtime import connections

        plain = uvicorn.config.LOGGING_CONFIG if ours.WORKFLOOR_LOG == "text" else None  # else it is logged as ours is
        settings = uvicorn.Config(
            "workfloor.asgi:application",
            http=connections.BoundedConnection,
            timeout_keep_alive=connections.IDLE_SECONDS,
            forwarded_allow_ips=ours.WORKFLOOR_TRUSTED_PROXIES,
            log_config=plain,
            access_log=False,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=2,  # live streams never end by themselves
            server_header=False,
        )
        uvicorn.Server(settings).run(sockets=[door])


@click.command(
    epilog="""\b
Examples:
  workfloor router                       of the main pool; `workfloor up` runs one
  workfloor router --pool night-shift    of the queues that are in that pool
  workfloor router --log decisions.log   write down what it is told and decides
"""
)
@click.option("--pool", default="main", show_default=True, help="Serve the queues of this pool.")
@click.option("--log", "log", type=click.Path(dir_okay=False, path_type=Path), help="Write each decision to this file.")
@with_parent
def router(pool: str, log: Path | None, parent: bool) -> None:
    """Offer waiting work to people until stopped.

    One router leads a pool; further ones of the same pool stand by and take over within two seconds.
    """
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    if parent:
        supervisor.end_with_parent()
    edge.close_to_others()
    edge.keep_metrics()
    edge.limit_statements(statement=60, lock=15, idle=60)
    with edge.installation():
        from django.conf import settings

        if not parent:
            edge.refuse_an_old_schema()
        edge.let_go()
        # The lead is a lock of one connection, which nobody else may get from a pool.
        settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
        from workfloor.runtime import router as runtime_router

        if log is None:
            runtime_router.run(stop, pool)
        else:
            with log.open("w") as file:
                runtime_router.run(stop, pool, runtime_router.Log(file))
