"""The twin as a floor: who is served, who gives up, who comes again, in which hours."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.simulation import floors
from tests.ops.simulation.floors import HOUR, floor, group, work
from workfloor.ops.routing import pools
from workfloor.ops.simulation import counters, scenarios, twin


def run(scenario, replication=0) -> counters.Tally:
    world = floors.world(scenario, replication)
    assert twin.run(world)
    return counters.Tally(world.counts, world.busy, world.levels)


def total(scenario, tally, field, queue=None) -> float:
    width = len(scenario.works) * counters.FIELDS
    queues = range(len(scenario.works)) if queue is None else [queue]
    return sum(sum(tally.counts[each * counters.FIELDS + field :: width]) for each in queues)


def test_what_comes_at_a_recorded_time_is_served_at_once_by_whoever_is_there():
    replayed = scenarios.Work("calls", floors.work().queue, handling=scenarios.observed([90.0]))
    scenario = floor([replayed], [group(1)], came=((10.0, 0), (50.0, 0), (4000.0, 0)))

    tally = run(scenario)

    assert total(scenario, tally, counters.ANSWERED) == 3
    assert total(scenario, tally, counters.DELAYED) == 1
    assert total(scenario, tally, counters.WAIT) == pytest.approx(50)  # the second waits until the first ends at 100
    assert tally.counts[counters.OFFERED] == 2  # in the first hour
    assert tally.busy[0] == pytest.approx(180)


def test_nobody_serves_outside_their_hours_and_what_is_left_counts_as_never_answered():
    replayed = scenarios.Work("calls", floors.work().queue, handling=scenarios.observed([60.0]))
    came = ((100.0, 0), (HOUR - 5, 0), (2 * HOUR + 1, 0))
    scenario = floor([replayed], [group(1, sessions=((HOUR, 2 * HOUR),))], came=came)

    tally = run(scenario)

    assert total(scenario, tally, counters.OFFERED) == 3
    assert total(scenario, tally, counters.ANSWERED) == 2
    assert total(scenario, tally, counters.WAIT) == pytest.approx((HOUR - 100) + (5 + 60))


def test_a_relaxed_requirement_brings_help_at_the_very_moment():
    asked = pools.Queue(1, 1, {"german": 3}, relax=((45.0, {"german": 1}),))
    replayed = scenarios.Work("calls", asked, handling=scenarios.observed([60.0]))
    scenario = floor([replayed], [group(1, german=1)], came=((0.1, 0), (1000.3, 0)))

    tally = run(scenario)

    assert total(scenario, tally, counters.ANSWERED) == 2
    assert total(scenario, tally, counters.WAIT) == pytest.approx(90)


def test_one_agent_has_three_chats_in_hand_and_a_fourth_waits():
    chats = scenarios.Work("chats", pools.Queue(1, 1, {}, max_concurrency=3), handling=scenarios.observed([300.0]))
    scenario = floor([chats], [group(1)], came=tuple((float(n), 0) for n in range(4)))

    tally = run(scenario)

    assert total(scenario, tally, counters.DELAYED) == 1
    assert total(scenario, tally, counters.WAIT) == pytest.approx(297)
    assert tally.busy[0] == pytest.approx(4 * 300 / 3)


def test_pace_by_level_and_wrap_up_keep_the_agent_busy():
    asked = pools.Queue(1, 1, {"french": 1})
    paced = scenarios.Work(
        "calls",
        asked,
        handling=scenarios.observed([100.0]),
        wrap_up=scenarios.observed([20.0]),
        pace=(1.5, 1.2, 1.0, 0.9, 0.8),
    )
    for level, factor in ((1, 1.5), (5, 0.8)):
        scenario = floor([paced], [group(1, french=level)], came=((0.0, 0),))
        tally = run(scenario)

        assert total(scenario, tally, counters.TALK) == pytest.approx(100 * factor)
        assert tally.busy[0] == pytest.approx(100 * factor + 20)


def test_a_share_of_those_who_gave_up_comes_again():
    scenario = floor([work(per_hour=600, patience=30, retry_share=0.4, retry_after=600.0)], [group(2)], hours=40)

    tally = run(scenario)

    gave_up, again = (total(scenario, tally, field) for field in (counters.ABANDONED, counters.AGAIN))
    assert again / gave_up == pytest.approx(0.4, abs=0.03)
    assert total(scenario, tally, counters.OFFERED) == pytest.approx(24_000 + again, rel=0.03)


def test_arrivals_follow_their_intervals_over_and_over():
    day = scenarios.Work(
        "calls", floors.work().queue, cycle=HOUR, rates=(0.0, 0.1, 0.4), handling=scenarios.observed([1.0])
    )
    scenario = floor([day], [group(5)], hours=300)

    tally = run(scenario)

    offered = Counter()
    for interval in range(scenario.intervals):
        offered[interval % 3] += tally.counts[interval * counters.FIELDS + counters.OFFERED]
    assert offered[0] == 0
    assert offered[1] == pytest.approx(100 * 360, rel=0.02)
    assert offered[2] == pytest.approx(100 * 1440, rel=0.02)


@pytest.mark.parametrize(
    ("spread", "mean", "deviation"),
    [
        (scenarios.exponential(60.0), 60, 60),
        (scenarios.log_normal(60.0, 30.0), 60, 30),
        (scenarios.log_normal(60.0, 0.0), 60, 0),
        (scenarios.observed([20.0, 40.0, 120.0]), 60, 43.2),
    ],
)
def test_times_are_spread_as_asked(spread, mean, deviation):
    scenario = floor([scenarios.Work("calls", floors.work().queue, handling=spread)], [group(1)])
    world = floors.world(scenario)
    draws = [twin.draw(world, 0, twin.HANDLING) for _ in range(40_000)]
    average = math.fsum(draws) / len(draws)

    assert average == pytest.approx(mean, rel=0.02)
    assert math.sqrt(math.fsum((each - average) ** 2 for each in draws) / len(draws)) == pytest.approx(
        deviation, rel=0.05, abs=1e-6
    )


def test_more_work_than_the_world_has_numbers_for_is_said():
    scenario = floor([work(per_hour=60)], [group(1, sessions=())], hours=1)
    world = floors.world(scenario)
    world.left[0] = 5

    assert not twin.run(world)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(1, 400), st.integers(1, 20), st.floats(5, 600), st.floats(1, 600), st.integers(1, 3), st.integers(0, 99)
)
def test_everybody_offered_is_answered_gives_up_or_is_left_and_nobody_does_more_than_they_can(
    per_hour, agents, handling, patience, max_concurrency, replication
):
    works = [
        work("calls", 1, per_hour, handling, patience),
        work("chats", 2, per_hour, handling, patience, max_concurrency=max_concurrency),
    ]
    scenario = floor(works, [group(agents, sessions=((600.0, 3 * HOUR),))], hours=4)

    tally = run(scenario, replication)

    offered, answered, gave_up = (
        total(scenario, tally, field) for field in (counters.OFFERED, counters.ANSWERED, counters.ABANDONED)
    )
    assert offered == answered + gave_up
    # Who is in hand at the end of a shift is still finished.
    busy_hours = [sum(tally.busy[interval : interval + 1]) for interval in range(3)]
    assert all(busy <= agents * HOUR + 1e-6 for busy in busy_hours)


def test_the_same_seed_gives_the_same_and_another_another():
    scenario = floors.mixed(hours=1)

    assert run(scenario) == run(scenario)
    assert run(scenario) != run(scenario, replication=1)


# --- work that is preempted --------------------------------------------------------------------------------------


def waits_of_mail(*came, max_concurrency=1, mail=100.0):
    """One agent: letters that take 100 s, calls that take 60 and interrupt them; the seconds that letters waited."""
    letters = scenarios.Work(
        "mail",
        pools.Queue(1, 1, {}, max_concurrency=max_concurrency, preemptible=True, slope=0.01),
        handling=scenarios.observed([mail]),
    )
    calls = scenarios.Work("calls", pools.Queue(2, 1, {}, preempts=True), handling=scenarios.observed([60.0]))
    scenario = floor([letters, calls], [group(1)], came=came)
    tally = run(scenario)
    assert total(scenario, tally, counters.WAIT, queue=1) == 0  # no call ever waits for a letter
    assert sum(tally.busy) == pytest.approx(
        total(scenario, tally, counters.TALK, 0) / max_concurrency + total(scenario, tally, counters.TALK, 1)
    )
    return total(scenario, tally, counters.WAIT, queue=0)


MAIL, CALL = 0, 1


@pytest.mark.parametrize(
    ("came", "waited"),
    [
        # Begun at 0, preempted from 30 to 90, and so over at 160, when the second letter, of second 1, begins.
        (((0.0, MAIL), (1.0, MAIL), (30.0, CALL)), 159),
        # Put aside from 80 to 140, in which it would have been over: 20 s are left, and it is over at 160.
        (((0.0, MAIL), (1.0, MAIL), (80.0, CALL)), 159),
        # Twice: from 10 to 70 and from 150 to 210, in the time by which it was put off; over at 220.
        (((0.0, MAIL), (1.0, MAIL), (10.0, CALL), (150.0, CALL)), 219),
        # At the very moment of its end it is over first.
        (((0.0, MAIL), (1.0, MAIL), (100.0, CALL)), 99),
    ],
)
def test_a_letter_ends_later_by_as_long_as_it_was_put_aside(came, waited):
    assert waits_of_mail(*came) == pytest.approx(waited)


def test_all_letters_in_hand_are_put_aside_and_each_ends_later():
    # Three at once, begun at 0, 10 and 20; preempted from 50 to 110: the first is over at 160, and the fourth begins.
    came = ((0.0, MAIL), (10.0, MAIL), (20.0, MAIL), (30.0, MAIL), (50.0, CALL))

    assert waits_of_mail(*came, max_concurrency=3) == pytest.approx(130)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=40), st.sampled_from([1, 2, 3]))
def test_nothing_is_lost_however_often_it_is_put_aside(arrivals, max_concurrency):
    ends, came = -1.0, []
    for at, is_call in sorted(arrivals):
        if is_call and at < ends:
            continue  # calls do not overlap, so that none waits
        ends = at + 60.0 if is_call else ends
        came.append((float(at), CALL if is_call else MAIL))

    assert waits_of_mail(*came, max_concurrency=max_concurrency, mail=37.0) >= 0
