"""What work takes, and Erlang's guess of the people for it."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from tests import make
from tests.ops.simulation.floors import ALWAYS, HOUR, floor, group, work
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.kit.figures import erlang
from workfloor.ops.simulation import demand, scenarios
from workfloor.ops.simulation.scenarios import Group, Scenario


def agreed(scenario: Scenario, old: str = "", new: str = "") -> Scenario:
    """A scenario under the contract of the tests: 80 % of calls answered in 20 seconds."""
    return replace(scenario, contract=contracts_parsing.read(make.CONTRACT.format(slug="harbour").replace(old, new)))


def test_a_guess_is_the_fewest_of_erlangs_formula() -> None:
    scenario = agreed(floor([work(per_hour=200, handling=180)], [group(agents=40)], hours=2))

    [[first, second]] = demand.guess(scenario)

    # Ten are busy in the mean: 200 an hour of three minutes each.
    assert first == second
    assert 100 * erlang.served_within(first, 10, 180, 20) >= 80 > 100 * erlang.served_within(first - 1, 10, 180, 20)


def test_nobody_is_guessed_where_nobody_may_be_or_more_than_there_are() -> None:
    half = ((0.0, HOUR),)
    scenario = agreed(floor([work(per_hour=200, handling=180)], [group(agents=5, sessions=half)], hours=2))

    assert demand.guess(scenario) == [[5, 0]]
    assert demand.unserved(scenario) == pytest.approx(200)


def test_who_serves_without_waiting_for_a_ring_comes_first_then_the_cheapest() -> None:
    calls = work(requires={"german": 3}, relax=((30.0, {"german": 2}),))
    groups = [
        Group("learners", {"german": 2}, (ALWAYS,), Decimal(9)),
        Group("dear", {"german": 4}, (ALWAYS,), Decimal(20)),
        Group("able", {"german": 3}, (ALWAYS,), Decimal(15)),
        Group("others", {"french": 5}, (ALWAYS,), Decimal(5)),
    ]

    found = demand.servers(floor([calls], groups), [0])

    assert [groups[number].name for number in found] == ["able", "dear", "learners"]


def test_contacts_are_those_expected_and_those_recorded() -> None:
    scenario = floor([replace(work(per_hour=0), rates=(0.01, 0.02), cycle=HOUR)], [group()], hours=3)

    assert demand.contacts(scenario, 0) == pytest.approx([36, 72, 36])
    assert demand.contacts(replace(scenario, came=((10.0, 0), (7300.0, 0))), 0) == pytest.approx([37, 72, 37])


@pytest.mark.parametrize(
    ("spread", "mean"),
    [
        (scenarios.exponential(90), 90),
        (scenarios.log_normal(240, 180), 240),
        (scenarios.log_normal(60, 0), 60),
        (scenarios.observed([10, 20, 60]), 30),
        (scenarios.Spread(), 0),
    ],
)
def test_means(spread: scenarios.Spread, mean: float) -> None:
    assert demand.mean(spread) == pytest.approx(mean)


def test_loads_count_what_one_person_has_at_once() -> None:
    scenario = floor([work(per_hour=60, handling=120, max_concurrency=2)], [group()], hours=1)

    # A contact a minute of two minutes each, two at once: one person.
    assert demand.loads(scenario) == [[pytest.approx(1.0)]]
    assert not math.isnan(demand.unserved(scenario))


def test_what_people_cannot_help_is_not_aimed_at() -> None:
    level = 'measure = "answered-within"\nof = ["calls"]\nthreshold = "20s"\nper = "answered"\nexpected = "80 %"'
    slow = 'measure = "handled-time"\nof = ["calls"]\nexpected = "240s"'

    scenario = floor([work(per_hour=60)], [group()])

    assert [aim.number for aim in demand.aims(agreed(scenario))] == [0]
    assert demand.aims(agreed(scenario, f'{level}\nminimum = "75 %"', slow)) == []
