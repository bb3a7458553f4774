"""What queues demand, who may serve them, how urgent they are."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.ops.routing import pools, urgency

CARDS = pools.Queue(
    1, client_id=1, requires={"portuguese": 3, "cards": 2}, relax=[(30, {"cards": 1}), (60, {"cards": 0})]
)
LOANS = pools.Queue(2, client_id=2, requires={"portuguese": 1})


def test_each_ring_lowers_what_it_names_and_keeps_the_rest():
    inner, middle, outer = pools.rings(CARDS)

    assert inner == (0.0, {"portuguese": 3, "cards": 2})
    assert middle == (30.0, {"portuguese": 3, "cards": 1})
    assert outer == (60.0, {"portuguese": 3, "cards": 0})


def test_a_ring_that_asks_for_more_asks_for_no_more():
    raised = CARDS._replace(relax=[(30, {"cards": 5, "loans": 1})])

    assert pools.rings(raised)[1] == (30.0, {"portuguese": 3, "cards": 2})


@pytest.mark.parametrize(
    ("skills", "ring"),
    [({"cards": 2}, 0), ({"cards": 1}, 1), ({}, 2), ({"cards": 5, "portuguese": 2}, -1)],
)
def test_somebody_serves_from_the_innermost_ring_that_their_skills_suffice_for(skills, ring):
    assert pools.ring_for({"portuguese": 3} | skills, CARDS) == ring


def test_a_profile_says_what_is_served_from_which_ring_and_how_well():
    both = pools.profile({"portuguese": 5, "cards": 1}, [1, 2], [CARDS, LOANS])

    assert both == ((0, 1, 0), (1, 0, 4))
    assert pools.profile({"portuguese": 5, "cards": 1}, [2], [CARDS, LOANS]) == ((1, 0, 4),)
    assert pools.profile({}, [1, 2], [CARDS, LOANS]) == ()


def test_profiles_that_serve_fewer_queues_come_first_whatever_order_they_are_told_in():
    one, other, both = ((0, 0, 0),), ((1, 0, 0),), ((0, 0, 0), (1, 0, 0))

    assert pools.numbered([both, other, one, other]) == pools.numbered([one, both, other]) == [one, other, both]


def test_what_somebody_lacks_is_said_in_words():
    assert pools.missing({"portuguese": 3}, [2], CARDS) == ["clearance", "cards 2"]
    assert pools.missing({"portuguese": 3}, [1], CARDS, ring=2) == []


def test_work_that_waited_as_long_as_was_promised_scores_one_and_its_priority():
    assert 20 * urgency.slope(20) == 1.0
    assert 3600 * urgency.slope(3600, priority=2) == pytest.approx(3.0)
    assert urgency.slope(20, 1, stake=1.0) == 2 * urgency.slope(20, 1)


def test_a_promise_in_the_balance_weighs_more_than_one_that_is_safe_or_lost():
    safe, balance, lost = (urgency.stake(1000.0, 0.8, met, 1000, to_come=1000) for met in (950, 800, 650))

    assert balance > 10 * safe
    assert balance > 10 * lost
    assert urgency.stake(2000.0, 0.8, 800, 1000, 1000) == 2 * balance


def test_the_fewer_contacts_are_to_come_the_more_each_of_them_weighs_and_afterwards_none():
    many, few, none = (urgency.stake(1000.0, 0.8, 800, 1000, to_come) for to_come in (10_000, 100, 0))

    assert few > many > none == 0.0


def test_the_stake_is_the_chance_that_one_contact_decides():
    """Against the binomial itself: 80 more of 100 are needed, each of them met with 80 %."""
    exact = math.comb(100, 80) * 0.8**80 * 0.2**20

    assert urgency.stake(1.0, 0.8, 1_000_000 * 0.8, 1_000_000, 100) == pytest.approx(exact, rel=0.02)


@given(st.floats(0, 1e6), st.floats(0, 1), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_a_stake_is_never_negative_nor_more_than_the_credit(credit, target, counted, to_come, attained):
    assert 0 <= urgency.stake(credit, target, attained * counted, counted, to_come) <= credit


def test_who_was_busier_than_all_together_stands_back_and_who_was_less_steps_forward():
    assert urgency.handicap(3600, 3600, of_all=0.5, fairness_seconds=60) == 30.0
    assert urgency.handicap(0, 3600, of_all=0.5, fairness_seconds=60) == -30.0
    assert urgency.handicap(0, 0, of_all=0.5, fairness_seconds=60) == 0.0
