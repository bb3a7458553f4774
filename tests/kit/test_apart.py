"""A function in a process of its own: its answer, or why there is none; and never a wait beyond its budget."""

import os
import signal
import threading

import pytest

from workfloor.kit import apart

MEGABYTE = 1_000_000


@pytest.fixture
def run():
    """Evaluates a Python expression, or executes statements, elsewhere."""
    made = apart.Apart("builtins:eval", 500 * MEGABYTE)
    yield made
    made.end()


def test_one_process_answers_one_after_the_other(run):
    assert run.ask("6 * 7", seconds=5) == 42
    first = run.processes()
    assert run.ask("__import__('os').getpid()", seconds=5) == first[0]
    assert run.processes() == first


def test_what_raises_says_so_and_the_process_goes_on(run):
    with pytest.raises(apart.NotComputed, match="ZeroDivisionError: division by zero"):
        run.ask("1 / 0", seconds=5)

    first = run.processes()
    assert run.ask("1 + 1", seconds=5) == 2
    assert run.processes() == first


def test_what_takes_too_long_on_the_processor_is_ended_even_within_a_library(run):
    run.ask("1", seconds=5)
    [process] = run.processes()

    with pytest.raises(apart.NotComputed, match=r"more than 0\.2 seconds of the processor"):
        run.ask("7 ** 100_000_000", seconds=0.2)

    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert run.ask("2", seconds=5) == 2


def test_what_sleeps_is_ended_by_the_clock(run):
    run.ask("1", seconds=5)

    with pytest.raises(apart.NotComputed, match="it took more than 2 seconds"):
        run.ask("__import__('time').sleep(3600)", seconds=0.4)

    assert run.ask("2", seconds=5) == 2


def test_what_needs_too_much_memory_is_refused_it(run):
    with pytest.raises(apart.NotComputed, match="too much memory"):
        run.ask("len(bytearray(600_000_000))", seconds=5)

    assert run.ask("2", seconds=5) == 2


def test_what_is_killed_says_so_and_the_next_is_computed(run):
    with pytest.raises(apart.NotComputed, match="SIGKILL"):
        run.ask(f"__import__('os').kill(__import__('os').getpid(), {signal.SIGKILL})", seconds=5)

    assert run.ask("2", seconds=5) == 2


@pytest.mark.parametrize("size", [10, 5 * MEGABYTE])
def test_nobody_waits_for_a_process_that_stands_still(run, monkeypatch, size):
    monkeypatch.setattr(apart, "STALLED_SECONDS", 1)
    run.ask("1", seconds=5)
    os.kill(run.processes()[0], signal.SIGSTOP)

    with pytest.raises(apart.NotComputed):
        run.ask("len(text)", {"text": "x" * size}, seconds=0.1)

    assert run.ask("2", seconds=5) == 2


def test_a_process_that_keeps_much_makes_room_for_a_new_one(run):
    run.ask("1", seconds=5)
    [first] = run.processes()

    run.ask("setattr(__import__('os'), 'kept', bytes(b'1' * 200_000_000))", seconds=5)

    assert first not in run.processes()


def test_several_ask_at_once_and_none_waits_for_another(run, tmp_path):
    door = tmp_path / "door"
    os.mkfifo(door)
    waits = threading.Thread(target=lambda: run.ask(f"open({str(door)!r}).read()", seconds=100))
    waits.start()

    assert run.ask("1", seconds=60) == 1

    assert waits.is_alive()
    door.write_text("opened")
    waits.join()


def test_it_knows_no_setting_of_the_installation(run, monkeypatch):
    monkeypatch.setenv("WORKFLOOR_SECRET_KEY", "a secret")

    assert run.ask("'WORKFLOOR_SECRET_KEY' in __import__('os').environ", seconds=5) is False
