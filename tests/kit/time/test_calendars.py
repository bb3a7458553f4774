"""Working time, against worked examples and against a walk minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Calendar

HOUR = 3600
MIDNIGHT = time(0)
NINE_TO_FIVE = (time(9), time(17))
ALL_DAY = (MIDNIGHT, MIDNIGHT)


def weekdays(*spans: tuple[time, time], zone: str = "Asia/Jerusalem", **terms) -> Calendar:
    return Calendar(zone, dict.fromkeys(range(5), spans), **terms)


def every_day(*spans: tuple[time, time], zone: str = "Asia/Jerusalem", **terms) -> Calendar:
    return Calendar(zone, dict.fromkeys(range(7), spans), **terms)


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))


# worked examples


def test_four_working_hours_from_friday_afternoon_end_on_monday():
    office = weekdays(NINE_TO_FIVE, zone="Europe/Berlin")
    friday = at("Europe/Berlin", 2026, 11, 20, 15, 30)

    assert calendars.add_working(office, friday, 4 * HOUR) == at("Europe/Berlin", 2026, 11, 23, 11, 30)
    assert calendars.working_seconds(office, friday, at("Europe/Berlin", 2026, 11, 23, 11, 30)) == 4 * HOUR


def test_a_lunch_break_is_not_worked():
    office = weekdays((time(8), time(12)), (time(13, 30), time(17)), zone="Europe/Madrid")
    start = at("Europe/Madrid", 2026, 11, 23, 11, 0)

    assert calendars.add_working(office, start, 2 * HOUR) == at("Europe/Madrid", 2026, 11, 23, 14, 30)
    assert not calendars.is_open(office, at("Europe/Madrid", 2026, 11, 23, 12, 0))
    assert calendars.is_open(office, at("Europe/Madrid", 2026, 11, 23, 13, 30))


def test_a_night_belongs_to_the_day_on_which_it_begins():
    nights = Calendar("Europe/London", {4: ((time(22), time(6)),)})  # Friday nights

    assert calendars.is_open(nights, at("Europe/London", 2026, 11, 21, 5, 59))
    assert not calendars.is_open(nights, at("Europe/London", 2026, 11, 21, 6, 0))
    assert not calendars.is_open(nights, at("Europe/London", 2026, 11, 21, 22, 0))

    off = Calendar("Europe/London", nights.week, closed_on=frozenset({date(2026, 11, 20)}))
    assert not calendars.is_open(off, at("Europe/London", 2026, 11, 21, 5, 0))
    next_day_off = Calendar("Europe/London", nights.week, closed_on=frozenset({date(2026, 11, 21)}))
    assert calendars.is_open(next_day_off, at("Europe/London", 2026, 11, 21, 5, 0))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", (2026, 3, 8), 23),  # north, forwards
        ("America/New_York", (2026, 11, 1), 25),  # north, back
        ("Australia/Sydney", (2026, 10, 4), 23),  # south, forwards
        ("Australia/Sydney", (2026, 4, 5), 25),  # south, back
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),  # half an hour
        ("Asia/Jerusalem", (1999, 4, 2), 23),
        ("Asia/Jerusalem", (1999, 9, 3), 25),
        ("Asia/Beirut", (2026, 3, 29), 23),  # midnight itself is skipped
        ("Asia/Kolkata", (2026, 3, 29), 24),
    ],
)
def test_a_day_round_the_clock_has_its_real_length(zone, day, hours):
    always = every_day(ALL_DAY, zone=zone)
    start, end = at(zone, *day), at(zone, *day) + timedelta(days=1)  # wall-clock arithmetic

    assert calendars.working_seconds(always, start, end) == hours * HOUR
    assert calendars.add_working(always, start, int(hours * HOUR)) == end


@pytest.mark.parametrize(
    ("zone", "evening", "hours"),
    [
        ("America/New_York", (2026, 3, 7), 7),
        ("America/New_York", (2026, 10, 31), 9),
        ("America/Santiago", (2026, 9, 5), 7),
        ("America/Santiago", (2026, 4, 4), 9),
    ],
)
def test_a_night_across_a_change_of_the_clock_has_its_real_length(zone, evening, hours):
    nights = every_day((time(22), time(6)), zone=zone)
    start = at(zone, *evening, 21)

    assert calendars.working_seconds(nights, start, start + timedelta(hours=12)) == hours * HOUR
    assert calendars.add_working(nights, start, hours * HOUR) == at(zone, *evening, 6) + timedelta(days=1)


def test_a_span_within_the_hour_that_the_clock_skips_has_no_length():
    zone = "America/New_York"
    early = every_day((time(2, 15), time(2, 45)), zone=zone)
    late = every_day((time(2, 30), time(4)), zone=zone)

    assert calendars.working_seconds(early, at(zone, 2026, 3, 8), at(zone, 2026, 3, 9)) == 0
    assert calendars.working_seconds(late, at(zone, 2026, 3, 8), at(zone, 2026, 3, 9)) == HOUR


def test_holidays_are_closed_unless_the_contract_opens_them():
    independence = at("Asia/Jerusalem", 1999, 4, 21, 12)

    assert calendars.is_open(every_day(NINE_TO_FIVE), independence)
    assert not calendars.is_open(every_day(NINE_TO_FIVE, holidays="IL"), independence)
    opened = every_day(NINE_TO_FIVE, holidays="IL", open_on=frozenset({independence.date()}))
    assert calendars.is_open(opened, independence)


def test_holidays_of_a_subdivision():
    epiphany = at("Europe/Berlin", 2025, 1, 6, 12)  # a holiday in the south only

    assert calendars.is_open(weekdays(NINE_TO_FIVE, zone="Europe/Berlin", holidays="DE"), epiphany)
    assert not calendars.is_open(weekdays(NINE_TO_FIVE, zone="Europe/Berlin", holidays="DE-BY"), epiphany)
    assert calendars.holiday_calendar_exists("DE-BY")
    assert not calendars.holiday_calendar_exists("DE-XX")
    assert not calendars.holiday_calendar_exists("XX")


def test_time_that_ends_when_work_ends_is_due_at_the_close_not_at_the_next_opening():
    office = weekdays(NINE_TO_FIVE, zone="Europe/Berlin")
    noon = at("Europe/Berlin", 2026, 11, 20, 12)

    assert calendars.add_working(office, noon, 5 * HOUR) == at("Europe/Berlin", 2026, 11, 20, 17)
    assert calendars.add_working(office, noon, 5 * HOUR + 1) == at("Europe/Berlin", 2026, 11, 23, 9, 0, 1)


def test_spans_that_overlap_are_worked_once():
    doubled = every_day((time(9), time(13)), (time(12), time(17)), (time(10), time(11)), zone="UTC")

    assert calendars.working_seconds(doubled, at("UTC", 2026, 1, 5), at("UTC", 2026, 1, 6)) == 8 * HOUR


def test_a_calendar_that_is_never_open_says_so():
    with pytest.raises(calendars.NeverOpen):
        calendars.add_working(Calendar("UTC", {}), at("UTC", 2026, 1, 5), 1)
    assert calendars.working_seconds(Calendar("UTC", {}), at("UTC", 2026, 1, 5), at("UTC", 2046, 1, 5)) == 0


def test_naive_times_and_negative_seconds_are_refused():
    always = every_day(ALL_DAY)
    with pytest.raises(ValueError, match="zone"):
        calendars.is_open(always, datetime(2026, 1, 5))
    with pytest.raises(ValueError, match="forwards"):
        calendars.add_working(always, at("UTC", 2026, 1, 5), -1)


# against a walk minute by minute

ZONES = [
    "Asia/Jerusalem",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kolkata",
]
# Around changes of the clock of these zones, in both directions.
DAYS = [
    date(1999, 4, 1),
    date(1999, 9, 2),
    date(2026, 3, 7),
    date(2026, 4, 4),
    date(2026, 10, 3),
    date(2026, 10, 31),
]

quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
weeks = st.dictionaries(st.integers(0, 6), st.lists(st.tuples(quarters, quarters), max_size=3).map(tuple), min_size=1)
closures = st.frozensets(st.sampled_from(DAYS), max_size=3)
some_calendars = st.builds(Calendar, st.sampled_from(ZONES), weeks, st.none(), closures)
starts = st.builds(
    lambda day, minutes: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(DAYS),
    st.integers(-1440, 2 * 1440),
)


def open_minutes(calendar: Calendar, start: datetime, minutes: int) -> list[bool]:
    """Walk a clock that never runs backwards: it waits where the zone's own is set back."""
    zone, shown, walk = ZoneInfo(calendar.zone), datetime.min, []
    first = start - timedelta(days=1)
    for n in range(1440 + minutes):
        shown = max(shown, (first + timedelta(minutes=n)).astimezone(zone).replace(tzinfo=None, fold=0))
        walk.append(_shows_work(calendar, shown))
    return walk[1440:]


def _shows_work(calendar: Calendar, shown: datetime) -> bool:
    return any(
        datetime.combine(day, opens) <= shown < datetime.combine(day + timedelta(days=closes <= opens), closes)
        for day in (shown.date(), shown.date() - timedelta(days=1))
        if day not in calendar.closed_on
        for opens, closes in calendar.week.get(day.weekday(), ())
    )


@settings(max_examples=150, deadline=None)
@given(some_calendars, starts, st.integers(0, 2000))
def test_working_seconds_are_the_open_minutes_of_a_walk(calendar, start, minutes):
    walk = open_minutes(calendar, start, minutes)

    end = start + timedelta(minutes=minutes)
    assert calendars.working_seconds(calendar, start, end) == 60 * sum(walk)
    assert calendars.working_seconds(calendar, end, start) == -60 * sum(walk)
    assert calendars.is_open(calendar, start) == open_minutes(calendar, start, 1)[0]


@settings(max_examples=150, deadline=None)
@given(some_calendars, starts, st.integers(0, 5 * 86400))
def test_adding_working_time_is_the_inverse_of_counting_it(calendar, start, seconds):
    try:
        due = calendars.add_working(calendar, start, seconds)
    except calendars.NeverOpen:
        assert calendars.working_seconds(calendar, start, start + timedelta(days=400)) == 0
        return
    assert calendars.working_seconds(calendar, start, due) == seconds
    if seconds:
        assert calendars.working_seconds(calendar, start, due - timedelta(seconds=1)) == seconds - 1


# periods


def test_february_1999_in_jerusalem():
    start, end = calendars.period_bounds("1999-02", "Asia/Jerusalem")

    assert start == datetime(1999, 1, 31, 22, tzinfo=UTC)
    assert end == datetime(1999, 2, 28, 22, tzinfo=UTC)
    assert calendars.period_of(start, "Asia/Jerusalem") == "1999-02"
    assert calendars.period_of(start - timedelta(microseconds=1), "Asia/Jerusalem") == "1999-01"


def test_a_month_with_a_change_of_the_clock_has_its_real_length():
    start, end = calendars.period_bounds("1999-09", "Asia/Jerusalem")

    assert end - start == timedelta(days=30, hours=1)


def test_a_clock_set_back_over_midnight_does_not_return_to_the_old_month():
    zone = "America/St_Johns"  # on 1 November 2009 at 00:01 the clock went back to 23:01
    begins = at(zone, 2009, 11, 1, 0, 0).astimezone(UTC)

    assert calendars.period_bounds("2009-11", zone)[0] == begins
    assert calendars.period_of(begins, zone) == "2009-11"
    assert calendars.period_of(begins + timedelta(minutes=30), zone) == "2009-11"
    assert calendars.period_of(begins - timedelta(seconds=1), zone) == "2009-10"


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([*ZONES, "America/St_Johns", "Pacific/Apia"]),
)
def test_every_instant_lies_within_the_bounds_of_its_period_and_of_no_other(moment, zone):
    start, end = calendars.period_bounds(calendars.period_of(moment, zone), zone)

    assert start <= moment < end
    assert calendars.period_bounds(calendars.period_of(end, zone), zone)[0] == end


@pytest.mark.parametrize(
    "period", ["1999", "1999-13", "1999-00", "99-02", "1999-2", "1999-02-01", "١٩٩٩-02", "0000-01"]
)
def test_what_is_no_month_is_no_period(period):
    with pytest.raises(ValueError, match="no period"):
        calendars.period_bounds(period, "UTC")
