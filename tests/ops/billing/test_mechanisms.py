"""The small contracts of examples/contracts, executed from work items to the statement, its pages and its paper."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.ops.billing.test_statements import call, sign, store
from workfloor.core.work.models import Item
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements

pytestmark = pytest.mark.usefixtures("everyone")

EXAMPLES = Path(__file__).parents[3] / "examples" / "contracts"


def signed(name, **changed):
    text = EXAMPLES.joinpath(f"{name}.toml").read_text("utf-8")
    for old, new in changed.get("but", {}).items():
        assert old in text
        text = text.replace(old, new)
    return sign(text, slug=name)


def on(year, month, waited, **more) -> Item:
    return call(waited, at=datetime(year, month, 10, 15, tzinfo=UTC), **more)


IN_TIME, LATE = 10, 30


def made(client, year, month):
    return statements.statement(client, f"{year}-{month:02}", now=datetime(year, month, 28, tzinfo=UTC))


def credited(statement):
    return [(credit.note, str(credit.amount.amount)) for credit in statement.credits]


def test_repeated_misses_are_counted_over_the_months_behind():
    client = signed("repeated-misses")
    store(client, [on(2026, 1, LATE), on(2026, 2, LATE), on(2026, 3, LATE), on(2026, 4, IN_TIME)])

    # of 1,000 a month: 4 %; 4 % x 1.5; 4 % x 2 = 80, but 5 % of 3,000 less 100 are left
    assert credited(made(client, 2026, 1)) == [("", "40.00")]
    assert credited(made(client, 2026, 2)) == [("month 2 in a row, times 1.5", "60.00")]
    assert credited(made(client, 2026, 3)) == [("month 3 in a row, times 2", "50.00")]
    assert credited(made(client, 2026, 4)) == []


def test_a_credit_earned_back_is_on_the_later_invoice_with_its_month():
    client = signed("earn-back")
    store(client, [on(2026, 1, LATE), on(2026, 2, IN_TIME), on(2026, 3, IN_TIME)])
    march = made(client, 2026, 3)

    assert credited(march) == [("earned back, of 2026-01", "-40.00")]
    assert (str(march.charges.amount), str(march.total.amount)) == ("1000.00", "1040.00")
    worded = billing_presenting.printed(march)["credits"][0]
    assert worded["title"] == "Credit: Answered in 20 seconds, earned back, of 2026-01"
    assert worded["amount"] == "40.00 USD"


def test_a_ground_for_termination_is_told_on_page_and_paper():
    client = signed("earn-back")
    store(client, [on(2026, 1, LATE), on(2026, 2, LATE)])
    february = made(client, 2026, 2)
    says = "Notice under clause 14: Answered in 20 seconds was short of expected in 2 of the last 2 months."

    assert february.notices == (says,) == tuple(billing_presenting.plain(february)["notices"])
    assert says in words(billing_gateway.statement_pdf(billing_presenting.printed(february)))
    assert made(client, 2026, 1).notices == ()


def test_a_ratchet_raises_the_promise_on_the_statement():
    client = signed("ratchet")
    store(client, [on(2026, month, IN_TIME) for month in range(1, 13)] + [on(2027, 1, IN_TIME)])

    assert billing_presenting.printed(made(client, 2026, 12))["measures"][0]["target"] == "at least 95 %"
    assert (
        billing_presenting.printed(made(client, 2027, 1))["measures"][0]["target"] == "at least 97.5 %"
    )  # (95 + 100) / 2


def test_a_promise_rises_on_the_first_day_of_a_month_that_finds_it_raised():
    client = signed("targets")
    late = {3: 3, 4: 2, 5: 2, 6: 2}  # of ten: 70, 80, 80, 80 % in time
    store(client, [on(2026, month, LATE if n < count else IN_TIME) for month, count in late.items() for n in range(10)])

    months = [made(client, 2026, month) for month in late]
    target = [billing_presenting.printed(each)["measures"][0]["target"] for each in months]
    assert target == ["at least 80 %, never below 75 %"] * 2 + ["at least 80 %, never below 75 %", "at least 90 %"]
    # 80 - 70 and 90 - 80 points of 1 % of 100,000; in May the raise of the fifteenth does not hold yet
    assert [credited(each) for each in months] == [[("", "10000.00")], [], [], [("", "10000.00")]]


def test_earlier_months_are_seen_under_their_own_version():
    client = signed("earn-back")
    amended = EXAMPLES.joinpath("earn-back.toml").read_text("utf-8").replace('"80 %"', '"50 %"')
    sign(amended, slug="earn-back", effective_on=date(2026, 2, 1))
    half = [on(2026, month, waited) for month in (1, 2, 3) for waited in (IN_TIME, LATE)]
    store(client, half)

    # 50 % missed January's 80 %, and keeps the 50 % target from February on.
    assert credited(made(client, 2026, 1)) == [("", "40.00")]
    assert credited(made(client, 2026, 3)) == [("earned back, of 2026-01", "-40.00")]


def test_points_over_a_quarter_know_each_services_charges():
    client = signed("points-over-a-quarter")
    month = [on(2026, 1, waited, queue=queue) for queue in ("catering", "cleaning") for waited in (LATE, IN_TIME)]
    store(client, month)

    # Each is 50 % answered in time: 12 points, 2 beyond the allowance: 4 % of its 2 x 10.00
    january = made(client, 2026, 1)
    assert credited(january) == [("12 points, 2 beyond the allowance", "0.80")] * 2
    assert str(january.total.amount) == "38.40"


def test_credits_by_the_table_are_of_all_levels_and_open_to_no_items():
    client = signed("points-from-a-table")
    store(client, [on(2026, 1, LATE)])
    january = made(client, 2026, 1)

    assert credited(january) == [("44 points", "10000.00")]
    assert billing_presenting.plain(january)["credits"][0]["measure"] is None
    assert not billing_presenting.printed(january)["credits"][0]["opens"]
    opened = statements.subject(client, "2026-01", "c1", now=january.computed_at)
    assert list(statements.items_behind(opened)) == []
    assert "such as m1" in billing_presenting.worded_nothing(opened)


def test_a_gap_off_the_baseline_opens_to_what_was_counted():
    client = signed("baseline", but={"quantity = 1000": "quantity = 10"})
    store(client, [on(2026, 1, IN_TIME) for _ in range(12)])
    january = made(client, 2026, 1)

    assert [str(line.amount.amount) for line in january.lines] == ["20.00", "3.60"]  # 10 x 2.00; 2 x 1.80
    found = statements.subject(client, "2026-01", "l2", now=january.computed_at)
    assert len(list(statements.items_behind(found))) == 12
    store(client, [on(2026, 1, IN_TIME) for _ in range(5)])
    assert [line["quantity"] for line in billing_presenting.plain(made(client, 2026, 1))["lines"]] == [10, -5]


def test_an_outcome_counts_and_opens_to_the_items_that_ended_so():
    client = signed("outcomes")
    month = [on(2026, 1, IN_TIME) for _ in range(3)] + [on(2026, 1, 5, answered=False)]
    for item, disposition in zip(month, ("resolved", "called-back", "resolved", ""), strict=True):
        item.disposition = disposition
    store(client, month)
    january = made(client, 2026, 1)

    assert [str(line.amount.amount) for line in january.lines] == ["15.00"]  # 2 x 7.50
    found = statements.subject(client, "2026-01", "l1", now=january.computed_at)
    assert [item.key for item in statements.items_behind(found)] == ["0", "2"]


def test_prices_stand_as_on_the_first_day_of_the_month():
    client = signed("ramp-up")
    store(client, [])

    # half of 1,000, and 12.5 x 40 % x 3,200; in April all of it
    assert str(made(client, 2026, 1).total.amount) == "16500.00"
    assert str(made(client, 2026, 4).total.amount) == "41000.00"


def test_an_indexed_rate_is_what_the_statement_shows():
    client = signed("indexed")
    store(client, [on(2027, 1, IN_TIME)])

    assert [line["rate"] for line in billing_presenting.plain(made(client, 2027, 1))["lines"]] == ["1.1330", "918.1556"]


def test_the_total_is_the_lines_less_the_credits_and_with_the_taxes():
    client = signed("taxes")
    store(client, [on(2026, 1, LATE) for _ in range(200)])
    january = made(client, 2026, 1)
    plain = billing_presenting.plain(january)

    # 200 x 1.10 + 300 - 100; 23 % of 220 - 100 = 27.60
    assert (plain["charges"], plain["net"], plain["total"]) == ("520.00", "420.00", "447.60")
    assert [(tax["category"], tax["rate"], tax["base"], tax["amount"]) for tax in plain["taxes"]] == [
        ("S", "23", "120.00", "27.60"),
        ("E", "0", "300.00", "0.00"),
    ]
    assert Decimal(plain["total"]) == sum(
        [Decimal(line["amount"]) for line in plain["lines"]]
        + [-Decimal(credit["amount"]) for credit in plain["credits"]]
        + [Decimal(tax["amount"]) for tax in plain["taxes"]]
    )
    paper = words(billing_gateway.statement_pdf(billing_presenting.printed(january)))
    assert "VAT, 23 % of 120.00 EUR" in paper
    assert "447.60 EUR" in paper


def test_a_month_asks_of_the_past_only_what_its_credits_look_back_on():
    client = signed("earn-back")
    store(client, [on(2026, 1, LATE)])
    scope = statements._scope(client, "2027-06", datetime(2027, 7, 1, tzinfo=UTC))

    assert [month.name for month in statements._months_before(scope)] == ["2027-02", "2027-03", "2027-04", "2027-05"]


def test_the_months_behind_reach_back_to_the_start_of_the_term_and_no_further():
    client = signed("repeated-misses")
    store(client, [])
    scope = statements._scope(client, "2027-02", datetime(2027, 2, 1, tzinfo=UTC) + timedelta(hours=9))

    assert [month.contract_year for month in statements._months_before(scope)] == [0] * 12 + [1]


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def test_what_the_bonus_bank_met_and_what_it_holds_are_on_the_statement():
    client = signed("bonus-bank")
    store(client, [on(2026, 1, IN_TIME), on(2026, 2, LATE)])
    january, february = made(client, 2026, 1), made(client, 2026, 2)

    assert billing_presenting.plain(january)["bank"] == "20.00"  # 2 % of 1,000
    assert "Bonus bank, saved for later credits 20.00 USD" in words(
        billing_gateway.statement_pdf(billing_presenting.printed(january))
    )
    assert billing_presenting.printed(february)["credits"][0]["title"] == (
        "Credit: Answered in 20 seconds, 20.00 USD of it from the bonus bank"
    )
    assert (str(february.total.amount), billing_presenting.plain(february)["bank"]) == (
        "980.00",
        "0.00",
    )  # 1,000 - (40 - 20)


def test_where_any_version_looked_further_back_so_do_those_after_it():
    client = signed("repeated-misses")
    text = EXAMPLES.joinpath("earn-back.toml").read_text("utf-8").replace('"earn-back"', '"repeated-misses"')
    sign(text, slug="repeated-misses", effective_on=date(2027, 1, 1))
    scope = statements._scope(client, "2027-06", datetime(2027, 7, 1, tzinfo=UTC))

    assert len(list(statements._months_before(scope))) == 17
