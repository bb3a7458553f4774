"""Past work as a contract sees it: its clocks, its hours, its windows, by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests import make
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts.terms import Contract
from workfloor.kit.time.calendars import Window
from workfloor.ops.presales import past_work
from workfloor.ops.presales.past_work import Past

NOW = datetime(2026, 9, 1, tzinfo=UTC)
WEDNESDAY = datetime(2026, 1, 14, 16, tzinfo=UTC)
THURSDAY = datetime(2026, 1, 15, 12, tzinfo=UTC)
JANUARY = Window("2026-01", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
LETTERS = """
[[service_levels]]
name = "Letters"
measure = "{}"
of = ["mail"]
threshold = "4 working hours"
"""


def contract(*changes: tuple[str, str], measure: str = "resolved-within") -> Contract:
    text = make.CONTRACT.format(slug="harbour") + LETTERS.format(measure)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return contracts_parsing.read(text)


def seen(agreed: Contract, *past: Past, renames: past_work.Renames | None = None) -> past_work.Seen:
    return past_work.seen(agreed, past_work.export(past), renames or {}, JANUARY, NOW, JANUARY.starts_at)


def letter(*steps: past_work.Step, kind: str = "email") -> Past:
    return Past(Outcome(1, "mail", WEDNESDAY, WEDNESDAY, done=True, ended_at=THURSDAY), steps, kind)


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opens", "spent"), [("09:00-18:00", 3 * 3600), ("00:00-24:00", 18 * 3600)])
def test_working_time_is_counted_in_the_contracts_own_calendar(opens: str, spent: int):
    asked = THURSDAY - timedelta(hours=2)
    steps = (("pending-customer", asked, "mail"), ("customer-answered", THURSDAY, "mail"), ("ended", THURSDAY, "mail"))

    [item] = seen(contract(("09:00-18:00", opens)), letter(*steps)).items

    # 16:00 to 18:00 and 9:00 to 12:00, less the pause of two hours; round the clock, 20 hours less two.
    assert (item.working_seconds, item.paused_seconds) == (spent, 7200)


def test_the_first_reply_stops_its_clock_and_later_ones_do_not():
    steps = [
        (step, WEDNESDAY + timedelta(hours=hours), "mail")
        for step, hours in (("reply-sent", 1), ("reply-sent", 17.5), ("ended", 18))
    ]

    [item] = seen(contract(measure="first-response-within"), letter(*steps)).items

    # Until 17:00: one hour. Resolved at 10:00 of the next day: 16:00 to 18:00 and 9:00 to 10:00.
    assert (item.reply_seconds, item.working_seconds) == (3600, 3 * 3600)


def test_whoever_is_connected_to_a_customer_has_replied_then():
    agreed = contract(('of = ["mail"]', 'of = ["calls"]'), measure="first-response-within")
    answered = WEDNESDAY + timedelta(seconds=30)
    call = Past(Outcome(1, "calls", WEDNESDAY), (("connected", answered, "calls"), ("ended", THURSDAY, "calls")))

    assert seen(agreed, call).items[0].reply_seconds == 30
    assert seen(agreed, replace(call, kind="email")).items[0].reply_seconds == 5 * 3600


def test_what_lay_resolved_before_it_was_reopened_counts_for_nobody():
    hours = (("ended", 1), ("reopened", 18), ("ended", 19))
    steps = [(step, WEDNESDAY + timedelta(hours=after), "mail") for step, after in hours]

    [item] = seen(contract(), letter(*steps)).items

    # 16:00 to 17:00, then from 10:00 to 11:00; the reply was the first end.
    assert (item.working_seconds, item.reply_seconds) == (7200, 3600)


def test_a_reply_that_never_arrived_stops_no_clock_and_the_next_one_does():
    steps = [
        (step, WEDNESDAY + timedelta(hours=hours), "mail")
        for step, hours in (
            ("pending-customer", 1),
            ("reply-lost", 1.5),
            ("waited-in-vain", 1.5),
            ("reply-sent", 17.5),
            ("ended", 18),
        )
    ]

    [item] = seen(contract(measure="first-response-within"), letter(*steps)).items

    # The question at 17:00 was lost. The next reply: 16:00 to 18:00, and 9:00 to 9:30. Nothing stood still meanwhile.
    assert (item.reply_seconds, item.working_seconds, item.paused_seconds) == (9000, 3 * 3600, 0)


def test_a_clock_that_was_passed_on_runs_in_the_calendar_of_where_it_is():
    always = '[calendars.always.week]\nwed = ["00:00-24:00"]\nthu = ["00:00-24:00"]\n\n[[processes]]\nname = "letters"'
    agreed = contract(
        ('[[processes]]\nname = "letters"', always),
        (
            'kind = "email"\nlocation = "onshore"\ncalendar = "office"',
            'kind = "email"\nlocation = "onshore"\ncalendar = "always"',
        ),
    )
    asked = (("pending-customer", WEDNESDAY, "calls"), ("customer-answered", WEDNESDAY + timedelta(hours=3), "calls"))

    [item] = seen(agreed, letter(*asked, ("transferred", THURSDAY, "mail"), ("ended", THURSDAY, "mail"))).items

    # Two hours of pause in the office's day, which ends at 18:00; 20 hours round the clock in all.
    assert (item.paused_seconds, item.working_seconds) == (7200, 18 * 3600)


# --- what counts ------------------------------------------------------------------------------------------------------


def call(number: int, at: datetime, wait: int, queue: str = "calls") -> Past:
    answered = at + timedelta(seconds=wait)
    return Past(Outcome(number, queue, at, at, answered, done=True, ended_at=answered + timedelta(minutes=1)))


def test_only_what_comes_in_during_the_hours_counts():
    agreed = contract(('window = "month"', 'hours = "office"'))
    early, late = (WEDNESDAY.replace(hour=hour) for hour in (8, 10))

    found = past_work.parts(seen(agreed, call(1, early, 5), call(2, late, 5)), agreed.service_levels[0], JANUARY)

    assert (found[None].figure.counted, found["calls"].figure.counted) == (1, 1)


def test_the_latest_beyond_the_forecast_are_left_out():
    forecast = '\n[[forecasts]]\nof = ["calls"]\nfrom = 2026-01-01\nweek = { wed = 2 }\n'
    agreed = contracts_parsing.read(
        make.CONTRACT.format(slug="harbour").replace('window = "month"', 'exclude = ["volume-above-forecast(100 %)"]')
        + forecast
    )
    calls = [call(number, WEDNESDAY + timedelta(minutes=number), wait) for number, wait in ((1, 5), (2, 60), (3, 60))]

    figure = past_work.parts(seen(agreed, *calls), agreed.service_levels[0], JANUARY)[None].figure

    assert (figure.counted, figure.met, figure.excluded) == (2, 1, 1)


def test_an_event_of_a_past_queue_is_of_the_queue_that_it_is_now():
    class WithEvent(past_work.Export):
        def events(self, since: datetime, until: datetime) -> list[Event]:
            return [Event(7, "client-outage", WEDNESDAY, THURSDAY, queues) for queues in (("line-a",), ("line-b",))]

    agreed = contract(('window = "month"', 'exclude = ["client-outage"]'))
    kept = past_work.export([call(1, WEDNESDAY, 60, "line-a"), call(2, THURSDAY, 5, "line-a")])
    renames = {"line-a": ("calls",), "line-b": (past_work.NOWHERE,)}

    view = past_work.seen(agreed, WithEvent(kept.every, kept.arrivals), renames, JANUARY, NOW, JANUARY.starts_at)

    assert [event.queues for event in view.events] == [("calls",)]
    figure = past_work.parts(view, agreed.service_levels[0], JANUARY)[None].figure
    assert (figure.counted, figure.met, figure.excluded) == (1, 1, 1)


def test_a_backlog_counts_what_came_in_before_and_was_still_open():
    agreed = contract(('threshold = "4 working hours"', 'threshold = "24h"'), measure="backlog-older-than")
    before = Past(
        Outcome(1, "mail", datetime(2025, 12, 30, 12, tzinfo=UTC), ended_at=datetime(2026, 1, 2, 9, tzinfo=UTC))
    )
    during = Past(Outcome(2, "mail", WEDNESDAY, ended_at=THURSDAY))

    figure = past_work.parts(seen(agreed, before, during), agreed.service_levels[1], JANUARY)[None].figure

    # Open at the end of January 1st, then two days and a half old; and at the end of the 14th, eight hours old.
    assert (figure.counted, figure.met) == (2, 1)


def test_means_of_several_months_are_of_all_their_waits():
    agreed = contract(
        ('measure = "answered-within"', 'measure = "speed-of-answer"'),
        ('threshold = "20s"\nper = "answered"\n', ""),
        ('expected = "80 %"\nminimum = "75 %"', 'expected = "20 s"'),
    )
    level = agreed.service_levels[0]
    january, february = (
        past_work.parts(seen(agreed, *(call(n, WEDNESDAY, wait) for n, wait in enumerate(waits))), level, JANUARY)
        for waits in ((1, 2, 3), (10,))
    )

    figure = past_work.together(level, [january, february])[None]

    # (1 + 2 + 3 + 10) / 4; of four waits the half is 2 s, and nine in ten are within the last.
    assert (figure.counted, figure.attained) == (4, Decimal("4.0000"))
    assert figure.percentiles == (Decimal("2.0000"), Decimal("10.0000"), Decimal("10.0000"))
