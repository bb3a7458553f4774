"""The statement of a month by hand: which items, which version, which credits."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from workfloor.core.access import actors
from workfloor.core.claims.models import Claim
from workfloor.core.claims.rules import Event
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.measures import actions as measures
from workfloor.core.measures.models import Bucket
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import rls
from workfloor.ops.billing import settlement, statements

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
    contracts.sign(source=source, effective_on=effective_on, by=actors.ROOT, now=SIGNED)
    return Client.objects.get(slug=slug)


@pytest.fixture
def acme() -> Client:
    return sign()


def store(client: Client, month: list[Item], happened: Sequence[Event] = ()) -> None:
    Item.objects.all().delete()
    Claim.objects.all().delete()
    Case.objects.all().delete()
    cases = [Case.objects.create(client=client, kind="request", opened_at=make.NINE) for _ in range(3)]
    by, other = make.person("manager"), make.person("manager")
    for event in happened:
        Claim.objects.create(
            client=client,
            kind=event.kind,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            queues=event.queues,
            reason="down",
            claimed_by=by,
            claimed_at=NOW,
            state="approved",
            decided_by=other,
        )
    queues = {queue.name: queue for queue in Queue.objects.filter(client=client)}
    for number, item in enumerate(month):
        item.id, item.client, item.key, item.kind = None, client, str(number), "call"
        item.queue = queues[item.queue.name]
        item.process_id = item.queue.process_id
        item.case = cases[item.reopened - 1] if item.reopened else None
    Item.objects.bulk_create(month)


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
    made = statements.statement(acme, "2026-03", now=NOW)

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

    assert statements.statement(acme, "2026-03", now=may).totals.received == 1
    assert statements.statement(acme, "2026-04", now=may).totals.received == 1


def test_a_period_is_open_until_its_last_instant(acme):
    last = datetime(2026, 3, 31, 23, tzinfo=UTC)

    assert statements.statement(acme, "2026-03", now=last - timedelta(seconds=1)).period.state == "open"
    assert statements.statement(acme, "2026-03", now=last).period.state == "over"


def test_the_first_month_is_cut_to_the_contracts_term(acme):
    before = datetime(2026, 1, 14, 23, 59, tzinfo=UTC)
    store(acme, [call(5, at=before), call(5, at=before + timedelta(minutes=1))])
    made = statements.statement(acme, "2026-01", now=NOW)

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
    with pytest.raises(statements.NoStatement) as refused:
        statements.statement(acme, period, now=NOW)
    assert str(refused.value) == reason


def test_a_client_without_a_contract_has_no_statement():
    bare = Client.objects.create(slug="bare", title="Bare", opened_at=make.NINE)

    with pytest.raises(statements.NoStatement, match="bare has no contract"):
        statements.statement(bare, "2026-03", now=NOW)


def test_an_amendment_counts_from_the_first_month_that_begins_under_it(acme):
    sign(AGREED.replace('rate = "950.00"', 'rate = "990.00"'), effective_on=date(2026, 2, 10))
    store(acme, [])

    def site_charge(period):
        made = statements.statement(acme, period, now=NOW)
        return made.version, str(made.lines[-1].amount.amount)

    assert site_charge("2026-02") == (1, "950.00")
    assert site_charge("2026-03") == (2, "990.00")


def test_a_version_signed_later_with_other_thresholds_reads_the_same_rollups(acme):
    store(acme, [call(waited) for waited in (10, 20, 25, 33, 34)])
    measures.fold(client_id=acme.id)
    before = list(Bucket.objects.values())
    sign(AGREED.replace('threshold = "20s"', 'threshold = "33s"'), effective_on=date(2026, 2, 10))

    made = statements.statement(acme, "2026-03", now=NOW)

    assert (made.version, made.measures[0].figure.met, made.measures[0].figure.counted) == (2, 4, 5)
    assert list(Bucket.objects.values()) == before


def test_nothing_of_another_client_is_counted(acme):
    other = sign(AGREED.replace('"acme"', '"other"'), slug="other")
    store(acme, [call(5)])
    rls.enter(other.id)

    assert statements.statement(other, "2026-03", now=NOW).totals == settlement.Totals(None)


def test_a_figure_that_does_not_exist_is_refused_with_those_that_do(acme):
    with pytest.raises(statements.NoFigure, match=r"no figure 'm77'\. It has: m1, m2, .*, l1, .*, c?.*received"):
        statements.subject(acme, "2026-03", "m77", now=NOW)


def test_figures_are_found_by_title_in_any_case(acme):
    assert statements.subject(acme, "2026-03", "answered calls", now=NOW).id == "l1"
    assert statements.subject(acme, "2026-03", "of offered/VIP", now=NOW).id == "m2/vip"
    assert statements.subject(acme, "2026-03", "Abandoned", now=NOW).id == "m4"
    assert statements.subject(acme, "2026-03", "abandoned", now=NOW).id == "abandoned"


def test_the_statement_asks_few_questions(acme):
    store(acme, [call(5)])
    statements.statement(acme, "2026-03", now=NOW)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        made = statements.statement(acme, "2026-03", now=NOW)
    days = (NOW.date() - date(2026, 3, 1)).days + 1  # of the level that is judged by the day
    asked_of_levels = len(made.contract.service_levels) - 1 + days  # one each, and of each window what is unfinished
    assert len(asked) <= 10 + asked_of_levels + days + len(made.contract.prices)
    assert made.totals.talk_seconds == 60
    assert Decimal("5.0000") == next(row for row in made.measures if row.level.name == "Speed").figure.attained
