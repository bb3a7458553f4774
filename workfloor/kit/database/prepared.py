"""Statements that are made many times a second: their SQL is made once, where the ORM makes it anew for each."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet, prefetch_related_objects
from django.db.models import query as models_query
from django.db.models.query import FlatValuesListIterable, ModelIterable, ValuesListIterable

TRIES: Final = 3
Row = TypeVar("Row")


class _Made(NamedTuple):
    using: str
    sql: str
    params: tuple[Any, ...]
    marks: tuple[Any, ...]
    converters: tuple[tuple[int, list[Any], Any], ...]  # place in the row, what converts it, of which expression
    read: Callable[[Sequence[Any]], Any]
    prefetches: tuple[Any, ...]


class PreparedQuery(Generic[Row]):
    """A query that differs from one time to the next by its values alone.

    `make` builds the queryset from the values: whole numbers, texts and times, each of which stands in the SQL as a
    parameter of its own (in `startswith` too) and decides nothing else. What comes back are its rows, read as the
    queryset reads them: models with what is related to them, tuples, or single values.
    """

    def __init__(self, make: Callable[..., "QuerySet[Any, Row]"]) -> None:
        self._build = make
        self._made: dict[tuple[type, ...], _Made] = {}
        self._lock = Lock()

    def __call__(self, *values: Any) -> list[Row]:
        kinds = tuple(type(value) for value in values)
        made = self._made.get(kinds)
        if made is None:
            with self._lock:
                made = self._made[kinds] = self._make(kinds)
        connection = connections[made.using]  # each thread has its own
        params = [_filled(param, made.marks, values, connection) for param in made.params]
        with connection.cursor() as cursor:
            cursor.execute(made.sql, params)
            rows = cursor.fetchall()
        if made.converters:
            rows = [_converted(list(row), made.converters, connection) for row in rows]
        found = [made.read(row) for row in rows]
        if found and made.prefetches:
            prefetch_related_objects(found, *made.prefetches)
        return found

    def one(self, *values: Any) -> Row | None:
        """The first row, or None."""
        return next(iter(self(*values)), None)

    def one_locked(self, *values: Any) -> Row | None:
        """The first row of a query that locks it and reads what it is joined to, or None.

        Asked again where there is none: while one waits for the lock, the row may come to be joined to another, and
        PostgreSQL, which looks for the one it was joined to, then finds no row at all.
        """
        return next((found for _ in range(TRIES) if (found := self.one(*values)) is not None), None)

    def _make(self, kinds: tuple[type, ...]) -> _Made:
        marks = tuple(_mark(kind, number) for number, kind in enumerate(kinds))
        found: Any = self._build(*marks)
        compiler = found.query.get_compiler(using=found.db)
        sql, params = compiler.as_sql()
        if missing := [mark for mark in marks if not any(_holds(param, mark) for param in params)]:
            raise TypeError(f"{missing} of {self._build} is no parameter of its SQL")
        converters = compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]])
        placed = tuple((place, convert, expression) for place, (convert, expression) in converters.items())
        prefetches = found._prefetch_related_lookups
        return _Made(found.db, sql, tuple(params), marks, placed, _reader(found, compiler), prefetches)


def _converted(row: list[Any], converters: tuple[tuple[int, list[Any], Any], ...], connection: Any) -> list[Any]:
    for place, convert, expression in converters:
        value = row[place]
        for each in convert:
            value = each(value, expression, connection)
        row[place] = value
    return row


def _reader(found: Any, compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """What makes of a row what the queryset would make of it."""
    if found._iterable_class is FlatValuesListIterable:
        return lambda row: row[0]
    if found._iterable_class is ValuesListIterable:
        return tuple
    if found._iterable_class is not ModelIterable:
        raise TypeError(f"rows of {found._iterable_class.__name__} are not read by prepared queries")
    model, select = compiler.klass_info["model"], compiler.select
    first, last = compiler.klass_info["select_fields"][0], compiler.klass_info["select_fields"][-1] + 1
    names = [each[0].target.attname for each in select[first:last]]
    related = models_query.get_related_populators(  # type: ignore[attr-defined]
        compiler.klass_info, select, found.db
    )

    annotations = tuple(compiler.annotation_col_map.items())

    def read(row: Sequence[Any]) -> Any:
        made = model.from_db(found.db, names, row[first:last])
        for name, place in annotations:
            setattr(made, name, row[place])
        for each in related:
            each.populate(row, made)
        return made

    return read


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


# --- single rows that are written many times a second -------------------------------------------------------------
@cache
def _insertion(model: type[Model]) -> tuple[str, tuple[Any, ...]]:
    fields = tuple(field for field in model._meta.concrete_fields if not field.primary_key)
    columns, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
    made = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places}) RETURNING "{_key(model).column}"'
    return made, fields


@cache
def _change(model: type[Model], names: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    fields: tuple[Any, ...] = tuple(model._meta.get_field(name) for name in names)
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    return f'UPDATE "{model._meta.db_table}" SET {columns} WHERE "{_key(model).column}" = %s', fields


def _key(model: type[Model]) -> Any:
    return model._meta.pk


def insert(row: Model) -> None:
    """Store a new row, as `save` does, and give it its number; without signals."""
    statement, fields = _insertion(type(row))
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(statement, _values(row, fields, connection))
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, connection.alias


def insert_all(rows: Sequence[Model]) -> None:
    """Store new rows of one model in their order, by one statement where there are several, and give them numbers."""
    if len(rows) == 1:
        insert(rows[0])
    elif rows:
        type(rows[0])._base_manager.bulk_create(rows)


def update(row: Model, *names: str) -> None:
    """Store these fields of a row that is there; raises the model's DoesNotExist where it is not, or not visible."""
    statement, fields = _change(type(row), names)
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*_values(row, fields, connection), row.pk])
        if cursor.rowcount != 1:
            raise type(row).DoesNotExist(f"{row._meta.label} {row.pk}")  # type: ignore[attr-defined]


def _values(row: Model, fields: tuple[Any, ...], connection: Any) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, False), connection) for field in fields]
