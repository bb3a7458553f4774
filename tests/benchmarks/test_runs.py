"""Every benchmark comes to figures, at a size that takes seconds; how good they are is said by `make bench` alone."""

import shutil
from math import isfinite
from pathlib import Path

import pytest

import benchmarks
from benchmarks import databases, desk_next, suite

NO_BENCHMARKS = {  # what they share, and what is run by itself
    "audit",
    "call_log",
    "channels_peer",
    "chat_pages",
    "claims",
    "databases",
    "figures",
    "floors",
    "hands",
    "machine",
    "mail_storm",
    "report",
    "suite",
}


@pytest.fixture
def signed(template, django_db_setup, django_db_blocker):
    """A database with the bank's contract, that the benchmarks may copy."""
    with django_db_blocker.unblock(), databases.copy(template):
        databases.sign_example()
        yield databases.current()


@pytest.mark.parametrize("name", suite.BENCHMARKS)
def test_a_benchmark_comes_to_figures_beside_their_peers(name, request, compiled_store):
    if name == "live_pages" and not shutil.which("redis-server"):
        pytest.skip("no Redis on this machine: apt-get install redis-server")
    if name == "desk_next" and not any(map(shutil.which, desk_next.BROWSERS)):
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    template = request.getfixturevalue("signed") if suite.BENCHMARKS[name].copies else ""
    kept = {"store": compiled_store} if name == "twin" else {}

    figures = suite.measured(name, template, {**suite.BENCHMARKS[name].small, **kept})

    assert figures
    for figure in figures:
        assert figure.what and figure.unit and figure.beside
        assert isfinite(figure.ratio) and figure.peer > 0
        assert figure.value > 0 or figure.unit == "MB", "memory alone may be there already"


def test_no_benchmark_is_left_out():
    [folder] = benchmarks.__path__
    modules = {path.stem for path in Path(folder).glob("[!_]*.py")}

    assert modules - NO_BENCHMARKS == set(suite.BENCHMARKS)
