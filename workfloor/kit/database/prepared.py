"""Queries that are asked many times a second: their SQL is made once, where the ORM makes it anew for each."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections
from django.db.models import QuerySet

Found = TypeVar("Found", bound=QuerySet[Any, Any])


class _Made(NamedTuple):
    found: QuerySet[Any, Any]
    compiler: Any
    sql: str
    params: tuple[Any, ...]
    marks: tuple[Any, ...]


class PreparedQuery(Generic[Found]):
    """A query that differs from one time to the next by its values alone.

    `make` builds the queryset from the values: whole numbers, texts and times, each of which stands in the SQL as a
    parameter of its own (in `startswith` too) and decides nothing else. What comes back is that queryset: rows are read
    from it as from any other, but it is not to be filtered, ordered or cut further.
    """

    def __init__(self, make: Callable[..., Found]) -> None:
        self._build = make
        self._made: dict[tuple[type, ...], _Made] = {}
        self._lock = Lock()

    def __call__(self, *values: Any) -> Found:
        kinds = tuple(type(value) for value in values)
        made = self._made.get(kinds)
        if made is None:
            with self._lock:
                made = self._made[kinds] = self._make(kinds)
        return self._asked(made, values)

    def one(self, *values: Any) -> Any:
        """The first row, or None."""
        return next(iter(self(*values)), None)

    def _make(self, kinds: tuple[type, ...]) -> _Made:
        marks = tuple(_mark(kind, number) for number, kind in enumerate(kinds))
        found = self._build(*marks)
        compiler = found.query.get_compiler(using=found.db)
        sql, params = compiler.as_sql()
        if missing := [mark for mark in marks if not any(_holds(param, mark) for param in params)]:
            raise TypeError(f"{missing} of {self._build} is no parameter of its SQL")
        return _Made(found, compiler, sql, tuple(params), marks)

    def _asked(self, made: _Made, values: tuple[Any, ...]) -> Found:
        found, query, compiler = _twin(made.found), _twin(made.found.query), _twin(made.compiler)
        compiler.connection = connections[found.db]  # each thread has its own
        params = tuple(_filled(param, made.marks, values, compiler.connection) for param in made.params)
        compiler.as_sql = lambda *_, **__: (made.sql, params)
        query.get_compiler = lambda *_, **__: compiler
        found._query = query
        asked: Found = found
        return asked


def _twin(one: Any) -> Any:
    """A shallow copy; `copy.copy` would first read all rows of a queryset."""
    other = object.__new__(type(one))
    other.__dict__.update(one.__dict__)
    return other


def _mark(kind: type, number: int) -> Any:
    """A value of a kind that stands in no query by itself."""
    if issubclass(kind, datetime):
        return datetime(4321, 1, 1 + number, 3, 4, 5, 678901, UTC)
    return f"\x01mark-{number}\x01" if issubclass(kind, str) else 7_261_954_300_000_000 + number


def _holds(param: Any, mark: Any) -> bool:
    return type(param) is type(mark) and (param == mark or (isinstance(mark, str) and mark in param))


def _filled(param: Any, marks: tuple[Any, ...], values: tuple[Any, ...], connection: Any) -> Any:
    for mark, value in zip(marks, values, strict=True):
        if not _holds(param, mark):
            continue
        return value if param == mark else param.replace(mark, connection.ops.prep_for_like_query(value))
    return param
