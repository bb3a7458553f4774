"""Where files are kept: a folder or a bucket of an S3-compatible store, and the key of the installation."""

import errno
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from workfloor.core.files import sealing
from workfloor.kit import made_once

LANES: Final = 16  # files that are written, or fetched from a bucket, at once
KEY_FILE: Final = "files-key"
HALF: Final = "#"  # in the name of what is just being written
SCHEME: Final = "s3://"
PATIENCE: Final = timedelta(seconds=30)


class Away(Exception):
    """The store cannot be reached or does not take what it is given; the message says why."""


class Full(Away):
    """There is no room left where files are kept."""


class Missing(Exception):
    """The store does not have a file."""


class NoKey(Exception):
    """The installation's key for files is not there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says of one of its files."""

    name: str
    size: int  # bytes, sealed
    changed_at: datetime


class Store:
    """A folder or a bucket; what is put there is durable when `put` returns."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.folder = None if url.startswith(SCHEME) else Path(url)
        self._store: Any = _bucket(url) if self.folder is None else _folder(self.folder)
        self._known: set[Path] = set()  # folders that are durable themselves

    def put(self, contents: Mapping[str, bytes]) -> None:
        """Write files under new names, and return once all of them are durable. Raises Away, or Full."""
        with _told():
            list(self._each(self._put, list(contents.items())))
        for folder in {Path(self.folder, name).parent for name in contents} if self.folder else ():
            self._make_durable(folder)

    def _put(self, item: tuple[str, bytes]) -> None:
        import obstore

        name, content = item
        obstore.put(self._store, name, content)
        if self.folder:
            _sync(self.folder / name)

    def _make_durable(self, folder: Path) -> None:
        """Make a folder's entries durable, and once those of what it lies in."""
        assert self.folder
        _sync(folder)
        while folder not in self._known and folder != self.folder.parent:
            self._known.add(folder)
            folder = folder.parent
            _sync(folder)

    def get(self, names: Sequence[str]) -> list[bytes]:
        """What is kept under these names. Raises Missing for the first that is not there, or Away."""
        return list(self._each(self._get, names) if self.folder is None else map(self._get, names))

    def _get(self, name: str) -> bytes:
        import obstore

        with _told(name):
            return bytes(obstore.get(self._store, name).bytes())

    def remove(self, names: Sequence[str]) -> None:
        """Remove files; those that are not there are removed already."""
        import obstore

        for name in names:
            with suppress(Missing), _told(name):
                if self.folder and HALF in name:
                    (self.folder / name).unlink()
                else:
                    obstore.delete(self._store, name)

    def listed(self, under: str | None = None) -> Iterator[list[Stored]]:
        """All that is there, some at a time, in no order."""
        import obstore

        with _told():
            for some in obstore.list(self._store, under):
                yield [Stored(each["path"], each["size"], each["last_modified"]) for each in some]
            if half := self._half_written():
                yield half

    def _half_written(self) -> list[Stored]:
        """What was left by processes that were killed while they wrote into a folder, which the library leaves out."""
        found: list[Stored] = []
        if self.folder is None:
            return found
        for path in self.folder.rglob(f"*{HALF}*"):
            with suppress(FileNotFoundError):  # it has just become whole
                stat = path.stat()
                changed_at = datetime.fromtimestamp(stat.st_mtime, UTC)
                found.append(Stored(str(path.relative_to(self.folder)), stat.st_size, changed_at))
        return found

    @staticmethod
    def _each(do: Any, items: Sequence[Any]) -> Iterator[Any]:
        if len(items) < 2:
            return map(do, items)
        with ThreadPoolExecutor(min(LANES, len(items))) as lanes:
            return iter(list(lanes.map(do, items)))


def _folder(path: Path) -> Any:
    from obstore.store import LocalStore

    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(path, automatic_cleanup=False)


def _bucket(url: str) -> Any:
    from obstore.store import S3Store

    bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
    said = {
        "endpoint": settings.WORKFLOOR_FILES_ENDPOINT,
        "region": settings.WORKFLOOR_FILES_REGION,
        "access_key_id": settings.WORKFLOOR_FILES_ACCESS_KEY,
        "secret_access_key": settings.WORKFLOOR_FILES_SECRET_KEY,
    }
    config: Any = {name: value for name, value in said.items() if value}
    plain = settings.WORKFLOOR_FILES_ENDPOINT.startswith("http://")
    return S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        client_options={"allow_http": plain, "timeout": PATIENCE},
        retry_config={"max_retries": 3, "retry_timeout": PATIENCE},
        config=config,
    )


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _told(name: str = "") -> Iterator[None]:
    """Say what the store or the machine says in our words; with a file's name, that it is missing."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (BaseError, OSError) as fault:
        words = str(fault).partition("\n")[0]
        if name and isinstance(fault, FileNotFoundError | NotFoundError) and "NoSuchBucket" not in str(fault):
            raise Missing(f"{name} is not in the store") from fault
        is_full = getattr(fault, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in str(fault)
        raise (Full if is_full else Away)(f"the store of files: {words}") from fault


@cache
def _at(url: str, *_said: str) -> Store:
    return Store(url)


def store() -> Store:
    """The installation's. Raises Away where it cannot even be opened."""
    with _told():
        return _at(
            str(settings.WORKFLOOR_FILES),
            settings.WORKFLOOR_FILES_ENDPOINT,
            settings.WORKFLOOR_FILES_ACCESS_KEY,
        )


# --- the installation's key ------------------------------------------------------------------------------------------


def installation_key(*, make: bool = False) -> bytes:
    """The key that wraps those of the clients, from the environment or the data folder; with `make` it may be new.

    Raises NoKey where there is none, or what there is is no key.
    """
    path = Path(settings.WORKFLOOR_DATA) / KEY_FILE
    if settings.WORKFLOOR_FILES_KEY:
        return _read_key(settings.WORKFLOOR_FILES_KEY, "WORKFLOOR_FILES_KEY")
    if not path.exists() and make:
        made_once.make(path, b64encode(sealing.new_secret()) + b"\n")
    if not path.exists():
        raise NoKey(f"{path} is gone, without which no file can be read. Bring it back from a backup.")
    return _read_key(path.read_text(), str(path))


def key_for(purpose: str, *, make: bool = False) -> bytes:
    """What the secrets of another part of the product are sealed by, derived from that key. Raises NoKey."""
    return hmac.digest(installation_key(make=make), purpose.encode(), "sha256")


def _read_key(text: str, where: str) -> bytes:
    with suppress(ValueError):
        key = b64decode(text.strip(), validate=True)
        if len(key) == sealing.KEY_BYTES:
            return key
    raise NoKey(
        f"{where} holds no key: write {sealing.KEY_BYTES} random bytes in base64, as `openssl rand -base64 32`."
    )
