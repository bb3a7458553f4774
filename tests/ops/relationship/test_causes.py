"""Why a target was missed, by hand; and the month ahead as a scenario of the weeks just past."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts.levels import Forecast, ServiceLevel
from workfloor.ops.relationship import causes as relationship_causes
from workfloor.ops.relationship.causes import Hour
from workfloor.ops.simulation import scenario_file
from workfloor.ops.simulation.scenarios import Past

ANSWERED = ServiceLevel("Answered", "answered-within", ("calls",), 20, "answered", expected=Decimal(80))
GAVE_UP = ServiceLevel("Gave up", "abandoned", ("calls",), per="offered", expected=Decimal(5))
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def hour(counted: int, missed: int, handling: int = 100, people: int = 4, at: datetime = MONDAY) -> Hour:
    return Hour(at, counted, missed, counted, counted * handling, {f"P{n}" for n in range(people)})


def test_an_hour_is_short_when_it_breaks_the_promise() -> None:
    assert relationship_causes.is_short(ANSWERED, 10, 3)
    assert not relationship_causes.is_short(ANSWERED, 10, 2)
    assert relationship_causes.is_short(GAVE_UP, 100, 6)
    assert not relationship_causes.is_short(GAVE_UP, 100, 5)
    assert not relationship_causes.is_short(ANSWERED, 0, 0)


def test_misses_are_put_down_to_what_was_different() -> None:
    kept = hour(40, 2)

    [busy] = relationship_causes.causes(ANSWERED, [kept, hour(80, 30)])
    [slow] = relationship_causes.causes(ANSWERED, [kept, hour(40, 30, handling=150)])
    [few] = relationship_causes.causes(ANSWERED, [kept, hour(40, 30, people=2)])

    # Twice the contacts; half as long again; half the people, which is twice the load on each.
    assert (busy.name, busy.missed, round(busy.differed)) == ("volume", 30, 100)
    assert (slow.name, round(slow.differed)) == ("handling", 50)
    assert (few.name, round(few.differed)) == ("people", 100)


def test_two_reasons_share_the_misses_by_how_much_harder_each_made_it() -> None:
    found = relationship_causes.causes(ANSWERED, [hour(40, 2), hour(80, 30, handling=200)])

    # Twice and twice: half each.
    assert [(each.name, each.missed) for each in found] == [("volume", 15.0), ("handling", 15.0)]


def test_what_helped_is_no_reason_and_without_one_it_is_chance() -> None:
    found = relationship_causes.causes(ANSWERED, [hour(40, 2), hour(80, 30, people=8), hour(40, 9)])

    assert {each.name: each.missed for each in found} == {"volume": 30.0, "chance": 9.0}


def test_an_hour_is_held_against_those_of_its_own_time_of_day() -> None:
    morning, noon = hour(40, 2), hour(400, 10, people=40, at=MONDAY.replace(hour=12))

    [found] = relationship_causes.causes(ANSWERED, [morning, noon, hour(80, 30, at=MONDAY + timedelta(days=1))])

    assert (found.name, round(found.differed)) == ("volume", 100)


@given(
    st.lists(
        st.builds(hour, st.integers(0, 90), st.integers(0, 40), st.integers(0, 300), st.integers(0, 9)), max_size=20
    )
)
def test_every_miss_of_a_bad_hour_is_put_down_to_something_once(hours: list[Hour]) -> None:
    bad = sum(each.missed for each in hours if relationship_causes.is_short(ANSWERED, each.counted, each.missed))

    assert sum(each.missed for each in relationship_causes.causes(ANSWERED, hours)) == pytest.approx(bad)


def test_hours_add_up_by_weekday_and_time() -> None:
    found = relationship_causes.by_time_of_week(
        [hour(10, 1), hour(20, 5, at=MONDAY + timedelta(days=7)), hour(3, 3, at=MONDAY.replace(hour=10))]
    )

    assert found == {(0, 9): (30, 6), (0, 10): (3, 3)}


def test_a_forecast_of_a_day_is_of_all_queues_together() -> None:
    weekly = Forecast(("calls",), date(2026, 1, 1), week={0: 100, 1: 80})
    later = Forecast(("calls",), date(2026, 3, 1), week={0: 120})
    monthly = Forecast(("mail",), date(2026, 1, 1), month=310)

    assert relationship_causes.forecast([weekly, later], date(2026, 2, 23)) == 100
    assert relationship_causes.forecast([weekly, later], date(2026, 3, 2)) == 120
    assert relationship_causes.forecast([monthly], date(2026, 3, 2)) == 10
    assert relationship_causes.forecast([weekly, monthly], date(2026, 1, 6)) == 90
    assert relationship_causes.forecast([later], date(2026, 2, 1)) is None


# --- what lies ahead ------------------------------------------------------------------------------------------------

CONTRACT = contracts_parsing.read(make.CONTRACT.format(slug="harbour"))
QUEUES = scenario_file.queues(CONTRACT.queues().values())
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def call(at: datetime, queue: str = "calls", agent: str = "A") -> Past:
    return Past(queue, at, 5.0, "answered", 120.0, 0.0, agent)


def test_what_lies_ahead_is_as_the_last_four_weeks_were() -> None:
    # Every Wednesday at nine two calls; the scenario begins on a Wednesday.
    begins = APRIL - timedelta(weeks=4)
    past = [call(begins + timedelta(weeks=week, hours=9, minutes=minute)) for week in range(4) for minute in (0, 30)]

    made = relationship_causes.ahead(CONTRACT, QUEUES, [*past, call(APRIL), call(begins - timedelta(hours=1))], APRIL)

    assert made is not None
    [work] = made.works
    assert [round(rate * 3600, 6) for rate in work.rates[8:11]] == [0, 2, 0]
    assert len(work.rates) == 168
    assert work.handling.values == (120.0,) * 8
    assert made.expected() == pytest.approx(8)
    # Who answered is there again at the same hours.
    [group] = made.groups
    assert group.agents[0][0][0] == 9 * 3600 + 5


def test_without_work_there_is_nothing_to_look_ahead_from() -> None:
    assert relationship_causes.ahead(CONTRACT, QUEUES, [], APRIL) is None
    assert relationship_causes.ahead(CONTRACT, QUEUES, [call(APRIL - timedelta(days=1), agent="")], APRIL) is None


def test_what_comes_above_a_forecast_counts_in_what_lies_ahead() -> None:
    level = CONTRACT.service_levels[0]
    leaving_out = replace(CONTRACT, service_levels=(replace(level, above_forecast=Decimal(115)),))

    assert relationship_causes.counting_all(leaving_out) == (CONTRACT, True)
    assert relationship_causes.counting_all(CONTRACT) == (CONTRACT, False)
