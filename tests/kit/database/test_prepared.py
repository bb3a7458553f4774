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


def test_it_asks_once_for_all_that_was_not_found(people):
    sites = PreparedQuery(lambda name: Site.objects.filter(name=name).prefetch_related("people"))
    sites("Nowhere")

    with CaptureQueriesContext(connection) as asked:
        assert sites("Nowhere") == []
    assert len(asked.captured_queries) == 1


def test_it_reads_what_is_related_and_single_values_and_what_was_left_out(people):
    home = Site.objects.create(name="Porto", country="PT", zone="Europe/Lisbon")
    Person.objects.filter(id=people[0].id).update(site=home)
    whole = PreparedQuery(lambda number: Person.objects.select_related("site", "client").filter(id=number))
    part = PreparedQuery(
        lambda number: Person.objects.only("name", "site__name").select_related("site").filter(id=number)
    )
    names = PreparedQuery(lambda name: Site.objects.filter(name=name).values_list("name", flat=True))
    sites = PreparedQuery(lambda name: Site.objects.filter(name=name).prefetch_related("people"))
    for each in (whole, part):
        each.one(people[0].id)

    with CaptureQueriesContext(connection) as asked:
        read, short, [there] = whole.one(people[0].id), part.one(people[0].id), sites(home.name)
        assert (read.site, read.client, short.site.name, short.name) == (home, None, home.name, people[0].name)
        assert people[0] in there.people.all() and names(home.name) == [home.name]
    assert len(asked.captured_queries) == 5, "the two, the site with its people, and its name"
    assert short.roles == people[0].roles, "what was left out is read when it is asked for"


@pytest.mark.django_db
def test_threads_ask_by_their_own_connections():
    found = PreparedQuery(lambda number: Site.objects.filter(id=number))
    own = connections["default"]

    def ask(number: int) -> int:
        with CaptureQueriesContext(connections["default"]) as asked:
            found(number)
        connections["default"].close()
        return len(asked.captured_queries)

    with ThreadPoolExecutor(1) as threads, CaptureQueriesContext(own) as ours:
        assert list(threads.map(ask, range(2))) == [1, 1]
    assert not ours.captured_queries


@pytest.mark.django_db
def test_a_value_that_decides_more_than_a_parameter_is_refused():
    shown = PreparedQuery(lambda most: Site.objects.order_by("id")[:most])

    with pytest.raises(TypeError, match="is no parameter"):
        shown(5)


@pytest.mark.django_db
def test_rows_that_it_cannot_read_as_the_queryset_does_are_refused():
    shown = PreparedQuery(lambda number: Site.objects.filter(id=number).values("name"))

    with pytest.raises(TypeError, match="are not read"):
        shown(5)
