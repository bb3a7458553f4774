"""Backups of the embedded server: its files at one moment and its write-ahead log since, so that any moment comes back.

A folder holds `base/TIME` (what `pg_basebackup` wrote), `wal` (what the server archives, at least each minute), `files`
(what is kept outside the database, at most a minute behind) and the installation's keys. A server of one's own has the
same from whoever runs it: docs/guide/operating.md.
"""

import filecmp
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from workfloor.kit.database import postgres

KEPT_IN_SECONDS: Final = 30
ARCHIVE_SECONDS: Final = 60  # the most that is lost with the machine
WRITTEN: Final = "%Y-%m-%dT%H%M%SZ"
KEYS: Final = ("secret-key", "files-key")
FILES: Final = "files"
GONE: Final = "files-gone"  # those that are no longer where they were copied from, since when they were moved here
CLOCK_TICK_SECONDS: Final = 2  # within which a folder may change and still bear the same time
REFUSED: Final = "'\\%\n"  # in the name of a folder that a shell of the server's is given


class BackupFault(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Base:
    """A backup of all files, whole since `at`."""

    folder: Path
    at: datetime


def settings(folder: Path | None) -> dict[str, str]:
    """What the server is told so that it archives into a folder; nothing where there is none."""
    if folder is None:
        return {}
    _refuse_a_name(folder)
    wal = folder.absolute() / "wal"
    # Under another name until it is whole; one that is there already is never written over.
    command = f"test ! -f '{wal}/%f' && cp '%p' '{wal}/%f.part' && mv '{wal}/%f.part' '{wal}/%f'"
    return {"archive_mode": "on", "archive_command": command, "archive_timeout": f"{ARCHIVE_SECONDS}s"}


def make_folder(folder: Path, data: Path) -> None:
    """Make the folder that the server of `data` archives into, for whoever the server runs as."""
    _refuse_a_name(folder)
    for each in (folder, folder / "wal", folder / "base"):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = postgres.owner(postgres.Server(data).folder)
    if account:
        folder.chmod(0o711)  # it may pass through, and no more
        os.chown(folder / "wal", account.pw_uid, account.pw_gid)


def _refuse_a_name(folder: Path) -> None:
    if any(each in str(folder) for each in REFUSED):
        raise BackupFault(f"{folder} cannot hold backups: choose a name without ' \\ and %.")


def bases(folder: Path) -> list[Base]:
    """The whole backups in a folder, the oldest first."""
    found = []
    for each in (folder / "base").glob("*Z"):
        try:
            found.append(Base(each, datetime.strptime(each.name, WRITTEN).replace(tzinfo=UTC)))
        except ValueError:
            continue
    return sorted(found, key=lambda each: each.at)


def take(data: Path, folder: Path, *, now: datetime, keep: int | None = None, progress: bool = False) -> Base:
    """Back the running server of `data` up; with `keep`, only so many bases stay, and the log since the oldest.

    It is under its final name once `pg_verifybackup` has read it whole.
    """
    make_folder(folder, data)
    server = postgres.Server(data)
    draft = folder / "base" / f"{now:{WRITTEN}}.part"
    shutil.rmtree(draft, ignore_errors=True)
    where = ["-h", str(postgres.socket_folder(server.folder)), "-p", postgres.PORT, "-U", "postgres"]
    _run(["pg_basebackup", *where, "-D", str(draft), "-c", "fast", "-X", "stream", *(["-P"] if progress else [])])
    _run(["pg_verifybackup", "-q", "-n", str(draft)])
    keep_keys(data, folder)
    keep_log(data, folder)
    with _root(server) as connection:
        [ended] = connection.execute("SELECT clock_timestamp()").fetchone() or [now]
    made = Base(folder / "base" / f"{ended.astimezone(UTC):{WRITTEN}}", ended)
    draft.rename(made.folder)
    if keep is not None:
        _forget(folder, keep)
    return made


def keep_log(data: Path, folder: Path) -> None:
    """Have the running server keep its log up to now where backups are; without an archive, or in vain, go on."""
    if not archives(data):
        return
    with _root(postgres.Server(data)) as connection:
        [name] = connection.execute("SELECT pg_walfile_name(pg_switch_wal() - 1)").fetchone() or [""]
    until = time.monotonic() + KEPT_IN_SECONDS
    while not (folder / "wal" / name).exists() and time.monotonic() < until:
        time.sleep(0.1)


def keep_keys(data: Path, folder: Path) -> None:
    """Copy the installation's keys to where backups are."""
    for key in KEYS:
        if (data / key).exists() and not ((folder / key).exists() and filecmp.cmp(data / key, folder / key)):
            shutil.copy(data / key, folder / key)
            (folder / key).chmod(0o600)


def keep_files(source: Path, folder: Path, *, now: datetime) -> int:
    """Copy what is new among files that never change to where backups are; returns how many there were.

    A folder whose copy bears the same time is not looked into: nothing came since.
    """
    count = 0
    for place, copy in _folders(source, folder / FILES):
        changed = place.stat().st_mtime
        if copy.stat().st_mtime == changed:
            continue
        new = {each.name for each in _files(place)} - {each.name for each in _files(copy)}
        for name in new:
            _link_or_copy(place / name, copy / name)
        count += len(new)
        is_settled = now.timestamp() - changed > CLOCK_TICK_SECONDS
        os.utime(copy, (changed, changed) if is_settled else (0, 0))
    return count


def forget_files(source: Path, folder: Path, *, now: datetime) -> None:
    """Remove the copies of files that went before the oldest base was made; those that went since are set apart."""
    kept = bases(folder)
    if not source.is_dir() or not kept:
        return
    for copy, gone in _folders(folder / FILES, folder / GONE):
        place = source / copy.relative_to(folder / FILES)
        for name in {each.name for each in _files(copy)} - {each.name for each in _files(place)}:
            (copy / name).rename(gone / name)
            os.utime(gone / name, (now.timestamp(), now.timestamp()))
    for gone in (folder / GONE).rglob("*"):
        if gone.is_file() and gone.stat().st_mtime < kept[0].at.timestamp():
            gone.unlink()


def restore_files(folder: Path, target: Path) -> int:
    """Bring back all files that backups have and `target` has not; returns how many there were."""
    count = 0
    for source in (folder / FILES, folder / GONE):
        for place, copy in _folders(source, target) if source.is_dir() else ():
            for name in {each.name for each in _files(place)} - {each.name for each in _files(copy)}:
                _link_or_copy(place / name, copy / name)
                count += 1
    return count


def _folders(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Every folder below one, with the one in its place below the other, which is made."""
    for name, _, _ in os.walk(source):
        copy = target / Path(name).relative_to(source)
        copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield Path(name), copy


def _files(folder: Path) -> list[Path]:
    """The whole files in a folder; those that are just being written have another name."""
    found = folder.iterdir() if folder.is_dir() else ()
    return [each for each in found if each.is_file() and "#" not in each.name and each.suffix != ".part"]


def _link_or_copy(source: Path, target: Path) -> None:
    """On the same disk a second name for what never changes, elsewhere a copy that is there whole or not at all."""
    try:
        os.link(source, target)
    except OSError:
        draft = target.with_name(f"{target.name}.part")
        shutil.copy2(source, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(target)


def archives(data: Path) -> bool:
    """Whether the running server keeps its log where backups are."""
    with _root(postgres.Server(data)) as connection:
        [mode] = connection.execute("SHOW archive_mode").fetchone() or ["off"]
    return bool(mode == "on")


def _forget(folder: Path, keep: int) -> None:
    kept = bases(folder)[-max(keep, 1) :]
    for each in bases(folder):
        if each not in kept:
            shutil.rmtree(each.folder)
    first = (kept[0].folder / "backup_label").read_text().split("(file ", 1)[1].split(")", 1)[0]
    _run(["pg_archivecleanup", str(folder / "wal"), first])


def restore(folder: Path, data: Path, *, to: datetime | None = None) -> None:
    """Make the files of a server in `data` as they were at a moment, or as late as the backup goes.

    The server comes to that moment when it first starts. Raises BackupFault where one stands in `data` already.
    """
    target = postgres.Server(data).folder
    if target.exists():
        raise BackupFault(f"{target} is there already. Move it away, or set WORKFLOOR_DATA to an empty folder.")
    base = _base_for(folder, to)
    postgres.make_room(data)
    draft = target.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(base.folder, draft)
    lines = [f"restore_command = 'cp ''{folder.absolute()}/wal/%f'' ''%p'''", "recovery_target_action = 'promote'"]
    lines += [f"recovery_target_time = '{to.astimezone(UTC).isoformat()}'"] if to else []
    with (draft / "postgresql.auto.conf").open("a") as conf:
        conf.write("\n".join(["", *lines, ""]))
    (draft / "recovery.signal").touch()
    postgres.give(draft)
    make_folder(folder, data)
    for key in KEYS:
        if (folder / key).exists() and not (data / key).exists():
            shutil.copy(folder / key, data / key)
    draft.rename(target)


def _base_for(folder: Path, to: datetime | None) -> Base:
    _refuse_a_name(folder)
    known = bases(folder)
    if not known:
        raise BackupFault(f"There is no backup in {folder}. Make one: workfloor admin backup {folder}")
    earlier = [each for each in known if to is None or each.at <= to]
    if not earlier:
        raise BackupFault(f"The oldest backup in {folder} is of {known[0].at:%Y-%m-%d %H:%M:%S} UTC, which is later.")
    return earlier[-1]


def come_to_the_moment(data: Path) -> None:
    """Wait until a server that was restored is where it was to come, and forget what only that was for.

    It may be asked before that, and shows what it has by then. Raises ServerFault where it ends on the way.
    """
    server = postgres.Server(data)
    while not _has_come(server):
        time.sleep(0.2)
    with _root(server) as connection:
        for name in ("restore_command", "recovery_target_action", "recovery_target_time"):
            connection.execute(f"ALTER SYSTEM RESET {name}")


def _has_come(server: postgres.Server) -> bool:
    try:
        with _root(server) as connection:
            [on_the_way] = connection.execute("SELECT pg_is_in_recovery()").fetchone() or [True]
            return not on_the_way
    except psycopg.OperationalError:
        if postgres.process_of(server.folder) is None:
            raise postgres.ServerFault(postgres.last_words(server.folder)) from None
        return False


@contextmanager
def _root(server: postgres.Server) -> Iterator[psycopg.Connection]:
    where = server.address.replace(f"user={postgres.NAME}", "user=postgres").replace(
        f"dbname={postgres.NAME}", "dbname=postgres"
    )
    with psycopg.connect(where, autocommit=True) as connection:
        yield connection


def _run(command: list[str]) -> None:
    done = subprocess.run([postgres.binary(command[0]), *command[1:]], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise BackupFault(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
