"""Nothing stays with somebody who may not go on with it."""

from datetime import timedelta

import pytest
from django.db import transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.kit.database import rls

AN_HOUR_ON = make.NINE + timedelta(hours=1)


@pytest.fixture
def hands(real_database):
    """An agent with an item offered, one held and one being wrapped up."""
    with transaction.atomic():
        rls.enter_every_client()
        ana = make.agent()
        for key in ("wrapping", "held", "offered"):
            item = make.item("mail", key=key)
            work.offer(item=item, person=ana, max_concurrency=3, offer_seconds=9000, by=make.ROUTER, now=make.NINE)
            if key != "offered":
                work.accept(item=item, by=ana, now=make.later(seconds=1))
            if key == "wrapping":
                work.end(item=item, by=ana, now=make.later(seconds=2))
    return ana


def follow():
    """Let the followers catch up, as the worker does."""
    while True:
        with transaction.atomic():
            rls.enter_every_client()
            if not event_log.advance_all(now=AN_HOUR_ON):
                return


def states():
    return {item.key: (item.state, item.person_id) for item in Item.objects.all()}


PUT_BACK = {"offered": ("waiting", None), "held": ("waiting", None), "wrapping": ("done", None)}


def test_the_work_of_somebody_who_leaves_goes_back_in_line(hands):
    with transaction.atomic():
        rls.enter_every_client()
        people.leave(person=hands, by=actors.ROOT, now=make.later(minutes=1))

    follow()

    with transaction.atomic():
        rls.enter_every_client()
        assert states() == PUT_BACK
        held = Item.objects.get(key="held")
        assert event_log_queries.of_item(held.id).last().event == "work.transferred"
        assert held.queued_at == make.NINE
        for item in Item.objects.all():
            assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_the_work_of_a_client_that_one_is_not_cleared_for_any_more_goes_back_in_line(hands):
    with transaction.atomic():
        rls.enter_every_client()
        people.withdraw_clearance(clearance=hands.clearances.get(), by=actors.ROOT, now=make.later(minutes=1))

    follow()

    with transaction.atomic():
        rls.enter_every_client()
        assert states() == PUT_BACK


def test_the_work_of_other_clients_and_of_other_people_stays(hands):
    with transaction.atomic():
        rls.enter_every_client()
        south, ben = make.client("south"), make.agent()
        clearance = people.clear(person=hands, client=south, by=actors.ROOT, now=make.NINE)
        before = states()
        people.withdraw_clearance(clearance=clearance, by=actors.ROOT, now=make.later(minutes=1))
        people.leave(person=ben, by=actors.ROOT, now=make.later(minutes=1))

    follow()

    with transaction.atomic():
        rls.enter_every_client()
        assert states() == before


@pytest.mark.parametrize("goes", ["away", "home"])
def test_an_open_offer_is_taken_back_from_whoever_goes_away_and_what_is_held_stays(hands, goes):
    with transaction.atomic():
        rls.enter_every_client()
        if goes == "away":
            people.go_away(person=hands, by=hands, reason="lunch", now=make.later(minutes=1))
        else:
            people.sign_out_of_work(person=hands, by=hands, now=make.later(minutes=1))

    follow()

    with transaction.atomic():
        rls.enter_every_client()
        assert states() == {
            "offered": ("waiting", None),
            "held": ("held", hands.id),
            "wrapping": ("wrapping", hands.id),
        }
