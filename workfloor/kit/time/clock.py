"""The only reader of the time: called at the edge, passed on as `now`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Let `now()` return `at` inside the block, in this thread or task only.

    Raises ValueError where `at` is naive.
    """
    if at.utcoffset() is None:
        raise ValueError("A frozen time needs a zone.")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
