"""What the event log says of fairness."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests import make
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.ops.routing import queries as routing_queries
from workfloor.ops.routing import utilisation

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)


@dataclass
class Fact:
    event: str
    seconds: float
    item_id: int | None = None
    person_id: int | None = None
    details: dict = field(default_factory=dict)
    late: float = 0.0

    @property
    def at(self):
        return NINE + timedelta(seconds=self.seconds)

    @property
    def recorded_at(self):
        return self.at + timedelta(seconds=self.late)


def queued(item, seconds, queue=1, **more):
    return Fact("work.queued", seconds, item, details={"queue": queue}, **more)


def work(event, item, person, seconds):
    return Fact(f"work.{event}", seconds, item, person)


def passed(*facts):
    return [(each.offered, each.passed_over) for each in utilisation.passed_over(facts)]


def test_the_oldest_first_passes_nothing_over():
    assert passed(queued(1, 0), queued(2, 1), work("offered", 1, 7, 5), work("offered", 2, 8, 6)) == []


def test_a_younger_one_first_passes_the_older_over():
    assert passed(queued(1, 0), queued(2, 1), work("offered", 2, 7, 5), work("offered", 1, 8, 6)) == [(2, 1)]


def until(event, item, seconds, detail, **more):
    return Fact(f"work.{event}", 0, item, details={detail: (NINE + timedelta(seconds=seconds)).isoformat(), **more})


def test_what_is_kept_for_one_agent_is_passed_over_by_nobody_until_it_is_kept_no_longer():
    kept = [queued(1, 0), until("sticky-agent", 1, 120, "until"), queued(2, 1), queued(3, 2)]

    assert passed(*kept, work("offered", 2, 7, 5), work("offered", 1, 8, 6)) == []
    assert passed(*kept, work("offered", 2, 7, 125)) == [(2, 1)]
    assert passed(*kept, work("offered", 3, 7, 5)) == [(3, 2)]


def test_scheduled_work_waits_since_it_was_due_and_nobody_passes_it_over_before():
    scheduled = [until("scheduled", 1, 60, "for_at", queue=1), queued(2, 50), queued(3, 70)]

    assert passed(*scheduled, work("offered", 2, 7, 55), work("offered", 1, 8, 60)) == []
    assert passed(*scheduled, work("offered", 2, 7, 55), work("offered", 3, 8, 75)) == [(3, 1)]


def test_work_of_other_queues_is_not_passed_over():
    assert passed(queued(1, 0, queue=2), queued(2, 1), work("offered", 2, 7, 5)) == []


def test_what_comes_back_keeps_its_place():
    declined = [queued(1, 0), queued(2, 1), work("offered", 1, 7, 2), work("declined", 1, 7, 3)]

    assert passed(*declined, work("offered", 1, 8, 9), work("offered", 2, 9, 9)) == []
    assert passed(*declined, work("offered", 2, 9, 9)) == [(2, 1)]


def test_who_left_or_owes_an_answer_is_not_passed_over():
    for leaves in ("abandoned", "cancelled", "pending-customer"):
        assert passed(queued(1, 0), Fact(f"work.{leaves}", 1, 1), queued(2, 2), work("offered", 2, 7, 5)) == []


def test_work_whose_fact_was_recorded_a_moment_ago_could_not_be_seen_yet():
    assert passed(queued(1, 0, late=4.5), queued(2, 1), work("offered", 2, 7, 5)) == []
    assert passed(queued(1, 0, late=2.0), queued(2, 1), work("offered", 2, 7, 5)) == [(2, 1)]


def agent_state(event, person, seconds):
    return Fact(f"person.{event}", seconds, None, person)


def share_of(person, *facts, end=100):
    found = utilisation.shares(facts, NINE, NINE + timedelta(seconds=end))
    return next(each for each in found if each.person_id == person)


def test_occupancy_is_the_part_of_the_time_at_work_with_something_in_hand():
    share = share_of(
        7,
        agent_state("available", 7, 0),
        work("offered", 1, 7, 10),
        work("accepted", 1, 7, 10),
        work("accepted", 2, 7, 20),
        work("wrapped-up", 1, 7, 30),
        work("wrapped-up", 2, 7, 50),
        agent_state("away", 7, 80),
    )

    assert (share.present_seconds, share.busy_seconds, share.occupancy) == (80.0, 40.0, 0.5)


def test_one_of_three_chats_at_once_is_a_third_of_a_person():
    """A chat from 0 to 60, another from 30 to 90: a third for 60 s and two for 30 s are 40 s of 100; a call is all."""
    chats = [
        agent_state("available", 7, 0),
        queued(1, 0, queue=5),
        queued(2, 0, queue=5),
        work("accepted", 1, 7, 0),
        work("accepted", 2, 7, 30),
        work("wrapped-up", 1, 7, 60),
        work("wrapped-up", 2, 7, 90),
    ]
    [share] = utilisation.shares(chats, NINE, NINE + timedelta(seconds=100), {5: 3})

    assert round(share.busy_seconds, 9) == 40.0
    assert utilisation.shares(chats, NINE, NINE + timedelta(seconds=100), {5: 1})[0].busy_seconds == 90.0


def test_what_goes_on_at_the_end_counts_up_to_it():
    assert share_of(7, agent_state("available", 7, 40), work("accepted", 1, 7, 70)).occupancy == 0.5


def test_who_was_there_before_counts_from_the_beginning():
    share = share_of(7, agent_state("available", 7, -50), work("accepted", 1, 7, -20), work("wrapped-up", 1, 7, 25))

    assert (share.present_seconds, share.busy_seconds) == (100.0, 25.0)


def test_offers_declined_and_lapsed_are_counted_by_person():
    share = share_of(
        7,
        work("offered", 1, 7, 0),
        work("declined", 1, 7, 1),
        work("offered", 2, 7, 2),
        work("offer-expired", 2, 7, 22),
    )

    assert (share.offered, share.declined, share.lapsed, share.occupancy) == (2, 1, 1, None)


def test_the_spread_is_none_where_nobody_was_at_work_and_nought_among_equals():
    equal = [utilisation.Share(person, 1, 0, 0, 100.0, 40.0) for person in (1, 2)]

    assert utilisation.spread([]) is None
    assert utilisation.spread(equal) == (0.4, 0.0)
    assert utilisation.spread([*equal, utilisation.Share(3, 1, 0, 0, 100.0, 100.0)])[1] > 0.2


# --- how people kept to their shifts ---------------------------------------------------------------------------------


def state(seconds, event, reason=None, person=7):
    return Fact(f"person.{event}", seconds, None, person, {"reason": reason} if reason else {})


def at(seconds):
    return NINE + timedelta(seconds=seconds)


def kept(*facts, shifts=((0, 1000),), end=10_000):
    spans = {7: [(at(since), at(until)) for since, until in shifts]}
    return utilisation.planned(facts, spans, NINE, at(end))[7]


def test_a_worked_shift_in_which_somebody_came_late_took_a_break_and_missed_an_offer():
    """By hand: 1000 s planned; signed out 100, available 500, break 200, RONA 50, available 150."""
    found = kept(
        state(100, "available"),
        state(600, "away", "break"),
        state(800, "available"),
        state(850, "away", "RONA"),
        state(900, "available"),
        state(1200, "signed-out"),
    )

    assert found == utilisation.Planned(1000, 500 + 200 + 50 + 100, 500 + 50 + 100)
    assert (found.adherence, round(found.shrinkage, 4)) == (0.85, 0.35)


def test_outside_shifts_nothing_counts_and_who_never_came_did_not_adhere():
    overtime = kept(state(-500, "available"), state(2500, "signed-out"), shifts=((0, 1000), (2000, 3000)))
    assert (overtime.seconds, overtime.adherence, overtime.shrinkage) == (2000, 0.75, 0.25)

    absent = kept()
    assert (absent.adherence, absent.shrinkage) == (0.0, 1.0)
    assert utilisation.planned([state(0, "available")], {}, NINE, at(100)) == {}
    nothing = kept(state(0, "available"), shifts=((0, 1000),), end=0)
    assert (nothing.seconds, nothing.adherence, nothing.shrinkage) == (0, None, None)


def test_a_shift_that_runs_counts_until_now_and_one_over_the_start_from_there():
    found = kept(state(-50, "available"), shifts=((-100, 1000),), end=400)

    assert (found.seconds, found.as_planned) == (400, 400)


turns = st.lists(st.tuples(st.integers(-100, 1100), st.sampled_from(["available", "away", "signed-out"])), max_size=12)


@given(turns)
def test_second_by_second_it_is_the_same(turns):
    facts = [state(seconds, event, "break" if event == "away" else None) for seconds, event in sorted(turns)]
    now = dict.fromkeys(range(1000), "")
    for fact in facts:
        now |= {second: fact.event for second in now if second >= fact.seconds}

    found = kept(*facts)

    available = sum(each == "person.available" for each in now.values())
    assert found.available == available
    assert found.as_planned == available + sum(each == "person.away" for each in now.values())
    assert 0 <= found.adherence <= 1 and 0 <= found.shrinkage <= 1


def test_a_month_says_of_everybody_with_shifts_how_they_kept_to_them(everyone):
    ana, absent = make.agent("Ana"), make.agent("Absent", available=False)
    make.agent("Unplanned")
    for each in (ana, absent):
        people.plan_shift(
            person=each, starts_at=make.NINE, ends_at=make.later(hours=8), by=actors.ROOT, now=make.later(days=-1)
        )
    gone = people.plan_shift(
        person=ana, starts_at=make.later(days=1), ends_at=make.later(days=1, hours=8), by=actors.ROOT, now=make.NINE
    )
    people.cancel_shift(shift=gone, by=actors.ROOT, now=make.NINE)
    people.go_away(person=ana, reason="training", by=ana, now=make.later(hours=6))

    found = dict(routing_queries.month_utilisation("2026-03", make.later(days=2)).shares)

    assert (found["Ana"].planned.adherence, found["Ana"].planned.shrinkage) == (1.0, 0.25)
    assert (found["Absent"].planned.adherence, found["Absent"].planned.shrinkage) == (0.0, 1.0)
    assert (found["Unplanned"].planned.adherence, found["Unplanned"].planned.shrinkage) == (None, None)
