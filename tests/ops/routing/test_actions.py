"""The router at work: on real tables, told by the event log."""

from datetime import timedelta

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.ops.routing import actions as routing
from workfloor.ops.routing import leader as routing_leader


def facts_of(item):
    return [
        (fact.event, fact.person_id) if fact.person_id else fact.event for fact in event_log_queries.of_item(item.id)
    ]


def state(item):
    return Item.objects.get(id=item.id).state


def test_an_item_is_offered_once_and_the_journal_says_to_whom(everyone):
    call, ana = make.call(), make.agent()

    assert routing_leader.pulse(now=make.NINE) == 1
    assert routing_leader.pulse(now=make.NINE) == 0

    assert facts_of(call) == ["work.received", "work.queued", ("work.offered", ana.id)]


@pytest.mark.parametrize(
    "unable",
    [
        lambda: make.agent(portuguese=2),
        lambda: make.agent(clear_for=None),
        lambda: make.agent(clear_for="another"),
        lambda: make.agent(available=False),
        lambda: people.go_away(person=make.agent(), by=make.ROOT, reason="lunch", now=make.NINE),
        lambda: people.sign_out_of_work(person=make.agent(), by=make.ROOT, now=make.NINE),
        lambda: people.leave(person=make.agent(), by=actors.ROOT, now=make.NINE),
        lambda: make.person("leader"),
    ],
    ids=["less skilled", "not cleared", "cleared elsewhere", "never came", "away", "signed out", "gone", "no agent"],
)
def test_nobody_who_may_not_have_it_is_offered_it(everyone, unable):
    call = make.call()
    unable()

    assert routing_leader.pulse(now=make.NINE) == 0
    assert state(call) == "waiting"


def test_a_certificate_counts_until_the_day_it_expires(everyone):
    make.call()
    ana = make.agent(portuguese=1)
    people.certify(
        person=ana,
        skill="portuguese",
        level=4,
        proof="test",
        valid_from=make.NINE.date(),
        expires_on=make.NINE.date(),
        by=actors.ROOT,
        now=make.NINE,
    )

    assert routing_leader.pulse(now=make.later(days=1)) == 0
    assert routing_leader.pulse(now=make.NINE) == 1


def test_a_certificate_expires_with_the_day_where_the_person_works(everyone):
    make.call()
    ana = make.agent(portuguese=1)
    ana.site = people.open_site(name="Cebu", country="PH", zone="Asia/Manila", by=actors.ROOT, now=make.NINE)
    ana.save()
    people.certify(
        person=ana,
        skill="portuguese",
        level=4,
        proof="test",
        valid_from=make.NINE.date(),
        expires_on=make.NINE.date(),
        by=actors.ROOT,
        now=make.NINE,
    )

    # Eight hours ahead of UTC: at 17:00 in Cebu the day lasts, at one in the morning it is over.
    assert routing_leader.pulse(now=make.later(hours=7, minutes=1)) == 0
    assert routing_leader.pulse(now=make.later(hours=6, minutes=59)) == 1


def test_a_clearance_withdrawn_ends_the_offers(everyone):
    make.call()
    ana = make.agent()
    people.withdraw_clearance(clearance=ana.clearances.get(), by=actors.ROOT, now=make.NINE)

    assert routing_leader.pulse(now=make.NINE) == 0


def test_an_offer_that_nobody_answers_is_offered_on_and_the_person_set_away(everyone):
    ana = make.agent()
    call = make.call()
    routing_leader.pulse(now=make.NINE)
    ben = make.agent()
    routing_leader.pulse(now=make.later(seconds=20))

    assert facts_of(call)[2:] == [("work.offered", ana.id), ("work.offer-expired", ana.id), ("work.offered", ben.id)]
    assert (AgentState.objects.get(person=ana).state, AgentState.objects.get(person=ana).reason) == (
        "away",
        "RONA",
    )


def test_who_went_home_or_to_lunch_over_an_offer_is_not_set_away_for_it(everyone):
    ana, ben = make.agent(), make.agent()
    make.call(), make.call()
    assert routing_leader.pulse(now=make.NINE) == 2
    people.sign_out_of_work(person=ana, by=ana, now=make.later(seconds=5))
    people.go_away(person=ben, by=ben, reason="lunch", now=make.later(seconds=5))

    assert routing.lapse_offers(queue_ids=[make.queue().id], now=make.later(seconds=20)) == 2
    assert AgentState.objects.get(person=ana).state == "signed-out"
    assert AgentState.objects.get(person=ben).reason == "lunch"


def test_a_declined_item_goes_to_the_next_and_comes_back_to_the_same_only_later(everyone):
    ana = make.agent()
    call = make.call()
    routing_leader.pulse(now=make.NINE)
    work.decline(item=call, by=ana, now=make.NINE)

    assert routing_leader.pulse(now=make.later(seconds=5)) == 0
    assert routing_leader.pulse(now=make.later(seconds=31)) == 1


def test_a_person_holds_three_mails_but_one_call(everyone):
    make.agent()
    for _ in range(4):
        make.item("mail")
    assert routing_leader.pulse(now=make.NINE) == 3

    make.agent()
    for _ in range(2):
        make.call()
    assert routing_leader.pulse(now=make.NINE) == 1


def test_work_that_waits_for_its_customer_is_not_offered(everyone):
    ana = make.agent()
    mail = make.item("mail")
    routing_leader.pulse(now=make.NINE)
    work.set_pending_customer(item=work.accept(item=mail, by=ana, now=make.NINE), by=ana, now=make.NINE)

    assert routing_leader.pulse(now=make.later(hours=1)) == 0
    work.customer_answered(item=mail, by=make.CUSTOMER, now=make.later(hours=1))
    assert routing_leader.pulse(now=make.later(hours=1)) == 1


def test_calls_before_letters_when_both_wait_and_one_person_is_free(everyone):
    mail, call = make.item("mail"), make.call(at=make.later(minutes=1))
    make.agent()
    routing_leader.pulse(now=make.later(minutes=1, seconds=1))

    assert (state(call), state(mail)) == ("offered", "waiting")
    assert make.NINE + timedelta(minutes=1, seconds=20) == Item.objects.get(id=call.id).answer_by
