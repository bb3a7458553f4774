"""Closed months become invoices, under numbers without gaps, and are taken back by credit notes."""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.periods import queries as periods_queries
from workfloor.core.work import actions as work
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import einvoice, invoices
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import models as billing_models
from workfloor.ops.billing import queries as billing_queries

APRIL = datetime(2026, 4, 2, 9, tzinfo=UTC)
MAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
MARCH = "2026-03"
LISBON = {
    "name": "Sample Floor Lda",
    "street": "Rua do Ouro 1",
    "city": "Lisboa",
    "postcode": "1100-060",
    "country": "PT",
    "vat_id": "PT501964843",
    "legal_id": "501964843",
    "account": "PT50000201231234567890154",
    "email": "billing@sample.example",
}
TAXED = """
[taxes.vat]
title = "VAT"
category = "S"
rate = "23 %"
"""
BILLED = """
[billing]
name = "Lisbon Light SA"
street = "Rua da Prata 7"
city = "Lisboa"
postcode = "1100-414"
country = "PT"
vat_id = "PT503504564"
reference = "Cost centre 4711"
due_within = "30 days"
"""


def source(more: str = TAXED + BILLED, slug: str = "lisbon-light", **changed: str) -> str:
    """The contract of the tests, with taxes and billing; `changed` replaces texts of it."""
    text = make.CONTRACT.format(slug=slug)
    if "[taxes" in more:
        text += 'tax = "vat"\n'
    for old, new in changed.items():
        text = text.replace({"currency": '"EUR"', "rate": '"1.50"'}[old], f'"{new}"')
    return text + more


def signed(text: str, slug: str = "lisbon-light") -> Any:
    contracts.sign(source=text, by=actors.ROOT, now=datetime(2025, 12, 1, 9, tzinfo=UTC))
    return make.client(slug)


def office(text: str | None = None) -> SimpleNamespace:
    """A client whose closed March has ten calls at 1.50, three of them too late: 15.00 less 1.50, and VAT on it."""
    client = signed(text or source())
    staff = SimpleNamespace(teresa=make.person("leader", name="Teresa"), marta=make.person("manager", name="Marta"))
    for each in (staff.teresa, staff.marta):
        people.clear(person=each, client=client, by=actors.ROOT, now=make.NINE)
    ana = make.agent()
    for number in range(10):
        answered(ana, make.NINE + timedelta(minutes=10 * number), wait=10 if number < 7 else 40)
    return SimpleNamespace(client=client, ana=ana, teresa=staff.teresa, marta=staff.marta)


def answered(ana: Any, at: datetime, wait: int = 5) -> None:
    call = make.call(at=at)
    work.offer(
        item=call, person=ana, max_concurrency=1, offer_seconds=60, by=make.ROUTER, now=at + timedelta(seconds=wait - 1)
    )
    work.accept(item=call, by=ana, now=at + timedelta(seconds=wait))
    work.end(item=call, by=ana, now=at + timedelta(seconds=wait + 60))
    work.wrap_up(item=call, by=ana, disposition="resolved", now=at + timedelta(seconds=wait + 65))


def close(at: SimpleNamespace, period: str = MARCH, now: datetime = APRIL) -> None:
    billing.propose(client=at.client, period=period, by=at.teresa, now=now)
    billing.approve(client=at.client, period=period, by=at.marta, now=now)


def ready(text: str | None = None, entity: bool = True) -> SimpleNamespace:
    at = office(text)
    close(at)
    if entity:
        billing.register_entity(slug="lisbon", by=at.marta, now=APRIL, **LISBON)
    return at


def issue(at: SimpleNamespace, period: str = MARCH, now: datetime = APRIL, **more: Any) -> billing_models.Invoice:
    return billing.issue_invoice(client=at.client, period=period, by=at.marta, now=now, **more)


def reasons(at: SimpleNamespace) -> list[str]:
    with pytest.raises(billing.InvoiceRefused) as found, transaction.atomic():
        issue(at)
    return found.value.reasons


def test_a_closed_month_becomes_a_valid_invoice(everyone):
    at = ready()

    made = issue(at)

    value = invoices.read(made.value)
    # 10 x 1.50 = 15.00; less the credit of 10 % = 1.50; 23 % of 13.50 = 3.105, half-even 3.10 (3.10 is even).
    assert (value.totals.lines, value.totals.allowances, value.totals.net) == (
        Decimal(15),
        Decimal("1.5"),
        Decimal("13.5"),
    )
    assert (value.totals.tax, value.totals.gross) == (Decimal("3.10"), Decimal("16.60"))
    assert (made.name, value.issued_on, value.payment.due_on) == ("2026-00001", date(2026, 4, 2), date(2026, 5, 2))
    assert (value.buyer.name, value.seller.name, value.buyer_reference) == (
        "Lisbon Light SA",
        "Sample Floor Lda",
        "Cost centre 4711",
    )
    assert (value.starts_on, value.ends_on) == (date(2026, 3, 1), date(2026, 3, 31))
    assert (
        billing_gateway.refusals("ubl", made.ubl.encode()) == billing_gateway.refusals("cii", made.cii.encode()) == []
    )
    assert json.loads(periods_queries.frozen(at.client.id, MARCH).plain)["total"] == "16.60"


def test_each_line_says_the_figure_that_opens_to_its_items(everyone):
    from workfloor.ops.billing import statements

    at = ready()
    value = invoices.read(issue(at).value)

    assert [each.opens for each in value.lines] == ["lisbon-light/2026-03/l1"]
    client, period, figure = value.lines[0].opens.split("/")
    assert client == at.client.slug
    assert len(list(statements.items_behind(statements.subject(at.client, period, figure, now=MAY)))) == 10
    assert value.allowances[0].opens == "lisbon-light/2026-03/c1"


def test_the_journal_says_what_was_issued(everyone):
    at = ready()
    made = issue(at)
    billing.credit_invoice(invoice=made, words="Wrong address", by=at.marta, now=MAY)

    told = event_log_queries.of_client(at.client.id).filter(event__startswith="invoice.")
    assert [(fact.event, fact.by_id, fact.details) for fact in told] == [
        (
            "invoice.issued",
            at.marta.id,
            {
                "entity": "lisbon",
                "invoice": "2026-00001",
                "period": MARCH,
                "gross": "16.60",
                "currency": "EUR",
            },
        ),
        (
            "invoice.credited",
            at.marta.id,
            {
                "entity": "lisbon",
                "invoice": "2026-00001",
                "credit_note": "CN2026-00001",
                "words": "Wrong address",
            },
        ),
    ]


# --- refused, saying what to do ---------------------------------------------------------------------------------


def test_a_month_that_is_not_closed_is_not_invoiced(everyone):
    at = office()
    billing.register_entity(slug="lisbon", by=actors.ROOT, now=APRIL, **LISBON)

    [reason] = reasons(at)
    assert (
        reason.startswith("2026-03 is not closed") and "workfloor billing period propose lisbon-light 2026-03" in reason
    )

    billing.propose(client=at.client, period=MARCH, by=at.teresa, now=APRIL)
    assert reasons(at)[0].startswith("2026-03 is not closed")


def test_everything_that_is_missing_is_named_at_once(everyone):
    at = ready(source(more=""), entity=False)

    found = reasons(at)

    assert [each.split(":")[0] for each in found] == [
        "The contract of lisbon-light does not say whom its invoices go to",
        "No legal entity is on file that could issue invoices",
        "l1, Calls answered",
        "The credits name no tax whose base they lessen. An invoice says of each amount which tax is on it, also where "
        "none is charged",
    ]
    assert billing_models.NumberRange.objects.count() == 0


def test_a_document_that_breaks_the_standard_is_refused_with_the_rules_and_takes_no_number(everyone):
    at = ready(entity=False)
    billing.register_entity(slug="lisbon", by=actors.ROOT, now=APRIL, **(LISBON | {"vat_id": "501964843"}))

    found = reasons(at)

    assert {each.split(":")[0] for each in found if each.startswith(("BR-", "XSD"))} >= {"BR-CO-09"} or "XSD" in found[
        0
    ]
    assert "electronic = false" in found[-1]
    billing.change_entity(
        legal_entity=billing_queries.entity("lisbon"),
        by=actors.ROOT,
        now=APRIL,
        vat_id="PT501964843",
    )
    assert issue(at).name == "2026-00001"


def test_nothing_electronic_is_issued_unchecked_where_the_checker_is_not_installed(everyone, monkeypatch):
    at = ready()
    monkeypatch.setitem(sys.modules, "saxonche", None)
    monkeypatch.setattr(billing_gateway, "_compiled", billing_gateway._compiled.__wrapped__)
    monkeypatch.setattr(billing_gateway, "_saxon", billing_gateway._saxon.__wrapped__)

    found = reasons(at)

    assert found[0] == (
        "Checking an electronic invoice needs saxonche, which is not installed. "
        "Run: pip install 'workfloor[einvoice]', or make setup."
    )
    assert "electronic = false" in found[-1]
    monkeypatch.undo()
    assert issue(at).name == "2026-00001"


def test_several_legal_entities_must_be_told_apart(everyone):
    at = ready()
    billing.register_entity(slug="porto", by=actors.ROOT, now=APRIL, **LISBON)

    assert reasons(at) == ["[billing] must name one of the legal entities lisbon, porto: entity = ..."]


def test_the_entity_that_the_contract_names_issues(everyone):
    at = ready(source() + 'entity = "porto"\n')
    assert "porto; there is lisbon" in reasons(at)[0]

    billing.register_entity(slug="porto", by=actors.ROOT, now=APRIL, **(LISBON | {"name": "Sample Porto Lda"}))

    assert invoices.read(issue(at).value).seller.name == "Sample Porto Lda"


def test_a_month_is_invoiced_once(everyone):
    at = ready()
    made = issue(at)

    assert reasons(at)[0].startswith(f"2026-03 is invoiced already, as {made.name}")


@pytest.mark.parametrize("who", ["teresa", "ana"])
def test_only_managers_issue(everyone, who: str):
    at = ready()

    with pytest.raises(billing.Refused, match="role manager"):
        billing.issue_invoice(client=at.client, period=MARCH, by=getattr(at, who), now=APRIL)


def test_an_iban_with_a_wrong_digit_is_refused_with_everything_else(everyone):
    with pytest.raises(billing.InvoiceRefused) as found:
        billing.register_entity(
            slug="x",
            by=actors.ROOT,
            now=APRIL,
            name="X",
            country="XX",
            account="PT50000201231234567890155",
            endpoint="579",
        )

    assert len(found.value.reasons) == 6  # street, city, postcode; the country; the endpoint; the IBAN


# --- currencies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "rate", "gross"),
    [
        # 10 x 150 = 1500, less 150; 23 % of 1350 = 310.5, half-even to whole yen 310
        ("JPY", "150", "1660"),
        # 10 x 1.500 = 15.000, less 1.500; 23 % of 13.500 = 3.105: three decimals, which the standard has no place for
        ("KWD", "1.500", None),
        # 10 x 2 = 20.000, less 2.000; 23 % of 18.000 = 4.140
        ("TND", "2", "22.14"),
    ],
)
def test_currencies_have_the_decimals_that_they_have(everyone, currency: str, rate: str, gross: str | None):
    at = ready(source(currency=currency, rate=rate))

    if gross is None:
        assert any(each.startswith("BR-DEC-") for each in reasons(at))
    else:
        assert invoices.read(issue(at).value).totals.gross == Decimal(gross)


def test_paper_alone_is_issued_where_the_standard_has_no_place_for_the_amount(everyone):
    at = ready(source(currency="KWD", rate="1.500") + "electronic = false\n")

    made = issue(at)

    assert (made.ubl, made.cii) == ("", "")
    assert invoices.printed(invoices.read(made.value))["due"] == ["Amount due", "16.605 KWD"]


# --- credit notes and adjustments -------------------------------------------------------------------------------


def test_a_credit_note_takes_an_invoice_back_and_the_month_can_be_invoiced_anew(everyone):
    at = ready()
    made = issue(at)

    note = billing.credit_invoice(invoice=made, words="Wrong address", by=at.marta, now=MAY)

    value = invoices.read(note.value)
    assert (note.name, note.kind, note.credits) == ("CN2026-00001", "381", made)
    assert value.references == (einvoice.Reference("2026-00001", date(2026, 4, 2)),)
    assert value.totals == invoices.read(made.value).totals
    assert (
        billing_gateway.refusals("ubl", note.ubl.encode()) == billing_gateway.refusals("cii", note.cii.encode()) == []
    )
    assert b"<cbc:CreditNoteTypeCode>381" in note.ubl.encode()
    assert issue(at, now=MAY).name == "2026-00002"


def test_what_was_taken_back_or_takes_back_is_not_taken_back(everyone):
    at = ready()
    made = issue(at)
    note = billing.credit_invoice(invoice=made, words="Wrong address", by=at.marta, now=MAY)

    with pytest.raises(billing.InvoiceRefused, match="already, by CN2026-00001"), transaction.atomic():
        billing.credit_invoice(invoice=made, words="Again", by=at.marta, now=MAY)
    with pytest.raises(billing.InvoiceRefused, match="is a credit note"):
        billing.credit_invoice(invoice=note, words="No", by=at.marta, now=MAY)
    assert billing_models.NumberRange.objects.get(name="CN2026").last == 1


def test_an_adjustment_is_a_line_of_the_next_invoice_that_refers_to_the_first(everyone):
    at = ready()
    issue(at)
    dispute = billing.raise_dispute(
        client=at.client, period=MARCH, figure="l1", words="Two were tests", by=at.teresa, now=APRIL
    )
    billing.uphold(dispute=dispute, amount="-3.00", words="They were", by=at.marta, now=APRIL)
    for minute in range(2):
        answered(at.ana, datetime(2026, 4, 8, 9, minute, tzinfo=UTC))
    close(at, "2026-04", MAY)

    made = issue(at, "2026-04", MAY)

    value = invoices.read(made.value)
    # 2 x 1.50 = 3.00, less the 3.00 of March: nothing is due, and no tax.
    assert [(each.title, each.quantity, each.price, each.amount) for each in value.lines] == [
        ("Calls answered", Decimal(2), Decimal("1.50"), Decimal("3.00")),
        (f"2026-03: Calls answered, dispute {dispute.id} upheld", Decimal(-1), Decimal("3.00"), Decimal("-3.00")),
    ]
    assert value.lines[1].opens == "lisbon-light/2026-03/l1"
    assert value.references == (einvoice.Reference("2026-00001", date(2026, 4, 2)),)
    assert value.totals.gross == 0
    assert billing_gateway.refusals("ubl", made.ubl.encode()) == []


def test_what_was_issued_is_never_changed(everyone):
    made = issue(ready())

    for change in (
        lambda: billing_models.Invoice.objects.filter(id=made.id).update(gross=1),
        lambda: billing_models.Invoice.objects.filter(id=made.id).delete(),
    ):
        with pytest.raises(DatabaseError, match="append"), transaction.atomic():
            change()


def test_an_entity_that_moves_leaves_its_old_invoices_as_they_were(everyone):
    at = ready()
    made = issue(at)
    billing.change_entity(legal_entity=billing_queries.entity("lisbon"), by=at.marta, now=MAY, street="Rua Nova 2")

    note = billing.credit_invoice(invoice=made, words="Wrong address", by=at.marta, now=MAY)

    assert invoices.read(note.value).seller.street == "Rua do Ouro 1"
    assert invoices.read(issue(at, now=MAY).value).seller.street == "Rua Nova 2"


def test_what_is_kept_is_read_back_as_it_was(everyone):
    from tests.ops.billing import samples

    for invoice in samples.GOOD.values():
        assert invoices.read(json.loads(json.dumps(invoices.kept(invoice)))) == invoice
