"""Reading who is with us."""

import pytest

from tests import make
from workfloor.core.people import queries as people_queries

pytestmark = pytest.mark.usefixtures("everyone")


def test_a_list_of_people_asks_the_database_no_more_for_more_of_them(django_assert_num_queries):
    make.client()
    make.agent("Ana")
    with django_assert_num_queries(4):
        [ana] = people_queries.profiles(make.NINE)
    make.agent("Bruno", portuguese=2)
    make.agent("Carla", clear_for=None)
    with django_assert_num_queries(4):
        _, bruno, carla = people_queries.profiles(make.NINE)

    assert (ana["skills"], ana["clients"]) == ({"portuguese": 3}, ["lisbon-light"])
    assert (bruno["skills"], bruno["clients"]) == ({"portuguese": 2}, ["lisbon-light"])
    assert (carla["skills"], carla["clients"]) == ({"portuguese": 3}, [])
