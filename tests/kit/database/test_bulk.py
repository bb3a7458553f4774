"""Rows in bulk: all that a text can hold comes in, and no wall is passed."""

import pytest
from django.db import DatabaseError, connection, transaction

from tests import make
from workfloor.core.work.models import Customer
from workfloor.kit.database import bulk, rls
from workfloor.kit.text import copying

COLUMNS = ("client_id", "reference")


def insert(*rows: tuple[object, ...]) -> int:
    lines = "".join([copying.line(row) for row in rows])
    return bulk.insert(Customer._meta.db_table, COLUMNS, lines.encode(), {"name": "Ana"}, once="client_id, reference")


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\r", "\\N", "\\.", "", "Łucja", "\\t"])
def test_a_text_comes_in_as_it_is(everyone, text):
    client = make.client()

    assert insert((client.id, text)) == 1

    assert Customer.objects.get().reference == text


def test_rows_come_in_their_order_and_those_that_are_there_are_passed_over(everyone):
    client = make.client()
    insert((client.id, "b"))

    assert insert((client.id, "c"), (client.id, "b"), (client.id, "a")) == 2

    assert list(Customer.objects.order_by("id").values_list("reference", "name")) == [
        ("b", "Ana"),
        ("c", "Ana"),
        ("a", "Ana"),
    ]


def test_nothing_comes_in_for_a_client_that_was_not_entered(everyone):
    ours, theirs = make.client(), make.client(slug="porto-power")
    rls.enter(ours.id)

    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        insert((theirs.id, "a"))


def test_none_is_null(everyone):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE loose (a integer, b text) ON COMMIT DROP")
        bulk.insert("loose", ("a", "b"), (copying.line((None, "N")) + copying.line((1, None))).encode())
        cursor.execute("SELECT a, b FROM loose ORDER BY b")

        assert cursor.fetchall() == [(None, "N"), (1, None)]
