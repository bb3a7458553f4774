"""`workfloor admin backup` and `restore`: the embedded server's files, its log and the files beside, to any moment."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import psycopg

from workfloor.cli import edge
from workfloor.kit.database import backups, postgres

BY_ITSELF = "A database of your own is backed up by whoever runs it: see docs/guide/operating.md."


def _folder(given: str | None) -> Path:
    from workfloor import settings

    if settings.WORKFLOOR_DATABASE_URL:
        raise click.ClickException(BY_ITSELF)
    folder = Path(given).expanduser().resolve() if given else settings.WORKFLOOR_BACKUP
    if folder is None:
        raise click.ClickException(
            "Say where backups go: set WORKFLOOR_BACKUP to a folder, on another disk if you can, and start anew. "
            "From then on the database server keeps its log there, and `workfloor admin backup` its files."
        )
    return folder


@click.command(epilog="\b\nExamples:\n  workfloor admin backup --keep 7\n  workfloor admin backup --rehearse\n")
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Forget all but the last N, and the log before them.")
@click.option("--rehearse", is_flag=True, help="Restore the last one into a folder that is gone afterwards, and look.")
def backup(keep: int | None, rehearse: bool) -> None:
    """Back the embedded database up into WORKFLOOR_BACKUP while everything runs.

    With the log that the server keeps there, any moment since can be restored, to the last minute.
    """
    from workfloor import settings
    from workfloor.kit.time import clock

    edge.refuse_where_root_alone_may()
    edge.close_to_others()
    folder = _folder(None)
    if rehearse:
        _rehearse(folder)
        return
    data = settings.WORKFLOOR_DATA
    with edge.installation():
        try:
            made = backups.take(data, folder, now=clock.now(), keep=keep, progress=sys.stderr.isatty())
            if files := _files_folder():  # only now: whatever a row in the backup names is there already
                backups.keep_files(files, folder, now=clock.now())
                backups.forget_files(files, folder, now=clock.now())
        except backups.BackupFault as fault:
            raise click.ClickException(str(fault)) from None
        if not backups.archives(data):
            click.echo("Warning: the server was started without WORKFLOOR_BACKUP and keeps no log there.", err=True)
    click.echo(f"{made.folder} holds everything up to {made.at:%Y-%m-%d %H:%M:%S} UTC.")


@click.command(
    epilog="\b\nExamples:\n  workfloor admin restore\n  workfloor admin restore --to 2026-11-30T09:15:00+00:00\n"
)
@click.argument("folder", required=False)
@click.option("--to", metavar="TIME", help="The moment to come back to, with its zone; without it the last there is.")
def restore(folder: str | None, to: str | None) -> None:
    """Make the database in the (empty) data folder out of a backup in FOLDER, or else WORKFLOOR_BACKUP."""
    from workfloor import settings

    edge.refuse_where_root_alone_may()
    edge.close_to_others()
    where, at = _folder(folder), _moment(to)
    _restore(where, settings.WORKFLOOR_DATA, at, backups.settings(settings.WORKFLOOR_BACKUP))
    count = backups.restore_files(where, files) if (files := _files_folder()) else 0
    click.echo(f"The database is restored, and {count:,} files beside it that were not there.")
    click.echo("Run: workfloor admin doctor, workfloor admin files check, then workfloor up")


def _files_folder() -> Path | None:
    """Where files are kept beside the database; None where that is a bucket, which its store looks after."""
    from workfloor import settings

    return None if settings.WORKFLOOR_FILES.startswith("s3://") else Path(settings.WORKFLOOR_FILES)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no time; write it like 2026-11-30T09:15:00+00:00.") from None
    if at.tzinfo is None:
        raise click.UsageError(f"{text} has no zone; write it like {text}+00:00 for UTC.")
    return at


def _restore(folder: Path, data: Path, to: datetime | None, settings: dict[str, str]) -> None:
    """Restore, let the server come to the moment, and leave nothing half-made where it cannot."""
    try:
        backups.restore(folder, data, to=to)
    except backups.BackupFault as fault:
        raise click.ClickException(str(fault)) from None
    try:
        with postgres.Server(data, settings).running():
            backups.come_to_the_moment(data)
    except (postgres.ServerFault, psycopg.OperationalError):  # it may end while it is being asked
        words = postgres.last_words(postgres.Server(data).folder)
        _remove(postgres.Server(data).folder)
        if "before configured recovery target was reached" in words:
            words = f"The log in {folder} does not go as far as {to}. Choose an earlier moment, or none for the last."
        raise click.ClickException(words) from None


def _remove(folder: Path) -> None:
    """Remove a folder of a server that is just ending: it takes files of its own away meanwhile."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _rehearse(folder: Path) -> None:
    from workfloor import settings
    from workfloor.kit.time import clock

    began = time.monotonic()
    files = _files_folder()
    if postgres.Server(settings.WORKFLOOR_DATA).runs():
        backups.keep_keys(settings.WORKFLOOR_DATA, folder)
        backups.keep_log(settings.WORKFLOOR_DATA, folder)
        if files:
            backups.keep_files(files, folder, now=clock.now())
    with tempfile.TemporaryDirectory(prefix="workfloor-rehearsal-", ignore_cleanup_errors=True) as made:
        data = Path(made) / "data"
        _restore(folder, data, None, {})
        env = {key: value for key, value in os.environ.items() if key not in ("WORKFLOOR_BACKUP", "WORKFLOOR_BIND")}
        env |= {"WORKFLOOR_DATA": str(data)} | ({"WORKFLOOR_FILES": str(folder / backups.FILES)} if files else {})
        program = [sys.executable, "-P", "-m", "workfloor", "admin", "doctor", "--format", "json"]
        told = subprocess.run(program, env=env, capture_output=True, text=True)
        findings: list[dict[str, Any]] = json.loads(told.stdout or "[]")
        wrong = [each for each in findings if each["state"] == "wrong" and each["check"] not in ("port", "followers")]
        if not findings or wrong:
            said = "; ".join(f"{each['check']}: {each['says']}" for each in wrong) or told.stderr.strip()[-500:]
            raise click.ClickException(f"What was restored is not sound: {said}")
        read = subprocess.run([*program[:-3], "files", "check"], env=env, capture_output=True, text=True)
        if read.returncode:
            raise click.ClickException(f"What was restored lacks files: {(read.stdout + read.stderr).strip()[-500:]}")
        clients, facts, last = _looked_at(data)
    took = f"Restored in {time.monotonic() - began:.0f} s"
    click.echo(f"{took} and looked at: {clients} clients, {facts:,} facts, the last of {last}.")
    click.echo(read.stdout.strip())


def _looked_at(data: Path) -> tuple[int, int, str]:
    with postgres.running(data) as server, psycopg.connect(server.address) as connection:
        connection.execute("SELECT set_config('workfloor.every_client', 'on', false)")
        [clients] = connection.execute("SELECT count(*) FROM clients_client").fetchone() or [0]
        found = connection.execute("SELECT count(*), max(recorded_at) FROM event_log_fact").fetchone()
        facts, last = found or (0, None)
    return clients, facts, f"{last:%Y-%m-%d %H:%M:%S} UTC" if last else "never"
