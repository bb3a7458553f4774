"""The policy: who is offered what."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.routing.floors import BOTH, CALLS, CARDS, CHATS, MAIL, URGENT, Floor, speaker
from workfloor.ops.routing import policy, pools, urgency

# --- whom ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unable",
    [speaker(1), ({}, frozenset([1])), speaker(clients=[]), speaker(clients=[2])],
    ids=["less skilled", "without the skill", "not cleared", "cleared elsewhere"],
)
def test_nobody_without_the_skill_or_the_clearance_is_offered_anything(unable):
    floor = Floor([CALLS], [unable])
    floor.come(0)

    assert floor.arrive(CALLS) == -1
    assert policy.serve(floor.pool, 0, 1e6) == -1


def test_who_has_not_come_or_has_gone_is_offered_nothing():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    policy.go(floor.pool, 0)

    assert floor.arrive(CALLS) == -1
    assert floor.free(0) == floor.free(1) == []


def test_from_the_end_of_a_shift_or_certificate_on_nothing_is_offered_though_nobody_said_so():
    floor = Floor([CALLS], [speaker(), speaker()], until=600.0)
    floor.come(0, 1)

    assert floor.arrive(CALLS, now=599.9) == 0
    assert floor.arrive(CALLS, now=600.0) == -1
    assert floor.free(1, now=600.0) == []


def test_a_clearance_withdrawn_ends_the_offers():
    floor = Floor([CALLS], [speaker(), speaker(clients=[])])
    floor.come(0)
    policy.come(floor.pool, 0, floor.profiles[1], math.inf)
    floor.free(0)

    assert floor.arrive(CALLS) == -1


def test_the_versatile_are_spared():
    floor = Floor([CALLS, CARDS], [speaker(5, BOTH, cards=1), speaker()])
    floor.come(0, 1)

    assert [floor.arrive(CALLS), floor.arrive(CARDS)] == [1, 0]


def test_among_the_equally_versatile_the_best_fit_then_the_longest_idle_then_the_lower_id():
    floor = Floor([CALLS], [speaker(3), speaker(4), speaker(3), speaker(3)])
    floor.come(3, now=0.0)
    floor.come(2, 0, 1, now=5.0)

    assert [floor.arrive(CALLS, now=9.0) for _ in range(4)] == [1, 3, 0, 2]


def test_who_did_more_than_the_others_stands_back():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.pool.handicap[0] = urgency.handicap(3000, 3600, of_all=0.5, fairness_seconds=60)
    floor.come(0, now=0.0)
    floor.come(1, now=19.0)

    assert floor.arrive(CALLS, now=20.0) == 1


def test_who_holds_less_goes_first():
    floor = Floor([CHATS], [speaker(), speaker()])
    floor.come(0, 1)

    assert [floor.arrive(CHATS, now=float(n)) for n in range(7)] == [0, 1, 0, 1, 0, 1, -1]


# --- what ------------------------------------------------------------------------------------------------------------


def test_the_oldest_of_a_queue_goes_first_and_of_two_as_old_the_lower_id():
    floor = Floor([CALLS], [speaker()])
    floor.arrive(CALLS, now=1.0, item=2)
    floor.arrive(CALLS, now=1.0, item=1)
    floor.arrive(CALLS, now=1.0, since=0.5, item=3)

    assert floor.come(0, now=2.0) == [[3]]


def test_of_two_queues_the_steeper_the_longer_the_better_fit():
    floor = Floor([CALLS, CARDS], [speaker(5, BOTH, cards=2)], worth=(0, 1, 6, 0, 0, 0))
    cards = floor.arrive(CARDS, now=0.0), floor.arrive(CALLS, now=5.0)

    assert cards == (-1, -1)
    # Slopes 0.5 and 1; bonuses 1 and 6: at 10 s it is 6 for the cards and 11 for the call, at 30 s the order holds.
    assert floor.come(0, now=10.0) == [[1]]


def test_a_new_table_of_slopes_turns_the_order_of_queues_and_not_that_within():
    floor = Floor([CALLS, CARDS], [speaker(3, BOTH, cards=1)])
    for queue in (CARDS, CALLS, CARDS):
        floor.arrive(queue)
    floor.pool.slope[1] = 9.0

    assert floor.come(0, now=1.0) == [[0]]


def test_scheduled_work_blends_in_from_the_time_when_it_is_due():
    floor = Floor([CALLS], [speaker()])
    floor.arrive(CALLS, now=50.0)
    floor.arrive(CALLS, now=60.0, since=40.0)

    assert floor.come(0, now=61.0) == [[1]]


# --- rings -----------------------------------------------------------------------------------------------------------


def test_a_requirement_relaxes_with_waiting_and_the_time_for_it_can_be_asked():
    floor = Floor([CALLS], [speaker(2)])
    floor.come(0)
    floor.arrive(CALLS, now=0.1)

    assert policy.ripens(floor.pool, 0, 0.1) == 30.1
    assert policy.serve(floor.pool, 0, 30.0) == -1
    assert policy.serve(floor.pool, 0, 30.1) == 0
    assert policy.ripens(floor.pool, 0, 30.1) == math.inf


def test_who_is_freed_before_the_ring_is_reached_sits_until_then():
    floor = Floor([CALLS, CHATS], [speaker(2)])
    floor.arrive(CALLS, now=0.0)

    assert floor.come(0, now=29.9) == [[]]
    assert policy.serve(floor.pool, 0, 29.9) == -1
    assert floor.free(0, now=30.0) == [0]


def test_the_inner_ring_goes_first_though_longer_at_work_and_more_versatile():
    floor = Floor([CALLS, CARDS], [speaker(2), speaker(3, BOTH, cards=1)])
    floor.come(0, now=0.0)
    floor.come(1, now=50.0)

    assert floor.arrive(CALLS, now=60.0, since=0.0) == 1


# --- room ------------------------------------------------------------------------------------------------------------


def test_a_call_takes_a_person_whole_and_chats_a_third_each():
    floor = Floor([CALLS, CHATS], [speaker()])
    floor.come(0)

    assert [floor.arrive(CHATS), floor.arrive(CALLS), floor.arrive(CHATS), floor.arrive(CHATS)] == [0, -1, 0, 0]
    assert floor.arrive(CHATS) == -1
    for item in (0, 2, 3):
        policy.release(floor.pool, item)
    assert floor.free(0, now=9.0) == [1]


def test_mail_is_put_aside_for_an_urgent_call_by_who_has_no_better_and_goes_on_afterwards():
    floor = Floor([CALLS, MAIL, URGENT], [speaker(), speaker()])
    floor.come(0, 1)
    assert floor.arrive(MAIL) == 0

    assert [floor.arrive(URGENT), floor.arrive(CALLS), floor.arrive(URGENT), floor.arrive(URGENT)] == [1, -1, 0, -1]
    assert policy.release(floor.pool, 3) == 0
    assert floor.free(0, now=5.0) == [4]
    policy.release(floor.pool, 4)
    assert floor.free(0, now=6.0) == []
    policy.release(floor.pool, 0)
    assert floor.free(0, now=7.0) == [2]


def test_nothing_is_put_aside_while_there_is_room_beside_it():
    mail, chat = MAIL._replace(max_concurrency=3), URGENT._replace(max_concurrency=3)
    floor = Floor([mail, chat], [speaker()])
    floor.come(0)

    assert [floor.arrive(queue) for queue in (mail, mail, chat, chat, chat, chat)] == [0, 0, 0, 0, 0, -1]
    parts = floor.pool.part
    assert parts[2] & (parts[0] | parts[1]) == 0
    assert parts[3] | parts[4] == parts[0] | parts[1]


# --- offers ----------------------------------------------------------------------------------------------------------


def test_a_declined_item_goes_on_in_its_place_and_its_queue_is_shunned_until_forgiven():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    floor.arrive(CALLS, now=0.0)
    floor.arrive(CALLS, now=1.0)
    policy.decline(floor.pool, 0)
    assert floor.arrive(CALLS, now=2.0, since=0.0, item=0) == -1
    assert floor.free(0, now=2.0) == []

    assert floor.come(1, now=3.0) == [[0]]
    policy.forgive(floor.pool, 0, 0)
    assert floor.free(0, now=4.0) == [1]


def test_who_shuns_a_queue_twice_is_forgiven_at_once():
    floor = Floor([CALLS], [speaker()])
    floor.come(0)
    policy.shun(floor.pool, 0, 0)
    policy.shun(floor.pool, 0, 0)

    assert floor.arrive(CALLS) == -1

    policy.forgive(floor.pool, 0, 0)
    assert floor.free(0) == [0]


def test_work_of_a_known_case_is_kept_for_its_agent_and_only_as_long_as_that_is_wanted():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    floor.arrive(CALLS)
    floor.come(1)

    assert floor.arrive(CALLS, now=1.0, keeper=0) == -1
    assert policy.kept(floor.pool, 0) == 1
    assert floor.arrive(CALLS, now=2.0, keeper=1) == 1
    policy.release(floor.pool, 2)
    assert floor.free(1, now=3.0) == []
    policy.withdraw(floor.pool, 1)
    assert floor.arrive(CALLS, now=4.0, since=1.0, item=1) == 1


def test_what_is_kept_takes_its_turn():
    floor = Floor([CALLS], [speaker()])
    floor.come(0)
    for queued in (0.0, 1.0, 2.0):
        floor.arrive(CALLS, now=queued)
    floor.arrive(CALLS, now=3.0, since=1.5, keeper=0)

    taken = []
    for _ in range(3):
        taken += [floor.pool.holder.index(0)]
        policy.release(floor.pool, taken[-1])
        floor.free(0, now=9.0)
    assert [*taken, floor.pool.holder.index(0)] == [0, 1, 3, 2]


def test_nothing_is_kept_for_who_may_not_have_it():
    floor = Floor([CALLS], [speaker(2), speaker()])
    floor.come(0, 1)

    assert floor.arrive(CALLS, keeper=0) == 1
    assert policy.kept(floor.pool, 0) == -1


@given(st.permutations(range(8)), st.permutations(range(3)))
def test_what_is_there_at_once_is_settled_by_urgency_in_whatever_order_it_was_told(items, agents):
    floor = Floor([CALLS, CARDS], [speaker(3, BOTH, cards=1), speaker(), speaker(1, BOTH, cards=1)])
    for item in items:
        floor.arrive([CALLS, CARDS][item % 2], now=float(item // 2), item=item)
    for agent in agents:
        policy.come(floor.pool, agent, floor.profiles[agent], math.inf)
        pools.sit(floor.pool, agent, 0.0)
    settled = []
    while (item := policy.settle(floor.pool, 10.0)) >= 0:
        settled.append((item, floor.pool.holder[item]))

    # Calls score a point a second and cards half of it: 10, 9 and 8 for calls, 5 for the oldest card.
    assert settled == [(0, 1), (2, 0), (1, 2)]


def test_where_slopes_are_flat_the_older_goes_first_even_before_what_is_kept():
    flat = CALLS._replace(slope=0.0)
    floor = Floor([flat], [speaker()])
    floor.come(0)
    floor.arrive(flat)
    floor.arrive(flat, now=2.0, keeper=0)
    floor.arrive(flat, now=3.0, since=1.0)
    policy.release(floor.pool, 0)

    assert floor.free(0, now=4.0) == [2]


def test_of_every_agent_it_is_said_whether_they_could_and_if_not_why():
    qualified, unskilled, learner, busy, decliner, absent, best = range(7)
    people = [speaker(), ({}, BOTH), speaker(2), speaker(), speaker(), speaker(), speaker(4)]
    floor = Floor([CALLS, CARDS], people, worth=(1, 2, 0, 0, 0, 0))
    floor.come(busy)
    floor.arrive(CALLS)
    floor.come(decliner)
    floor.arrive(CALLS)
    policy.decline(floor.pool, 1)
    floor.free(decliner)
    floor.arrive(CALLS, item=1)
    reasons = policy.why(floor.pool, 1, 10.0)
    for agent in (learner, qualified, unskilled, best):
        policy.come(floor.pool, agent, floor.profiles[agent], math.inf)
        pools.sit(floor.pool, agent, 0.0)

    assert {each.verdict for each in reasons if each.agent > decliner} == {"away"}
    reasons = policy.why(floor.pool, 1, 10.0)
    assert [(each.agent, each.ring, each.score) for each in reasons[:2]] == [(best, 0, 12.0), (qualified, 0, 11.0)]
    assert {each.agent: each.verdict for each in reasons} == {
        best: "could",
        qualified: "could",
        learner: "ring not reached",
        busy: "no room",
        decliner: "declined",
        absent: "away",
        unskilled: "not able",
    }
    assert policy.why(floor.pool, 1, 30.0)[2] == (learner, "could", 1, 31.0)
    assert policy.settle(floor.pool, 30.0) == 1
    assert floor.pool.holder[1] == best


def test_an_item_that_is_kept_is_for_one_alone():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    floor.arrive(CALLS)
    floor.come(1)
    floor.arrive(CALLS, keeper=0)
    reasons = policy.why(floor.pool, 1, 0.0)

    assert {each.agent: each.verdict for each in reasons} == {0: "no room", 1: "sticky agent"}
