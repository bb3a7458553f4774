"""How jobs meet the database; apart from `jobs`, whose own task an app takes only once it was made with this."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException
from psycopg.types import numeric


class Connector(DjangoConnector):
    """Django's connection, with whole numbers of the size that procrastinate's functions are declared with.

    They take integers, and Django's connections bind every number as bigint (`binding`), which no integer is made of.
    """

    def execute_query(self, query: Any, **arguments: Any) -> None:
        with self._fit_for_the_next():
            super().execute_query(query, **_sized(arguments))

    def execute_query_one(self, query: Any, **arguments: Any) -> dict[str, Any]:
        with self._fit_for_the_next():
            return super().execute_query_one(query, **_sized(arguments))

    def execute_query_all(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        with self._fit_for_the_next():
            return super().execute_query_all(query, **_sized(arguments))

    @contextmanager
    def _fit_for_the_next(self) -> Iterator[None]:
        # What the clock wants is asked for in a thread that serves no request, at whose end Django would look.
        try:
            yield
        except ConnectorException:
            if (
                not self.connection.in_atomic_block
            ):  # whose owner deals with it, and goes on if it was no lost connection
                self.connection.close_if_unusable_or_obsolete()
            raise


def _sized(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: numeric.Int4(value) if type(value) is int and -(2**31) <= value < 2**31 else value
        for key, value in arguments.items()
    }


def connect(app: App) -> None:
    """Let an app that has just been made meet the database through `Connector`."""
    app.connector = app.job_manager.connector = Connector(alias="default")
