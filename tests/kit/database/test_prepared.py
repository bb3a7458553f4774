"""A statement whose SQL is made once reads what the queryset reads that it was made from."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from tests import make
from workfloor.core.people.models import Person, Site
from workfloor.kit.database.prepared import PreparedQuery


@pytest.fixture
def people(everyone):
    named = [make.person("leader", name=name) for name in ("Ana 100%", "Ana 100x", "Bruno_C", "BrunoXC")]
    for day, person in enumerate(named):
        person.joined_at = make.NINE + timedelta(days=day)
        person.save()
    return named


def test_it_reads_what_its_queryset_reads_for_each_value(people):
    by_id = PreparedQuery(lambda person_id: Person.objects.select_related("site").filter(id=person_id))
    by_name = PreparedQuery(lambda name: Person.objects.filter(name__startswith=name).order_by("name"))
    joined = PreparedQuery(lambda at, name: Person.objects.filter(joined_at__gte=at, name__gt=name).values_list("name"))

    for person in people:
        assert by_id.one(person.id) == person
        assert list(by_name(person.name)) == [person], "what stands for anything in a pattern stands for itself"
        expected = Person.objects.filter(joined_at__gte=person.joined_at, name__gt="B").values_list("name")
        assert list(joined(person.joined_at, "B")) == list(expected)
    assert by_id.one(0) is None
    assert by_id.one(10**20) is None, "as an address may have it that no row could"


def test_it_asks_once_and_only_when_it_is_read(people):
    sites = PreparedQuery(lambda name: Site.objects.filter(name=name).prefetch_related("people"))
    sites("Nowhere")

    with CaptureQueriesContext(connection) as asked:
        sites("Nowhere")
        assert not asked.captured_queries
        assert list(sites("Nowhere")) == []
    assert len(asked.captured_queries) == 1


def test_readings_at_the_same_time_do_not_meet(people):
    by_id = PreparedQuery(lambda person_id: Person.objects.filter(id=person_id))
    first, second = by_id(people[0].id), by_id(people[1].id)

    assert (list(second), list(first)) == ([people[1]], [people[0]])


@pytest.mark.django_db
def test_threads_ask_by_their_own_connections():
    found = PreparedQuery(lambda number: Site.objects.filter(id=number))

    def ask(number: int) -> bool:
        return found(number).query.get_compiler().connection is connections["default"]

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(20)))


@pytest.mark.django_db
def test_a_value_that_decides_more_than_a_parameter_is_refused():
    shown = PreparedQuery(lambda most: Site.objects.order_by("id")[:most])

    with pytest.raises(TypeError, match="is no parameter"):
        shown(5)
