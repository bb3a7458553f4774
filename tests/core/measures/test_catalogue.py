"""Measures and what prices count, by worked example and by property."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import levels
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.pricing import Price
from workfloor.core.measures import catalogue

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def call(waited=0.0, *, answered=True, cancelled=False, queue="regular", talk=60, hold=0, wrap=0) -> Outcome:
    left = NINE + timedelta(seconds=waited)
    return Outcome(
        item_id=1,
        queue=queue,
        received_at=NINE,
        queued_at=NINE,
        connected_at=left if answered else None,
        abandoned_at=None if answered else left,
        cancelled_at=left if cancelled else None,
        done=answered,
        talk_seconds=talk if answered else 0,
        hold_seconds=hold,
        wrap_seconds=wrap,
    )


def waiting(queue="regular") -> Outcome:
    return Outcome(item_id=1, queue=queue, received_at=NINE, queued_at=NINE)


def task(working_seconds, queue="regular") -> Outcome:
    return Outcome(
        item_id=1,
        queue=queue,
        received_at=NINE,
        done=working_seconds is not None,
        working_seconds=working_seconds,
    )


def answered_within(per="answered", threshold=20, short=None, **kwargs) -> ServiceLevel:
    return ServiceLevel("Answered", "answered-within", ("regular",), threshold, per, short, **kwargs)


def level(measure, **kwargs) -> ServiceLevel:
    return ServiceLevel("Level", measure, ("regular",), **kwargs)


def price(**kwargs) -> Price:
    return Price(**({"title": "Calls", "unit": "contact", "of": ("regular",), "counts": "answered"} | kwargs))


# --- measures ---------------------------------------------------------------------------------------------------


def test_a_wait_of_exactly_the_threshold_is_within_it():
    figure = catalogue.figure(answered_within(), [call(20), call(20.000001)])

    assert (figure.counted, figure.met, figure.attained) == (2, 1, Decimal("50.0000"))


def test_the_three_shares_differ_in_what_they_count():
    month = [call(3), call(30), call(5, answered=False), call(6, answered=False), call(1, cancelled=True)]

    def counted(per, short=None):
        figure = catalogue.figure(answered_within(per, short=short), month)
        return figure.counted, figure.met, figure.apart

    assert counted("answered") == (2, 1, 0)
    assert counted("offered") == (4, 1, 0)
    assert counted("offered-less-short-abandons", short=5) == (3, 1, 1)


def test_abandons_are_counted_per_offered_with_the_short_ones_apart():
    month = [call(3), call(5, answered=False), call(6, answered=False), waiting()]

    everyone = catalogue.figure(level("abandoned", per="offered"), month)
    patient = catalogue.figure(level("abandoned", per="offered-less-short-abandons", short_abandon_seconds=5), month)

    assert (everyone.counted, everyone.met, everyone.attained) == (3, 2, Decimal("66.6667"))
    assert (patient.counted, patient.met, patient.apart) == (2, 1, 1)


def test_an_open_item_counts_as_missed_once_it_is_late():
    target = answered_within("offered")

    assert catalogue.figure(target, [waiting()]).counted == 0
    figure = catalogue.figure(target, [waiting()], late={1})
    assert (figure.counted, figure.met) == (1, 0)
    assert catalogue.figure(answered_within("answered"), [waiting()], late={1}).counted == 0


def elapsed(start, end):
    return (end - start) // timedelta(seconds=1)


def test_a_waiting_call_is_late_after_its_threshold():
    def late_after(seconds, item=None):
        return catalogue.is_late(answered_within(), item or waiting(), NINE + timedelta(seconds=seconds), elapsed)

    assert [late_after(seconds) for seconds in (20, 20.001)] == [False, True]
    assert not late_after(9999, call(30))


def test_an_open_task_is_late_after_its_working_time_less_what_the_customer_took():
    target = level("resolved-within", threshold_seconds=3600)
    asked = replace(task(None), paused_seconds=600, awaiting_since=NINE + timedelta(seconds=4000))

    def late_after(seconds, item):
        return catalogue.is_late(target, item, NINE + timedelta(seconds=seconds), elapsed)

    assert [late_after(seconds, task(None)) for seconds in (3600, 3601)] == [False, True]
    assert [late_after(seconds, asked) for seconds in (3999, 9999)] == [False, False]
    assert late_after(9999, replace(asked, paused_seconds=0))


def test_a_customer_who_was_connected_once_has_not_abandoned():
    passed_on = replace(call(3), done=False, abandoned_at=NINE + timedelta(seconds=4))
    patient = "offered-less-short-abandons"

    assert catalogue.figure(level("abandoned", per="offered"), [passed_on]).met == 0
    assert catalogue.figure(level("abandoned", per=patient, short_abandon_seconds=5), [passed_on]).counted == 1
    assert catalogue.figure(answered_within(patient, short=5), [passed_on]).met == 1


def test_speed_of_answer_gives_the_mean_and_nearest_rank_percentiles():
    figure = catalogue.figure(
        level("speed-of-answer"), [call(s) for s in (10, 20, 40)] + [call(99, answered=False)], {}
    )

    assert (figure.counted, figure.met, figure.attained) == (3, None, Decimal("23.3333"))
    assert figure.percentiles == (Decimal(20), Decimal(40), Decimal(40))


def test_handled_time_is_talk_and_hold_and_wrap_up_of_finished_contacts():
    figure = catalogue.figure(level("handled-time"), [call(talk=60, hold=5, wrap=10), call(talk=0), waiting()])

    assert (figure.counted, figure.attained) == (2, Decimal("37.5000"))


def test_resolved_within_counts_working_time_and_open_items_once_late():
    target = level("resolved-within", threshold_seconds=3600)
    month = [task(3600), task(3601), task(None), call(3, answered=False)]

    assert catalogue.figure(target, month).counted == 2
    late = catalogue.figure(target, [*month[:2], replace(month[2], item_id=2)], late={2})
    assert (late.counted, late.met) == (3, 1)


def test_volume_counts_everything_but_what_was_cancelled():
    month = [call(3), call(5, answered=False), waiting(), call(cancelled=True)]

    assert catalogue.figure(level("volume"), month) == catalogue.Figure(counted=3)


def test_nothing_counted_is_no_figure_and_breaks_no_promise():
    figure = catalogue.figure(answered_within(), [call(cancelled=True)])

    assert (figure.counted, figure.attained) == (0, None)
    assert levels.verdict(answered_within(expected=Decimal(80)), figure.attained) is None


calls = st.builds(
    call,
    st.integers(0, 60),
    answered=st.booleans(),
    cancelled=st.booleans(),
    queue=st.sampled_from(["regular", "english"]),
    talk=st.integers(0, 600),
)


@given(st.lists(calls))
def test_queues_add_up_to_all_of_them_together(month):
    def counted(*queues):
        target = ServiceLevel("A", "answered-within", queues, 20, "offered-less-short-abandons", 5)
        figure = catalogue.figure(target, month)
        return figure.counted, figure.met, figure.apart

    each = [counted("regular"), counted("english")]
    assert counted("regular", "english") == tuple(map(sum, zip(*each, strict=True)))


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_share_is_exact_to_four_decimals(counted, met):
    attained = catalogue.share_figure(counted, met).attained

    assert attained is not None
    assert abs(Fraction(attained) - Fraction(100 * met, counted)) <= Fraction(1, 20000)
    assert attained.as_tuple().exponent == -4


@given(st.lists(st.integers(0, 500).map(Decimal), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(spans, percent):
    ordered = sorted(spans)
    found = catalogue.nearest_rank(ordered, percent)

    def covered(value):
        return 100 * sum(span <= value for span in ordered) >= percent * len(ordered)

    assert covered(found)
    assert not any(covered(span) for span in ordered if span < found)


# --- first response ---------------------------------------------------------------------------------------------


def letter(number=1, reply=None, **more) -> Outcome:
    return Outcome(number, "regular", NINE, NINE, reply_seconds=reply, **more)


def test_a_first_response_counts_as_soon_as_it_went_out_and_what_waits_once_it_is_late():
    target = level("first-response-within", threshold_seconds=3600)
    month = [letter(1, 3600), letter(2, 3601, done=True), letter(3), letter(4)]

    # An hour exactly is within; a second more is not; of those without a reply one is late
    figure = catalogue.figure(target, month, late={4})
    assert (figure.counted, figure.met, figure.attained) == (3, 1, Decimal("33.3333"))


def test_whoever_left_or_ended_without_a_reply_had_no_first_response():
    target = level("first-response-within", threshold_seconds=3600)
    month = [letter(1, 60, abandoned_at=NINE), letter(2, None, done=True), letter(3, 5, cancelled_at=NINE)]

    assert catalogue.figure(target, month, late={2}).counted == 0


def test_a_letter_with_a_reply_or_a_call_that_goes_on_is_not_late():
    target = level("first-response-within", threshold_seconds=3600)
    later = NINE + timedelta(seconds=3601)

    found = [
        catalogue.is_late(target, item, later, elapsed)
        for item in (
            letter(),
            letter(reply=3599),
            letter(in_conversation=True),
            letter(paused_seconds=1),
            letter(awaiting_since=NINE + timedelta(seconds=3600)),
        )
    ]
    assert found == [True, False, False, False, False]


# --- resolved at the first contact ------------------------------------------------------------------------------

DAY = timedelta(days=1)


def case(number=1, *, ended=DAY, first=True, **more) -> Outcome:
    return Outcome(number, "regular", NINE, done=True, ended_at=NINE + ended, is_first_of_case=first, **more)


def at_first(*month, now=NINE + 90 * DAY):
    figure = catalogue.figure(level("first-contact-resolution", threshold_seconds=7 * 86400), month, (), {}, now)
    return figure.counted, figure.met


def test_a_case_that_never_came_back_was_resolved_at_the_first_contact():
    assert at_first(case(1), case(2, first=False), letter(3)) == (1, 1)  # of a case only its first item counts


def test_a_case_that_came_back_within_the_days_was_not():
    week = 7 * 86400

    assert at_first(case(came_back_seconds=week)) == (1, 0)
    assert at_first(case(came_back_seconds=week + 1)) == (1, 1)
    # Ended a day after it came in; another letter of the case seven days later is within, a microsecond more is not
    assert at_first(case(next_of_case_at=NINE + 8 * DAY)) == (1, 0)
    assert at_first(case(next_of_case_at=NINE + 8 * DAY + timedelta(microseconds=1))) == (1, 1)


def test_a_case_counts_once_its_days_are_over_whether_it_came_back_or_not():
    both = case(1), case(2, came_back_seconds=60)

    assert at_first(*both, now=NINE + 8 * DAY - timedelta(seconds=1)) == (0, 0)
    assert at_first(*both, now=NINE + 8 * DAY) == (2, 1)


# --- the backlog ------------------------------------------------------------------------------------------------

MIDNIGHTS = [NINE + timedelta(hours=15) + number * DAY for number in range(4)]  # of the 2nd to the 5th of March


def aged(*month, age="2d"):
    target = level("backlog-older-than", threshold_seconds=int(age[0]) * 86400)
    figure = catalogue.backlog(target, month, MIDNIGHTS)
    return figure.counted, figure.met, figure.attained


def test_an_item_is_in_the_backlog_of_each_day_at_whose_end_it_is_open():
    # Open at four midnights, 15, 39, 63 and 87 hours old: older than 48 at two of them
    assert aged(letter()) == (4, 2, Decimal(50))


def test_an_item_leaves_the_backlog_on_the_day_on_which_it_ends():
    ended = letter(1, ended_at=MIDNIGHTS[1])  # at midnight exactly: it is not open at that day's end
    left = letter(2, abandoned_at=MIDNIGHTS[2] + timedelta(seconds=1))

    assert aged(ended) == (1, 0, Decimal(0))
    assert aged(ended, left) == (4, 1, Decimal(25))  # 1 + 3 day-ends, 63 hours at the last of them


def test_an_item_of_exactly_the_age_is_not_older_and_what_was_cancelled_is_in_no_backlog():
    exactly = Outcome(1, "regular", MIDNIGHTS[1] - 2 * DAY)
    gone = Outcome(2, "regular", NINE - 30 * DAY, cancelled_at=NINE)

    # 24, 48, 72 and 96 hours: older than 48 at the last two
    assert aged(exactly, gone) == (4, 2, Decimal(50))
    assert aged(Outcome(3, "regular", NINE + 10 * DAY)) == (0, 0, None)


# --- availability -----------------------------------------------------------------------------------------------


def hours(first, last):
    return NINE + timedelta(hours=first), NINE + timedelta(hours=last)


def down(first, last, kind="outage") -> Event:
    return Event(1, kind, *hours(first, last))


def test_an_outage_takes_off_the_time_of_service_that_it_covers():
    # Two days of eight hours; down from the seventh hour of the first until an hour into the second
    served = [hours(0, 8), hours(24, 32)]

    assert catalogue.available(served, [], [down(7, 25)]) == (16 * 3600, 14 * 3600)
    assert catalogue.share_figure(16 * 3600, 14 * 3600).attained == Decimal("87.5")


def test_outages_that_overlap_count_once():
    assert catalogue.available([hours(0, 8)], [], [down(1, 3), down(2, 4)]) == (8 * 3600, 5 * 3600)


def test_time_under_an_exclusion_is_no_time_of_service_and_an_outage_in_it_costs_nothing():
    maintenance = down(2, 6, "maintenance")

    # Eight hours less four; of the outage from the fifth to the seventh hour one is left
    assert catalogue.available([hours(0, 8)], [maintenance], [down(5, 7)]) == (4 * 3600, 3 * 3600)
    assert catalogue.available([hours(0, 8)], [down(-1, 9, "maintenance")], [down(1, 2)]) == (0, 0)


spans = st.tuples(st.integers(0, 100), st.integers(0, 30)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(spans, max_size=4), st.lists(spans, max_size=4), st.lists(spans, max_size=4))
def test_availability_is_what_a_walk_minute_by_minute_finds(served, excluded, outages):
    def span(minutes):
        return NINE + timedelta(minutes=minutes[0]), NINE + timedelta(minutes=minutes[1])

    open_minutes = {minute for first, last in served for minute in range(first, last)}
    disjoint = [span((minute, minute + 1)) for minute in sorted(open_minutes)]
    found = catalogue.available(
        disjoint,
        [Event(1, "maintenance", *span(one)) for one in excluded],
        [Event(1, "outage", *span(one)) for one in outages],
    )

    def outside(minute, these):
        return not any(first <= minute < last for first, last in these)

    service = [minute for minute in open_minutes if outside(minute, excluded)]
    assert found == (60 * len(service), 60 * sum(outside(minute, outages) for minute in service))


# --- what a price counts ---


def test_what_a_price_counts():
    asked = [
        call(3, talk=60, wrap=30),
        call(3, answered=False),
        waiting(),
        call(cancelled=True),
        call(queue="other"),
    ]

    def total(unit, counts):
        own = [catalogue.quantity(price(unit=unit, counts=counts), item) for item in asked]
        return [count for count in own if count is not None]

    assert total("contact", "answered") == [1]
    assert total("contact", "received") == [1, 1, 1]
    assert total("transaction", "done") == [1]
    assert total("minute", "talk") == [60]
    assert total("minute", "handled") == [90]
