"""`workfloor up`, `migrate`, `demo` and `worker`: the installation at work."""

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

from workfloor.cli import children, edge, serving

READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1

with_parent = click.option(children.WITH_PARENT, "parent", is_flag=True, hidden=True)


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
    edge.keep_secret_key()
    host, port = serving.bind()
    try:
        with serving.take(host, port) as door, edge.installation():
            _prepare(fills_demo)
            _supervise(door, host, port, os.getppid() if parent else None)
    except KeyboardInterrupt:
        pass
    click.echo("Stopped.", err=True)


@click.command()
def migrate() -> None:
    """Make the tables in an empty database, or bring them to this version.

    Needs no questions answered and changes nothing that is up to date.
    """
    edge.keep_secret_key()
    with edge.installation():
        made = _migrate()
    click.echo(f"{made} migrations applied." if made else "The database is up to date.")


@click.command()
def demo() -> None:
    """Fill the sample provider into an empty database: two clients, two sites, ten agents, open work.

    \b
    Example:
      workfloor migrate && workfloor demo && workfloor up
    """
    with edge.installation():
        if edge.missing_migrations():
            raise click.ClickException("The database is not prepared. Run: workfloor migrate")
        if not _is_empty():
            raise click.ClickException("The database has clients; the sample provider goes into an empty one.")
        _fill_demo()
        _print_sign_ins()


@click.command()
@with_parent
def worker(parent: bool) -> None:
    """Run background jobs and the journal's followers until stopped.

    `workfloor up` runs one; run more on other machines with the same WORKFLOOR_DATABASE_URL.
    """
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    if parent:
        children.end_with_parent()
    with edge.installation():
        if not parent:  # which looked already
            edge.refuse_an_old_schema()
        from workfloor.cli import work

        work.run(stop)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)  # impatience must not leave a half-stopped installation
    raise KeyboardInterrupt


def _prepare(fills_demo: bool) -> None:
    """Migrate, make the journal's months, and on request fill an empty database."""
    if edge.missing_migrations():
        click.echo("Preparing the database ...", err=True)
        _migrate()
    if fills_demo and _is_empty():
        click.echo("Filling the sample provider in ...", err=True)
        _fill_demo()
    _make_partitions()
    edge.let_go()


def _migrate() -> int:
    from workfloor.kit import migrations

    missing = edge.missing_migrations()
    if missing:
        migrations.migrate(say=lambda line: click.echo(line, err=True))
    _make_partitions()
    return len(missing)


def _make_partitions() -> None:
    from django.db import transaction

    from workfloor.core.journal import actions as journal
    from workfloor.kit import clock

    with transaction.atomic():
        journal.make_partitions(first=clock.now())


def _is_empty() -> bool:
    from django.db import transaction

    from workfloor.core.clients import queries as clients
    from workfloor.kit import rls

    with transaction.atomic():
        rls.enter_every_client()
        return not clients.clients().exists()


def _fill_demo() -> None:
    from django.db import transaction

    from workfloor.demo import actions as sample
    from workfloor.kit import clock, rls

    with transaction.atomic():
        rls.enter_every_client()
        sample.fill(now=clock.now())


def _supervise(door: socket.socket, host: str, port: int, parent: int | None) -> None:
    """Keep the web servers, the worker and the router alive until interrupted, or until the parent process is gone."""
    from django.conf import settings

    logs = settings.WORKFLOOR_DATA / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    names = ["worker", "router", *_mail()]
    family = [_web(door, logs / "web.log")]
    family += [children.Child(name, logs / f"{name.replace(' ', '-')}.log") for name in names]
    try:
        for child in family:
            child.start()
        _wait_until_it_serves(family[0], host, port)
        for number in range(2, serving.processes() + 1):  # further ones keep nobody waiting for the first page
            family.append(_web(door, logs / f"web-{number}.log"))
            family[-1].start()
        _say_where(host, port)
        while parent in (None, os.getppid()):
            for child in family:
                for error in child.errors():
                    click.echo(f"{child.command}: {error} (see {child.log})", err=True)
                if child.keep_alive():
                    click.echo(f"`workfloor {child.command}` ended and was started again; see {child.log}", err=True)
            time.sleep(POLL_SECONDS)
    except children.KeepsEnding as fault:
        raise click.ClickException(str(fault)) from fault
    finally:
        children.end(family)


def _web(door: socket.socket, log: Path) -> children.Child:
    return children.Child(f"web --door {door.fileno()}", log, inherits=(door.fileno(),))


def _mail() -> list[str]:
    """The commands that take mail in, as far as this installation does."""
    from django.conf import settings
    from django.db import transaction

    from workfloor.kit import rls
    from workfloor.ops.channels.email import queries as email

    with transaction.atomic():
        rls.enter_every_client()
        fetches = email.fetched().exists()
    edge.let_go()
    return [*(["mail listen"] if settings.WORKFLOOR_MAIL_BIND else []), *(["mail fetch"] if fetches else [])]


def _wait_until_it_serves(child: children.Child, host: str, port: int) -> None:
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
    """The sample provider's sign-ins, where it is filled in, and where its chat can be tried."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from workfloor.demo import rules as sample
    from workfloor.kit import rls
    from workfloor.ops.channels.chat import queries as chat

    emails = [email for email, _, _ in sample.SIGN_INS]
    known = set(get_user_model().objects.filter(email__in=emails).values_list("email", flat=True))
    edge.let_go()
    if not known:
        return
    click.echo("\nSample sign-ins, known to the world (keep this installation to yourself):")
    for email, password, role in sample.SIGN_INS:
        if email in known:
            click.echo(f"  {role:<28} {email:<34} {password}")
    with transaction.atomic():
        rls.enter_every_client()
        tried_at = [f"  {each.client.title:<28} {address}/chat/demo/{each.key}/" for each in chat.widgets()]
    edge.let_go()
    click.echo("\n".join(["\nChat with the sample's agents as a visitor would, signed in as anybody:", *tried_at]))
