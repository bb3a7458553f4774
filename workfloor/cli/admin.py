"""`workfloor admin`: the tables, the sample provider, the tokens of clients' systems, and what is wrong."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import click
from rich.console import Console
from rich.table import Table

from workfloor.cli import declared, edge, run
from workfloor.kit.database import postgres, rls
from workfloor.kit.text import spreadsheets
from workfloor.runtime import web as runtime_web

if TYPE_CHECKING:
    from workfloor.core.clients.models import Client, Token


client_argument = click.argument("client", metavar="CLIENT")
MODULES = ("workfloor.core.clients.queries", "workfloor.core.clients.actions")


@click.group("client", cls=declared.Group, under="admin client", modules=MODULES)
def client_() -> None:
    """Take clients on, and list them. Signing a contract for the first time takes its client on too."""


@client_.command("list")
@declared.form_option
def list_clients(form: str) -> None:
    """List the clients, by name."""
    with edge.database():
        from workfloor.core.clients import queries as clients_queries
        from workfloor.core.people import queries as people_queries

        rls.enter_every_client()
        people_queries.enter_for(edge.acting(), "clients.issue-tokens")
        rows = [{"client": each.slug, "title": each.title} for each in clients_queries.clients()]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['client']:<32} {row['title']}")
    if not rows:
        click.echo("No client yet. Sign a contract: workfloor contracts sign FILE")


@click.group(cls=declared.Group, under="admin token", modules=MODULES)
def token() -> None:
    """Issue, list and revoke the tokens with which a client's systems call the API."""


@token.command("list")
@client_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_tokens(client: str, form: str) -> None:
    """List the tokens of CLIENT, newest first, without their secrets."""
    with edge.client(client) as found:
        from workfloor.core.clients import queries as clients_queries

        rows = [_row(each) for each in clients_queries.tokens(found)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        ended = f"revoked {row['revoked_at'][:10]}" if row["revoked_at"] else "valid"
        scopes = " ".join(row["scopes"])
        click.echo(f"{row['number']:>6}  {ended:<18} issued {row['issued_at'][:10]}  {scopes:<36} {row['title']}")
    if not rows:
        click.echo(f"No token was issued for {client} yet. See: workfloor admin token issue --help")


def _row(token: "Token") -> dict[str, Any]:
    return {
        "number": token.id,
        "title": token.title,
        "scopes": token.scopes,
        "issued_at": token.issued_at.isoformat(),
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
    }


@click.command()
def migrate() -> None:
    """Make the tables in an empty database, or bring them to this version.

    Needs no questions answered and changes nothing that is up to date.
    """
    edge.keep_secret_key()
    with edge.installation():
        made = run._migrate()
    click.echo(f"{made} migrations applied." if made else "The database is up to date.")


@click.command()
def demo() -> None:
    """Fill the sample provider into an empty database: two clients, two sites, ten agents, open work.

    \b
    Example:
      workfloor admin migrate && workfloor admin demo && workfloor up
    """
    with edge.installation():
        if edge.missing_migrations():
            raise click.ClickException("The database is not prepared. Run: workfloor admin migrate")
        if not run._is_empty():
            raise click.ClickException("The database has clients; the sample provider goes into an empty one.")
        run._fill_demo()
        run._print_sign_ins()


@click.group(cls=declared.Group, under="admin failed", modules=("workfloor.core.event_log.actions",))
def failed() -> None:
    """See what failed and was left out so that the rest went on, and have it tried again."""


@failed.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_failed(form: str) -> None:
    """List facts that a follower failed over, jobs that failed, and contracts that cannot be read, each with why.

    Facts and jobs have names, such as fact-12 or job-7, by which they are run again or dropped. A contract is read
    again by itself once it is repaired.
    """
    with edge.database():
        edge.enter_all()
        rows = [*_unreadable(), *_failures()]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']:<10} {row['since'][:16]}  {row['what']}, tried {row['tries']}: {row['error']}")
    if not rows:
        click.echo("Nothing failed.")


def _unreadable() -> Iterator[dict[str, Any]]:
    from workfloor.core.contracts import queries as contracts_queries

    for version, error in contracts_queries.unreadable():
        yield {
            "name": f"{version.client.slug}",
            "what": f"version {version.number} of the contract",
            "error": error,
            "tries": 1,
            "since": version.signed_at.isoformat(),
        }


def _failures() -> Iterator[dict[str, Any]]:
    from workfloor.core.event_log import queries as event_log_queries

    for each in event_log_queries.failures():
        since = each.since.isoformat()
        yield {"name": each.name, "what": each.what, "error": each.error, "tries": each.tries, "since": since}


LEAST_FREE_GIGABYTES: Final = 1.0
HEARTBEAT_SECONDS: Final = 30
MONTHS_AHEAD: Final = 2
LIBRARIES: Final = ("htmx.min.js", "tabler.min.css", "inter.woff2")
COLOURS: Final = {"ok": "green", "look": "yellow", "wrong": "red"}


@dataclass(frozen=True)
class Finding:
    """One check: "look" is worth a look but no fault, such as a worker that is not meant to run now."""

    check: str
    state: Literal["ok", "look", "wrong"]
    says: str
    do: str = ""


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
def doctor(form: str) -> None:
    """Check this installation, a line for each thing: how it is, and what to do if it is wrong.

    Exit status 1 if anything is wrong.

    \b
    Examples:
      workfloor admin doctor
      workfloor admin doctor --format json
    """
    findings = list(examine())
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    sys.exit(any(finding.state == "wrong" for finding in findings))


def examine() -> Iterator[Finding]:
    """All findings, those of the machine first; without a database the rest is left out."""
    yield from (_python(), _data_folder(), _disk(), _browser_libraries(), _port(), _proxies())
    if _nothing_is_installed():
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(edge.installation())
        except (postgres.ServerFault, click.ClickException) as fault:
            yield Finding("database", "wrong", str(fault), "Mend that first; the other checks need it.")
            return
        yield _server()
        migrations = _migrations()
        yield migrations
        if migrations.state == "ok":
            yield from (_walls(), _partitions(), _worker(), _followers(), _failed_and_stalled())
            yield from (_contracts(), _files(), _webhooks(), _own_mail())


def _nothing_is_installed() -> bool:
    from workfloor import settings

    return not settings.WORKFLOOR_DATABASE_URL and not settings.WORKFLOOR_DATA.exists()


def _print(findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        colour = COLOURS[finding.state]
        words = finding.says + (f"\n→ {finding.do}" if finding.do else "")
        table.add_row(f"[{colour}]{finding.state}[/]", finding.check, words)
    Console(highlight=False).print(table)


def _python() -> Finding:
    return Finding("python", "ok", f"{'.'.join(map(str, sys.version_info[:3]))} (3.11 or later is needed)")


def _data_folder() -> Finding:
    from workfloor import settings

    folder = settings.WORKFLOOR_DATA
    if not folder.exists():
        return Finding("data folder", "look", f"{folder} is not there yet.", "Run: workfloor admin migrate")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding("data folder", "wrong", f"{folder} cannot be written.", "Give it to whoever runs Workfloor.")
    if folder.stat().st_mode & 0o066:
        return Finding("data folder", "wrong", f"{folder} is open to others.", f"Run: chmod go-rw {folder}")
    return Finding("data folder", "ok", str(folder))


def _disk() -> Finding:
    from workfloor import settings

    folder = next(each for each in [settings.WORKFLOOR_DATA, *settings.WORKFLOOR_DATA.parents] if each.exists())
    free = shutil.disk_usage(folder).free / 1e9
    if free < LEAST_FREE_GIGABYTES:
        return Finding("disk", "wrong", f"{free:.1f} GB free in {folder}", "Free some: a full disk stops the database.")
    return Finding("disk", "ok", f"{free:.0f} GB free")


def _browser_libraries() -> Finding:
    from workfloor import settings

    vendor = settings.PACKAGE / "ui" / "static" / "vendor"
    if missing := [name for name in LIBRARIES if not (vendor / name).exists()]:
        return Finding("browser libraries", "wrong", f"missing: {', '.join(missing)}", "Run: make setup")
    return Finding("browser libraries", "ok", "built")


def _port() -> Finding:
    from workfloor import settings

    try:
        host, port = runtime_web.bind()
        runtime_web.open_door(host, port).close()
    except click.ClickException as fault:
        return Finding("port", "wrong", fault.message, "Set WORKFLOOR_BIND.")
    except OSError as fault:
        words = f"{settings.WORKFLOOR_BIND} is in use or not ours: {fault.strerror or fault}"
        return Finding("port", "look", words, "Fine if Workfloor runs now; else set WORKFLOOR_BIND to another.")
    return Finding("port", "ok", f"{settings.WORKFLOOR_BIND} is free")


def _files() -> Finding:
    from django.db import transaction

    from workfloor import settings
    from workfloor.core.files import gateway as files_gateway
    from workfloor.core.files import queries as files_queries

    with transaction.atomic():
        rls.enter_every_client()
        many, size = files_queries.sizes()
    words = f"{many:,} files of {size / 1e9:.1f} GB in {settings.WORKFLOOR_FILES}"
    try:
        if many:
            files_gateway.installation_key()
            next(files_gateway.store().listed(), None)
    except (files_gateway.NoKey, files_gateway.Away, files_gateway.Missing) as fault:
        return Finding(
            "files", "wrong", f"{words}: {fault}", "Mail and attachments cannot be read until that is mended."
        )
    return Finding("files", "ok", f"{words}; `workfloor admin files check` reads them all")


def _webhooks() -> Finding:
    from django.db import transaction

    from workfloor.kit.time import clock
    from workfloor.ops.webhooks import queries as webhooks_queries

    now = clock.now()
    with transaction.atomic():
        rls.enter_every_client()
        health = webhooks_queries.health(webhooks_queries.endpoints())
    dead = [each for each in health if each.is_dead(now)]
    if dead:
        words = "; ".join(
            f"{each.endpoint.title} of {each.endpoint.client.slug} is {each.word}, {each.waiting} wait" for each in dead
        )
        return Finding("webhooks", "look", words, "See what it answers: workfloor admin webhook list")
    worst = max((each.seconds(now) for each in health if each.endpoint.state == "enabled"), default=0.0)
    return Finding("webhooks", "ok", f"{len(health)} endpoints, the last by {worst:.1f} s")


def _own_mail() -> Finding:
    from workfloor import settings
    from workfloor.core.outgoing import queries as outgoing_queries

    if fault := outgoing_queries.missing():
        do = "Until then `workfloor people print-link EMAIL` prints what invitations would bring."
        return Finding("mail of our own", "look", fault, do)
    return Finding("mail of our own", "ok", f"from {settings.WORKFLOOR_MAIL_FROM}")


def _proxies() -> Finding:
    from workfloor import settings

    believed = settings.WORKFLOOR_TRUSTED_PROXIES
    is_here = settings.WORKFLOOR_BIND.rpartition(":")[0] in ("127.0.0.1", "[::1]", "localhost")
    if settings.WORKFLOOR_URL and not is_here and believed == settings.PROXIES_ON_THIS_MACHINE:
        words = f"behind a proxy elsewhere, {settings.WORKFLOOR_BIND} takes all visitors for one"
        return Finding("proxies", "look", words, "Set WORKFLOOR_TRUSTED_PROXIES to the proxy's address.")
    return Finding("proxies", "ok", f"{', '.join(believed)} may say who visitors are")


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _server() -> Finding:
    """An old server and a mighty login were refused before this."""
    [(version, login)] = _rows("SELECT current_setting('server_version'), current_user")
    return Finding("database", "ok", f"PostgreSQL {version}, as {login}, who is bound by row-level security")


def _migrations() -> Finding:
    if missing := edge.missing_migrations():
        words = f"{len(missing)} are missing, from {missing[0]} on"
        return Finding("migrations", "wrong", words, "Run: workfloor admin migrate")
    return Finding("migrations", "ok", "all applied")


def _walls() -> Finding:
    from django.apps import apps

    from workfloor.kit.database import rls

    walled = sorted(
        model._meta.db_table
        for model in apps.get_models()
        if any(isinstance(constraint, rls.Wall) for constraint in model._meta.constraints)
    )
    held = _rows(
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid WHERE polname = 'wall' "
        "AND relrowsecurity AND relforcerowsecurity AND pg_table_is_visible(pg_class.oid)"
    )
    if open_tables := set(walled) - {name for (name,) in held}:
        words = f"clients are not kept apart in: {', '.join(sorted(open_tables))}"
        return Finding("walls", "wrong", words, "Somebody changed the tables by hand; restore the policies.")
    return Finding("walls", "ok", f"row-level security is forced on {len(walled)} tables")


def _partitions() -> Finding:
    from workfloor.core.event_log import models as event_log_models
    from workfloor.kit.database import partitions
    from workfloor.kit.time import clock

    made = set(partitions.made(event_log_models.TABLE))
    wanted = partitions.months(partitions.month_of(clock.now()), MONTHS_AHEAD)
    if missing := [month for month in wanted if month not in made]:
        words = f"the event log has no room for {', '.join(f'{month:%Y-%m}' for month in missing)}"
        return Finding(
            "event_log",
            "wrong",
            words,
            "Start a worker: it makes them at once. Until then whoever writes makes its month.",
        )
    return Finding("event_log", "ok", f"months are made until {max(made):%Y-%m}")


def _worker() -> Finding:
    from workfloor.kit.time import clock

    [(latest,)] = _rows("SELECT max(last_heartbeat) FROM procrastinate_workers")
    alive = isinstance(latest, datetime) and clock.now() - latest < timedelta(seconds=HEARTBEAT_SECONDS)
    if not alive:
        words = f"no sign of life since {latest:%Y-%m-%d %H:%M} UTC" if isinstance(latest, datetime) else "none runs"
        return Finding("worker", "look", words, "Start one: workfloor up, or workfloor worker")
    return Finding("worker", "ok", "alive")


def _followers() -> Finding:
    from django.db import transaction

    from workfloor.core.event_log import queries as event_log_queries
    from workfloor.kit.time import clock

    with transaction.atomic():
        rls.enter_every_client()
        lags = event_log_queries.lags()
    now = clock.now()
    behind = [each for each in lags if each.seconds(now) > event_log_queries.ALARM_SECONDS]
    if behind:
        words = ", ".join(f"{each.follower} by {each.seconds(now):.0f} s ({each.waiting} facts)" for each in behind)
        return Finding("followers", "wrong", f"behind: {words}", "See whether a worker runs, and logs/worker.log.")
    worst = max((each.seconds(now) for each in lags), default=0.0)
    return Finding("followers", "ok", f"{len(lags)}, the last by {worst:.1f} s")


def _contracts() -> Finding:
    from django.db import transaction

    from workfloor.core.contracts import queries as contracts_queries

    with transaction.atomic():
        rls.enter_every_client()
        faults = [f"{version}: {error}" for version, error in contracts_queries.unreadable()]
    if faults:
        do = "Restore it from a backup, or sign it anew; work of that client waits meanwhile."
        return Finding("contracts", "wrong", f"cannot be read: {'; '.join(faults)}", do)
    return Finding("contracts", "ok", "every version can be read")


def _failed_and_stalled() -> Finding:
    from django.db import transaction

    from workfloor.core.event_log import queries as event_log_queries

    with transaction.atomic():
        rls.enter_every_client()
        parked = event_log_queries.parked().count()
    [(stalled, failed)] = _rows(
        "SELECT count(*) FILTER (WHERE status = 'doing' AND coalesce(last_heartbeat < now() - %s, true)), "
        "count(*) FILTER (WHERE status = 'failed') "
        "FROM procrastinate_jobs LEFT JOIN procrastinate_workers ON procrastinate_workers.id = worker_id",
        timedelta(seconds=HEARTBEAT_SECONDS),
    )
    if failed or parked:
        words = f"{failed} jobs failed, {stalled} stalled, {parked} facts left out"
        return Finding("jobs", "look", words, "See: workfloor admin failed list")
    if stalled:
        return Finding("jobs", "look", f"{stalled} stalled", "A running worker tries them again within two minutes.")
    return Finding("jobs", "ok", "none stalled, none failed")


@click.command(
    epilog="""\b
Examples:
  workfloor admin audit
  workfloor admin audit --event record --about Porto --format json
  workfloor admin audit --who rita --from 2027-01-01 --to 2027-01-31
  workfloor admin audit --customer maria@example.com --from 2027-03-01 --to 2027-03-31
  workfloor admin audit --work --client harbour --limit 100000 --format csv > january.csv
"""
)
@click.option("--who", default="", help="Only what they did whose name has this in it; or root, or an engine.")
@click.option("--about", default="", help="Only what is about somebody or something that is called like this.")
@click.option(
    "--event", default="", help="Only events that begin with this: person, site, contract, record.changed ..."
)
@click.option("--client", "slug", default="", help="Only what is this client's.")
@click.option("--from", "since", type=edge.DAY, help="From this day on, in UTC.")
@click.option("--to", "until", type=edge.DAY, help="Up to the end of this day, in UTC.")
@click.option("--work", "with_work", is_flag=True, help="Also what happened to work, item by item.")
@click.option("--looks", "seen", is_flag=True, help="Who looked at personal data, instead of who changed what.")
@click.option("--customer", default="", help="Who looked at the data of the customer with this number or address.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="At most so many.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", help="How to print it.")
def audit(slug: str, since: date | None, until: date | None, seen: bool, limit: int, form: str, **asked: Any) -> None:
    """Say who changed what, the newest first, from what to what; or who looked at whose data.

    Whoever signed in is told of their own clients, the root of the installation of all.
    """
    with edge.database():
        from workfloor.core.audit import queries as audit_queries
        from workfloor.desks.console import presenting as console_presenting

        wanted = audit_queries.Asked(
            client=_audited(slug),
            since=datetime.combine(since, time(), UTC) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), UTC) if until else None,
            **asked,
        )
        seen = seen or bool(wanted.customer)
        if form == "csv":
            click.echo(spreadsheets.lines([console_presenting.HEADINGS]), nl=False)
        for group in audit_queries.every(wanted, min(limit, 500), seen=seen):
            for entry in group[:limit]:
                click.echo(_PRINTED[form](entry), nl=form != "csv")
            limit -= len(group)
            if limit <= 0:
                break


def _audited(slug: str) -> "Client | None":
    """Enter the clients that are told of; the one that was named. Whoever may not read the audit is refused."""
    from workfloor.core.access import permissions
    from workfloor.core.people import queries as people_queries
    from workfloor.core.people.models import Person

    rls.enter_every_client()
    by = edge.acting()
    try:
        permissions.admit(by, "audit.read")
    except permissions.Refused as refused:
        raise click.ClickException(str(refused)) from None
    if isinstance(by, Person):
        rls.enter(*people_queries.enterable(by))
    return edge.named(slug) if slug else None


def _as_text(entry: Any) -> str:
    where = ", ".join(filter(None, [entry.client, entry.place]))
    return f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.says}{f'  ({where})' if where else ''}"


def _as_json(entry: Any) -> str:
    return json.dumps(asdict(entry), ensure_ascii=False, default=str)


def _as_csv(entry: Any) -> str:
    from workfloor.desks.console import presenting as console_presenting

    return spreadsheets.lines([console_presenting.row(entry)])


_PRINTED: Final = {"text": _as_text, "json": _as_json, "csv": _as_csv}


@click.command(epilog="\b\nExample:\n  workfloor admin actions --format markdown\n")
@click.option("--format", "form", type=click.Choice(["text", "markdown"]), default="text", help="How to print it.")
def actions(form: str) -> None:
    """List what can be changed by a command, on a page and over the API alike, and which roles open it."""
    edge.without_database()
    from workfloor.desks.console import presenting as console_presenting

    click.echo(console_presenting.listed() if form == "text" else console_presenting.reference(), nl=False)
