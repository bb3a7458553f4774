"""Planning shifts from the command line."""

import json

import pytest

from tests.cli.test_person import workfloor as workfloor
from tests.ops.routing.test_live import inside
from workfloor.core.people.models import Shift


@pytest.fixture
def joao(workfloor):
    workfloor("people", "site", "add", "Porto", "--country", "PT", "--zone", "Europe/Lisbon")
    workfloor("people", "add", "Joao Reis", "joao@example.com", "--role", "agent", "--site", "Porto")
    return "joao@example.com"


def test_shifts_are_planned_by_the_clock_of_the_site_listed_and_cancelled(workfloor, joao):
    workfloor("people", "shift", "add", joao, "22:00-06:00", "2099-03-27", "2099-03-28")
    listed = json.loads(workfloor("people", "shift", "list", joao, "--format", "json"))

    # In the night to the 29th the clocks go forward: that shift is an hour shorter.
    assert listed == [
        {"starts_at": "2099-03-27T22:00:00+00:00", "ends_at": "2099-03-28T06:00:00+00:00"},
        {"starts_at": "2099-03-28T22:00:00+00:00", "ends_at": "2099-03-29T06:00:00+01:00"},
    ]
    assert "Sat 2099-03-28  22:00-06:00" in workfloor("people", "shift", "list", joao)
    workfloor("people", "shift", "cancel", joao, "2099-03-27")
    assert len(json.loads(workfloor("people", "shift", "list", joao, "--format", "json"))) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "joao@example.com", "9-5", "2099-03-27"], "write it as in 09:00-17:00"),
        (["add", "joao@example.com", "09:00-25:00", "2099-03-27"], "write it as in 09:00-17:00"),
        (["add", "joao@example.com", "09:00-17:00", "2099-02-30"], "There is no 2099-02-30"),
        (["add", "joao@example.com", "09:00-17:00", "2099-03-27", "2099-03-27"], "overlaps"),
        (["add", "nobody@example.com", "09:00-17:00", "2099-03-27"], "workfloor people list"),
        (["cancel", "joao@example.com", "2099-03-27"], "workfloor people shift list"),
    ],
)
def test_what_cannot_be_says_what_to_do_and_plans_nothing(workfloor, joao, words, said):
    assert said in workfloor("people", "shift", *words, ok=False)
    assert not inside(Shift.objects.exists)


def test_without_a_site_there_is_no_clock(workfloor):
    workfloor("people", "add", "Rui", "rui@example.com", "--role", "agent")

    assert "no site" in workfloor("people", "shift", "add", "rui@example.com", "09:00-17:00", "2099-03-27", ok=False)
