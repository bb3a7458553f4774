"""What one person claims and another decides, in the database and in the event log."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.claims import actions as claims
from workfloor.core.claims import queries as claims_queries
from workfloor.core.claims.models import Claim
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log.models import Fact
from workfloor.core.files import queries as files_queries
from workfloor.kit.database import rls

EXAMPLES = Path(__file__).parents[3] / "examples" / "contracts"
HOUR = timedelta(hours=1)


@pytest.fixture
def client(everyone) -> Client:
    return make.client()


@pytest.fixture
def rita(client, sold):
    return make.in_charge("leader", client, sold, name="Rita")


@pytest.fixture
def omar(client, sold):
    return make.in_charge("manager", client, sold, name="Omar")


def outage(client, by, kind="client-outage", queues=(), starts_at=make.NINE, ends_at=make.NINE + HOUR):
    return claims.claim_event(
        client=client,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        queues=queues,
        reason="Core system down",
        by=by,
        now=make.NINE + HOUR,
    )


def counting(client):
    return [event.kind for event in claims_queries.events(client.id, make.NINE - HOUR, make.NINE + HOUR)]


def test_an_exclusion_counts_once_another_person_has_approved_it(client, rita, omar):
    claim = outage(client, rita)
    assert counting(client) == []

    claims.approve(claim=claim, by=omar, now=make.NINE)
    assert counting(client) == ["client-outage"]


def test_who_has_claimed_it_decides_nothing_about_it(client, rita):
    claim = outage(client, rita)

    for decide in (claims.approve, claims.refuse):
        with pytest.raises(claims.Refused, match="Rita did the other part of it"):
            decide(claim=claim, by=rita, now=make.NINE, reason="mine")


def test_an_approval_can_be_taken_back_and_nothing_is_decided_twice(client, rita, omar):
    claim = claims.approve(claim=outage(client, rita), by=omar, now=make.NINE)

    with pytest.raises(claims.Refused, match="was approved already"):
        claims.approve(claim=claim, by=omar, now=make.NINE)
    claims.refuse(claim=claim, by=omar, now=make.NINE, reason="It was our own router")
    assert counting(client) == []
    with pytest.raises(claims.Refused, match="was refused already; claim it again"):
        claims.approve(claim=claim, by=omar, now=make.NINE)


def test_an_outage_of_our_own_counts_at_once_until_it_is_refused(client, rita, omar):
    claim = outage(client, rita, kind="outage")
    assert counting(client) == ["outage"]

    claims.refuse(claim=claim, by=omar, now=make.NINE, reason="The line was up, see the log")
    assert counting(client) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"queues": ["calls", "nowhere"]}, "has no queue nowhere; it has calls, mail"),
        ({"ends_at": make.NINE}, "It ends before it begins"),
        ({"ends_at": make.NINE + timedelta(days=367)}, "more than a year"),
    ],
)
def test_an_event_that_cannot_be_is_refused(client, rita, wrong, says):
    with pytest.raises(claims.Refused, match=says):
        outage(client, rita, **wrong)


def test_nobody_of_another_client_claims_or_decides(client, rita):
    other = make.person("client", name="Olga", of=make.client("another"))

    with pytest.raises(claims.Refused, match="Olga is not cleared for this client"):
        outage(client, other)
    with pytest.raises(claims.Refused, match="Olga is not cleared for this client"):
        claims.approve(claim=outage(client, rita), by=other, now=make.NINE)


# --- deliveries -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sold(everyone) -> Client:
    """A client whose contract charges by agent-hour and passes costs through."""
    contracts.sign(
        source=(EXAMPLES / "deliveries.toml").read_text(),
        by=actors.ROOT,
        now=datetime.fromisoformat("2025-12-01T09:00Z"),
    )
    return Client.objects.get(slug="deliveries")


def delivered(client, price, quantity, by, document=None, on=date(2026, 3, 4)):
    return claims.claim_delivery(
        client=client,
        price=price,
        on=on,
        quantity=Decimal(quantity),
        reason="Night",
        by=by,
        now=make.NINE,
        document=document,
    )


PAPER = claims.File("postage.pdf", b"%PDF postage")


def test_attendance_is_agreed_by_both_sides(sold, rita, omar):
    claim = delivered(sold, "Night desk", "7.5", rita)
    bank = make.person("client", name="Ben of the bank", of=sold)

    with pytest.raises(claims.Refused, match="one of the client's own people decides this"):
        claims.approve(claim=claim, by=omar, now=make.NINE)
    claims.approve(claim=claim, by=bank, now=make.NINE)
    theirs = delivered(sold, "Night desk", "2", bank)
    with pytest.raises(claims.Refused, match="one of the provider's people decides this"):
        claims.approve(claim=theirs, by=make.person("client", of=sold), now=make.NINE)


def agreed(sides):
    """Sign a contract that names who approves what."""
    source = (EXAMPLES / "deliveries.toml").read_text().replace('client = "deliveries"', 'client = "sides"')
    contracts.sign(
        source=f"{source}\n[approvals]\n{sides}",
        by=actors.ROOT,
        now=datetime.fromisoformat("2025-12-01T09:00Z"),
    )
    return Client.objects.get(slug="sides")


def test_whoever_the_contract_names_approves_what_touches_the_clients_money(everyone):
    client = agreed('cost = "client"\nclient-outage = "provider"')
    rita, omar = (make.in_charge(role, client) for role in ("leader", "manager"))
    bank = make.person("client", of=client)
    cost = delivered(client, "Postage", "12.40", rita, PAPER)
    exclusion = outage(client, rita)

    with pytest.raises(claims.Refused, match="one of the client's own people decides this: cost"):
        claims.approve(claim=cost, by=omar, now=make.NINE)
    with pytest.raises(claims.Refused, match="one of the provider's people decides this: client-outage"):
        claims.approve(claim=exclusion, by=bank, now=make.NINE + HOUR)

    claims.approve(claim=cost, by=bank, now=make.NINE)
    claims.approve(claim=exclusion, by=omar, now=make.NINE + HOUR)


def test_whoever_the_contract_names_refuses_an_outage_and_anybody_of_either_side_refuses_the_rest(everyone):
    client = agreed('outage = "client"\ncost = "client"')
    rita, omar = (make.in_charge(role, client) for role in ("leader", "manager"))
    cost = delivered(client, "Postage", "12.40", rita, PAPER)
    down = outage(client, rita, kind="outage")

    with pytest.raises(claims.Refused, match="one of the client's own people decides this: outage"):
        claims.refuse(claim=down, by=omar, reason="It was theirs", now=make.NINE + HOUR)
    claims.refuse(claim=cost, by=omar, reason="Twice", now=make.NINE)

    claims.refuse(claim=down, by=make.person("client", of=client), reason="It was ours", now=make.NINE + HOUR)


def test_a_cost_is_kept_with_its_document(sold, rita, omar):
    claim = claims.approve(claim=delivered(sold, "postage", "12.40", rita, PAPER), by=omar, now=make.NINE)

    kept = claims_queries.document(sold.id, claim.id)
    assert (files_queries.content(kept.file), kept.digest) == (PAPER.content, sha256(PAPER.content).hexdigest())
    assert claim.price == "Postage"  # as the contract writes it


@pytest.mark.parametrize(
    ("price", "quantity", "document", "says"),
    [
        ("Postage", "12.40", None, "A cost needs its document"),
        ("Postage", "12.40", claims.File("empty.pdf", b""), "A cost needs its document"),
        ("Postage", "12.401", PAPER, "at most 2 decimals"),
        ("Night desk", "0", None, "above 0"),
        ("Night desk", "7.125", None, "at most 2 decimals"),
        ("Stamps", "1", None, "No price “Stamps” charges hours or costs; those that do: Night desk, Postage"),
    ],
)
def test_a_delivery_that_cannot_be_charged_is_refused(sold, rita, price, quantity, document, says):
    with pytest.raises(claims.Refused, match=says):
        delivered(sold, price, quantity, rita, document)


def test_a_delivery_belongs_to_its_day_in_the_contracts_zone(sold, rita, omar):
    claim = delivered(sold, "Postage", "10.00", rita, PAPER, on=date(2026, 2, 28))
    claims.approve(claim=claim, by=omar, now=make.NINE)

    # New York: February ends at five in the morning of the first of March in UTC
    assert claim.starts_at == datetime.fromisoformat("2026-02-28T05:00Z")
    assert claim.ends_at == datetime.fromisoformat("2026-03-01T05:00Z")


# --- facts ----------------------------------------------------------------------------------------------------------


def test_the_claims_are_what_their_facts_add_up_to(sold, rita, omar):
    claims.approve(claim=delivered(sold, "Postage", "12.40", rita, PAPER), by=omar, now=make.NINE, reason="seen")
    refused = claims.approve(claim=outage(sold, rita, queues=["calls"]), by=omar, now=make.NINE)
    claims.refuse(claim=refused, by=omar, now=make.later(hours=1), reason="wrong day")
    outage(sold, rita, kind="maintenance")

    assert {claim.id: stored(claim) for claim in Claim.objects.all()} == rebuilt()


def stored(claim):
    return (
        claim.kind,
        claim.state,
        claim.starts_at,
        claim.ends_at,
        claim.queues,
        claim.price,
        claim.quantity,
        claim.reason,
        claim.claimed_by_id,
        claim.decided_by_id,
        claim.decided_at,
        claim.decision_reason,
    )


def rebuilt():
    found = {}
    for fact in Fact.objects.filter(event__startswith="claim.").order_by("id"):
        told = fact.details
        if fact.event == "claim.made":
            quantity = Decimal(told["quantity"]) if "quantity" in told else None
            found[told["claim"]] = [
                told["kind"],
                "claimed",
                *(datetime.fromisoformat(told[end]) for end in ("starts_at", "ends_at")),
                told.get("queues", []),
                told.get("price", ""),
                quantity,
                told["reason"],
                fact.by_id,
                None,
                None,
                "",
            ]
        else:
            decision = [fact.by_id, fact.at, told.get("reason", "")]
            found[told["claim"]][1] = fact.event.partition(".")[2]
            found[told["claim"]][9:] = decision
    return {number: tuple(row) for number, row in found.items()}


def test_of_two_who_decide_at_once_one_is_told_what_the_other_decided(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        rita, omar, ines = (make.in_charge("manager", make.client(), name=name) for name in ("Rita", "Omar", "Ines"))
        claim = outage(make.client(), rita)
    said = []

    def decide(person):
        try:
            with transaction.atomic():
                rls.enter_every_client()
                claims.approve(claim=claim, by=person, now=make.NINE)
            said.append("approved")
        except claims.Refused as refused:
            said.append(str(refused))
        finally:
            connection.close()

    threads = [Thread(target=decide, args=(person,)) for person in (omar, ines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["It was approved already; claim it again if that is wrong.", "approved"]
