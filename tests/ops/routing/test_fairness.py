"""Evening out: whoever was busier in the last day than all together stands back in line."""

import pytest

from tests import make
from tests.ops.routing.test_live import call, inside, leading, offered, run
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.time import clock
from workfloor.ops.routing import actions as routing
from workfloor.ops.routing import queries as routing_queries


def did(person, minutes, at, queue="calls"):
    """Work that took so many minutes from so many after NINE on."""
    begins, ends = make.later(minutes=at), make.later(minutes=at + minutes)
    max_concurrency = 3 if queue == "mail" else 1
    item = work.offer(
        item=make.item(queue, at=begins),
        person=person,
        max_concurrency=max_concurrency,
        offer_seconds=20,
        by=make.ROUTER,
        now=begins,
    )
    work.end(item=work.accept(item=item, by=person, now=begins), by=person, now=ends)
    work.wrap_up(item=item, by=person, disposition="answered" if queue == "mail" else "resolved", now=ends)


def handicaps(**later):
    now = make.later(**later)
    return routing_queries.handicaps("main", routing_queries.lines("main", now), now)


def test_without_such_a_term_nobody_stands_back(everyone):
    did(make.agent(), 60, at=0)

    assert handicaps(hours=2) == {}


def test_whoever_was_busier_than_all_together_stands_back_and_whoever_was_less_in_front(everyone):
    routing.even_out(pool="main", seconds=600, by=actors.ROOT, now=make.NINE)
    ana, ben = make.agent(), make.agent()
    did(ana, 30, at=0), did(ana, 30, at=60)

    # 3600 s busy of 2 x 7200: 25 %. With half an hour more of 25 %: (3600 + 450) / 9000 = 45 % and 450 / 9000 = 5 %.
    assert handicaps(hours=2) == {ana.id: 120.0, ben.id: -120.0}


def test_what_is_done_three_at_a_time_counts_a_third_and_what_is_in_hand_counts_too(everyone):
    routing.even_out(pool="main", seconds=600, by=actors.ROOT, now=make.NINE)
    ana, ben = make.agent(), make.agent()
    did(ana, 90, at=0, queue="mail")
    held = work.offer(
        item=make.call(), person=ben, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.later(minutes=90)
    )
    work.accept(item=held, by=ben, now=make.later(minutes=90))

    # Each was busy for 1800 s of 7200.
    assert handicaps(hours=2) == {ana.id: 0.0, ben.id: 0.0}


def test_only_the_time_at_work_counts_and_only_that_of_the_last_day(everyone):
    routing.even_out(pool="main", seconds=600, by=actors.ROOT, now=make.NINE)
    ana, ben = make.agent(), make.agent()
    did(ana, 30, at=0), did(ben, 30, at=0)
    people.go_away(person=ana, by=ana, reason="training", now=make.later(minutes=30))
    people.go_available(person=ana, by=ana, now=make.later(minutes=90))

    # 3600 s busy of 3600 + 7200: 1/3. (1800 + 600) / (3600 + 1800) = 4/9 and (1800 + 600) / (7200 + 1800) = 4/15.
    assert handicaps(hours=2) == {ana.id: 67.0, ben.id: -40.0}
    # A day later nothing of that counts any more.
    assert handicaps(hours=26) == {ana.id: 0.0, ben.id: 0.0}


@pytest.mark.parametrize("name", ["The Night", ""])
def test_a_pool_has_a_plain_name(everyone, name):
    with pytest.raises(ValueError, match="no name of a pool"):
        routing.even_out(pool=name, seconds=60, by=actors.ROOT, now=make.NINE)


def test_a_router_at_work_is_told_at_once_and_offers_to_whoever_did_less(real_database):
    inside(make.client)
    ana, ben = inside(make.agent), inside(make.agent)
    for person in (ana, ben):  # Ana has been idle for longer
        inside(people.go_away, person=person, by=person, reason="break", now=clock.now())
        inside(people.go_available, person=person, by=person, now=clock.now())
    router = leading()
    inside(routing.even_out, pool="main", seconds=36_000, by=actors.ROOT, now=clock.now())
    inside(
        lambda: Item.objects.filter(id=call().id).update(
            state="done", done_by=ana, talk_seconds=3600, ended_at=clock.now(), wrapped_up_at=clock.now()
        )
    )
    run(router)
    item = call()
    run(router)

    assert offered() == {item.id: ben.id}
