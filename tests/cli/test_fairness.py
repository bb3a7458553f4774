"""`workfloor routing explain` and `workfloor routing utilisation`, as printed."""

import json

import pytest
from click.testing import CliRunner
from django.db import transaction

from tests import make
from workfloor.cli import main
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.routing import leader as routing_leader


@pytest.fixture
def offered(real_database):
    """A call offered to the only one who could have it."""
    with transaction.atomic():
        rls.enter_every_client()
        able, call = make.agent("Able"), make.call(at=clock.now())
        make.agent("Unskilled", portuguese=1)
        assert routing_leader.pulse(now=clock.now()) == 1
    return able, call


def run(*words):
    ran = CliRunner().invoke(main, [str(word) for word in words])
    return ran.exit_code, ran.output


def test_why_names_who_could_and_what_the_others_lacked(offered):
    _, call = offered
    code, said = run("routing", "explain", call.id, "--format", "json")
    found = json.loads(said)

    assert code == 0
    assert found["offered_to"] == "Able"
    assert {row["person"]: row["said"] for row in found["people"]} == {
        "Able": "could",
        "Unskilled": "lacks portuguese 3",
    }
    assert "offered to Able" in run("routing", "explain", call.id)[1]


def test_why_of_nothing_says_so(offered):
    assert run("routing", "explain", 999) == (1, "Error: There is no item 999.\n")


def test_fairness_of_a_month(offered):
    code, said = run("routing", "utilisation", f"{clock.now():%Y-%m}", "--format", "json")
    found = json.loads(said)

    assert code == 0
    assert (found["offers"], found["passed_over"]) == (1, [])
    assert "passed over: 0" in run("routing", "utilisation", f"{clock.now():%Y-%m}")[1]


def test_what_is_no_month_is_refused(offered):
    code, said = run("routing", "utilisation", "2026-13")

    assert code == 1
    assert "write it like" in said
