"""The fewest people with whom targets are met: found by simulation, and no fewer."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from tests import make
from tests.ops.simulation.floors import ALWAYS, HOUR, floor, group, work
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.ops.simulation import demand, requirements, scenarios
from workfloor.ops.simulation import runs as simulation_runs
from workfloor.ops.simulation.counters import Tally
from workfloor.ops.simulation.scenarios import Group, Scenario

CONTRACT = contracts_parsing.read(make.CONTRACT.format(slug="harbour"))
TWO = contracts_parsing.read(
    make.CONTRACT.format(slug="harbour").replace('of = ["calls"]\nthreshold', 'of = ["calls", "mail"]\nthreshold')
)


def simulate(scenario: Scenario, first: int, count: int) -> Iterator[Tally]:
    for number in range(count):
        tally = simulation_runs.run(requirements.world(scenario, first, number))
        assert tally
        yield tally


def silent(how: str) -> None:
    """Nobody looks."""


def day(most: int = 30, per_hour: float = 60) -> Scenario:
    """Three hours of calls, busy in the middle one, with customers who give up after two minutes."""
    calls = replace(work(handling=180, patience=120), rates=(per_hour / HOUR, 2 * per_hour / HOUR, per_hour / HOUR))
    return floor([calls], [group(agents=most)], hours=3, contract=CONTRACT)


def test_people_are_laid_out_as_so_many_are_needed() -> None:
    scenario = day()

    made = requirements.staffed(scenario, [[2, 3, 1]])

    assert made.groups[0].agents == (((0, 3 * HOUR),), ((0, 2 * HOUR),), ((HOUR, 2 * HOUR),))
    assert scenarios.present(made.groups[0], made) == [2 * HOUR, 3 * HOUR, HOUR]


def test_nobody_is_laid_out_outside_their_hours() -> None:
    scenario = floor([work()], [group(sessions=((1800.0, 5400.0),))], hours=3)

    assert requirements.staffed(scenario, [[1, 1, 1]]).groups[0].agents == (((1800, 5400),),)


def test_the_promise_is_kept_with_fewer_than_by_erlang_and_with_more_where_more_comes() -> None:
    scenario = day()

    found = requirements.search(scenario, simulate, silent)

    [staff] = found.staff
    assert found.lacking == ()
    assert staff[1] > staff[0]
    assert sum(staff) < sum(demand.guess(scenario)[0])  # Erlang's customers never give up
    looking = requirements._Search(
        scenario, demand.aims(scenario), demand.openings(scenario), simulate, silent, demand.loads(scenario)
    )
    assert looking.weighed(found.staff).room()[0] >= 0
    # One fewer in all three hours is too few.
    assert looking.weighed([[each - 1 for each in staff]]).room()[0] < 0


def test_the_same_seed_finds_the_same_people() -> None:
    assert requirements.search(day(per_hour=20), simulate, silent) == requirements.search(
        day(per_hour=20), simulate, silent
    )


def test_a_promise_that_all_who_may_be_there_cannot_keep_is_named() -> None:
    found = requirements.search(day(most=3), simulate, silent)

    assert found.lacking == (0,)
    assert found.staff == [[3, 3, 3]]


def test_who_is_short_of_people_gets_them_and_not_the_other_queue() -> None:
    scenario = floor(
        [work(per_hour=90, handling=180, requires={"german": 1}), work("mail", 2, 2, 60, requires={"english": 1})],
        [
            Group("german", {"german": 1}, (ALWAYS,) * 30, Decimal(20)),
            Group("english", {"english": 1}, (ALWAYS,) * 30, Decimal(10)),
        ],
        hours=2,
        contract=TWO,
    )

    german, english = requirements.search(scenario, simulate, silent).staff

    assert min(german) >= 5  # four and a half are busy in the mean
    assert max(english) <= 2


def test_room_is_what_is_left_in_nineteen_of_twenty() -> None:
    # Kept by 10 in the mean, give or take 2: 10 less 1.70 x sqrt(1 + 1/30) x 2.
    weighed = requirements.Weighed([], [[-8.0], [-10.0], [-12.0]])

    assert weighed.room() == [10 - requirements.SURE * 2]


def test_the_cheapest_go_first_one_an_interval_and_not_beyond_a_part_of_the_room() -> None:
    prices = {(0, 0): [4.0], (1, 0): [1.0], (0, 1): [2.0], (0, 2): [3.0], (0, 3): [11.0]}
    refused = set[tuple[int, int]]()

    assert requirements._affordable(prices, [10.0], 0.5, refused) == [(1, 0), (0, 1)]
    assert refused == {(0, 3)}
