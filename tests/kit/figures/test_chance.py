"""Chance that can be told again."""

from statistics import fmean, pstdev

import pytest

from workfloor.kit.figures import chance


def drawn(seed: int, count: int = 20_000) -> list[float]:
    states = [chance.seeded(seed)]
    return [chance.uniform(states, 0) for _ in range(count)]


def test_mixing_is_that_of_splitmix64():
    # The first outputs for the state 1234567, as in the reference implementation's test vectors.
    state, found = 1234567, []
    for _ in range(3):
        state = (state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        found.append(chance.mixed(state))

    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_draws_are_even_between_nothing_and_one():
    draws = drawn(1)

    assert min(draws) >= 0 and max(draws) < 1
    assert fmean(draws) == pytest.approx(0.5, abs=0.01)
    assert pstdev(draws) == pytest.approx(12**-0.5, abs=0.01)


def test_the_same_numbers_give_the_same_stream_and_others_another():
    assert drawn(7, 5) == drawn(7, 5)
    assert len({chance.seeded(*numbers) for numbers in ((1, 2), (2, 1), (1, 2, 0), (0, 1, 2), (1,), (3,))}) == 6


def test_streams_side_by_side_have_nothing_in_common():
    states = [chance.seeded(1, stream) for stream in range(2)]
    pairs = [(chance.uniform(states, 0) - 0.5, chance.uniform(states, 1) - 0.5) for _ in range(20_000)]

    assert 12 * fmean(a * b for a, b in pairs) == pytest.approx(0, abs=0.03)


def test_draws_that_follow_one_another_have_nothing_in_common():
    draws = [each - 0.5 for each in drawn(3)]
    for lag in (1, 2, 3, 16):
        assert 12 * fmean(a * b for a, b in zip(draws, draws[lag:], strict=False)) == pytest.approx(0, abs=0.03)
