"""Who is on an item from when to when, and what talk and hold that comes to."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import make
from tests.core.work.test_lifecycle import RECEIVED, fact
from tests.core.work.test_roles import adds_up, now_of, taken
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import connecting, joining, lifecycle, roles
from workfloor.core.work import legs as work_legs
from workfloor.core.work import queries as work_queries


def at(seconds):
    return make.later(seconds=seconds)


def ringing(by, seconds=8):
    """A call that rings since NINE, and whose owner has accepted it and is not connected yet."""
    item = connecting.begin(item=make.call(), leg="in", party="customer", by=make.CHANNEL, now=at(0))
    work.offer(item=item, person=by, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at(2))
    return work.accept(item=item, by=by, now=at(seconds))


def on_the_line(by, leg="ana", began=8, connected=10):
    item = ringing(by)
    connecting.connect(item=item, leg="in", by=make.CHANNEL, now=at(1))  # music
    connecting.begin(item=item, leg=leg, party="agent", person=by, by=make.CHANNEL, now=at(began))
    return connecting.connect(item=item, leg=leg, by=make.CHANNEL, now=at(connected))


def events_of(item):
    return [each.event.removeprefix("work.") for each in event_log_queries.of_item(item.id)]


def test_accepted_is_not_connected_where_the_channel_says_when(everyone):
    ana = make.agent()
    item = ringing(ana)
    assert (item.state, item.connected_at, item.talking_since) == ("held", None, None)

    connecting.connect(item=item, leg="in", by=make.CHANNEL, now=at(1))
    connecting.begin(item=item, leg="ana", party="agent", person=ana, by=make.CHANNEL, now=at(8))
    assert now_of(item).connected_at is None
    item = connecting.connect(item=item, leg="ana", by=make.CHANNEL, now=at(10))

    assert (item.connected_at, item.talking_since) == (at(10), at(10))
    assert events_of(item)[-2:] == ["leg-connected", "connected"]


def test_without_a_channel_that_reports_accepting_connects(everyone):
    ana = make.agent()
    item = work.offer(item=make.call(), person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at(0))
    assert work.accept(item=item, by=ana, now=at(3)).connected_at == at(3)


def test_three_legs_a_consultation_and_a_transfer(everyone):
    """By hand, in seconds from NINE.

    10 Ana is connected; 40 hold; 45 Ben is asked, 50 joins, 52 his leg is connected; 70 resumed, the three of them;
    90 Ana leaves, Ben goes on; 100-130 the customer is held while Ben calls the warehouse (110-125); 160 the end.
    Talk: 10-40, 70-100, 130-160 = 90. Hold: 40-70, 100-130 = 60. A leader listened from 75 to 95, which is neither.
    """
    ana, ben, lead = make.agent(), make.agent(), make.person("leader")
    people.clear(person=lead, client=make.client(), by=actors.ROOT, now=make.NINE)
    item = on_the_line(ana)
    work.hold(item=item, by=ana, now=at(40))
    joining.ask(item=item, to=ben, by=ana, now=at(45))
    joining.accept(item=item, by=ben, now=at(50))
    connecting.begin(item=item, leg="ben", party="agent", person=ben, by=make.CHANNEL, now=at(50))
    connecting.connect(item=item, leg="ben", by=make.CHANNEL, now=at(52))
    work.resume(item=item, by=ana, now=at(70))
    joining.monitor(item=item, by=lead, now=at(75))
    connecting.begin(item=item, leg="lead", party="supervisor", person=lead, by=make.CHANNEL, now=at(75))
    connecting.connect(item=item, leg="lead", by=make.CHANNEL, now=at(75))
    joining.transfer(item=item, to=ben, by=ana, now=at(90))
    joining.leave(item=item, by=lead, now=at(95))
    connecting.hold(
        item=item, leg="in", by=make.CHANNEL, now=at(100)
    )  # the engine says so, where Ben pressed the telephone's key
    connecting.begin(item=item, leg="warehouse", party="third-party", by=make.CHANNEL, now=at(105))
    connecting.connect(item=item, leg="warehouse", by=make.CHANNEL, now=at(110))
    connecting.end(item=item, leg="warehouse", by=make.CHANNEL, now=at(125), cause="hung up")
    connecting.resume(item=item, leg="in", by=make.CHANNEL, now=at(130))
    connecting.end(item=item, leg="in", by=make.CHANNEL, now=at(160))
    connecting.record(item=item, leg="in", recording="calls/7.opus", by=make.CHANNEL, now=at(170))
    item = work.wrap_up(item=now_of(item), by=ben, disposition="resolved", now=at(175))

    assert (item.talk_seconds, item.hold_seconds, item.wrap_seconds) == (90, 60, 15)
    assert (item.state, item.connected_at, item.done_by) == ("done", at(10), ben)
    assert adds_up(item)
    legs = work_queries.legs(item.id)
    assert legs == item.legs
    assert work_legs.sums(legs, at(999)) == (90, 60)
    assert [(each["leg"], each["party"], each["person"], each["ended_at"]) for each in legs] == [
        ("in", "customer", None, at(160).isoformat()),
        ("ana", "agent", ana.id, at(90).isoformat()),
        ("ben", "agent", ben.id, at(160).isoformat()),
        ("lead", "supervisor", lead.id, at(95).isoformat()),
        ("warehouse", "third-party", None, at(125).isoformat()),
    ]
    assert legs[0]["recording"] == "calls/7.opus"
    assert taken(ana) == taken(ben) == taken(lead) == []


def test_measures_count_a_call_with_legs_as_any_other(everyone):
    """AHT is talk, hold and wrap-up of the item, once, however many agents were on it."""
    ana, ben = make.agent(), make.agent()
    item = on_the_line(ana)
    joining.ask(item=item, to=ben, by=ana, now=at(20))
    joining.accept(item=item, by=ben, now=at(22))
    connecting.begin(item=item, leg="ben", party="agent", person=ben, by=make.CHANNEL, now=at(22))
    connecting.connect(item=item, leg="ben", by=make.CHANNEL, now=at(22))
    connecting.end(item=item, leg="in", by=make.CHANNEL, now=at(50))
    item = work.wrap_up(item=now_of(item), by=ana, disposition="resolved", now=at(60))

    assert (item.talk_seconds, item.hold_seconds, item.wrap_seconds) == (40, 0, 10)
    assert item.connected_at is not None
    assert (item.connected_at - item.queued_at) == timedelta(seconds=10)


def test_who_hangs_up_before_being_connected_has_left(everyone):
    ana = make.agent()
    item = ringing(ana)
    item = connecting.end(item=item, leg="in", by=make.CHANNEL, now=at(9))

    assert (item.state, item.abandoned_at, taken(ana)) == ("abandoned", at(9), [])
    assert adds_up(item)


def test_an_agent_whose_line_breaks_keeps_the_call_and_no_talk_runs_meanwhile(everyone):
    ana = make.agent()
    item = on_the_line(ana)
    connecting.end(item=item, leg="ana", by=make.CHANNEL, now=at(20), cause="browser gone")
    connecting.begin(item=item, leg="ana-2", party="agent", person=ana, by=make.CHANNEL, now=at(25))
    connecting.connect(item=item, leg="ana-2", by=make.CHANNEL, now=at(30))
    item = work.end(item=item, by=ana, now=at(50))

    assert item.talk_seconds == 10 + 20
    assert adds_up(item) and work_legs.sums(item.legs, at(99)) == (30, 0)


def test_what_a_channel_says_twice_happened_once(everyone):
    ana = make.agent()
    item = on_the_line(ana)
    before = events_of(item)
    connecting.begin(item=item, leg="in", party="customer", by=make.CHANNEL, now=at(11))
    connecting.connect(item=item, leg="ana", by=make.CHANNEL, now=at(11))
    connecting.resume(item=item, leg="in", by=make.CHANNEL, now=at(11))
    assert events_of(item) == before

    work.end(item=item, by=ana, now=at(20))
    before = events_of(item)
    connecting.end(item=item, leg="in", by=make.CHANNEL, now=at(21))  # the engine hangs up because the desk said so
    assert events_of(item) == before


def test_what_cannot_be_is_refused_in_words(everyone):
    ana = make.agent()
    item = ringing(ana)
    with pytest.raises(work.Refused, match="no leg out"):
        connecting.connect(item=item, leg="out", by=make.CHANNEL, now=at(9))
    with pytest.raises(work.Refused, match="who of ours"):
        connecting.begin(item=item, leg="x", party="agent", by=make.CHANNEL, now=at(9))
    with pytest.raises(work.NotYours):
        connecting.begin(item=item, leg="x", party="agent", person=make.agent(), by=make.CHANNEL, now=at(9))
    with pytest.raises(lifecycle.NotNow, match="has a leg already"):
        connecting.begin(item=item, leg="in-2", party="customer", by=make.CHANNEL, now=at(9))
    with pytest.raises(lifecycle.NotNow, match="not connected"):
        work.hold(item=item, by=ana, now=at(9))


def test_a_call_that_is_done_again_at_a_desk_is_connected_by_accepting(everyone):
    ana = make.agent()
    item = on_the_line(ana)
    work.end(item=item, by=ana, now=at(20))
    item = work.wrap_up(item=item, by=ana, disposition="resolved", now=at(30))
    work.reopen(item=item, reason="not so", by=make.CUSTOMER, now=at(100))
    work.offer(item=item, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at(100))
    work.accept(item=item, by=ana, now=at(105))
    item = work.end(item=item, by=ana, now=at(125))

    assert item.talk_seconds == 10 + 20
    assert adds_up(item) and work_legs.sums(work_queries.legs(item.id), at(999)) == (30, 0)


# --- sums of legs are what an item counts, whatever happens -----------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(
                    "held",
                    "resumed",
                    "transferred",
                    "offered",
                    "accepted",
                    "preempted",
                    "preemption-ended",
                ),
                *("consult-asked", "consult-joined", "consult-ended", "transferred-to-consultant", "pending-customer"),
                *("customer-answered", "leg-connected", "leg-held", "leg-resumed", "leg-ended", "leg-began"),
            ]
        ),
        st.integers(1, 40),
        st.sampled_from(["in", "a", "b", "x"]),
    ),
    max_size=40,
)
PARTY = {"in": ("customer", None), "a": ("agent", 7), "b": ("agent", 8), "x": ("third-party", None)}


def let_go_of(facts, now):
    """What follows when an item has left its owner's hands: whoever was there with them goes too."""
    after = lifecycle.replay(facts)
    left = after.state != "held" and roles.part_of(after.beside, 8)
    return [fact("consult-ended", now, 8, because="over")] if left else []


@settings(max_examples=300, deadline=None)
@given(STEPS, st.booleans())
def test_sums_over_legs_are_what_the_item_counts(steps, reports):
    """Any facts that may follow one another: what the item adds up as it goes is what its legs come to in the end."""
    facts, now = list(RECEIVED), 10
    if reports:
        facts.append(fact("leg-began", 1, leg="in", party="customer"))
    facts += [fact("offered", 5, 7, expires_at=at(25).isoformat()), fact("accepted", 10, 7)]
    facts += [] if reports else [fact("connected", 10, 7)]
    for event, passed, leg in steps:
        now += passed
        state = lifecycle.replay(facts)
        party, person = PARTY[leg]
        if event.startswith("leg-") and not reports:
            continue
        person = person if event.startswith("leg-") else 8 if "consult" in event else state.person_id or 7
        if "consult" in event and state.person_id == 8:
            continue
        details = {
            "offered": {"expires_at": at(now + 20).isoformat()},
            "consult-asked": {"expires_at": at(now + 20).isoformat()},
            "consult-ended": {"because": "left"},
            "transferred": {"queue": 3, "note": ""},
            "transferred-to-consultant": {"by_person": state.person_id},
            "customer-answered": {"paused_seconds": 0},
            "preempted": {"for_item": 1},
        }.get(event, {"leg": leg} if event.startswith("leg-") else {})
        if event == "leg-began":
            details = {"leg": leg, "party": party}
        new = fact(event, now, person, **details)
        try:
            lifecycle.replay([*facts, new])
        except lifecycle.NotNow:
            continue
        facts.append(new)
        if event == "accepted" and not reports:
            facts.append(fact("connected", now, person))
        facts += let_go_of(facts, now)
    state = lifecycle.replay(facts)
    if state.state == "held" and not state.preempted_at:
        facts.append(fact("ended", now + 5, state.person_id))
        state = lifecycle.replay(facts)

    assert (state.talk_seconds, state.hold_seconds) == work_legs.sums(work_legs.of(facts), at(now + 5))
