"""The clause that says whom invoices go to: read from the contract, its faults at their places."""

import pytest

from tests import make
from workfloor.core.contracts import changes as contract_changes
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.kit.text.toml import Refused

CLAUSE = """
[billing]
name = "Lisbon Light SA"
street = "Rua da Prata 7"
city = "Lisboa"
postcode = "1100-414"
country = "PT"
vat_id = "PT503504564"
due_within = "30 days"
"""


def contract(clause: str = CLAUSE) -> str:
    return make.CONTRACT.format(slug="lisbon-light") + clause


def faults(clause: str) -> dict[str, str]:
    with pytest.raises(Refused) as found:
        contracts_parsing.read(contract(clause))
    return {fault.place: fault.message for fault in found.value.faults}


def test_the_clause_is_read():
    billing = contracts_parsing.read(contract()).billing

    assert billing is not None
    assert (billing.name, billing.country, billing.due_days) == ("Lisbon Light SA", "PT", 30)
    assert (billing.electronic, billing.entity, billing.reference) == (True, None, "")
    assert contracts_parsing.read(contract("")).billing is None


def test_each_fault_is_named_at_its_place():
    found = faults(CLAUSE.replace('"PT"', '"XX"').replace("PT503504564", "503504564") + 'endpoint = "5790000436057"\n')

    assert found.keys() == {"billing.country", "billing.vat_id", "billing.endpoint"}
    assert "0088:5790000436057" in found["billing.endpoint"]


def test_paper_alone_asks_for_no_country_before_a_number():
    assert contracts_parsing.read(contract(CLAUSE.replace("PT503504564", "503504564") + "electronic = false\n")).billing


def test_an_address_is_needed():
    found = faults('\n[billing]\nname = "Lisbon Light SA"\n')

    needed = ("street", "city", "postcode", "country", "due_within")
    assert found == {f"billing.{key}": "is missing." for key in needed}


def test_a_change_of_address_is_told():
    before, after = (
        contracts_parsing.read(contract()),
        contracts_parsing.read(contract(CLAUSE.replace("Prata 7", "Prata 9"))),
    )

    assert [str(each) for each in contract_changes.changes(before, after)] == [
        "Billing: street: Rua da Prata 7 becomes Rua da Prata 9"
    ]
