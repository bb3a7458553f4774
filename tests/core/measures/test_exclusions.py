"""What is excluded from SLA, by worked example: events to the instant, and the band above the forecast to the item."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts.levels import Forecast, ServiceLevel
from workfloor.core.measures import catalogue

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
LEVEL = ServiceLevel("Answered", "answered-within", ("regular",), 20, "offered", exclude=("client-outage",))


def call(number, minutes=0.0, queue="regular", cancelled=False, waited=10) -> Outcome:
    received = TEN + timedelta(minutes=minutes)
    answered = received + timedelta(seconds=waited)
    return Outcome(number, queue, received, received, answered, cancelled_at=received if cancelled else None, done=True)


def event(kind="client-outage", first=0, last=30, *queues) -> Event:
    return Event(1, kind, TEN + timedelta(minutes=first), TEN + timedelta(minutes=last), queues)


def excluded(items, *events, level=LEVEL, bands=()):
    return catalogue.excluded(level, items, events, bands)


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_event_leaves_out_from_its_first_instant_until_before_its_last():
    calls = [call(1, -0.001), call(2, 0), call(3, 29.999), call(4, 30)]

    assert excluded(calls, event()) == {2: "client-outage", 3: "client-outage"}


def test_only_events_that_the_level_excludes_and_of_its_queues_leave_out():
    calls = [call(1), call(2, queue="english")]

    assert excluded(calls, event("force-majeure"), event("outage")) == {}
    assert excluded(calls, event("client-outage", 0, 30, "english")) == {}
    assert excluded(calls, event("client-outage", 0, 30, "english", "regular")) == {1: "client-outage"}


def test_of_several_events_the_earliest_is_named_and_what_was_cancelled_is_nowhere():
    both = replace(LEVEL, exclude=("client-outage", "force-majeure"))
    calls = [call(1, 5), call(2, 5, cancelled=True)]

    assert excluded(calls, event("force-majeure", 0, 10), event("client-outage", 2, 10), level=both) == {
        1: "force-majeure"
    }


def test_what_is_left_out_changes_the_figure_and_is_counted_apart():
    calls = [call(1, -5), call(2, 5, waited=60), call(3, 40, waited=60)]
    out = excluded(calls, event())

    # All: 1 of 3 in time. Without the one that came in at five past ten, during the outage: 1 of 2.
    assert catalogue.figure(LEVEL, calls).attained == Decimal("33.3333")
    figure = catalogue.figure(LEVEL, calls, (), out)
    assert (figure.counted, figure.met, figure.attained, figure.excluded) == (2, 1, Decimal(50), 1)


# --- the band above the forecast --------------------------------------------------------------------------------------

BANDED = replace(LEVEL, exclude=(), above_forecast=Decimal(115))
WEEKDAYS = Forecast(("regular",), date(2026, 1, 1), week={0: 4, 1: 10})


def bands(*forecasts, first=date(2026, 3, 2), last=date(2026, 3, 8), zone="UTC", level=BANDED):
    return catalogue.bands(level, forecasts, first, last, zone)


def allowed(found):
    return [(band.starts_at.date(), band.allowed) for band in found]


def test_a_day_takes_as_many_items_as_the_percent_has_whole_ones():
    # 115 % of 4 are 4.6, of 10 are 11.5; Wednesday has no forecast, and nothing is beyond it
    assert allowed(bands(WEEKDAYS)) == [(date(2026, 3, 2), 4), (date(2026, 3, 3), 11)]


def test_the_latest_beyond_the_band_are_left_out_by_time_then_by_number():
    calls = [call(5, 3), call(1, 9), call(9, 3), call(2, 1), call(3, 2), call(7, 9), call(8, 4, cancelled=True)]

    # In order: 2, 3, 5, 9, 1, 7; the first four are within
    assert excluded(calls, level=BANDED, bands=bands(WEEKDAYS)) == dict.fromkeys((1, 7), "volume-above-forecast")


def test_a_forecast_of_several_queues_is_of_them_together():
    together = Forecast(("regular", "english"), date(2026, 1, 1), week={0: 2})
    calls = [call(1, 0, queue="english"), call(2, 1, queue="english"), call(3, 2), call(4, 3, queue="english")]

    # 2.3 items: the third and the fourth are beyond, and only the third is of the level
    assert excluded(calls, level=BANDED, bands=bands(together)) == {3: "volume-above-forecast"}


def test_an_item_that_an_event_leaves_out_is_still_one_that_came_in():
    both = replace(BANDED, exclude=("client-outage",))
    calls = [call(number, number) for number in range(1, 7)]

    # 4 are within; the outage takes the first two, and the fifth and the sixth are beyond all the same
    out = excluded(calls, event("client-outage", 0, 2.5), level=both, bands=bands(WEEKDAYS, level=both))
    assert out == {1: "client-outage", 2: "client-outage", 5: "volume-above-forecast", 6: "volume-above-forecast"}


def test_a_month_is_under_the_forecast_of_its_first_day_and_days_under_their_own():
    months = (Forecast(("regular",), date(2026, 1, 1), month=100), Forecast(("regular",), date(2026, 3, 15), month=200))
    whole = {"first": date(2026, 3, 1), "last": date(2026, 4, 30)}

    # 115 of March, whose first day is before the change; 230 of April
    assert allowed(bands(*months, **whole)) == [(date(2026, 3, 1), 115), (date(2026, 4, 1), 230)]
    raised = Forecast(("regular",), date(2026, 3, 9), week={0: 8})
    assert allowed(bands(WEEKDAYS, raised, last=date(2026, 3, 10))) == [
        (date(2026, 3, 2), 4),
        (date(2026, 3, 3), 11),
        (date(2026, 3, 9), 9),
    ]


def test_days_are_those_of_the_contracts_zone_also_when_the_clock_changes():
    (sunday,) = bands(
        Forecast(("regular",), date(2026, 1, 1), week={6: 10}),
        first=date(2026, 3, 29),
        last=date(2026, 3, 29),
        zone="Europe/Berlin",
    )

    assert (sunday.starts_at, sunday.ends_at) == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )


@given(st.lists(st.floats(0, 600, width=32), max_size=30), st.integers(0, 20), st.integers(100, 300))
def test_so_many_stay_in_as_the_band_allows_and_none_that_stays_is_later_than_one_that_goes(minutes, count, percent):
    level = replace(BANDED, above_forecast=Decimal(percent))
    calls = [call(number, at) for number, at in enumerate(minutes)]
    band = bands(Forecast(("regular",), date(2026, 1, 1), week={0: count}), level=level)
    out = excluded(calls, level=level, bands=band)

    assert len(calls) - len(out) == min(len(calls), count * percent // 100)
    stays = [item.received_at for item in calls if item.item_id not in out]
    goes = [item.received_at for item in calls if item.item_id in out]
    assert max(stays, default=TEN) <= min(goes, default=max(stays, default=TEN))


@pytest.mark.parametrize("percent", ["100", "115", "133.3333"])
def test_a_percent_is_exact(percent):
    forecast = Forecast(("regular",), date(2026, 1, 1), month=3_000_000)
    (band,) = bands(forecast, first=date(2026, 3, 1), level=replace(BANDED, above_forecast=Decimal(percent)))

    assert band.allowed == {"100": 3_000_000, "115": 3_450_000, "133.3333": 3_999_999}[percent]
