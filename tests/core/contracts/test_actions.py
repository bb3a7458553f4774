"""Contracts are signed once, amended from a day on, and never edited."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Process, Queue, Version
from workfloor.core.event_log.models import Fact
from workfloor.core.people import actions as people
from workfloor.core.people.models import Person, Site
from workfloor.kit.database import rls
from workfloor.kit.text import toml

SOURCE = make.CONTRACT.format(slug="harbour")
AMENDED = SOURCE.replace('expected = "80 %"', 'expected = "85 %"')


@pytest.fixture(autouse=True)
def entered(request: pytest.FixtureRequest) -> None:
    """Every test but those on a database of their own runs in a transaction that is rolled back."""
    if "real_database" not in request.fixturenames:
        request.getfixturevalue("everyone")


def sign(source: str = SOURCE, effective_on: date | None = None, now: datetime = make.NINE) -> contracts.Signing:
    return contracts.sign(source=source, effective_on=effective_on, by=actors.ROOT, now=now)


def contract_facts() -> list[tuple[str, int]]:
    facts = Fact.objects.filter(event__startswith="contract.").order_by("id")
    return [(fact.event, fact.details["version"]) for fact in facts]


def test_a_first_signature_takes_the_client_on_and_holds_from_the_start_of_the_term():
    signed = sign()

    client = Client.objects.get(slug="harbour")
    assert signed.is_new
    assert (signed.version.number, signed.version.effective_on) == (1, date(2026, 1, 1))
    assert signed.version.signed_at == make.NINE
    assert set(Process.objects.filter(client=client).values_list("name", flat=True)) == {"voice", "letters"}
    assert set(Queue.objects.filter(client=client).values_list("process__name", "name")) == {
        ("voice", "calls"),
        ("letters", "mail"),
    }
    assert contract_facts() == [("contract.signed", 1)]


def test_signing_the_same_again_makes_no_new_version():
    first = sign()

    for again in (SOURCE, "# a remark\n" + SOURCE):
        signed = sign(again)
        assert not signed.is_new
        assert signed.version == first.version
    assert Version.objects.count() == 1
    assert contract_facts() == [("contract.signed", 1)]


def test_an_amendment_is_a_new_version_that_leaves_the_old_one_as_it_was():
    first = sign()
    calls = Queue.objects.get(name="calls")

    signed = sign(AMENDED, date(2026, 7, 1))

    assert signed.is_new
    assert [str(change) for change in signed.changes] == [
        "Service level “Answered in 20 seconds”: expected: 80 % becomes 85 %"
    ]
    assert signed.version.number == 2
    assert Version.objects.get(number=1).source == first.version.source
    assert Queue.objects.get(name="calls").id == calls.id
    assert contract_facts() == [("contract.signed", 1), ("contract.amended", 2)]
    amended = Fact.objects.get(event="contract.amended")
    assert amended.details["effective_on"] == "2026-07-01"
    assert amended.details["changes"] == [str(change) for change in signed.changes]


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (None, "Say from which day"),
        (date(2025, 12, 31), "cannot go behind"),
        (date(2030, 1, 1), "nothing would be left"),
    ],
)
def test_an_amendment_needs_a_day_within_what_is_left_of_the_term(day, says):
    sign()

    with pytest.raises(contracts.Refused, match=says):
        sign(AMENDED, day)
    assert Version.objects.count() == 1


def test_an_amendment_does_not_go_behind_the_one_before():
    sign()
    sign(AMENDED, date(2026, 7, 1))

    with pytest.raises(contracts.Refused, match="Version 2 holds from 2026-07-01"):
        sign(SOURCE, date(2026, 6, 30))
    assert sign(SOURCE, date(2026, 8, 1)).version.number == 3


def test_a_first_version_takes_no_other_day_than_the_start_of_the_term():
    with pytest.raises(contracts.Refused, match="2026-01-01"):
        sign(effective_on=date(2026, 2, 1))
    assert sign(effective_on=date(2026, 1, 1)).is_new


def test_what_an_amendment_may_not_change_is_refused_with_its_line():
    sign()
    text = AMENDED.replace('"EUR"', '"USD"').replace("Europe/Lisbon", "Europe/Madrid")

    with pytest.raises(toml.Refused) as refused:
        sign(text, date(2026, 7, 1))

    line = SOURCE[: SOURCE.index('"EUR"')].count("\n") + 1
    assert [(fault.line, fault.place) for fault in refused.value.faults] == [
        (line, "contract.currency"),
        (line + 1, "contract.zone"),
    ]


def test_a_faulty_contract_stores_nothing():
    with pytest.raises(toml.Refused):
        sign(SOURCE.replace('weight = "100 %"', 'weight = "90 %"'))

    assert not Client.objects.exists()
    assert not Version.objects.exists()
    assert not contract_facts()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE contracts_version SET source = ''", "DELETE FROM contracts_version", "TRUNCATE contracts_version"],
)
def test_a_signed_version_cannot_be_edited(statement):
    sign()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


def test_another_clients_contract_is_behind_the_wall():
    sign()
    other = sign(make.CONTRACT.format(slug="island")).version.client

    rls.enter(other.id)
    assert [version.client_id for version in Version.objects.all()] == [other.id]
    assert set(Queue.objects.values_list("client_id", flat=True)) == {other.id}
    assert set(Process.objects.values_list("client_id", flat=True)) == {other.id}


def test_a_contract_can_be_signed_as_of_long_ago():
    long_ago = datetime(2025, 11, 3, tzinfo=UTC)

    assert sign(now=long_ago).version.signed_at == long_ago


@pytest.mark.parametrize("contract", ["first", "amendment"])
def test_two_who_sign_at_once_make_one_version(real_database, contract):
    def sign_alone(source: str, day: date | None) -> bool:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                return sign(source, day).is_new
        finally:
            connection.close()

    if contract == "amendment":
        assert sign_alone(SOURCE, None)
    terms = (SOURCE, None) if contract == "first" else (AMENDED, date(2026, 7, 1))
    with ThreadPoolExecutor(4) as pool:
        made = [one.result() for one in [pool.submit(sign_alone, *terms) for _ in range(4)]]

    assert sorted(made) == [False, False, False, True]


# Which terms hold when


def test_the_version_in_force_is_the_one_of_the_day():
    client_id = sign().version.client_id
    sign(AMENDED, date(2026, 7, 1))

    for day, version, expected in [
        (date(2026, 1, 1), 1, 80),
        (date(2026, 6, 30), 1, 80),
        (date(2026, 7, 1), 2, 85),
        (date(2040, 1, 1), 2, 85),
    ]:
        terms = contracts_queries.in_force_on(client_id, day)
        assert (terms.version, terms.contract.service_levels[0].expected) == (version, expected)
    with pytest.raises(contracts_queries.NoContract):
        contracts_queries.in_force_on(client_id, date(2025, 12, 31))
    with pytest.raises(contracts_queries.NoContract):
        contracts_queries.in_force_on(client_id + 1, date(2026, 1, 1))


def test_a_queues_terms_change_at_midnight_in_the_contracts_zone():
    sign(SOURCE.replace("Europe/Lisbon", "Asia/Tokyo"))
    amended = SOURCE.replace("Europe/Lisbon", "Asia/Tokyo").replace("portuguese = 3", "portuguese = 4")
    sign(amended, date(2026, 7, 1))
    calls = Queue.objects.get(name="calls")
    midnight = datetime(2026, 6, 30, 15, tzinfo=UTC)

    before, after = (
        contracts_queries.terms_of(calls, midnight - timedelta(seconds=1)),
        contracts_queries.terms_of(calls, midnight),
    )

    assert (before.version, before.requires) == (1, {"portuguese": 3})
    assert (after.version, after.requires) == (2, {"portuguese": 4})
    assert (after.process_kind, after.answer_within_seconds, after.max_concurrency) == ("inbound-voice", 20, 1)
    assert after.calendar.zone == "Asia/Tokyo"


def test_work_in_a_queue_that_an_amendment_took_out_keeps_its_last_terms():
    sign()
    mail = Queue.objects.get(name="mail")
    without = SOURCE[: SOURCE.index('[[processes]]\nname = "letters"')] + SOURCE[SOURCE.index("[[service_levels]]") :]
    sign(without, date(2026, 7, 1))

    assert contracts_queries.terms_of(mail, datetime(2026, 8, 1, tzinfo=UTC)).version == 1
    assert contracts_queries.terms_of(mail, datetime(2020, 1, 1, tzinfo=UTC)).version == 1


def test_terms_are_read_from_the_database_once(django_assert_num_queries):
    version = sign(SOURCE + "# read once\n").version
    fresh, again = contracts_queries.latest(version.client_id), contracts_queries.latest(version.client_id)
    assert fresh
    assert again

    with django_assert_num_queries(1):  # the text of the version, left out of every list of versions
        read = contracts_queries.terms(fresh)
    with django_assert_num_queries(0):
        assert contracts_queries.terms(again) is read


def test_queues_that_nobody_could_serve_are_named():
    contract = contracts_parsing.read(SOURCE)
    assert contracts_queries.unserved(contract, make.NINE.date()) == ["calls", "mail"]

    make.agent(portuguese=2, clear_for=None)
    assert contracts_queries.unserved(contract, make.NINE.date()) == ["calls"]
    assert contracts_queries.unserved(contract, make.NINE.date() - timedelta(days=1)) == ["calls", "mail"]


def test_a_contract_that_can_be_closed_and_not_invoiced_says_so_at_signing():
    agreed = contracts_parsing.read(SOURCE)
    assert agreed.prices
    assert agreed.billing is None
    assert "say under [billing] whom the invoices go to" in contracts_queries.warnings(agreed, make.NINE)[-1]

    with_address = (
        SOURCE + '[billing]\nname = "Harbour"\nstreet = "Rua 1"\ncity = "Porto"\npostcode = "4000"\ncountry = "PT"\n'
        'due_within = "30 days"\n'
    )
    assert "[billing]" not in " ".join(contracts_queries.warnings(contracts_parsing.read(with_address), make.NINE))


def test_sites_in_other_countries_where_onshore_work_can_be_offered_are_named(everyone):
    client, today = make.client(), make.NINE.date()
    contract = contracts_queries.in_force_on(client.id, today).contract
    people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=actors.ROOT, now=make.NINE)
    people.open_site(name="Manila", country="PH", zone="Asia/Manila", by=actors.ROOT, now=make.NINE)
    able, unable, uncleared = make.agent(), make.agent(portuguese=1), make.agent(clear_for=None)
    onshore = {process.name for process in contract.processes if process.location == "onshore"}

    def sat(name, *those):
        Person.objects.update(site=None)
        Person.objects.filter(id__in=[each.id for each in those]).update(site=Site.objects.get(name=name))
        return contracts_queries.abroad(contract, today)

    assert sat("Porto", able) == sat("Manila", unable, uncleared) == {}
    assert sat("Manila", able) == {process: ["Manila (PH)"] for process in onshore}
    people.withdraw_clearance(clearance=able.clearances.get(), by=actors.ROOT, now=make.NINE)
    assert sat("Manila", able) == {}


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (datetime(2026, 6, 30, 22, 59, tzinfo=UTC), 1),  # a minute before midnight in Lisbon
        (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), 2),  # midnight there, while it is still June in UTC
    ],
)
def test_an_amendment_holds_from_midnight_where_the_contract_is_not_in_utc(everyone, at, version):
    client_id = sign(SOURCE, None).version.client_id
    sign(AMENDED, date(2026, 7, 1))

    assert contracts_queries.in_force(client_id, at).version == version
