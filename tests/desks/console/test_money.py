"""What is declared of money and contracts, as a form and as a call: files, times, rows by their numbers, two sides."""

import base64
import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import make
from tests.ops.billing.test_closing_actions import APRIL, MARCH, close, disputed, office  # noqa: F401
from workfloor.core.access import actors
from workfloor.core.claims.models import Claim, Document
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Version
from workfloor.core.files import queries as files_queries
from workfloor.core.people import own_account
from workfloor.core.periods.models import Dispute
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing.models import ClosingStep

SOURCE = make.CONTRACT.format(slug="harbour")
DELIVERIES = Path(__file__).parents[3] / "examples/contracts/deliveries.toml"
COST = {"client": "deliveries", "price": "Postage", "quantity": "12.40", "on": "2026-03-02", "reason": "Letters"}
OUTAGE = {
    "client": "lisbon-light",
    "kind": "client-outage",
    "starts_at": "2026-07-04T09:00",
    "ends_at": "2026-07-04T09:30",
    "reason": "Core system down",
}


@pytest.fixture
def signed_in(client, everyone):
    """Signs a person in: their form of an action, sent; gives what the page then says."""

    def enter(by):
        client.force_login(by.account)

        def sent(action, /, **written):
            with clock.frozen(make.NINE):
                answer = client.post(f"/administration/do/{action}/", written, follow=True)
            rls.enter_every_client()
            return answer

        return sent

    return enter


@pytest.fixture
def call(client, everyone):
    def called(by, action, /, **body):
        rls.enter_every_client()
        with clock.frozen(make.NINE):
            _, token = own_account.sign_in(person=by, title="a script", now=clock.now())
            shown = {"Authorization": f"Bearer {token}"}
            answer = client.post(
                f"/api/actions/{action}", json.dumps(body), content_type="application/json", headers=shown
            )
        rls.enter_every_client()
        return answer

    return called


@pytest.fixture
def sold(everyone):
    contracts.sign(source=DELIVERIES.read_text(), by=actors.ROOT, now=make.NINE)
    return Client.objects.get(slug="deliveries")


def uploaded(name, content):
    return SimpleUploadedFile(name, content)


# --- Contracts --------------------------------------------------------------------------------------------------------


def test_a_contract_is_signed_from_a_file_of_the_form_and_its_client_is_taken_on(signed_in):
    said = signed_in(make.person("manager"))("contracts.sign", source=uploaded("c.toml", SOURCE.encode()))

    assert "harbour: version 1 is signed; it holds from 2026-01-01." in said.content.decode()
    assert Version.objects.get(client__slug="harbour").source == SOURCE


def test_each_fault_of_a_contract_is_said_with_its_line_on_the_form_and_by_the_call(signed_in, call):
    faulty = SOURCE.replace("portuguese = 3", "portuguese = 9").replace('"EUR"', '"EUX"')
    line = SOURCE[: SOURCE.index('"EUR"')].count("\n") + 1
    by = make.person("manager")

    refused = signed_in(by)("contracts.sign", source=uploaded("c.toml", faulty.encode()))
    answer = call(by, "contracts.sign", source=faulty)

    assert (refused.status_code, answer.status_code) == (422, 422)
    for said in (refused.content.decode(), answer.json()["detail"]):
        assert f"line {line}: contract.currency: " in said and "requires.portuguese" in said
    assert not Version.objects.exists()


def test_what_is_no_contract_is_refused_and_so_is_none_and_a_huge_one(signed_in):
    send = signed_in(make.person("manager"))

    assert "Contract is missing." in send("contracts.sign").content.decode()
    told = send("contracts.sign", source=uploaded("c.toml", b"a = 1\nb = '\xff'")).content.decode()
    assert "Contract is not UTF-8 in line 2" in told
    huge = send("contracts.sign", source=uploaded("c.toml", b"#" * 1_000_001)).content.decode()
    assert "at most 1,000,000 letters" in huge


def test_only_who_is_cleared_for_a_client_amends_its_contract(call):
    signed = make.client()
    amended = make.CONTRACT.format(slug=signed.slug).replace('expected = "80 %"', 'expected = "85 %"')
    stranger, cleared = make.person("manager"), make.in_charge("manager", signed)

    refused = call(stranger, "contracts.sign", source=amended, effective_on="2026-04-01")
    assert "is not cleared for this client" in refused.json()["detail"]
    assert call(cleared, "contracts.sign", source=amended, effective_on="2026-04-01").status_code == 200
    assert Version.objects.filter(client=signed).count() == 2


# --- Claims -----------------------------------------------------------------------------------------------------------


def test_a_claim_is_made_by_a_call_that_says_its_number_and_decided_by_that(call):
    signed = make.client()
    rita, omar = (make.in_charge("manager", signed) for _ in range(2))

    made = call(rita, "claims.claim_event", **OUTAGE, queues=["calls"]).json()

    claim = Claim.objects.get()
    assert made["made"] == str(claim.id)
    assert (claim.starts_at.isoformat(), claim.queues) == ("2026-07-04T08:00:00+00:00", ["calls"])  # of Lisbon's clock
    assert call(omar, "claims.approve", claim=made["made"]).status_code == 200
    claim.refresh_from_db()
    assert (claim.state, claim.decided_by) == ("approved", omar)


def test_queues_are_written_one_a_line_on_the_form(signed_in):
    rita = make.in_charge("manager", make.client())

    signed_in(rita)("claims.claim_event", **OUTAGE, queues="calls\r\nmail\r\n")

    assert Claim.objects.get().queues == ["calls", "mail"]


def test_the_document_of_a_cost_comes_by_form_and_by_call_and_is_kept_as_it_was(signed_in, call, sold):
    rita = make.in_charge("manager", sold)
    paper = b"%PDF \x00\xff postage"

    signed_in(rita)("claims.claim_delivery", **COST, document=uploaded("postage.pdf", paper))
    content = base64.b64encode(paper).decode()
    call(rita, "claims.claim_delivery", **COST, document={"name": "again.pdf", "content": content})

    kept = {each.name: files_queries.content(each.file) for each in Document.objects.select_related("file")}
    assert kept == {"postage.pdf": paper, "again.pdf": paper}
    broken = call(rita, "claims.claim_delivery", **COST, document={"name": "x", "content": "no base64!"})
    assert "Document is a name and its content in base64." in broken.json()["detail"]
    assert "A cost needs its document" in call(rita, "claims.claim_delivery", **COST).json()["detail"]


def test_a_clients_own_person_agrees_to_hours_on_a_form_and_sees_no_other_clients_claims(client, signed_in, call, sold):
    rita = make.in_charge("manager", sold, make.client())
    hours = COST | {"price": "Night desk", "quantity": "7.5"}
    number = call(rita, "claims.claim_delivery", **hours).json()["made"]
    other = call(rita, "claims.claim_event", **OUTAGE).json()["made"]
    send = signed_in(make.person("client", of=sold))

    page = client.get("/administration/do/claims.approve/").content.decode()
    assert f'<option value="{number}">' in page and f'<option value="{other}">' not in page
    rls.enter_every_client()
    assert f"There is no claim “{other}”." in send("claims.approve", claim=other).content.decode()
    send("claims.approve", claim=number)

    assert dict(Claim.objects.values_list("id", "state")) == {int(number): "approved", int(other): "claimed"}
    assert client.get("/administration/audit/").status_code == 403
    assert client.get("/administration/do/billing.issue_invoice/").status_code == 403


def test_at_the_statement_whoever_did_not_make_a_claim_is_offered_to_decide_it(client, call, office):  # noqa: F811
    number = call(office.marta, "claims.claim_event", **OUTAGE).json()["made"]
    shown = {}
    with clock.frozen(APRIL):
        for each in (office.marta, office.nuno):
            client.force_login(each.account)
            page = client.get(f"/clients/lisbon-light/statements/{MARCH}/").content.decode()
            shown[each.name] = f"/do/claims.approve/?claim={number}&amp;" in page, "Core system down" in page

    assert shown == {"Marta": (False, True), "Nuno": (True, True)}


@pytest.mark.parametrize("written", ["1e5", "NaN", "Infinity", "1_0", "", "seven"])
def test_a_quantity_is_digits_and_a_point(call, sold, written):
    rita = make.in_charge("manager", sold)

    assert call(rita, "claims.claim_delivery", **COST | {"quantity": written}).status_code == 422
    assert not Claim.objects.exists()


# --- Months, disputes, invoices ---------------------------------------------------------------------------------------


def test_a_month_that_is_proposed_by_a_call_is_left_to_a_worker(call, office):  # noqa: F811
    said = call(office.teresa, "billing.propose", client="lisbon-light", period=MARCH).json()["says"]

    assert said.startswith("A worker does it now")
    step = ClosingStep.objects.get()
    assert (step.step, step.period, step.asked_by) == ("propose", MARCH, office.teresa)


def test_from_the_months_a_dispute_is_decided_and_one_comes_back_to_them(client, office):  # noqa: F811
    close(office)
    dispute = disputed(office)
    client.force_login(office.nuno.account)
    months = "/clients/lisbon-light/closing/"
    address = f"/administration/do/billing.uphold/?dispute={dispute.id}&amp;back=%2Fclients%2Flisbon-light%2Fclosing%2F"

    with clock.frozen(APRIL):
        assert address in client.get(months).content.decode()
        page = client.get(address.replace("&amp;", "&")).content.decode()
        assert f'<option value="{dispute.id}" selected>' in page
        sent = {"dispute": dispute.id, "amount": "-3.00", "words": "They were"}
        answer = client.post(address.replace("&amp;", "&"), sent)

    assert answer["Location"] == months
    rls.enter_every_client()
    assert Dispute.objects.get().state == "upheld"


def test_who_raised_a_dispute_is_not_offered_to_decide_it(client, office):  # noqa: F811
    close(office)
    billing.raise_dispute(client=office.client, period=MARCH, figure="l1", words="x", by=office.nuno, now=APRIL)
    shown = {}
    with clock.frozen(APRIL):
        for each in (office.nuno, office.marta):
            client.force_login(each.account)
            shown[each.name] = "billing.uphold" in client.get("/clients/lisbon-light/closing/").content.decode()

    assert shown == {"Nuno": False, "Marta": True}


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:x", "elsewhere"])
def test_a_form_leads_back_to_pages_of_ours_alone(client, signed_in, back):
    send = make.in_charge("manager", make.client())
    client.force_login(send.account)

    page = client.get("/administration/do/relationship.agree/", {"back": back}).content.decode()

    assert "elsewhere" not in page.partition("wf-actions")[2]
    sent = {"client": "lisbon-light", "who": "Us", "what": "x", "until": "2099-01-01"}
    answer = client.post(f"/administration/do/relationship.agree/?back={back}", sent)
    assert answer["Location"] == "/administration/"
