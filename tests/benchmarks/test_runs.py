"""The benchmarks run, on next to nothing; how fast is said by `make bench` alone."""

from importlib import import_module

import pytest

from benchmarks import databases

TINY = {
    "chat": {"visitors": 4, "rate": 4.0, "seconds": 2.0},
    "facts": {"rows": 20},
    "history_import": {"rows": 20},
    "month": {"facts": 1_500, "clients": 3, "lives": 2},
    "mail": {"mails": 20, "senders": 2},
    "router": {"decisions": 32, "rates": (100,)},
    "statement": {"rows": 200},
}


@pytest.fixture
def signed(template, django_db_setup, django_db_blocker):
    """A database with the bank's contract, that the benchmarks may copy."""
    with django_db_blocker.unblock(), databases.copy(template):
        databases.sign_example()
        yield databases.current()


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_comes_to_figures_beside_their_peers(signed, name):
    measure = import_module(f"benchmarks.{name}").measure

    figures = measure(signed, runs=1, **TINY[name])

    assert figures
    assert all(figure.value > 0 and figure.peer > 0 for figure in figures)


def test_working_time_comes_to_what_a_walk_by_the_minute_does():
    from benchmarks import working_time

    assert len(working_time.measure(pairs=3, runs=1)) == 2


def test_the_policy_decides_on_a_floor_with_calls_chats_and_idle_people():
    from benchmarks import policy

    figures = policy.measure(sizes=(200,), waiting=500, steps=100, runs=1)

    assert len(figures) == 3
    assert all(figure.value > 0 for figure in figures)
