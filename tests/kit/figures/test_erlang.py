"""The formulas of Erlang and Palm, against published results and against each other."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.figures import erlang

servers = st.integers(1, 300)
loads = st.floats(0.01, 400)
patiences = st.floats(0.01, 50)


@pytest.mark.parametrize(
    ("lines", "load", "blocked"),
    [(1, 1.0, 1 / 2), (2, 2.0, 2 / 5), (10, 5.0, 0.018385), (30, 20.0, 0.008457), (100, 100.0, 0.075700)],
)
def test_lost_arrivals_as_in_the_tables(lines, load, blocked):
    assert erlang.loss(lines, load) == pytest.approx(blocked, abs=1e-6)


def test_a_hundred_calls_in_half_an_hour_of_three_minutes_each_with_fourteen_agents():
    assert erlang.delay(14, 10) == pytest.approx(0.1741, abs=5e-5)
    assert erlang.served_within(14, 10, 180, 20) == pytest.approx(0.8884, abs=5e-5)
    assert erlang.mean_delay(14, 10, 180) == pytest.approx(7.84, abs=5e-3)


def test_fifty_agents_forty_eight_calls_a_minute_and_a_minute_of_patience():
    assert erlang.impatient_delay(50, 48, 1) == pytest.approx(0.4054, abs=5e-5)
    assert erlang.abandoned(50, 48, 1) == pytest.approx(0.0394, abs=5e-5)


def test_the_same_with_two_minutes_of_patience():
    assert erlang.abandoned(50, 48, 2) == pytest.approx(0.0309, abs=5e-5)
    assert erlang.impatient_mean_delay(50, 48, 60, 120) == pytest.approx(3.71, abs=5e-3)


def test_more_load_than_agents_waits_for_ever_unless_somebody_gives_up():
    assert erlang.delay(10, 10) == 1
    assert erlang.mean_delay(10, 12, 180) == math.inf
    assert erlang.served_within(10, 12, 180, 20) == 0
    # In the fluid limit all that is beyond the servers gives up.
    assert erlang.abandoned(1000, 1100, 1000) == pytest.approx(100 / 1100, rel=1e-9)


def test_with_nobody_to_serve_all_wait_and_give_up():
    assert erlang.loss(0, 3) == erlang.impatient_delay(0, 3, 1) == erlang.abandoned(0, 3, 1) == 1


@pytest.mark.parametrize(("lines", "load"), [(-1, 1.0), (1, -1.0)])
def test_less_than_nothing_is_refused(lines, load):
    for formula in (erlang.loss, erlang.delay):
        with pytest.raises(ValueError, match="negative"):
            formula(lines, load)


@given(servers, loads, patiences)
def test_patience_lies_between_loss_and_endless_waiting(lines, load, patience):
    waits = erlang.impatient_delay(lines, load, patience)

    assert erlang.loss(lines, load) - 1e-12 <= waits <= erlang.delay(lines, load) + 1e-9
    assert 0 <= erlang.abandoned(lines, load, patience) <= waits + 1e-12


@given(st.integers(1, 40), st.floats(0.01, 50), st.floats(0.01, 5))
def test_what_arrives_is_served_or_gives_up(lines, load, patience):
    # The balance of flows, from the stationary distribution summed state by state.
    weights, n = [1.0], 0
    while n < 1500:
        n += 1
        weights.append(weights[-1] * load / (min(n, lines) + max(n - lines, 0) / patience))
    busy = sum(min(n, lines) * weight for n, weight in enumerate(weights)) / sum(weights)

    assert erlang.abandoned(lines, load, patience) == pytest.approx(1 - busy / load, abs=1e-7)


@given(loads)
def test_every_server_more_helps(load):
    for formula in (erlang.loss, erlang.delay):
        assert all(more <= less for less, more in pairwise(formula(n, load) for n in range(1, 60)))
