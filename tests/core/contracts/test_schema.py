"""The schema of the contract file: it documents itself, by examples that satisfy it."""

import re
from pathlib import Path

import jsonschema

from tests.core.contracts.test_parsing import BANK, FULL, plain
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts import reference


def test_the_schema_is_draft_2020_12_and_accepts_the_examples_as_any_validator_reads_it():
    schema = contracts_parsing.schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    validator = jsonschema.Draft202012Validator(schema)
    for text in (FULL, BANK):
        assert list(validator.iter_errors(plain(text))) == []


def nodes(schema: object, path: str = "") -> list[tuple[str, dict]]:
    if not isinstance(schema, dict):
        return []
    found = [(f"{path}.{key}", one) for key, one in schema.get("properties", {}).items()]
    return found + [
        one for key, inner in {**schema.get("$defs", {}), **dict(found)}.items() for one in nodes(inner, key)
    ]


def test_every_key_of_the_schema_says_what_it_means_and_shows_an_example():
    schema = contracts_parsing.schema()
    described = nodes({key: one for key, one in schema.items() if key != "allOf"})

    assert len(described) > 60
    for path, node in described:
        target = schema["$defs"][node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else {}
        assert {"title", "description", "examples"} <= {*node, *target}, path


def test_every_example_of_the_schema_satisfies_it():
    schema = contracts_parsing.schema()
    for path, node in nodes({key: one for key, one in schema.items() if key != "allOf"}):
        validator = jsonschema.Draft202012Validator({**node, "$defs": schema["$defs"]})
        for shown in node.get("examples", []):
            assert list(validator.iter_errors(shown)) == [], path


def test_the_reference_tells_every_key_of_the_schema_and_is_up_to_date():
    written = Path(__file__).parents[3].joinpath("docs", "guide", "contract-reference.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([a-z_]+)` \|", written, re.MULTILINE))

    assert written == reference.reference(), (
        "workfloor contracts schema --format markdown > docs/guide/contract-reference.md"
    )
    tables = [one for one in contracts_parsing.schema()["$defs"].values() if "properties" in one]
    assert told >= {
        key for one in [*tables, contracts_parsing.schema()["properties"]["contract"]] for key in one["properties"]
    }
