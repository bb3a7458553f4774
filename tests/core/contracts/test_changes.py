"""What changed between two contract files, said in words."""

import pytest

from tests.core.contracts.test_contradictions import EXAMPLES
from tests.core.contracts.test_parsing import FULL, changed
from workfloor.core.contracts import changes as contract_changes
from workfloor.core.contracts import parsing as contracts_parsing


def words(old: str, new: str) -> list[str]:
    return [
        str(change)
        for change in contract_changes.changes(contracts_parsing.read(FULL), contracts_parsing.read(changed(old, new)))
    ]


def test_a_file_does_not_differ_from_itself_nor_from_other_words_for_the_same():
    assert contract_changes.changes(contracts_parsing.read(FULL), contracts_parsing.read(FULL)) == []
    assert words('resolve_within = "2h"', 'resolve_within = "120 minutes"') == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ends_on = 2028-12-31", "ends_on = 2030-12-31", "Contract: ends on: 2028-12-31 becomes 2030-12-31"),
        (
            '"13:30-17:00"',
            '"13:00-24:00"',
            "Calendar office: week mon: 08:00-12:00, 13:30-17:00 becomes 08:00-12:00, 13:00-24:00",
        ),
        (', "wrong-number"', "", "Process calls: dispositions: resolved, wrong-number becomes resolved"),
        ("german = 3", "german = 4", "Queue regular: requires german: 3 becomes 4"),
        ('answer_within = "20s"', "", "Queue regular: answer within: 20 s becomes nothing"),
        ('reopen_within = "30 days"', "", "Queue mail: reopen within: 720 h becomes 336 h"),
        ("regards, {agent}", "regards", "Process letters: letter closing: Kind regards, {agent} becomes Kind regards"),
        (
            "2 min",
            "90s",
            "Queue regular: relax: after 30 s port 1, after 2 min port 0 becomes after 30 s port 1, after 90 s port 0",
        ),
        ('expected = "80 %"', 'expected = "82.5 %"', "Service level “Answered”: expected: 80 % becomes 82.5 %"),
        ('expected = "25s"', 'expected = "30s"', "Service level “Wait”: expected: 25 s becomes 30 s"),
        ('cap = "10 %"', 'cap = "12 %"', "Credits: cap: 10 % becomes 12 %"),
        (
            'rate = "0.98"',
            'rate = "0.95"',
            "Price “Calls”: tiers: up to 1000 at 1.10, beyond at 0.98 becomes up to 1000 at 1.10, beyond at 0.95",
        ),
        ('minimum = "500.00"', "", "Price “Calls”: minimum: 500.00 becomes nothing"),
        ('title = "Desk"', 'title = "Service desk"', "Price “Desk”: taken out"),
        ('title = "Desk"', 'title = "Service desk"', "Price “Service desk”: added"),
        (
            "max_concurrency = 4",
            'max_concurrency = 4\n[[processes.queues]]\nname = "fax"\nrequires = {}',
            "Queue fax: added",
        ),
        (
            "max_concurrency = 4",
            'max_concurrency = 4\nsticky_for = "2 min"',
            "Queue mail: sticky for: nothing becomes 2 min",
        ),
        (
            "max_concurrency = 4",
            "max_concurrency = 4\npreemptible = true",
            "Queue mail: preemptible: nothing becomes yes",
        ),
        ("letter = {", 'unmasked = ["account"]\nletter = {', "Process letters: unmasked: nothing becomes account"),
    ],
)
def test_each_change_is_said_in_words(old, new, says):
    assert says in words(old, new)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "baseline",
            'dead_band = "10 %"',
            'dead_band = "5 %"',
            "Price “Servers”: baseline: quantity 1000, additional 1.80, reduced 1.50, dead band 10 %, "
            "reduced factor 0.8 becomes quantity 1000, additional 1.80, reduced 1.50, dead band 5 %, "
            "reduced factor 0.8",
        ),
        ("taxes", 'rate = "23 %"', 'rate = "24 %"', "Tax standard: rate: 23 becomes 24"),
        ("earn-back", "misses = 2", "misses = 3", "Termination “Notice under clause 14”: misses: 2 becomes 3"),
        (
            "currencies",
            'rate = "0.92"',
            'rate = "0.93"',
            "Currency USD: rates: starts on 2026-01-01, rate 0.92, starts on 2026-04-01, rate 0.875 "
            "becomes starts on 2026-01-01, rate 0.93, starts on 2026-04-01, rate 0.875",
        ),
        (
            "exclusions",
            "(115 %)",
            "(120 %)",
            "Service level “Answered in 20 seconds”: above forecast: 115 % becomes 120 %",
        ),
        ("windows", '"quarter"', '"year"', "Service level “In the quarter”: window: quarter becomes year"),
        ("indexed", 'yearly = "3 %"', 'yearly = "2 %"', "Indexation cola: yearly: 3 % becomes 2 %"),
        (
            "ratchet-capped",
            'max_step = "10 %"',
            'max_step = "20 %"',
            "Service level “Answered in 20 seconds”: ratchet: "
            "after months 12, max step 10 % becomes after months 12, max step 20 %",
        ),
        (
            "earn-back",
            'within = "2 months", ',
            'within = "3 months", ',
            "Credits: earn back: within months 2, except months 11, 12 becomes within months 3, except months 11, 12",
        ),
    ],
)
def test_changes_of_the_wider_clauses_are_said_in_words_too(name, old, new, says):
    text = EXAMPLES.joinpath(f"{name}.toml").read_text("utf-8")

    assert says in [
        str(one)
        for one in contract_changes.changes(
            contracts_parsing.read(text), contracts_parsing.read(changed(old, new, text))
        )
    ]
