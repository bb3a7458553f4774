"""Clients are walls: what the database itself hides and refuses."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tests import make
from workfloor.core.clients.models import Client, Token
from workfloor.core.work.models import Assignment
from workfloor.kit.database import rls


@pytest.fixture
def two(everyone):
    opened = [Client.objects.create(slug=slug, title=slug, opened_at=make.NINE) for slug in ("north", "south")]
    for client in opened:
        Token.objects.create(client=client, title="system", digest="x", scopes=[], issued_at=make.NINE)
    return opened


def titles():
    return set(Token.objects.values_list("client__slug", flat=True))


def test_without_entering_anybody_nothing_is_there(two):
    rls.enter()

    assert not Client.objects.exists()
    assert not Token.objects.exists()


def test_entering_one_client_shows_that_one_alone(two):
    rls.enter(two[0].id)

    assert list(Client.objects.values_list("slug", flat=True)) == ["north"]
    assert titles() == {"north"}


def test_entering_several_shows_those(two):
    rls.enter(two[0].id, two[1].id)

    assert titles() == {"north", "south"}


def test_a_row_of_another_client_cannot_be_written(two):
    rls.enter(two[0].id)

    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Token.objects.create(client_id=two[1].id, title="forged", digest="x", scopes=[], issued_at=make.NINE)


def test_a_row_cannot_be_moved_to_another_client(two):
    rls.enter(two[0].id)

    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Token.objects.update(client_id=two[1].id)


def test_the_wall_ends_with_the_transaction(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        Client.objects.create(slug="north", title="North", opened_at=make.NINE)

    assert not Client.objects.exists()


def test_entering_outside_a_transaction_is_refused(real_database):
    with pytest.raises(rls.NotInTransaction):
        rls.enter(1)


def test_the_applications_role_has_no_way_round(everyone):
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_a_reference_to_another_clients_row_is_refused(everyone):
    north, south = make.client("north"), make.client("south")
    queue = make.queue("calls", of="south")
    item = make.item("calls", of="north")
    rls.enter(north.id)

    with pytest.raises(IntegrityError, match="item_queue"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE work_item SET queue_id = %s WHERE id = %s", [queue.id, item.id])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert south.id != north.id


@pytest.mark.parametrize("others", [0, 2])
def test_one_of_many_rows_that_names_another_clients_person_is_refused_with_all_of_them(everyone, others):
    north, south = make.client("north"), make.client("south")
    stranger = make.person("client", of=south)
    given = [(make.item("calls", of="north"), person) for person in [*(make.agent() for _ in range(others)), stranger]]
    whole = (0, 60)
    rows = [Assignment(item=item, client=north, person=each, share=whole, since=make.NINE) for item, each in given]

    with pytest.raises(IntegrityError, match=r"work_assignment.person_id names no row"), transaction.atomic():
        Assignment.objects.bulk_create(rows)
    assert not Assignment.objects.exists()
    Assignment.objects.bulk_create(rows[:-1])
    assert Assignment.objects.count() == others


def test_a_row_that_comes_to_name_another_clients_person_is_refused(everyone):
    north, south = make.client("north"), make.client("south")
    stranger, item = make.person("client", of=south), make.item("calls", of="north")
    Assignment.objects.create(item=item, client=north, person=make.agent(), share=(0, 60), since=make.NINE)

    with pytest.raises(IntegrityError, match=r"work_assignment.person_id names no row"), transaction.atomic():
        Assignment.objects.filter(item=item).update(person=stranger)
