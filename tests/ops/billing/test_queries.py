"""The statement as PostgreSQL computes it: equal to the pure rules, and opened down to its items."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from workfloor.core.charges import rules as charges
from workfloor.core.claims.models import Claim
from workfloor.core.claims.rules import Event
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.exclusions import rules as exclusions
from workfloor.core.measures import rules as measures
from workfloor.core.rollups import actions as rollups
from workfloor.core.rollups.models import Quarter
from workfloor.core.work.models import Case, Item
from workfloor.kit import calendars, money, rls
from workfloor.ops.billing import queries, rules

pytestmark = pytest.mark.usefixtures("everyone")

NOW = make.NINE + timedelta(days=1)
SIGNED = datetime(2025, 12, 1, 9, tzinfo=UTC)
CALENDAR = """
[calendars.office]
week = { wed = ["09:00-18:00"], thu = ["09:00-18:00"] }

[calendars.mornings]
week = { wed = ["08:00-09:10"], thu = ["08:00-09:10"] }
"""
AGREED = f"""
[contract]
client = "acme"
title = "Letters and calls for Acme"
signed_on = 2025-12-01
starts_on = 2026-01-15
ends_on = 2027-06-30
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"
{CALENDAR}
[[processes]]
name = "voice"
kind = "inbound-voice"
location = "onshore"
calendar = "office"
dispositions = ["resolved"]
queues = [{{ name = "calls", requires = {{ portuguese = 1 }} }}, {{ name = "vip", requires = {{ portuguese = 1 }} }}]

[[processes]]
name = "letters"
kind = "email"
location = "onshore"
calendar = "office"
dispositions = ["answered"]
queues = [{{ name = "mail", requires = {{ portuguese = 1 }} }}]

[[service_levels]]
name = "Answered"
measure = "answered-within"
of = ["calls", "vip"]
threshold = "20s"
per = "answered"
expected = "80 %"
minimum = "75 %"
weight = "60 %"

[[service_levels]]
name = "Of offered"
measure = "answered-within"
of = ["calls", "vip", "mail"]
threshold = "20s"
per = "offered"

[[service_levels]]
name = "Of patient"
measure = "answered-within"
of = ["calls"]
threshold = "20s"
per = "offered-less-short-abandons(5s)"

[[service_levels]]
name = "Abandoned"
measure = "abandoned"
of = ["calls", "vip"]
per = "offered"
expected = "5 %"
weight = "40 %"

[[service_levels]]
name = "Abandoned, patient"
measure = "abandoned"
of = ["calls", "vip"]
per = "offered-less-short-abandons(5s)"

[[service_levels]]
name = "Speed"
measure = "speed-of-answer"
of = ["calls", "vip"]

[[service_levels]]
name = "Handling"
measure = "handled-time"
of = ["calls", "vip"]

[[service_levels]]
name = "Resolved"
measure = "resolved-within"
of = ["mail"]
threshold = "1h"

[[service_levels]]
name = "Volume"
measure = "volume"
of = ["calls", "vip", "mail"]

[[service_levels]]
name = "First reply"
measure = "first-response-within"
of = ["mail"]
threshold = "1h"

[[service_levels]]
name = "At first contact"
measure = "first-contact-resolution"
of = ["calls", "vip", "mail"]
threshold = "2h"

[[service_levels]]
name = "Backlog"
measure = "backlog-older-than"
of = ["calls", "vip", "mail"]
threshold = "15h"

[[service_levels]]
name = "Answered, exclusions apart"
measure = "answered-within"
of = ["calls", "vip"]
threshold = "20s"
per = "offered-less-short-abandons(5s)"
exclude = ["client-outage", "force-majeure", "volume-above-forecast(150 %)"]

[[service_levels]]
name = "Speed in the morning"
measure = "speed-of-answer"
of = ["calls"]
hours = "mornings"
exclude = ["maintenance"]

[[service_levels]]
name = "Answered each day"
measure = "answered-within"
of = ["calls", "vip"]
threshold = "20s"
per = "offered"
window = "day"

[[service_levels]]
name = "Abandoned in the quarter"
measure = "abandoned"
of = ["calls", "vip"]
per = "offered"
window = "quarter"

[[forecasts]]
of = ["calls", "vip"]
from = 2026-01-15
week = {{ wed = 5, thu = 3 }}

[credits]
rule = "at-risk"
at_risk = "10 %"
pool = "150 %"
cap = "12 %"

[[prices]]
title = "Answered calls"
unit = "contact"
of = ["calls", "vip"]
tiers = [{{ up_to = 3, rate = "1.10" }}, {{ rate = "0.98" }}]
tiering = "graduated"
minimum = "5.00"

[[prices]]
title = "Contacts received"
unit = "contact"
counts = "received"
of = ["calls", "vip", "mail"]
rate = "0.35"

[[prices]]
title = "Minutes"
unit = "minute"
counts = "talk"
of = ["calls"]
rate = "0.07"

[[prices]]
title = "Handled minutes"
unit = "minute"
counts = "handled"
of = ["calls", "mail"]
rate = "0.011"

[[prices]]
title = "Letters"
unit = "transaction"
of = ["mail"]
rate = "2.00"

[[prices]]
title = "Site"
unit = "fixed"
rate = "950.00"
"""


def sign(source=AGREED, slug="acme", effective_on=None) -> Client:
    contracts.sign(source=source, effective_on=effective_on, now=SIGNED)
    return Client.objects.get(slug=slug)


@pytest.fixture
def acme() -> Client:
    return sign()


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
        awaiting_customer_since=draw(st.sampled_from([None, None, queued])) if state == "waiting" else None,
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


def store(client: Client, month: list[Item], happened: Sequence[Event] = ()) -> None:
    Item.objects.all().delete()
    Claim.objects.all().delete()
    Case.objects.all().delete()
    cases = [Case.objects.create(client=client, kind="request", opened_at=make.NINE) for _ in range(3)]
    by, other = make.person("manager"), make.person("manager")
    for event in happened:
        Claim.objects.create(
            client=client, kind=event.kind, starts_at=event.starts_at, ends_at=event.ends_at, queues=event.queues,
            reason="down", claimed_by=by, claimed_at=NOW, state="approved", decided_by=other,
        )  # fmt: skip
    queues = {queue.name: queue for queue in Queue.objects.filter(client=client)}
    for number, item in enumerate(month):
        item.id, item.client, item.key, item.kind = None, client, str(number), "call"
        item.queue = queues[item.queue.name]
        item.process_id = item.queue.process_id
        item.case = cases[item.reopened - 1] if item.reopened else None
    Item.objects.bulk_create(month)


def outcome(item: Item, month: Sequence[Item] = ()) -> measures.Outcome:
    def place(each):
        return each.received_at, each.id

    of_case = [each for each in month if each.case_id and each.case_id == item.case_id and not each.cancelled_at]
    later = [each.received_at for each in of_case if place(each) > place(item)]
    return measures.Outcome(
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
        awaiting_since=item.awaiting_customer_since,
        reply_seconds=item.reply_seconds,
        in_conversation=item.connected_at is not None,
        ended_at=item.ended_at,
        came_back_seconds=item.came_back_seconds,
        is_first_of_case=bool(of_case) and min(map(place, of_case)) == place(item),
        next_of_case_at=min(later, default=None),
    )


def by_hand(agreed, row, month: list[measures.Outcome], happened: Sequence[Event]) -> measures.Figure:
    """A figure of the statement from the pure rules alone."""
    level, window = row.level, row.window
    own = [item for item in month if row.queue in (None, item.queue)]
    if level.measure == "backlog-older-than":
        return measures.backlog(level, own, calendars.day_ends(window, "Europe/Lisbon", NOW))
    came = [item for item in month if window.starts_at <= item.received_at < window.ends_at]
    first, last = (at.date() for at in (window.starts_at, window.ends_at - timedelta(days=1)))
    bands = exclusions.bands(level, agreed.forecasts, first, last, "Europe/Lisbon")
    out = exclusions.left_out(level, came, happened, bands)
    calendar = calendars.Calendar("Europe/Lisbon", {2: OFFICE, 3: OFFICE})
    unfinished = [item for item in came if not (item.done or item.abandoned_at or item.cancelled_at)]
    late = {
        item.item_id
        for item in unfinished
        if measures.is_late(level, item, NOW, lambda start, end: calendars.working_seconds(calendar, start, end))
    }
    if level.hours:
        hours = calendars.Calendar("Europe/Lisbon", {2: MORNING, 3: MORNING})
        came = [item for item in came if calendars.is_open(hours, item.received_at)]
    return measures.figure(level, [item for item in came if item in own], late, out, NOW)


MORNING = ((datetime(2026, 1, 1, 8).time(), datetime(2026, 1, 1, 9, 10).time()),)
OFFICE = ((datetime(2026, 1, 1, 9).time(), datetime(2026, 1, 1, 18).time()),)
often = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(month=st.lists(items(), max_size=25), happened=st.lists(events, max_size=4))
def test_the_database_measures_as_the_rules_do(acme, month, happened):
    store(acme, month, happened)
    happened = sorted(happened, key=lambda event: event.starts_at)
    made = queries.statement(acme, "2026-03", now=NOW)
    outcomes = [outcome(item, month) for item in month]

    assert {row.id: row.figure for row in made.measures} == {
        row.id: by_hand(made.contract, row, outcomes, happened) for row in made.measures
    }


@often
@given(month=st.lists(items(), max_size=25))
def test_the_database_charges_as_the_rules_do(acme, month):
    store(acme, month)
    made = queries.statement(acme, "2026-03", now=NOW)
    counted = [
        sum(measures.quantity(price, outcome(item)) or 0 for item in month) if price.counts else 0
        for price in made.contract.prices
    ]

    assert list(made.lines) == rules.lines(made.contract, counted, date(2026, 3, 1))
    assert made.charges == money.total((line.amount for line in made.lines), "EUR")
    assert made.total == made.charges - money.total((credit.amount for credit in made.credits), "EUR")


@settings(often, max_examples=25)
@given(month=st.lists(items(), max_size=25), happened=st.lists(events, max_size=4), folded=st.booleans())
def test_rollups_come_to_the_statement_that_the_items_come_to(acme, month, happened, folded):
    store(acme, month, happened)
    if folded:
        rollups.fold(client_id=acme.id)

    assert queries.statement(acme, "2026-03", now=NOW) == queries.recounted(acme, "2026-03", now=NOW)


@settings(often, max_examples=15)
@given(month=st.lists(items(), min_size=5, max_size=25), happened=st.lists(events, max_size=4))
def test_every_figure_opens_to_exactly_the_items_that_it_counts(acme, month, happened):
    store(acme, month, happened)
    made = queries.statement(acme, "2026-03", now=NOW)

    figures = {figure.id: figure for figure in queries.subjects(acme, "2026-03", now=NOW)}

    def behind(name):
        return list(queries.items_behind(figures[name]))

    for row in made.measures:
        found = behind(row.id)
        if row.level.measure == "backlog-older-than":
            assert sum(item.value for item in found) == row.figure.met
        else:
            assert len(found) == row.figure.counted
            assert row.figure.met in (None, sum(item.value is True for item in found))
        assert {item.queue for item in found} <= ({row.queue} if row.queue else set(row.level.of))
    for left in made.left_out:
        found = behind(left.id)
        assert left.count == len(found) > 0
        assert {item.value for item in found} <= {*left.level.exclude, "volume-above-forecast"}
    for number, line in enumerate(made.lines, 1):
        price = made.contract.prices[line.price]
        if "up to the minimum" not in line.title and price.counts:
            assert charges.charged(price, sum(item.value for item in behind(f"l{number}"))) == line.quantity
    for totals in (made.totals, *made.queues):
        for count in queries.COUNTS:
            name = f"{count}/{totals.queue}" if totals.queue else count
            assert len(behind(name)) == getattr(totals, count)


def call(waited, *, answered=True, at=make.NINE, queue="calls", talk=60) -> Item:
    left = at + timedelta(seconds=waited)
    done = {"ended_at": left, "wrapped_up_at": left, "connected_at": left, "talk_seconds": talk}
    return Item(
        state="done" if answered else "abandoned",
        queue=Queue(name=queue),
        received_at=at,
        queued_at=at,
        **(done if answered else {"abandoned_at": left}),
    )


def test_a_month_with_a_missed_level_is_credited_on_its_invoice(acme):
    store(acme, [call(10), call(10), call(30), call(40, answered=False)])
    made = queries.statement(acme, "2026-03", now=NOW)

    assert [(line.title, str(line.amount.amount)) for line in made.lines] == [
        ("Answered calls", "3.30"),
        ("Answered calls: up to the minimum", "1.70"),
        ("Contacts received", "1.40"),
        ("Minutes", "0.21"),
        ("Handled minutes", "0.03"),
        ("Letters", "0.00"),
        ("Site", "950.00"),
    ]
    assert str(made.charges.amount) == "956.64"
    # 66.6667 % answered in time is below the minimum of 75 %; 25 % abandoned is above the 5 % expected.
    assert [(credit.name, str(credit.computed.amount), str(credit.amount.amount)) for credit in made.credits] == [
        ("Answered", "86.10", "86.10"),
        ("Abandoned", "57.40", "28.70"),
    ]
    assert str(made.total.amount) == "841.84"


def test_an_item_belongs_to_the_month_in_which_it_was_received_in_the_contracts_zone(acme):
    # Lisbon is an hour ahead of UTC from the last Sunday of March on.
    last_of_march = datetime(2026, 3, 31, 22, 59, 59, tzinfo=UTC)
    store(acme, [call(5, at=last_of_march), call(5, at=last_of_march + timedelta(seconds=1))])
    may = datetime(2026, 5, 1, tzinfo=UTC)

    assert queries.statement(acme, "2026-03", now=may).totals.received == 1
    assert queries.statement(acme, "2026-04", now=may).totals.received == 1


def test_a_period_is_open_until_its_last_instant(acme):
    last = datetime(2026, 3, 31, 23, tzinfo=UTC)

    assert queries.statement(acme, "2026-03", now=last - timedelta(seconds=1)).period.state == "open"
    assert queries.statement(acme, "2026-03", now=last).period.state == "over"


def test_the_first_month_is_cut_to_the_contracts_term(acme):
    before = datetime(2026, 1, 14, 23, 59, tzinfo=UTC)
    store(acme, [call(5, at=before), call(5, at=before + timedelta(minutes=1))])
    made = queries.statement(acme, "2026-01", now=NOW)

    assert (made.period.starts_at, made.totals.received) == (datetime(2026, 1, 15, tzinfo=UTC), 1)


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ("2025-12", "The contract of acme starts on 2026-01-15; 2025-12 lies before it."),
        ("2027-07", "The contract of acme ended on 2027-06-30; 2027-07 lies after it."),
        ("2026-04", "2026-04 has not begun yet in Europe/Lisbon."),
        ("2026-3", "'2026-3' is no period; write a month, such as 1999-02."),
        ("2026-13", "'2026-13' is no period; write a month, such as 1999-02."),
        ("march", "'march' is no period; write a month, such as 1999-02."),
    ],
)
def test_a_period_that_cannot_be_stated_is_refused_with_the_reason(acme, period, reason):
    with pytest.raises(queries.NoStatement) as refused:
        queries.statement(acme, period, now=NOW)
    assert str(refused.value) == reason


def test_a_client_without_a_contract_has_no_statement():
    bare = Client.objects.create(slug="bare", title="Bare", opened_at=make.NINE)

    with pytest.raises(queries.NoStatement, match="bare has no contract"):
        queries.statement(bare, "2026-03", now=NOW)


def test_an_amendment_counts_from_the_first_month_that_begins_under_it(acme):
    sign(AGREED.replace('rate = "950.00"', 'rate = "990.00"'), effective_on=date(2026, 2, 10))
    store(acme, [])

    def site_charge(period):
        made = queries.statement(acme, period, now=NOW)
        return made.version, str(made.lines[-1].amount.amount)

    assert site_charge("2026-02") == (1, "950.00")
    assert site_charge("2026-03") == (2, "990.00")


def test_a_version_signed_later_with_other_thresholds_reads_the_same_rollups(acme):
    store(acme, [call(waited) for waited in (10, 20, 25, 33, 34)])
    rollups.fold(client_id=acme.id)
    before = list(Quarter.objects.values())
    sign(AGREED.replace('threshold = "20s"', 'threshold = "33s"'), effective_on=date(2026, 2, 10))

    made = queries.statement(acme, "2026-03", now=NOW)

    assert (made.version, made.measures[0].figure.met, made.measures[0].figure.counted) == (2, 4, 5)
    assert list(Quarter.objects.values()) == before


def test_nothing_of_another_client_is_counted(acme):
    other = sign(AGREED.replace('"acme"', '"other"'), slug="other")
    store(acme, [call(5)])
    rls.enter(other.id)

    assert queries.statement(other, "2026-03", now=NOW).totals == rules.Totals(None)


def test_a_figure_that_does_not_exist_is_refused_with_those_that_do(acme):
    with pytest.raises(queries.NoFigure, match=r"no figure 'm77'\. It has: m1, m2, .*, l1, .*, c?.*received"):
        queries.subject(acme, "2026-03", "m77", now=NOW)


def test_figures_are_found_by_title_in_any_case(acme):
    assert queries.subject(acme, "2026-03", "answered calls", now=NOW).id == "l1"
    assert queries.subject(acme, "2026-03", "of offered/VIP", now=NOW).id == "m2/vip"
    assert queries.subject(acme, "2026-03", "Abandoned", now=NOW).id == "m4"
    assert queries.subject(acme, "2026-03", "abandoned", now=NOW).id == "abandoned"


def test_the_statement_asks_few_questions(acme):
    store(acme, [call(5)])
    queries.statement(acme, "2026-03", now=NOW)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        made = queries.statement(acme, "2026-03", now=NOW)
    days = (NOW.date() - date(2026, 3, 1)).days + 1  # of the level that is judged by the day
    asked_of_levels = len(made.contract.service_levels) - 1 + days  # one each, and of each window what is unfinished
    assert len(asked) <= 10 + asked_of_levels + days + len(made.contract.prices)
    assert made.totals.talk_seconds == 60
    assert Decimal("5.0000") == next(row for row in made.measures if row.level.name == "Speed").figure.attained
