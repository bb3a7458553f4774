"""What the log says: lines for people or JSON for programs, each with the request in which it was written."""

import json
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

HEADER: Final = b"x-request-id"
FORMATS: Final = ("text", "json")

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
