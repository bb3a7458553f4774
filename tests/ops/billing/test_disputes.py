"""Disputes of a closed month: raised by one side, decided by another person, made up for in a later statement."""

from decimal import Decimal

import pytest
from django.db import transaction

from tests.ops.billing.test_closing_actions import (
    APRIL,
    MARCH,
    MAY,
    close,
    disputed,
    events,
    stated,
)
from tests.ops.billing.test_closing_actions import office as office  # the fixture
from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.actions import Refused
from workfloor.ops.billing import actions as billing


def test_an_upheld_dispute_becomes_a_line_of_the_next_statement(office):
    close(office)
    dispute = disputed(office)

    [line] = billing.uphold(dispute=dispute, amount="-3.00", words="They were", by=office.marta, now=APRIL)

    assert (line.period, line.figure, line.into, line.amount) == (MARCH, "l1", "2026-04", Decimal("-3.00"))
    april = stated(office, "2026-04")
    assert april["adjustments"] == [
        {
            "id": "a1",
            "title": f"2026-03: Calls answered, dispute {dispute.id} upheld",
            "period": MARCH,
            "figure": "l1",
            "because": "dispute",
            "dispute": dispute.id,
            "amount": "-3.00",
            "tax": None,
        }
    ]
    assert april["total"] == "-3.00"
    assert (stated(office)["total"], periods_queries.state(office.client.id, MARCH)) == ("13.50", "restated")
    assert events(office)[2:] == ["dispute.raised", "dispute.upheld", "period.restated"]


def test_a_recounted_line_is_charged_by_its_price_and_credited_anew(office):
    close(office)

    made = billing.uphold(dispute=disputed(office), figure=Decimal(8), words="Recounted", by=office.marta, now=APRIL)

    # 8 x 1.50 = 12.00: 3.00 less; 10 % of 12.00 is 1.20, so 0.30 less is credited.
    assert [(each.subject, each.amount) for each in made] == [
        ("Calls answered", Decimal("-3.00")),
        ("Credit: Answered in 20 seconds", Decimal("0.30")),
    ]


def test_a_level_that_was_attained_after_all_gives_its_credit_back(office):
    close(office)

    [line] = billing.uphold(
        dispute=disputed(office, "m1"), figure=Decimal("80.5"), words="Outage", by=office.marta, now=APRIL
    )

    assert (line.subject, line.amount) == ("Credit: Answered in 20 seconds", Decimal("1.50"))


def test_a_figure_that_changes_nothing_is_refused(office):
    close(office)

    with pytest.raises(Refused, match="nothing on the invoice of 2026-03 changes"):
        billing.uphold(dispute=disputed(office, "m1"), figure=Decimal("71"), words="?", by=office.marta, now=APRIL)


def test_what_was_disputed_and_put_right_is_not_put_right_again_by_the_recount(office):
    close(office)
    billing.uphold(dispute=disputed(office), amount="-3.00", words="Yes", by=office.marta, now=APRIL)

    assert billing.restate(client=office.client, by=office.teresa, now=MAY) == []


@pytest.mark.parametrize("amount", ["0", "1.005", "1,50", "much"])
def test_what_is_no_amount_is_refused_and_leaves_the_dispute_undecided(office, amount: str):
    close(office)
    dispute = disputed(office)

    with pytest.raises(ValueError, match=amount), transaction.atomic():
        billing.uphold(dispute=dispute, amount=amount, words="Yes", by=office.marta, now=APRIL)
    dispute.refresh_from_db()
    assert dispute.state == "raised"


def test_a_dispute_is_decided_once_and_not_by_who_raised_it(office):
    close(office)
    dispute = billing.raise_dispute(
        client=office.client, period=MARCH, figure="m1", words="For Dana", by=office.teresa, now=APRIL
    )

    with pytest.raises(Refused, match="somebody else does this one"):
        billing.reject(dispute=dispute, words="no", by=office.teresa, now=APRIL)
    billing.reject(dispute=dispute, words="the log shows it", by=office.marta, now=APRIL)
    with pytest.raises(Refused, match="rejected already: the log shows it"):
        billing.uphold(dispute=dispute, amount="-1.00", words="yes", by=office.nuno, now=APRIL)


def test_the_clients_own_people_dispute_but_do_not_decide(office):
    close(office)
    dispute = billing.raise_dispute(
        client=office.client, period=MARCH, figure="m1", words="For us", by=office.teresa, now=APRIL
    )

    with pytest.raises(Refused, match="may not decide"):
        billing.uphold(dispute=dispute, amount="-1.00", words="yes", by=office.dana, now=APRIL)


def test_a_figure_that_is_not_there_is_refused_with_those_that_are(office):
    close(office)

    with pytest.raises(Refused, match=r"no figure 'l9'. It has: m1, l1, c1, received"):
        disputed(office, "l9")


def test_nothing_of_an_open_month_is_disputed(office):
    with pytest.raises(Refused, match="is open"):
        disputed(office)


def test_a_correction_goes_past_the_months_that_are_shut(office):
    close(office)
    close(office, "2026-04", MAY)

    [line] = billing.uphold(dispute=disputed(office), amount="-3.00", words="Yes", by=office.marta, now=MAY)

    assert line.into == "2026-05"
