"""The figures of any month, as PostgreSQL computes them: equal to the pure rules, and opened down to their items."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from tests.ops.billing.test_statements import (
    NOW,
    store,
)
from tests.ops.billing.test_statements import acme as acme  # the fixture
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import pricing
from workfloor.core.contracts.models import Queue
from workfloor.core.measures import actions as measures
from workfloor.core.measures import catalogue
from workfloor.core.work.models import Item
from workfloor.kit.figures import money
from workfloor.kit.time import calendars
from workfloor.ops.billing import settlement, statements

pytestmark = pytest.mark.usefixtures("everyone")


def seconds_after(start, low=0, high=90):
    spans = st.integers(low * 10, high * 10) | st.sampled_from([0, 50, 51, 200, 201])
    return spans.map(lambda tenths: start + timedelta(milliseconds=100 * tenths))


@st.composite
def items(draw) -> Item:
    """A work item as any of its lives could have left it."""
    received = draw(st.sampled_from([make.NINE, make.NINE + timedelta(minutes=30), NOW - timedelta(seconds=20)]))
    replied = draw(st.none() | st.integers(3500, 3700))
    queued = draw(seconds_after(received, high=10))
    state = draw(st.sampled_from(["waiting", "done", "done", "abandoned", "cancelled"]))
    connected = draw(seconds_after(queued)) if state == "done" or draw(st.booleans()) else None
    ended = (connected or queued) + timedelta(seconds=60) if state == "done" else None
    left = draw(seconds_after(queued)) if state in ("abandoned", "cancelled") else None
    return Item(
        state=state,
        queue=Queue(name=draw(st.sampled_from(["calls", "vip", "mail"]))),
        received_at=received,
        queued_at=queued,
        connected_at=connected,
        ended_at=ended,
        wrapped_up_at=ended,
        abandoned_at=left if state == "abandoned" else None,
        cancelled_at=left if state == "cancelled" else None,
        talk_seconds=draw(st.integers(0, 400)) if connected else 0,
        hold_seconds=draw(st.integers(0, 40)) if connected else 0,
        wrap_seconds=draw(st.integers(0, 40)) if ended else 0,
        working_seconds=draw(st.none() | st.integers(3500, 3700)) if ended else None,
        paused_seconds=draw(st.sampled_from([0, 0, 9 * 3600])),
        pending_customer_since=draw(st.sampled_from([None, None, queued])) if state == "waiting" else None,
        reply_seconds=replied,
        came_back_seconds=draw(st.sampled_from([None, None, 7200, 7201])) if ended else None,
        reopened=draw(st.integers(0, 3)),  # which case it is of, until it is stored
    )


def happened(kind, starts_after, minutes, *queues) -> Event:
    starts_at = make.NINE + timedelta(minutes=starts_after)
    return Event(1, kind, starts_at, starts_at + timedelta(minutes=minutes), queues)


events = st.builds(
    lambda kind, starts_after, minutes, queues: happened(kind, starts_after, minutes, *queues),
    st.sampled_from(["client-outage", "force-majeure", "maintenance", "outage"]),
    st.sampled_from([-30, 0, 15, 30]),
    st.sampled_from([15, 30, 31, 60]),
    st.sampled_from([(), ("calls",), ("vip", "mail")]),
)


def outcome(item: Item, month: Sequence[Item] = ()) -> Outcome:
    def place(each):
        return each.received_at, each.id

    of_case = [each for each in month if each.case_id and each.case_id == item.case_id and not each.cancelled_at]
    later = [each.received_at for each in of_case if place(each) > place(item)]
    return Outcome(
        item_id=item.id,
        queue=item.queue.name,
        received_at=item.received_at,
        queued_at=item.queued_at,
        connected_at=item.connected_at,
        abandoned_at=item.abandoned_at,
        cancelled_at=item.cancelled_at,
        done=item.state == "done",
        talk_seconds=item.talk_seconds,
        hold_seconds=item.hold_seconds,
        wrap_seconds=item.wrap_seconds,
        working_seconds=item.working_seconds,
        paused_seconds=item.paused_seconds,
        awaiting_since=item.pending_customer_since,
        reply_seconds=item.reply_seconds,
        in_conversation=item.connected_at is not None,
        ended_at=item.ended_at,
        came_back_seconds=item.came_back_seconds,
        is_first_of_case=bool(of_case) and min(map(place, of_case)) == place(item),
        next_of_case_at=min(later, default=None),
    )


def by_hand(agreed, row, month: list[Outcome], happened: Sequence[Event]) -> catalogue.Figure:
    """A figure of the statement from the pure rules alone."""
    level, window = row.level, row.window
    own = [item for item in month if row.queue in (None, item.queue)]
    if level.measure == "backlog-older-than":
        return catalogue.backlog(level, own, calendars.day_ends(window, "Europe/Lisbon", NOW))
    came = [item for item in month if window.starts_at <= item.received_at < window.ends_at]
    first, last = (at.date() for at in (window.starts_at, window.ends_at - timedelta(days=1)))
    bands = catalogue.bands(level, agreed.forecasts, first, last, "Europe/Lisbon")
    out = catalogue.excluded(level, came, happened, bands)
    calendar = calendars.Calendar("Europe/Lisbon", {2: OFFICE, 3: OFFICE})
    unfinished = [item for item in came if not (item.done or item.abandoned_at or item.cancelled_at)]
    late = {
        item.item_id
        for item in unfinished
        if catalogue.is_late(level, item, NOW, lambda start, end: calendars.working_seconds(calendar, start, end))
    }
    if level.hours:
        hours = calendars.Calendar("Europe/Lisbon", {2: MORNING, 3: MORNING})
        came = [item for item in came if calendars.is_open(hours, item.received_at)]
    return catalogue.figure(level, [item for item in came if item in own], late, out, NOW)


MORNING = ((datetime(2026, 1, 1, 8).time(), datetime(2026, 1, 1, 9, 10).time()),)
OFFICE = ((datetime(2026, 1, 1, 9).time(), datetime(2026, 1, 1, 18).time()),)
often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(month=st.lists(items(), max_size=25), happened=st.lists(events, max_size=4))
def test_the_database_measures_as_the_rules_do(acme, month, happened):
    store(acme, month, happened)
    happened = sorted(happened, key=lambda event: event.starts_at)
    made = statements.statement(acme, "2026-03", now=NOW)
    outcomes = [outcome(item, month) for item in month]

    assert {row.id: row.figure for row in made.measures} == {
        row.id: by_hand(made.contract, row, outcomes, happened) for row in made.measures
    }


@often
@given(month=st.lists(items(), max_size=25))
def test_the_database_charges_as_the_rules_do(acme, month):
    store(acme, month)
    made = statements.statement(acme, "2026-03", now=NOW)
    counted = [
        sum(catalogue.quantity(price, outcome(item)) or 0 for item in month) if price.counts else 0
        for price in made.contract.prices
    ]

    assert list(made.lines) == settlement.lines(made.contract, counted, date(2026, 3, 1))
    assert made.charges == money.total((line.amount for line in made.lines), "EUR")
    assert made.total == made.charges - money.total((credit.amount for credit in made.credits), "EUR")


@settings(often, max_examples=25)
@given(month=st.lists(items(), max_size=25), happened=st.lists(events, max_size=4), folded=st.booleans())
def test_rollups_come_to_the_statement_that_the_items_come_to(acme, month, happened, folded):
    store(acme, month, happened)
    if folded:
        measures.fold(client_id=acme.id)

    assert statements.statement(acme, "2026-03", now=NOW) == statements.recounted(acme, "2026-03", now=NOW)


@settings(often, max_examples=15)
@given(month=st.lists(items(), min_size=5, max_size=25), happened=st.lists(events, max_size=4))
def test_every_figure_opens_to_exactly_the_items_that_it_counts(acme, month, happened):
    store(acme, month, happened)
    made = statements.statement(acme, "2026-03", now=NOW)

    figures = {figure.id: figure for figure in statements.subjects(acme, "2026-03", now=NOW)}

    def behind(name):
        return list(statements.items_behind(figures[name]))

    for row in made.measures:
        found = behind(row.id)
        if row.level.measure == "backlog-older-than":
            assert sum(item.value for item in found) == row.figure.met
        else:
            assert len(found) == row.figure.counted
            assert row.figure.met in (None, sum(item.value is True for item in found))
        assert {item.queue for item in found} <= ({row.queue} if row.queue else set(row.level.of))
    for left in made.excluded:
        found = behind(left.id)
        assert left.count == len(found) > 0
        assert {item.value for item in found} <= {*left.level.exclude, "volume-above-forecast"}
    for number, line in enumerate(made.lines, 1):
        price = made.contract.prices[line.price]
        if "up to the minimum" not in line.title and price.counts:
            assert pricing.charged(price, sum(item.value for item in behind(f"l{number}"))) == line.quantity
    for totals in (made.totals, *made.queues):
        for count in statements.COUNTS:
            name = f"{count}/{totals.queue}" if totals.queue else count
            assert len(behind(name)) == getattr(totals, count)
