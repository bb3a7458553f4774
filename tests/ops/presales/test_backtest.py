"""A contract tried on past months: by hand, month after month."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests import make
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts.terms import Contract
from workfloor.ops.presales import backtest, past_work
from workfloor.ops.presales.backtest import Source
from workfloor.ops.presales.past_work import Past

NOW = datetime(2026, 9, 1, tzinfo=UTC)
FILE = Source("calls.csv", ("calls",))


def contract(*changes: tuple[str, str]) -> Contract:
    """The contract of the tests, from January 2026 on: 80 % in 20 s, minimum 75 %, 1.50 a call, 10 % at risk."""
    text = make.CONTRACT.format(slug="harbour")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return contracts_parsing.read(text)


def calls(month: int, quick: int, slow: int, queue: str = "calls", day: int = 5) -> list[Past]:
    """So many calls of a month, answered after 10 s and after 60 s, of a minute each."""
    begun = datetime(2026, month, day, 10, tzinfo=UTC)
    found = []
    for number, wait in enumerate([10] * quick + [60] * slow):
        at = begun + timedelta(minutes=number)
        answered = at + timedelta(seconds=wait)
        ended = answered + timedelta(minutes=1)
        outcome = Outcome(
            month * 1000 + number, queue, at, at, connected_at=answered, done=True, talk_seconds=60, ended_at=ended
        )
        found.append(Past(outcome, (("connected", answered, queue), ("ended", ended, queue))))
    return found


def tried(
    agreed: Contract, past: Iterable[Past], first: str, last: str, **renames: tuple[str, ...]
) -> list[backtest.Month]:
    return backtest.tried(agreed, backtest.periods(agreed, first, last, first), past_work.export(past), renames, NOW)


def test_a_month_by_hand():
    [month] = tried(contract(), calls(1, quick=7, slow=3), "2026-01", "2026-01")

    # 7 of 10 in time: 70 %, below the minimum. 10 x 1.50 = 15.00; credit 15.00 x 10 % x 100 % x 100 % = 1.50.
    assert [(row.figure.attained, row.verdict) for row in month.measures if row.queue is None] == [
        (Decimal("70.0000"), "below-minimum")
    ]
    assert (month.charges.amount, month.credited.amount, month.net.amount) == (
        Decimal("15.00"),
        Decimal("1.50"),
        Decimal("13.50"),
    )
    [worked] = [(day.day, figure.met, figure.counted) for day, figure in month.days[0] if figure.counted]
    assert worked == (5, 7, 10)
    assert len(month.days[0]) == 31


def test_what_looks_back_sees_the_months_before():
    agreed = contract(('weight = "100 %"', 'weight = "100 %"\nratchet = { after = "2 months" }'))
    past = [*calls(1, 9, 1), *calls(2, 9, 1), *calls(3, 8, 2)]

    january, february, march = tried(agreed, past, "2026-01", "2026-03")

    # 90 % twice, above 80 %: half-way from 80 to 90 is 85, so that March's 80 % falls short of expected.
    assert [month.settled.levels[0].expected for month in (january, february, march)] == [80, 80, Decimal("85.0000")]
    assert march.settled.verdicts == ("below-expected",)


def test_a_yearly_cap_counts_what_was_credited_before():
    agreed = contract(('cap = "10 %"', 'cap = "10 %"\ncap_year = "6 %"'))

    months = tried(agreed, [*calls(1, 5, 5), *calls(2, 5, 5)], "2026-01", "2026-02")

    # Each month misses: 15.00 x 10 % = 1.50. The year lets 6 % of its charges through so far: 0.90, then 1.80 - 0.90.
    assert [month.credited.amount for month in months] == [Decimal("0.90"), Decimal("0.90")]


def test_an_earn_back_gives_back_what_was_taken():
    agreed = contract(('cap = "10 %"', 'cap = "10 %"\nearn_back = { within = "1 month" }'))

    first, second = tried(agreed, [*calls(1, 5, 5), *calls(2, 10, 0)], "2026-01", "2026-02")

    assert (first.credited.amount, second.credited.amount) == (Decimal("1.50"), Decimal("-1.50"))
    assert second.net.amount == Decimal("16.50")


# --- queues -----------------------------------------------------------------------------------------------------------


def test_everything_that_cannot_be_told_is_a_fault_at_its_place():
    by_disposition = (
        'unit = "contact"\nof = ["calls"]',
        'unit = "outcome"\ndispositions = ["resolved"]\nof = ["calls"]',
    )
    source = Source("calls.csv", ("PS", "NE"))

    found = list(backtest.faults(contract(by_disposition), source, {"NE": ("calls", "mail")}, "2031-01"))

    assert [place for place, _ in found] == ["contract.ends_on", "processes", "processes", "prices[0].unit"]
    assert "no queue for past work in PS" in found[1][1]
    assert "calls and mail" in found[2][1]


def test_a_queue_without_past_work_is_said_to_have_had_none_or_refused():
    agreed = contract()

    assert [place for place, _ in backtest.faults(agreed, FILE, {}, "2026-01")] == ["processes[1].queues[0].name"]
    assert list(backtest.faults(agreed, FILE, {past_work.NOWHERE: ("mail",)}, "2026-01")) == []


def test_queues_are_mapped_by_name_or_as_one_says():
    past = [*calls(1, 4, 0, "PS"), *calls(1, 0, 4, "PE"), *calls(1, 1, 0, "mail")]

    [month] = tried(contract(), past, "2026-01", "2026-01", PS=("calls",), PE=("calls",), mail=(past_work.NOWHERE,))

    assert [(each.queue, each.received) for each in (month.totals, *month.queues)] == [(None, 8), ("calls", 8)]
    assert month.measures[0].figure.attained == Decimal("50.0000")


def test_two_contracts_may_call_a_past_queue_differently():
    agreed = contract()

    assert past_work.home(agreed, "calls", {"calls": ("voice",)}) == "calls"
    assert past_work.home(agreed, "PS", {"PS": ("voice", "calls")}) == "calls"


# --- dates ------------------------------------------------------------------------------------------------------------


def test_a_contract_stays_where_it_is_when_its_term_holds_the_months():
    assert backtest.holding(contract(), "2026-03", "2026-05") == (contract(), 0)


def test_a_contract_of_another_time_is_moved_with_every_date_in_it():
    agreed = contract(
        ('weight = "100 %"', 'weight = "100 %"\ntargets = [{ from = 2026-05-01, expected = "90 %", minimum = "80 %" }]')
    )

    moved, by = backtest.holding(agreed, "1999-02", "1999-07")

    assert by == -323  # from January 2026 back to February 1999: 26 years and 11 months
    assert (str(moved.starts_on), str(moved.ends_on)) == ("1999-02-01", "2003-01-31")
    assert str(moved.service_levels[0].targets[0].starts_on) == "1999-06-01"
    assert backtest.holding(agreed, "2026-03", "2026-05", begins="2026-02")[1] == 1


def test_the_last_of_a_month_stays_in_its_month():
    agreed = replace(contract(), ends_on=datetime(2028, 3, 31).date())

    assert str(backtest.holding(agreed, "2025-12", "2026-01")[0].ends_on) == "2028-02-29"


# --- what is still open, and what is refused -------------------------------------------------------------------------


def test_what_is_still_open_counts_once_it_is_late():
    at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    agreed = contract(('per = "answered"', 'per = "offered"'))

    [month] = tried(agreed, [*calls(1, 1, 0), Past(Outcome(7, "calls", at, at))], "2026-01", "2026-01")

    assert (month.measures[0].figure.counted, month.measures[0].figure.met) == (2, 1)
    assert month.totals.open == 1


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ('window = "month"', 'exclude = ["client-outage"]', "service_levels[0].exclude", "client-outage"),
        ('measure = "answered-within"', 'measure = "availability"', "service_levels[0].measure", "counts outages"),
        ('unit = "contact"', 'unit = "agent-hour"', "prices[0].unit", "what both sides approve"),
    ],
)
def test_what_an_export_cannot_know_is_refused_with_its_word_and_what_to_do(old: str, new: str, place: str, said: str):
    changes = [(old, new)]
    if "availability" in new:
        changes.append(('threshold = "20s"\nper = "answered"\n', ""))
    if "agent-hour" in new:
        changes.append(('unit = "agent-hour"\nof = ["calls"]', 'unit = "agent-hour"'))

    found = list(backtest.faults(contract(*changes), FILE, {past_work.NOWHERE: ("mail",)}, "2026-01"))

    assert [each for each, _ in found] == [place]
    assert said in found[0][1]
    assert "--client" in found[0][1]


def test_hours_and_costs_are_charged_under_the_name_that_they_were_approved_under():
    agreed = contract(('unit = "contact"\nof = ["calls"]', 'unit = "agent-hour"'))
    event_log = Source(
        "the event log", ("calls", "mail"), frozenset(backtest.FACTS), frozenset({"People", "Calls answered"})
    )

    assert list(backtest.faults(agreed, event_log, {}, "2026-01")) == []
    [(place, said)] = backtest.faults(agreed, replace(event_log, delivers=frozenset({"People"})), {}, "2026-01")
    assert (place, "it has People" in said) == ("prices[0].title", True)


# --- windows ----------------------------------------------------------------------------------------------------------


def test_a_quarter_is_judged_where_it_ends_by_all_of_its_months():
    agreed = contract(('window = "month"', 'window = "quarter"'))

    months = tried(agreed, [*calls(1, 9, 1), *calls(2, 5, 5), *calls(3, 4, 6)], "2026-01", "2026-03")

    # 9 of 10, then 14 of 20, in the end 18 of 30: 60 %, below the minimum of 75 %; 10 % of March's 15.00.
    found = [(month.measures[0].figure.met, month.measures[0].figure.counted) for month in months]
    assert found == [(9, 10), (14, 20), (18, 30)]
    assert [month.measures[0].verdict for month in months] == [None, None, "below-minimum"]
    assert [str(month.credited.amount) for month in months] == ["0.00", "0.00", "1.50"]


def test_the_months_before_belong_to_the_window_and_what_nobody_knows_of_them_is_said():
    agreed = contract(('window = "month"', 'window = "quarter"'))

    assert [each.name for each in backtest.periods(agreed, "2026-03", "2026-03")] == ["2026-01", "2026-02", "2026-03"]
    assert backtest.unknown_months(agreed, "2026-03", "2026-02") == 1
    assert backtest.unknown_months(agreed, "2026-03", None) == 0
    assert backtest.unknown_months(contract(), "2026-03", "2026-03") == 0


def test_a_week_that_began_in_the_month_before_is_counted_whole():
    agreed = contract(('window = "month"', 'window = "week"'))

    [february] = tried(agreed, [*calls(1, 0, 2, day=30), *calls(2, 9, 1)], "2026-02", "2026-02")

    # January 26 to February 1: nobody in 20 s. The week of February 5th has 9 of 10.
    row = february.measures[0]
    assert (row.window and row.window.name, row.figure.met, row.figure.counted) == ("2026-01-26 to 2026-02-01", 0, 2)
