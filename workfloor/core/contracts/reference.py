"""The schema of contract files as tables for readers."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from workfloor.core.contracts import parsing as contracts_parsing


# The schema, as tables for readers
def reference() -> str:
    """Return every key of the schema with its meaning, as Markdown: a table for each table of the file."""
    sections = (line for place, node in _tables(contracts_parsing.schema(), "") for line in _section(place, node))
    return "\n".join([_HEAD, *sections]).rstrip() + "\n"


_HEAD = """\
# Every key of a contract file

Written by `workfloor contracts schema --format markdown` from the schema that files are checked against. How the keys
work together is in [the guide](contract.md). `[]` marks a list of tables, `NAME` a name of your own. Small contracts
with one mechanism each stand in [examples/contracts](../../examples/contracts).
"""


def _tables(node: contracts_parsing.Terms, place: str) -> Iterator[tuple[str, contracts_parsing.Terms]]:
    """Walk the tables of a file in the order in which a reader meets them; each is told once."""
    for key, one in node.get("properties", {}).items():
        found, here = _resolved(one), f"{place}.{key}" if place else key
        if "items" in found:
            found, here = _resolved(found["items"]), f"{here}[]"
        elif isinstance(found.get("additionalProperties"), Mapping) and "properties" not in found:
            found, here = _resolved(found["additionalProperties"]), f"{here}.NAME"
        if "properties" in found:
            yield here, found
            yield from _tables(found, here)


def _resolved(node: contracts_parsing.Terms) -> contracts_parsing.Terms:
    if "$ref" not in node:
        return node
    return {**contracts_parsing.schema()["$defs"][node["$ref"].removeprefix("#/$defs/")], **node}


def _section(place: str, node: contracts_parsing.Terms) -> Iterator[str]:
    yield f"### `{place}`"
    yield ""
    yield node["description"]
    yield ""
    yield "| key | | means | for example |"
    yield "|---|---|---|---|"
    for key, one in node["properties"].items():
        found = _resolved(one)
        needed = "needed" if key in node.get("required", ()) else ""
        example = _as_toml(found["examples"][0])
        among = f" One of {', '.join(map(str, found['enum']))}." if "enum" in found else ""
        yield f"| `{key}` | {needed} | {found['description']}{among} | `{example}` |"
    yield ""


def _as_toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_as_toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_toml, value))}]"
    return value if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) else json.dumps(value, ensure_ascii=False)
