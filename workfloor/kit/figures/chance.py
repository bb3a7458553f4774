"""Chance that can be told again: numbers drawn by whole arithmetic, alike in CPython and compiled by numba."""

from collections.abc import MutableSequence

# All of these are above 2^63, so that compiled code takes them for unsigned, as they are meant.
_TIMES = 0xD1342543DE82EF95  # Steele and Vigna: Computationally Easy, Spectrally Good Multipliers, 2021
_PLUS = 0x9E3779B97F4A7C15
_MIX = 0xBF58476D1CE4E5B9  # Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014
_STIR = 0x94D049BB133111EB
_ALL = 0xFFFFFFFFFFFFFFFF


def seeded(*numbers: int) -> int:
    """Give the state in which the stream of these numbers (a seed, a replication, a purpose) begins."""
    state = 0
    for number in numbers:
        state = mixed((state + number * _MIX + _PLUS) & _ALL)
    return state


def mixed(state: int) -> int:
    """Mix the 64 bits of a number so that each depends on all, as SplitMix64 does."""
    state = ((state ^ (state >> 30)) * _MIX) & _ALL
    state = ((state ^ (state >> 27)) * _STIR) & _ALL
    return state ^ (state >> 31)


def uniform(states: MutableSequence[int], stream: int) -> float:
    """Draw from [0, 1) with 53 bits, from a stream whose state is unsigned and of 64 bits.

    The upper bits of a linear congruential generator of full period: a single product, for what the interpreter spends
    on more would be most of a simulation.
    """
    state = (states[stream] * _TIMES + _PLUS) & _ALL
    states[stream] = state
    return (state >> 11) * 1.1102230246251565e-16
