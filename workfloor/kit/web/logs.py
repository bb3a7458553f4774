"""What the log says: lines for people or JSON for programs, each with the request in which it was written."""

import json
import logging
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

HEADER: Final = b"x-request-id"
FORMATS: Final = ("text", "json")
LARGEST: Final = 20_000_000  # bytes of one log file; as many again are kept of what it held before
MOST: Final = 200_000_000  # bytes of all log files in a folder that are written no more

_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")  # nothing that could end a line or a header, or be an address of somebody
_request: ContextVar[str] = ContextVar("request", default="")


def request_id(given: bytes = b"") -> str:
    """Name a request: as whoever passed it on did, where that is a name at all, else by chance."""
    return given.decode() if _SANE.fullmatch(given) else secrets.token_hex(8)


def current() -> str:
    """The name of the request that is answered here; empty where none is."""
    return _request.get()


@contextmanager
def of_request(name: str) -> Iterator[None]:
    """All that is logged in the block, by this thread or task, is of this request."""
    before = _request.set(name)
    try:
        yield
    finally:
        _request.reset(before)


class Lines(logging.Formatter):
    """A line a record; within a request it ends with its name."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line, name = super().formatMessage(record), _request.get()
        return f"{line} [request {name}]" if name else line


class Json(logging.Formatter):
    """A JSON object a record, of these fields alone.

    Whatever else a record carries stays out of it: Django's carry the request, whose text has what people searched for.
    """

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": _request.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def is_error(line: str) -> bool:
    """Whether a line of a log, in either form, is of an error."""
    return " ERROR " in line or line.startswith("ERROR") or '"level": "ERROR"' in line


def cut(log: Path, largest: int = LARGEST) -> bool:
    """Begin a log anew that has grown too large, and keep what it held until the next time; whether it was.

    Its writer goes on in the same file, which it has opened to append; a line that is written meanwhile may be lost.
    """
    if log.stat().st_size <= largest:
        return False
    shutil.copyfile(log, before(log))
    with log.open("r+b") as file:
        file.truncate()
    return True


def before(log: Path) -> Path:
    """Where what a log held before is kept."""
    return log.with_name(f"{log.name}.1")


def forget(folder: Path, until: datetime, most: int = MOST) -> int:
    """Delete logs that were written last before then, and the oldest of those beyond `most` bytes; returns how many.

    The newest stays, whatever it is: somebody writes it.
    """
    found = [each for each in folder.glob("*.log*") if each.is_file()] if folder.is_dir() else []
    newest_first = sorted(found, key=lambda each: each.stat().st_mtime, reverse=True)
    size = count = 0
    for each in newest_first[1:]:
        size += each.stat().st_size
        if size > most or each.stat().st_mtime < until.timestamp():
            each.unlink()
            count += 1
    return count
