"""Measures and what prices count, by worked example and by property."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.charges.rules import Price
from workfloor.core.measures import rules
from workfloor.core.measures.rules import Outcome
from workfloor.core.promises import rules as promises
from workfloor.core.promises.rules import ServiceLevel

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
    figure = rules.figure(answered_within(), [call(20), call(20.000001)])

    assert (figure.counted, figure.met, figure.attained) == (2, 1, Decimal("50.0000"))


def test_the_three_shares_differ_in_what_they_count():
    month = [call(3), call(30), call(5, answered=False), call(6, answered=False), call(1, cancelled=True)]

    def counted(per, short=None):
        figure = rules.figure(answered_within(per, short=short), month)
        return figure.counted, figure.met, figure.apart

    assert counted("answered") == (2, 1, 0)
    assert counted("offered") == (4, 1, 0)
    assert counted("offered-less-short-abandons", short=5) == (3, 1, 1)


def test_abandons_are_counted_per_offered_with_the_short_ones_apart():
    month = [call(3), call(5, answered=False), call(6, answered=False), waiting()]

    everyone = rules.figure(level("abandoned", per="offered"), month)
    patient = rules.figure(level("abandoned", per="offered-less-short-abandons", short_abandon_seconds=5), month)

    assert (everyone.counted, everyone.met, everyone.attained) == (3, 2, Decimal("66.6667"))
    assert (patient.counted, patient.met, patient.apart) == (2, 1, 1)


def test_an_open_item_counts_as_missed_once_it_is_late():
    promise = answered_within("offered")

    assert rules.figure(promise, [waiting()]).counted == 0
    figure = rules.figure(promise, [waiting()], late={1})
    assert (figure.counted, figure.met) == (1, 0)
    assert rules.figure(answered_within("answered"), [waiting()], late={1}).counted == 0


def elapsed(start, end):
    return (end - start) // timedelta(seconds=1)


def test_a_waiting_call_is_late_after_its_threshold():
    def late_after(seconds, item=None):
        return rules.is_late(answered_within(), item or waiting(), NINE + timedelta(seconds=seconds), elapsed)

    assert [late_after(seconds) for seconds in (20, 20.001)] == [False, True]
    assert not late_after(9999, call(30))


def test_an_open_task_is_late_after_its_working_time_less_what_the_customer_took():
    promise = level("resolved-within", threshold_seconds=3600)
    asked = replace(task(None), paused_seconds=600, awaiting_since=NINE + timedelta(seconds=4000))

    def late_after(seconds, item):
        return rules.is_late(promise, item, NINE + timedelta(seconds=seconds), elapsed)

    assert [late_after(seconds, task(None)) for seconds in (3600, 3601)] == [False, True]
    assert [late_after(seconds, asked) for seconds in (3999, 9999)] == [False, False]
    assert late_after(9999, replace(asked, paused_seconds=0))


def test_a_customer_who_was_connected_once_has_not_abandoned():
    passed_on = replace(call(3), done=False, abandoned_at=NINE + timedelta(seconds=4))
    patient = "offered-less-short-abandons"

    assert rules.figure(level("abandoned", per="offered"), [passed_on]).met == 0
    assert rules.figure(level("abandoned", per=patient, short_abandon_seconds=5), [passed_on]).counted == 1
    assert rules.figure(answered_within(patient, short=5), [passed_on]).met == 1


def test_speed_of_answer_gives_the_mean_and_nearest_rank_percentiles():
    figure = rules.figure(level("speed-of-answer"), [call(s) for s in (10, 20, 40)] + [call(99, answered=False)], {})

    assert (figure.counted, figure.met, figure.attained) == (3, None, Decimal("23.3333"))
    assert figure.percentiles == (Decimal(20), Decimal(40), Decimal(40))


def test_handled_time_is_talk_and_hold_and_wrap_up_of_finished_contacts():
    figure = rules.figure(level("handled-time"), [call(talk=60, hold=5, wrap=10), call(talk=0), waiting()])

    assert (figure.counted, figure.attained) == (2, Decimal("37.5000"))


def test_resolved_within_counts_working_time_and_open_items_once_late():
    promise = level("resolved-within", threshold_seconds=3600)
    month = [task(3600), task(3601), task(None), call(3, answered=False)]

    assert rules.figure(promise, month).counted == 2
    late = rules.figure(promise, [*month[:2], replace(month[2], item_id=2)], late={2})
    assert (late.counted, late.met) == (3, 1)


def test_volume_counts_everything_but_what_was_cancelled():
    month = [call(3), call(5, answered=False), waiting(), call(cancelled=True)]

    assert rules.figure(level("volume"), month) == rules.Figure(counted=3)


def test_nothing_counted_is_no_figure_and_breaks_no_promise():
    figure = rules.figure(answered_within(), [call(cancelled=True)])

    assert (figure.counted, figure.attained) == (0, None)
    assert promises.verdict(answered_within(expected=Decimal(80)), figure.attained) is None


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
        promise = ServiceLevel("A", "answered-within", queues, 20, "offered-less-short-abandons", 5)
        figure = rules.figure(promise, month)
        return figure.counted, figure.met, figure.apart

    each = [counted("regular"), counted("english")]
    assert counted("regular", "english") == tuple(map(sum, zip(*each, strict=True)))


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_share_is_exact_to_four_decimals(counted, met):
    attained = rules.share_figure(counted, met).attained

    assert attained is not None
    assert abs(Fraction(attained) - Fraction(100 * met, counted)) <= Fraction(1, 20000)
    assert attained.as_tuple().exponent == -4


@given(st.lists(st.integers(0, 500).map(Decimal), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(spans, percent):
    ordered = sorted(spans)
    found = rules.nearest_rank(ordered, percent)

    def covered(value):
        return 100 * sum(span <= value for span in ordered) >= percent * len(ordered)

    assert covered(found)
    assert not any(covered(span) for span in ordered if span < found)


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
        own = [rules.quantity(price(unit=unit, counts=counts), item) for item in asked]
        return [count for count in own if count is not None]

    assert total("contact", "answered") == [1]
    assert total("contact", "received") == [1, 1, 1]
    assert total("transaction", "done") == [1]
    assert total("minute", "talk") == [60]
    assert total("minute", "handled") == [90]
