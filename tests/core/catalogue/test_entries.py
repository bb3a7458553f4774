"""The catalogue is whole: every measure that a contract can name is declared, and its page is up to date."""

from pathlib import Path
from typing import get_args

import pytest

from workfloor.core.catalogue import entries, population
from workfloor.core.catalogue import reference as catalogue_reference
from workfloor.core.catalogue.declaring import Sums, Without
from workfloor.core.contracts import levels
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.measures import buckets

ROOT = Path(__file__).parents[3]


def test_contracts_can_name_what_is_declared_and_nothing_else():
    asked = contracts_parsing.schema()["$defs"]["service_level"]["properties"]["measure"]["enum"]

    assert sorted(asked) == sorted(get_args(levels.Measure)) == sorted(each.name for each in entries.AGREED)


@pytest.mark.parametrize("measure", entries.EVERY, ids=lambda each: each.name)
def test_a_measure_stands_in_a_module_of_its_own_name(measure):
    module = "abandoned" if measure.name == "abandoned" else measure.name.replace("-", "_")

    assert (ROOT / f"workfloor/core/catalogue/{module}.py").is_file()
    assert measure.definition.endswith(".")
    assert measure.source.endswith(".")


@pytest.mark.parametrize("measure", entries.AGREED, ids=lambda each: each.name)
def test_the_schema_asks_for_targets_in_the_unit_that_is_declared(measure):
    rules = [
        rule["then"]["properties"]
        for rule in contracts_parsing.schema()["$defs"]["service_level"]["allOf"]
        if measure.name in _named(rule["if"]["properties"]["measure"])
    ]
    target = {"percent": "#/$defs/percent", "seconds": "#/$defs/duration", "items": None}[measure.unit]

    assert [rule["expected"].get("$ref") for rule in rules] == [target]


def _named(condition: dict) -> list[str]:
    return condition.get("enum") or [condition["const"]]


def test_a_time_and_what_is_bad_are_better_the_less_there_is():
    def less_is_better(measure: str) -> bool:
        return ServiceLevel("Level", measure, ("calls",)).lower_is_better

    assert {each.name for each in entries.AGREED if less_is_better(each.name)} == {
        *levels.IN_SECONDS,
        "abandoned",
        "backlog-older-than",
        "repeat-contact-within",
        "transfer-rate",
    }


def test_what_a_rollup_adds_up_is_kept_in_a_bucket():
    added = " ".join(
        f"{each.rollup.counted} {each.rollup.met}" if isinstance(each.rollup, Sums) else each.rollup.of
        for each in entries.EVERY
        if not isinstance(each.rollup, Without)
    )
    columns = {word.strip("()+-,").removeprefix("bucket.") for word in added.split() if "bucket." in word}

    assert columns - {"loose", "loose\n"} <= {*buckets.COLUMNS} | {each for each in columns if "bucket." in each}
    assert "bucket.loose" in population.WAITS_WITHIN


def test_the_page_of_measures_is_up_to_date():
    written = (ROOT / "docs/guide/measures.md").read_text("utf-8")

    assert written == catalogue_reference.reference(), (
        "workfloor contracts measures --format markdown > docs/guide/measures.md"
    )
    assert all(f"\n`{each.name}`: " in written for each in entries.AGREED)
    assert all(f"- `{name}` " in written for name in entries.NOT_MEASURED)
