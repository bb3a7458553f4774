"""The embedded PostgreSQL server: made, started, shared by whoever needs it, stopped after its last user."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import psutil
import psycopg
from psycopg import conninfo

from workfloor.kit import file_locks, postmaster

NAME: Final = postmaster.NAME
OLDEST_SERVER: Final = 15
POLL_SECONDS: Final = 0.05
GUARD_POLL_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 30
QUIET_SECONDS: Final = 5.0
PREPARES_AFTER: Final = 5  # uses

log = logging.getLogger(__name__)

ServerFault = postmaster.ServerFault


def database(url: str | None, data: Path) -> dict[str, Any]:
    """Django's settings of the database at `url`, or else of the embedded one in `data`; starts nothing."""
    try:
        where = conninfo.conninfo_to_dict(url) if url else _embedded(data)
    except psycopg.ProgrammingError as fault:
        raise ServerFault(f"WORKFLOOR_DATABASE_URL is not a PostgreSQL address: {fault}") from fault
    named = {key: str(where.pop(key, None) or "") for key in ("dbname", "user", "password", "host", "port")}
    pool = {"min_size": 1, "max_size": 16, "timeout": 5}
    # A statement that comes again is not planned again: with the walls, planning takes longer than most reading.
    prepares = {"server_side_binding": True, "prepare_threshold": PREPARES_AFTER}
    options = {"application_name": NAME, **where, **prepares, "pool": pool}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": named["dbname"] or NAME,
        "USER": named["user"],
        "PASSWORD": named["password"],
        "HOST": named["host"],
        "PORT": named["port"],
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def unfit(version: int, superuser: bool, bypasses: bool) -> str | None:
    """Why a login must not be used and what to do, or None; `version` as in `server_version_num`."""
    if version < OLDEST_SERVER * 10000:
        return (
            f"The database is PostgreSQL {version // 10000}; Workfloor needs {OLDEST_SERVER} or later. "
            "Upgrade it, or leave WORKFLOOR_DATABASE_URL unset to use the embedded server."
        )
    if superuser or bypasses:
        return (
            f"The database login is {'a superuser' if superuser else 'exempt from row-level security'}, "
            "so the walls between clients would not hold. Use a plain login that owns the database: "
            f"CREATE ROLE {NAME} LOGIN NOSUPERUSER NOBYPASSRLS; ALTER DATABASE {NAME} OWNER TO {NAME};"
        )
    return None


@dataclass(frozen=True)
class Server:
    """The server of one data folder, with settings over the usual ones."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    creates_databases: bool = False

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.data.absolute() / "postgres"

    @property
    def address(self) -> str:
        """How the application's login reaches it."""
        return conninfo.make_conninfo(**_embedded(self.data))

    @contextmanager
    def running(self) -> Iterator[Self]:
        """The server runs during the block: the one that runs already, or else one started now.

        Its last user's end, even by SIGKILL, stops it. Raises ServerFault.
        """
        postmaster.make_room(self.data)
        with file_locks.FileLock(self._lock("start")):
            use = file_locks.FileLock(self._lock("use"), shared=True)  # waits while a server is stopping
            try:
                self._start()
            except BaseException:
                use.release()
                raise
        try:
            yield self
        finally:
            use.release()
            self._wait_for_the_stop()

    def runs(self) -> bool:
        """Whether the server takes connections."""
        return postmaster.process_of(self.folder) is not None and postmaster.status_of(self.folder) == "ready"

    def _lock(self, what: str) -> Path:
        return self.data.absolute() / f".postgres.{what}"

    def _start(self) -> None:
        if not (self.folder / "PG_VERSION").exists():
            postmaster.initialise(self.folder)
        guard = self._guard()
        patience = time.monotonic() + QUIET_SECONDS
        while not self.runs():
            if time.monotonic() > patience:
                patience = float("inf")
                log.warning("The database server takes its time: it puts things right after a crash.")
            if guard and guard.poll() is not None:
                raise ServerFault(postmaster.last_words(self.folder))
            if not guard and file_locks.is_free(self._lock("guard")):
                guard = self._guard()
            time.sleep(POLL_SECONDS)
        _bootstrap(self.data, self.creates_databases)

    def _guard(self) -> "subprocess.Popen[bytes] | None":
        """Start the process that watches over the server, if none does; it inherits the lock that says so."""
        try:
            lock = file_locks.FileLock(self._lock("guard"), wait=False)
        except BlockingIOError:
            return None
        with lock, (self.data / "postgres.guard.log").open("wb") as said:
            guard = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self.data.absolute()), json.dumps(dict(self.settings))],
                pass_fds=[lock.descriptor],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        _guards.append(guard)
        return guard

    def _wait_for_the_stop(self) -> None:
        """Return once the server is gone, or at once if others use it."""
        if file_locks.is_free(self._lock("guard")):  # somebody killed the guard
            _stop_if_unused(self)
        until = time.monotonic() + postmaster.STOP_SECONDS
        use = self._lock("use")
        while not file_locks.is_free(self._lock("guard")) and time.monotonic() < until:
            if not file_locks.is_free(use) and file_locks.is_free(use, shared=True):
                return
            time.sleep(POLL_SECONDS)
        _guards[:] = [guard for guard in _guards if guard.poll() is None]


_guards: list["subprocess.Popen[bytes]"] = []  # kept, so that their ends are collected


@contextmanager
def running(data: Path) -> Iterator[Server]:
    """The embedded server of `data` runs during the block. Raises ServerFault."""
    with Server(data).running() as server:
        yield server


def guard(server: Server) -> int:
    """Run the server while anybody uses it, again if it dies; its first start must succeed. Exit status."""
    pause = 1.0
    process = postmaster.process_of(server.folder) or postmaster.start(server.folder, server.settings)
    started = False
    while not _stop_if_unused(server):
        try:
            status = process.wait(GUARD_POLL_SECONDS)
        except psutil.TimeoutExpired:
            started = started or server.runs()
            continue
        if not started and status and status > 0:
            return 1
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        process = postmaster.start(server.folder, server.settings)
    return 0


def _stop_if_unused(server: Server) -> bool:
    """Whether the last user is gone; then the server is stopped before a next one can come."""
    try:
        lock = file_locks.FileLock(server._lock("use"), wait=False)
    except BlockingIOError:
        return False
    with lock:
        postmaster.stop(server.folder)
    return True


def _embedded(data: Path) -> dict[str, Any]:
    socket = postmaster.socket_folder(data.absolute() / "postgres")
    return {"dbname": NAME, "user": NAME, "host": str(socket), "port": postmaster.PORT}


def _bootstrap(data: Path, creates_databases: bool) -> None:
    """Make the application's plain login and its database, where they are missing."""
    where = _embedded(data) | {"dbname": "postgres", "user": "postgres"}
    with psycopg.connect(**where, autocommit=True) as root:
        if not root.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME]).fetchone():
            root.execute(f"CREATE ROLE {NAME} LOGIN NOSUPERUSER NOBYPASSRLS")
        if creates_databases:
            root.execute(f"ALTER ROLE {NAME} CREATEDB")
        if not root.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            root.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")


if __name__ == "__main__":
    sys.exit(guard(Server(Path(sys.argv[1]), json.loads(sys.argv[2]))))
