"""A whole number has one type on the server, whatever its size: what works with a small one works with a large one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from psycopg.types.range import Range

from workfloor.core.people.models import Person

SMALL = (0, 1, -1, 32_767, -32_768)  # what psycopg by itself sends as smallint
ALL = (*SMALL, 32_768, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63))


def _asked(question: str, *values: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        [found] = cursor.fetchone()
        return found


@pytest.mark.django_db
@pytest.mark.parametrize("number", ALL)
def test_a_whole_number_of_any_size_arrives_as_bigint(number):
    assert _asked("SELECT pg_typeof(%s)::text", number) == "bigint"
    assert _asked("SELECT %s", number) == number
    assert _asked("SELECT pg_typeof(%s)::text", [number, None, 1]) == "bigint[]"
    assert _asked("SELECT %s", [number, None, 1]) == [number, None, 1]


@pytest.mark.django_db
def test_what_small_numbers_come_to_may_be_large():
    assert _asked("SELECT %s + %s", 32_000, 1_000) == 33_000
    assert _asked("SELECT %s * %s", 30_000, 30_000) == 900_000_000
    assert _asked("SELECT %s * %s", 2_000_000, 2_000_000) == 4_000_000_000_000
    assert _asked("SELECT count(*) FROM generate_series(%s, %s + %s)", 0, 32_000, 1_000) == 33_001


@pytest.mark.django_db
def test_what_no_bigint_holds_finds_no_row_and_is_no_fault():
    for number in (2**63, -(2**63) - 1, 10**20):
        assert _asked("SELECT pg_typeof(%s)::text", number) == "numeric"
        assert _asked("SELECT %s = ANY(%s)", 1, [1, number]) is True
        assert not Person.objects.filter(id=number).exists()


@pytest.mark.django_db
def test_a_statement_is_prepared_once_whatever_numbers_it_is_asked_with():
    for number in (*ALL, *ALL):
        _asked("SELECT %s AS once", number)

    assert _asked("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", "%AS once") == 1


@pytest.mark.django_db
def test_a_range_stands_for_whatever_range_its_column_has():
    assert _asked("SELECT %s::int4range = int4range(0, 10)", Range(0, 10)) is True
    assert _asked("SELECT int4range(0, 10) && %s", Range(5, 6)) is True


def test_every_connection_binds_so_even_one_that_was_just_made(real_database):
    def of_its_own(number: int) -> object:
        try:
            return _asked("SELECT pg_typeof(%s)::text", number)
        finally:
            connections["default"].close()

    connections["default"].close()
    assert of_its_own(1) == "bigint"
    with ThreadPoolExecutor(1) as others:
        assert others.submit(of_its_own, 1).result() == "bigint"


@pytest.mark.django_db
def test_rows_that_are_read_a_part_at_a_time_are_asked_for_with_bigint_too():
    with connection.chunked_cursor() as cursor:
        cursor.execute("SELECT %s + n, pg_typeof(%s)::text FROM generate_series(1, %s) AS n", [32_767, 1, 3])
        assert cursor.fetchall() == [(32_768, "bigint"), (32_769, "bigint"), (32_770, "bigint")]
