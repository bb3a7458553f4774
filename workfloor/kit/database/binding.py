"""How values travel to the server: a whole number of any size as bigint, so that its size decides nothing.

Statements are bound by the server, so each parameter has a type of its own. psycopg takes the smallest one that a
number fits into: `%(first)s + %(batch)s` is then added up as smallint, works for months, and fails when it first comes
to more than 32,767. A cast beside each parameter would mend the places that somebody thought of. One type for all
numbers mends the others as well: what a statement means does not change with its values, and where a function has no
form for bigint (`int4range`, `pg_terminate_backend`), the very first call says so; `%s::int` in the statement helps.

It costs nothing that can be measured: bigint is compared with smaller columns by their own indexes, writing a number
takes what it took, and a statement is prepared once where it was prepared anew for each combination of sizes. Fields of
Django's say their own type, as before (IntegerField: integer). The worker's own connections stay as psycopg has them;
what procrastinate asks through Django's goes by `job_connector.Connector`, for its functions take integers.
"""

from typing import Any, cast

from django.db.backends.signals import connection_created
from psycopg import adapters, pq
from psycopg.adapt import Dumper, PyFormat
from psycopg.types import numeric

_MOST = 2**63


class _AsBigint(numeric.IntDumper):
    """Chooses who writes a number, as psycopg's own does; what no bigint holds goes as numeric, and finds no row."""

    _within = cast(Dumper, adapters.get_dumper(numeric.Int8, PyFormat.TEXT)(numeric.Int8))
    _beyond: Dumper = numeric.IntNumericDumper(numeric.IntNumeric)

    def get_key(self, obj: int, format: PyFormat) -> type:
        return numeric.Int8 if -_MOST <= obj < _MOST else numeric.IntNumeric

    def upgrade(self, obj: int, format: PyFormat) -> Dumper:
        return self._within if -_MOST <= obj < _MOST else self._beyond


class _AsBinaryBigint(_AsBigint):
    format = pq.Format.BINARY
    _within = cast(Dumper, adapters.get_dumper(numeric.Int8, PyFormat.BINARY)(numeric.Int8))
    _beyond = numeric.IntNumericBinaryDumper(numeric.IntNumeric)


def _bind(connection: Any, **_: Any) -> None:
    """Django says so each time that it takes a connection, whether it is new or comes from the pool."""
    own = connection.connection.adapters
    if own.get_dumper(int, PyFormat.AUTO) is not _AsBinaryBigint:
        own.register_dumper(int, _AsBigint)
        own.register_dumper(int, _AsBinaryBigint)  # the one that is taken where no format is asked for


def whole_numbers_as_bigint() -> None:
    """Let every connection of Django's bind whole numbers so, from now on."""
    connection_created.connect(_bind, dispatch_uid=__name__)
