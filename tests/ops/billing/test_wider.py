"""Exclusions, windows, hours of service, outages, deliveries and currencies, from what happened to the statement."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from tests import make
from tests.ops.billing.test_mechanisms import IN_TIME, LATE, credited, made, signed
from tests.ops.billing.test_statements import call, store
from workfloor.core.claims import actions as claims
from workfloor.core.work.models import Case, Item
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements

pytestmark = pytest.mark.usefixtures("everyone")

NEW_YORK = ZoneInfo("America/New_York")


def at(*parts):
    return datetime(*parts, tzinfo=NEW_YORK).astimezone(UTC)


def came(waited, *parts, **more) -> Item:
    return call(waited, at=at(*parts), **more)


def happened(client, kind, first, last, approved=True, queues=()):
    claim = claims.claim_event(
        client=client,
        kind=kind,
        starts_at=at(*first),
        ends_at=at(*last),
        queues=queues,
        reason="Line down",
        by=make.in_charge("leader", client),
        now=make.NINE,
    )
    return claims.approve(claim=claim, by=make.in_charge("manager", client), now=make.NINE) if approved else claim


def level(statement, number=1):
    return next(row for row in statement.measures if row.id == f"m{number}")


def figure(statement, number=1):
    found = level(statement, number).figure
    return found.counted, found.met, found.excluded


def words(pdf):
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


# --- exclusions -------------------------------------------------------------------------------------------------------


def test_what_came_in_during_an_approved_outage_of_the_client_is_left_out_and_listed():
    client = signed("exclusions")
    store(client, [came(IN_TIME, 2026, 1, 5, 9), came(LATE, 2026, 1, 5, 10), came(LATE, 2026, 1, 5, 11)])
    claim = happened(client, "client-outage", (2026, 1, 5, 10), (2026, 1, 5, 11), approved=False)

    before = made(client, 2026, 1)
    assert (figure(before), credited(before)) == ((3, 1, 0), [("", "100.00")])  # 33 % of 80 %
    claims.approve(claim=claim, by=make.in_charge("manager", client), now=make.NINE)
    after = made(client, 2026, 1)
    # Ten o'clock is in it, eleven is not: one of two is 50 %, still short of 80 %
    assert (figure(after), credited(after)) == ((2, 1, 1), [("", "100.00")])

    assert [(row.id, row.count) for row in after.excluded] == [("x1", 1)]
    found = statements.subject(client, "2026-01", "x1", now=after.computed_at)
    assert [(item.received_at, item.value) for item in statements.items_behind(found)] == [
        (at(2026, 1, 5, 10), "client-outage")
    ]
    says = "client outage, force majeure, volume above 115 % of the forecast"
    assert billing_presenting.printed(after)["excluded"][0]["counts"] == says
    assert says in words(billing_gateway.statement_pdf(billing_presenting.printed(after)))


def test_an_approval_that_is_taken_back_brings_the_items_back():
    client = signed("exclusions")
    store(client, [came(IN_TIME, 2026, 1, 5, 9), came(LATE, 2026, 1, 5, 10)])
    claim = happened(client, "force-majeure", (2026, 1, 5, 10), (2026, 1, 5, 11))

    assert (figure(made(client, 2026, 1)), credited(made(client, 2026, 1))) == ((1, 1, 1), [])
    claims.refuse(claim=claim, by=make.in_charge("manager", client), now=make.NINE, reason="No force majeure")
    assert (figure(made(client, 2026, 1)), credited(made(client, 2026, 1))) == ((2, 1, 0), [("", "100.00")])


def test_an_event_of_another_kind_or_queue_leaves_nothing_out():
    client = signed("exclusions")
    store(client, [came(LATE, 2026, 1, 5, 10)])
    happened(client, "maintenance", (2026, 1, 5, 9), (2026, 1, 5, 11))

    assert (figure(made(client, 2026, 1)), made(client, 2026, 1).excluded) == ((1, 0, 0), ())


def test_the_latest_of_a_day_beyond_the_band_are_left_out():
    client = signed("exclusions")
    monday = [came(IN_TIME if number < 20 else LATE, 2026, 1, 5, 10, number) for number in range(30)]
    sunday = [came(LATE, 2026, 1, 11, 10)]
    saturday = [came(LATE, 2026, 1, 10, 10)]
    store(client, [*monday, *saturday, *sunday])

    # Monday: 23 of the 30 are within 115 % of 20; Saturday's forecast is 0; Sunday has none.
    # Counted are 23 and Sunday's one, in time 20 of those.
    january = made(client, 2026, 1)
    assert (figure(january), str(level(january).figure.attained)) == ((24, 20, 8), "83.3333")
    assert credited(january) == []


# --- windows ----------------------------------------------------------------------------------------------------------


def test_a_promise_by_the_day_is_judged_by_the_worst_day_of_the_month():
    client = signed("windows")
    days = {5: (IN_TIME, IN_TIME), 6: (IN_TIME, LATE, LATE, LATE), 7: (IN_TIME, LATE)}
    store(client, [came(waited, 2026, 1, day, 10) for day, each in days.items() for waited in each])
    january = made(client, 2026, 1)

    # 100, 25 and 50 %: the sixth is judged, and named; the month as a whole would be 50 %
    row = level(january)
    assert (row.window.name, figure(january), row.verdict) == ("2026-01-06", (4, 1, 0), "below-expected")
    assert billing_presenting.printed(january)["measures"][0]["counts"].endswith("of offered; worst day, 2026-01-06")
    found = statements.subject(client, "2026-01", "m1", now=january.computed_at)
    assert {item.received_at.astimezone(NEW_YORK).date() for item in statements.items_behind(found)} == {
        date(2026, 1, 6)
    }


def test_a_promise_by_the_quarter_is_judged_in_the_month_in_which_the_quarter_ends():
    client = signed("windows")
    store(client, [came(LATE, 2026, 1, 5, 10), came(IN_TIME, 2026, 2, 5, 10), came(IN_TIME, 2026, 3, 5, 10)])
    january, march = made(client, 2026, 1), made(client, 2026, 3)

    # January: 0 % so far, judged by nobody; the quarter came to 2 of 3, short of 80 %
    assert (figure(january, 2), level(january, 2).verdict) == ((1, 0, 0), None)
    assert billing_presenting.printed(january)["measures"][1]["counts"].endswith("; 2026-01 to 2026-01, which goes on")
    assert (figure(march, 2), level(march, 2).verdict) == ((3, 2, 0), "below-expected")
    assert [credit.name for credit in march.credits] == ["In the quarter", "Over three months"]
    plain = billing_presenting.plain(march)["measures"]
    assert next(row["window"] for row in plain if row["id"] == "m2") == {
        "length": "quarter",
        "name": "2026-01 to 2026-03",
        "due": True,
    }


def test_three_months_up_to_this_one_are_judged_every_month_once_there_are_three():
    client = signed("windows")
    waits = {1: LATE, 2: IN_TIME, 3: IN_TIME, 4: IN_TIME, 5: IN_TIME}
    store(client, [came(waited, 2026, month, 5, 10) for month, waited in waits.items()])

    found = [level(made(client, 2026, month), 3) for month in waits]
    assert [row.verdict for row in found] == [None, None, "below-expected", "met", "met"]
    assert [row.window.name for row in found][2:] == ["2026-01 to 2026-03", "2026-02 to 2026-04", "2026-03 to 2026-05"]


def test_a_repeated_miss_of_a_quarter_is_the_next_quarter_that_is_missed():
    client = signed("windows")
    store(client, [came(LATE, 2026, month, 5, 10) for month in (2, 5, 9)])

    def of_the_quarter(month):
        made_ = made(client, 2026, month)
        return [(credit.note, str(credit.amount.amount)) for credit in made_.credits if credit.name == "In the quarter"]

    # 100.00; in June, with April and May between, the second in a row: twice 100.00
    assert of_the_quarter(3) == [("", "100.00")]
    assert of_the_quarter(6) == [("month 2 in a row, times 2", "200.00")]
    assert of_the_quarter(7) == []


# --- hours of service -------------------------------------------------------------------------------------------------


def test_only_what_comes_in_during_the_hours_of_service_is_counted():
    client = signed("hours")
    store(
        client,
        [
            came(LATE, 2026, 1, 5, 8, 59, 59),
            came(IN_TIME, 2026, 1, 5, 9),
            came(LATE, 2026, 1, 5, 17, 59, 59),
            came(LATE, 2026, 1, 5, 18),
            came(LATE, 2026, 1, 4, 12),  # a Sunday
        ],
    )
    january = made(client, 2026, 1)

    assert figure(january) == (2, 1, 0)
    assert january.totals.received == 5
    assert billing_presenting.printed(january)["measures"][0]["counts"].endswith("of offered, in the hours of office")


def test_hours_are_those_of_the_wall_when_the_clock_changes():
    client = signed("hours")
    # New York goes to summer time on the eighth of March: nine is 14:00 in UTC before, and 13:00 after
    store(client, [call(IN_TIME, at=datetime(2026, 3, day, 13, 30, tzinfo=UTC)) for day in (6, 9)])

    assert figure(made(client, 2026, 3)) == (1, 1, 0)


def test_nothing_in_the_hours_is_no_figure():
    client = signed("hours")
    store(client, [came(LATE, 2026, 1, 4, 12)])

    assert figure(made(client, 2026, 1)) == (0, 0, 0)


# --- availability -----------------------------------------------------------------------------------------------------


def test_an_outage_takes_off_availability_and_the_figure_opens_to_it():
    client = signed("availability")
    claim = happened(client, "outage", (2026, 1, 5, 17), (2026, 1, 6, 10), approved=False)
    january = statements.statement(client, "2026-01", now=at(2026, 2, 1))

    # 22 weekdays of 9 h are 198 h; down from 17 to 18 and from 9 to 10: 196 of 198
    row = level(january)
    assert (row.figure.counted, row.figure.met, str(row.figure.attained)) == (198 * 3600, 196 * 3600, "98.9899")
    assert credited(january) == [("", "200.00")]
    found = statements.subject(client, "2026-01", "m1", now=january.computed_at)
    assert [(item.item_id, item.key, item.value) for item in statements.items_behind(found)] == [
        (claim.id, "Line down", 7200)
    ]
    assert [fact.event for fact in statements.facts_behind(found, claim.id)] == ["claim.made"]


def test_maintenance_that_was_agreed_is_no_time_of_service():
    client = signed("availability")
    happened(client, "outage", (2026, 1, 5, 9), (2026, 1, 5, 18))
    happened(client, "maintenance", (2026, 1, 5, 9), (2026, 1, 5, 17))

    # 198 h less 8 of maintenance are 190; of the outage one hour is left: 189 of 190
    row = level(statements.statement(client, "2026-01", now=at(2026, 2, 1)))
    assert (row.figure.counted, row.figure.met, str(row.figure.attained)) == (190 * 3600, 189 * 3600, "99.4737")


def test_a_month_that_goes_on_is_available_as_far_as_it_has_come():
    client = signed("availability")

    # Thursday the first and Friday the second, and an hour of Monday
    assert figure(statements.statement(client, "2026-01", now=at(2026, 1, 5, 10))) == (19 * 3600, 19 * 3600, 0)


# --- deliveries and currencies ----------------------------------------------------------------------------------------


def delivered(client, price, quantity, on, by, decides):
    paper = None if price == "Night desk" else claims.File("paper.pdf", b"paper")
    claim = claims.claim_delivery(
        client=client,
        price=price,
        on=on,
        quantity=Decimal(quantity),
        reason="Night",
        by=by,
        now=make.NINE,
        document=paper,
    )
    return claims.approve(claim=claim, by=decides, now=make.NINE) if decides else claim


def test_approved_hours_and_costs_are_on_the_invoice_of_their_month():
    client = signed("deliveries")
    rita, omar = make.in_charge("leader", client), make.in_charge("manager", client)
    bank = make.person("client", of=client)
    delivered(client, "Night desk", "7.5", date(2026, 1, 1), rita, bank)
    delivered(client, "Night desk", "4.25", date(2026, 1, 31), rita, bank)
    delivered(client, "Night desk", "100", date(2026, 1, 15), rita, None)  # nobody has approved it
    delivered(client, "Night desk", "8", date(2026, 2, 1), rita, bank)
    delivered(client, "Postage", "1240.50", date(2026, 1, 31), rita, omar)
    delivered(client, "Interpreters", "80.00", date(2026, 1, 2), rita, omar)
    january = made(client, 2026, 1)

    # 11.75 x 24.50 = 287.875; 1,240.50 x 1.05 = 1,302.525; 80 GBP x 1.3125
    assert [(line.title, str(line.amount.amount)) for line in january.lines] == [
        ("Night desk", "287.88"),
        ("Postage", "1302.52"),
        ("Interpreters (GBP at 1.3125)", "105.00"),
    ]
    assert str(january.total.amount) == "1695.40"
    printed = billing_presenting.printed(january)["lines"]
    assert [(row["quantity"], row["rate"]) for row in printed] == [
        ("11.75 agent-hours", "24.50"),
        ("1,240.5", "1.05"),
        ("80", "1.3125"),
    ]


def test_a_currency_follows_its_rate_from_month_to_month():
    client = signed("currencies")
    store(client, [came(IN_TIME, 2026, month, 5, 10, number) for month in (3, 4) for number in range(30)])

    # 30 x 1.10 x 0.92 = 30.36, of 184.00 at least; 30 x 1.10 x 0.875 = 28.875, of 175.00
    assert [str(line.amount.amount) for line in made(client, 2026, 3).lines][:2] == ["30.36", "153.64"]
    assert [str(line.amount.amount) for line in made(client, 2026, 4).lines][:2] == ["28.88", "146.12"]


# --- cases ------------------------------------------------------------------------------------------------------------


ANSWERED = 'measure = "answered-within"\nthreshold = "20s"\nper = "offered"'


def test_a_case_with_two_calls_was_not_resolved_at_the_first():
    client = signed("hours", but={ANSWERED: 'measure = "first-contact-resolution"\nthreshold = "2d"'})
    calls = [came(IN_TIME, 2026, 1, day, 10) for day in (5, 6, 8, 9)]
    for item, of in zip(calls, (1, 1, 2, 3), strict=True):
        item.reopened = of
    store(client, calls)
    assert Case.objects.count() == 3

    # The first case came again a day later; the others did not: 2 of 3
    assert figure(statements.statement(client, "2026-01", now=at(2026, 2, 1))) == (3, 2, 0)
    assert figure(statements.statement(client, "2026-01", now=at(2026, 1, 10, 12))) == (2, 1, 0)  # the last not yet


def test_what_is_open_at_the_end_of_a_day_is_its_backlog():
    client = signed(
        "hours", but={ANSWERED: 'measure = "backlog-older-than"\nthreshold = "2d"', 'hours = "office"\n': ""}
    )
    waits = Item(state="waiting", queue=call(1).queue, received_at=at(2025, 12, 30, 12), queued_at=at(2025, 12, 30, 12))
    store(client, [waits, came(10 * 86400, 2026, 1, 1, 12)])
    third = statements.statement(client, "2026-01", now=at(2026, 1, 4) + timedelta(seconds=1))

    # At the end of the first, second and third both are open: six. Older than two days: the one from December each
    # time (2.5, 3.5 and 4.5 days), the other at the end of the third (2.5 days): four.
    assert (figure(third), str(level(third).figure.attained)) == ((6, 4, 0), "66.6667")
    found = statements.subject(client, "2026-01", "m1", now=third.computed_at)
    assert [item.value for item in statements.items_behind(found)] == [3, 1]
