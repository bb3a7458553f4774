"""Closing a month by two people, and putting right in a later one what turns out wrong."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests import make
from tests.ops.billing import test_amounts_open
from workfloor.core.access import actors
from workfloor.core.claims import actions as claims
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.periods import months as period_months
from workfloor.core.periods import presenting as periods_presenting
from workfloor.core.periods import queries as periods_queries
from workfloor.core.periods.actions import Refused
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.figures import steps
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements

APRIL = datetime(2026, 4, 2, 9, tzinfo=UTC)
MAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
MARCH = "2026-03"


@pytest.fixture
def office(everyone: None) -> SimpleNamespace:
    """A client whose March has ten calls, seven of them answered in time: 70 %, where 75 % is the minimum.

    Charges: 10 calls x 1.50 = 15.00. The only level is missed: 10 % of 15.00 = 1.50 is credited, 13.50 is due.
    """
    client = make.client()
    staff = {
        name: make.person(role, name=name)
        for name, role in (("Teresa", "leader"), ("Marta", "manager"), ("Nuno", "manager"), ("Rita", "agent"))
    }
    for each in staff.values():
        people.clear(person=each, client=client, by=actors.ROOT, now=make.NINE)
    dana = make.person("client", name="Dana", of=client)
    ana = make.agent()
    for number in range(10):
        answered(ana, make.NINE + timedelta(minutes=10 * number), wait=10 if number < 7 else 40, key=f"call-{number}")
    return SimpleNamespace(client=client, ana=ana, dana=dana, **{name.lower(): each for name, each in staff.items()})


def answered(ana: Any, at: datetime, *, wait: int, key: str) -> Item:
    call = make.call(at=at, key=key)
    work.offer(
        item=call, person=ana, max_concurrency=1, offer_seconds=60, by=make.ROUTER, now=at + timedelta(seconds=wait - 1)
    )
    work.accept(item=call, by=ana, now=at + timedelta(seconds=wait))
    work.end(item=call, by=ana, now=at + timedelta(seconds=wait + 60))
    return work.wrap_up(item=call, by=ana, disposition="resolved", now=at + timedelta(seconds=wait + 65))


def close(office: SimpleNamespace, period: str = MARCH, now: datetime = APRIL) -> Any:
    billing.propose(client=office.client, period=period, by=office.teresa, now=now)
    return billing.approve(client=office.client, period=period, by=office.marta, now=now)


def stated(office: SimpleNamespace, period: str = MARCH, now: datetime = MAY) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(billing_presenting.stated(office.client, period, now=now).plain)
    return found


def events(office: SimpleNamespace) -> list[str]:
    told = event_log_queries.of_client(office.client.id).filter(event__regex="^(period|dispute)")
    return list(told.values_list("event", flat=True))


def disputed(office: SimpleNamespace, figure: str = "l1") -> Any:
    return billing.raise_dispute(
        client=office.client, period=MARCH, figure=figure, words="Two were tests", by=office.dana, now=APRIL
    )


def test_two_people_close_a_month_and_its_statement_stays(office):
    before = stated(office, now=APRIL)

    kept = close(office)

    assert kept.state == "closed"
    assert (before["total"], before["credits"][0]["amount"]) == ("13.50", "1.50")
    after = stated(office)
    assert after == before | {"period": before["period"] | {"state": "closed"}}
    assert kept.digest == period_months.digest(kept.plain)
    assert events(office) == ["period.proposed", "period.closed"]


def test_who_proposed_cannot_approve(office):
    billing.propose(client=office.client, period=MARCH, by=office.marta, now=APRIL)

    with pytest.raises(Refused, match="somebody else"):
        billing.approve(client=office.client, period=MARCH, by=office.marta, now=APRIL)
    assert billing.approve(client=office.client, period=MARCH, by=office.nuno, now=APRIL).state == "closed"


def test_the_database_too_refuses_one_person_in_both_places(office):
    billing.propose(client=office.client, period=MARCH, by=office.marta, now=APRIL)
    proposed = periods_queries.close(office.client.id, MARCH)

    with pytest.raises(DatabaseError, match="close_by_two"), transaction.atomic():
        proposed.state, proposed.approved_by, proposed.approved_at = "closed", office.marta, APRIL
        proposed.save()


@pytest.mark.parametrize(("who", "may"), [("rita", False), ("dana", False), ("teresa", False), ("nuno", True)])
def test_only_a_manager_approves(office, who: str, may: bool):
    billing.propose(client=office.client, period=MARCH, by=office.marta, now=APRIL)
    by = getattr(office, who)

    if may:
        assert billing.approve(client=office.client, period=MARCH, by=by, now=APRIL).state == "closed"
    else:
        with pytest.raises(Refused, match="role manager"):
            billing.approve(client=office.client, period=MARCH, by=by, now=APRIL)


def test_who_is_not_cleared_for_the_client_closes_nothing_of_it(office):
    stranger = make.person("manager", name="Olga")

    with pytest.raises(Refused, match="not cleared"):
        billing.propose(client=office.client, period=MARCH, by=stranger, now=APRIL)


# --- what is in the way -----------------------------------------------------------------------------------------


def refused(office: SimpleNamespace, period: str = MARCH, now: datetime = APRIL) -> list[str]:
    with pytest.raises(billing.NotYet) as found:
        billing.propose(client=office.client, period=period, by=office.teresa, now=now)
    return found.value.reasons


def test_a_month_that_is_not_over_is_refused_with_its_last_day(office):
    [reason] = refused(office, now=datetime(2026, 3, 31, 22, 59, tzinfo=UTC))  # 23:59 in Lisbon

    assert reason.startswith("2026-03 is not over: it ends on 31 March 2026 in Europe/Lisbon.")


def claimed(office: SimpleNamespace) -> Any:
    """The client's switch was down in the first hour of the calls."""
    return claims.claim_event(
        client=office.client,
        kind="client-outage",
        starts_at=make.NINE,
        ends_at=make.later(hours=1),
        now=APRIL,
        reason="Their switch was down",
        by=office.teresa,
    )


def test_everything_in_the_way_is_named_at_once(office):
    make.call(at=make.NINE, key="nobody answered")
    event_log.make_partitions(first=datetime(2026, 2, 1, tzinfo=UTC))
    make.call(at=datetime(2026, 2, 10, 9, tzinfo=UTC), key="of February")
    Item.objects.filter(key="call-3").update(talk_seconds=61)
    claim = claimed(office)

    reasons = refused(office)

    number = Item.objects.get(key="call-3").id
    assert len(reasons) == 4
    assert reasons[0] == (
        "2026-02 is still open. Close it first: workfloor billing period propose lisbon-light 2026-02"
    )
    assert reasons[1].startswith("1 items of 2026-03 are not finished")
    assert f"Claim {claim.id} (client-outage) is undecided: workfloor billing claim approve {claim.id}" in reasons[2]
    assert "is not what its facts add up to" in reasons[3] and f"item {number} " in reasons[3]
    assert "workfloor billing reconcile lisbon-light 2026-03" in reasons[3]


def test_a_month_without_work_before_the_first_that_had_some_is_in_nobodys_way(office):
    assert close(office).state == "closed"  # January and February had none


def test_a_month_in_between_is_in_the_way_even_without_work(office):
    close(office)

    [reason] = refused(office, "2026-05", now=datetime(2026, 6, 2, tzinfo=UTC))

    assert reason.startswith("2026-04 is still open")


def test_a_month_is_proposed_once(office):
    close(office)

    with pytest.raises(Refused, match="closed already"):
        billing.propose(client=office.client, period=MARCH, by=office.teresa, now=APRIL)


def test_figures_that_have_moved_since_are_not_approved(office):
    billing.propose(client=office.client, period=MARCH, by=office.teresa, now=APRIL)
    answered(office.ana, make.later(days=1), wait=5, key="late")

    with pytest.raises(Refused, match="have changed since they were proposed"):
        billing.approve(client=office.client, period=MARCH, by=office.marta, now=APRIL)

    billing.reopen(client=office.client, period=MARCH, reason="a call was missing", by=office.teresa, now=APRIL)
    assert close(office).state == "closed"
    assert stated(office)["lines"][0]["quantity"] == 11
    assert events(office) == ["period.proposed", "period.reopened", "period.proposed", "period.closed"]


def test_an_undecided_dispute_keeps_a_proposal_from_being_approved(office):
    billing.propose(client=office.client, period=MARCH, by=office.teresa, now=APRIL)
    dispute = disputed(office)

    with pytest.raises(billing.NotYet, match=f"Dispute {dispute.id} of l1 is undecided"):
        billing.approve(client=office.client, period=MARCH, by=office.marta, now=APRIL)
    with pytest.raises(Refused, match="only proposed"):
        billing.uphold(dispute=dispute, amount="-1.00", words="agreed", by=office.nuno, now=APRIL)
    billing.reject(dispute=dispute, words="they were answered", by=office.nuno, now=APRIL)
    assert billing.approve(client=office.client, period=MARCH, by=office.marta, now=APRIL).state == "closed"


# --- frozen -----------------------------------------------------------------------------------------------------


def test_what_is_closed_cannot_be_changed_or_deleted_by_anybody(office):
    kept = close(office)
    changes = [
        lambda: type(kept).objects.filter(id=kept.id).update(plain="{}"),
        lambda: type(kept).objects.filter(id=kept.id).update(state="provisional"),
        lambda: kept.figures.all().delete(),
        lambda: kept.figures.update(title="other"),
        lambda: kept.delete(),
    ]

    for change in changes:
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            change()


def test_a_closed_month_is_not_reopened(office):
    close(office)

    with pytest.raises(Refused, match=r"stays so.*next open statement"):
        billing.reopen(client=office.client, period=MARCH, reason="hm", by=office.teresa, now=APRIL)


def test_every_figure_of_a_closed_month_opens_to_what_it_counted_then(office):
    live = {each.id: each for each in statements.subjects(office.client, MARCH, now=APRIL)}
    counted = {name: list(statements.items_behind(each)) for name, each in live.items()}

    close(office)
    work.reopen(item=Item.objects.get(key="call-0"), reason="not so", by=make.CUSTOMER, now=MAY)
    answered(office.ana, make.later(days=1), wait=5, key="late")

    for name, items in counted.items():
        kept = statements.subject(office.client, MARCH, name, now=MAY)
        assert list(statements.items_behind(kept)) == items, name
        assert billing_presenting.plain_subject(kept) == billing_presenting.plain_subject(live[name])
        assert all(statements.counts_item(kept, item.item_id) for item in items)
    assert not statements.counts_item(statements.subject(office.client, MARCH, "received", now=MAY), 10**9)
    assert statements.subject(office.client, MARCH, "Calls answered", now=MAY).id == "l1"
    with pytest.raises(statements.NoFigure):
        statements.subject(office.client, MARCH, "m7", now=MAY)


# --- late facts -------------------------------------------------------------------------------------------------


def test_late_facts_come_into_the_next_statement_once(office):
    close(office)
    for number in range(2):
        answered(office.ana, make.later(days=1, minutes=number), wait=5, key=f"late-{number}")

    made = billing.restate(client=office.client, by=office.teresa, now=MAY)

    # 12 calls x 1.50 = 18.00: 3.00 more. 9 of 12 in time is 75 %, the minimum: the credit of 1.50 falls away.
    assert [(each.figure, each.amount, each.into) for each in made] == [
        ("l1", Decimal("3.00"), "2026-04"),
        ("c1", Decimal("1.50"), "2026-04"),
    ]
    assert billing.restate(client=office.client, by=office.teresa, now=MAY) == []
    assert stated(office)["total"] == "13.50"
    april = stated(office, "2026-04")
    assert [row["title"] for row in april["adjustments"]] == [
        "2026-03: Calls answered, late facts",
        "2026-03: Credit: Answered in 20 seconds, late facts",
    ]
    assert (april["charges"], april["net"], april["total"]) == ("0.00", "4.50", "4.50")
    assert periods_queries.state(office.client.id, MARCH) == "restated"


def test_proposing_the_next_month_brings_late_facts_in_by_itself(office):
    close(office)
    answered(office.ana, make.later(days=1), wait=5, key="late")

    billing.propose(client=office.client, period="2026-04", by=office.teresa, now=MAY)

    kept = json.loads(periods_queries.close(office.client.id, "2026-04").plain)
    # 11 x 1.50 = 16.50: 1.50 more; 8 of 11 in time: 10 % of 16.50 is 1.65, 0.15 more.
    assert [row["amount"] for row in kept["adjustments"]] == ["1.50", "-0.15"]


def test_further_late_facts_add_only_what_is_new(office):
    close(office)
    answered(office.ana, make.later(days=1), wait=5, key="late")
    billing.restate(client=office.client, by=office.teresa, now=MAY)
    answered(office.ana, make.later(days=2), wait=5, key="later")

    made = billing.restate(client=office.client, by=office.teresa, now=MAY)

    # 12 calls now: 18.00 less 15.00 less the 1.50 of the first time. 9 of 12 is 75 %: no credit any more, so the 1.50
    # that was credited and the 0.15 of the first time come back.
    assert [each.amount for each in made] == [Decimal("1.50"), Decimal("1.65")]


def test_an_amendment_signed_after_the_close_is_a_late_fact_too(office):
    close(office)
    source = make.CONTRACT.format(slug=office.client.slug).replace('rate = "1.50"', 'rate = "1.60"')
    contracts.sign(source=source, effective_on=datetime(2026, 3, 1).date(), by=actors.ROOT, now=MAY)

    made = billing.restate(client=office.client, by=office.teresa, now=MAY)

    # 10 calls x 1.60 = 16.00: 1.00 more; the credit is 1.60: 0.10 more.
    assert [each.amount for each in made] == [Decimal("1.00"), Decimal("-0.10")]
    assert stated(office)["version"] == 1


# --- afterwards -------------------------------------------------------------------------------------------------


def test_the_state_of_every_month_is_what_its_facts_add_up_to(office):
    close(office)
    billing.uphold(dispute=disputed(office), amount="-3.00", words="Yes", by=office.marta, now=APRIL)
    billing.propose(client=office.client, period="2026-04", by=office.teresa, now=MAY)
    told = event_log_queries.of_client(office.client.id)

    assert (
        period_months.replay(told)
        == periods_queries.states(office.client.id)
        == {MARCH: "restated", "2026-04": "provisional"}
    )
    billing.reopen(client=office.client, period="2026-04", reason="no", by=office.teresa, now=MAY)
    assert period_months.replay(told.all()) == {MARCH: "restated", "2026-04": "open"}


def test_a_later_months_credits_look_back_on_what_was_frozen(office):
    made = statements.statement(office.client, MARCH, now=APRIL)
    close(office)
    kept = periods_queries.frozen(office.client.id, MARCH)

    from workfloor.ops.billing import settlement

    terms = made.contract
    attained = [row.figure.attained for row in made.measures if row.queue is None]
    assert settlement.kept_month(terms, MARCH, kept.basis).attained == tuple(attained)
    assert settlement.kept_month(terms, MARCH, kept.basis).charges == made.charges


# --- what amounts were computed from ------------------------------------------------------------------------------


def test_what_amounts_were_computed_from_is_frozen_with_them(office):
    before = stated(office, now=APRIL)["how"]

    close(office)
    answered(office.ana, make.later(days=1), wait=5, key="late")

    assert stated(office)["how"] == before
    assert before["l1"]["operands"][0]["operands"][0]["result"] == "10"
    for name in ("l1", "c1", "total"):
        kept = statements.subject(office.client, MARCH, name, now=MAY)
        assert kept.how and steps.plain(kept.how) == before[name]
    printed = billing_presenting.stated(office.client, MARCH, now=MAY).printed
    assert printed["lines"][0]["how"]["lines"] == [
        "Calls answered: 10 contacts (answered) × 1.50 EUR (rate, as signed) = 15.00 EUR"
    ]


def test_a_month_that_was_closed_before_amounts_opened_is_stated_without(office):
    close(office)
    kept = periods_queries.close(office.client.id, MARCH)
    worded = {name: value for name, value in kept.printed.items() if name != "how"}

    shown = billing_presenting.opened(worded | periods_presenting.standing(office.client.id, MARCH, kept))
    assert (shown["lines"][0]["how"], shown["how"]) == ({}, [])
    assert b"%PDF" in billing_gateway.statement_pdf(shown)


def test_late_facts_open_to_what_it_was_and_what_it_is_now(office):
    close(office)
    answered(office.ana, make.later(days=1), wait=5, key="late")
    billing.restate(client=office.client, by=office.teresa, now=MAY)
    answered(office.ana, make.later(days=2), wait=5, key="later")
    billing.restate(client=office.client, by=office.teresa, now=MAY)
    april = stated(office, "2026-04")

    # 12 x 1.50 = 18.00, less 15.00 as closed, less 1.50 made up for; no credit now, less -1.50, less -0.15
    said = [[each["result"] for each in april["how"][name]["operands"]] for name in ("a3", "a4")]
    assert said == [["18.00", "15.00", "1.50"], ["0.00", "-1.50", "-0.15"]]
    for row in april["adjustments"]:
        assert test_amounts_open.recomputed(april["how"][row["id"]]) == Fraction(row["amount"])
    was = april["how"]["a1"]["operands"][1]
    assert (was["figure"], was["period"], was["result"]) == ("l1", MARCH, "15.00")
    assert test_amounts_open.recomputed(april["how"]["total"]) == Fraction(april["total"])


@pytest.mark.parametrize(
    ("figure", "right", "said"),
    [
        ("l1", {"amount": "-3.00"}, [[]]),
        ("l1", {"figure": Decimal(8)}, [["12.00", "15.00"], ["-1.20", "-1.50"]]),  # 8 x 1.50; 10 % of that
        ("m1", {"figure": Decimal(80)}, [["0.00", "-1.50"]]),
    ],
)
def test_what_a_dispute_made_of_an_amount_opens_too(office, figure: str, right: dict[str, Any], said: list[list[str]]):
    close(office)
    billing.uphold(dispute=disputed(office, figure), words="agreed", by=office.nuno, now=MAY, **right)
    april = stated(office, "2026-04")

    how = [april["how"][row["id"]] for row in april["adjustments"]]
    assert [[each["result"] for each in step.get("operands", ())] for step in how] == said
    for row, step in zip(april["adjustments"], how, strict=True):
        assert test_amounts_open.recomputed(step) == Fraction(row["amount"])
