"""What a kind of work or a channel is, its declaration says: nothing else asks for one by its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_rooms import HOUSE, modules
from workfloor.core.contracts import checks as contracts_checks
from workfloor.core.work import kinds as work_kinds

NAMES = set(work_kinds.KINDS) | set(work_kinds.CHANNELS) | {"voice"}
ASKED = re.compile(r"(^|_)(kinds?|channels?)$")
# Kinds of other things, some of which are called alike.
OTHERS = {
    "cli/kept.py": "kinds of faults of a file",
    "ops/channels/chat/visitors.py": "kinds of questions that a visitor is asked",
    "ops/billing": "kinds of invoices",
    "cli/invoicing.py": "kinds of invoices",
}


def named(node: ast.expr) -> str:
    """The last name of what is compared, as in `item.kind`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def literals(node: ast.AST) -> set[str]:
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def comparisons(source: str) -> Iterator[tuple[int, ast.AST]]:
    """Where a text asks for a kind or a channel by name: in a comparison, a set of names, or a question to a table."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asked = any(ASKED.search(named(side)) for side in sides)
            if asked and any(literals(side) & NAMES for side in sides):
                yield node.lineno, node
        elif isinstance(node, ast.Set | ast.Tuple | ast.List | ast.Dict) and len(literals(node)) > 1:
            values = node.keys if isinstance(node, ast.Dict) else node.elts
            found = {each.value for each in values if isinstance(each, ast.Constant)}
            if len(found) > 1 and found <= NAMES:
                yield node.lineno, node
        elif isinstance(node, ast.Call) and named(node.func) in ("filter", "exclude", "Q", "get"):
            for word in node.keywords:
                of_kind = word.arg is not None and re.search(r"(^|__)(kind|channel)(__in)?$", word.arg)
                if of_kind and literals(word.value) & NAMES:
                    yield node.lineno, word.value


def test_what_asks_for_a_kind_by_name_is_found():
    """The net holds: each way of asking that once stood in the code."""
    for line in (
        'x = item.kind == "chat"',
        'if item.kind in ("call", "callback"): pass',
        'HERE = frozenset({"call", "callback", "chat"})',
        'SHELF = {"chat": "chats", "call": "calls"}',
        'items.filter(kind="chat")',
        'Q(kind="email")',
        'messages.filter(channel__in=["email", "chat"])',
        'wrote.channel not in ("chat", "email")',
    ):
        assert list(comparisons(line)), line
    for line in ('item = receive(kind="chat")', "work_kinds.KINDS[item.kind].live", 'case.kind == "complaint"'):
        assert not list(comparisons(line)), line


def test_nothing_asks_for_a_kind_by_its_name_but_its_declaration():
    found = []
    for path in modules():
        place = str(path.relative_to(HOUSE))
        own = {"email"} if place.startswith("ops/channels/email/") else set[str]()
        if place == "core/work/kinds.py" or any(place.startswith(other) for other in OTHERS):
            continue
        for line, asked in comparisons(path.read_text()):
            if literals(asked) & NAMES - own:
                found.append(f"{place}:{line}: {ast.unparse(asked)}")

    assert found == [], "ask workfloor/core/work/kinds.py instead"


def test_no_page_asks_for_a_kind_by_its_name():
    asks = re.compile(r"\.(?:kind|channel)\s+(?:==|!=|in|not in)\s+\"([^\"]*)\"")
    found = [
        f"{path.relative_to(HOUSE)}: {match[0]}"
        for path in Path(HOUSE).rglob("*.html")
        for match in asks.finditer(path.read_text())
        if set(match[1].split()) & NAMES
    ]

    assert found == []


def test_what_a_contract_says_of_a_process_agrees_with_its_kind_of_work():
    """A contract is read on a lower floor than work, so it has a list of its own of those on the line."""
    on_the_line = {process for kind in work_kinds.KINDS.values() if kind.on_the_line for process in kind.processes}

    assert set(contracts_checks._ON_THE_LINE) == on_the_line


def test_every_kind_of_process_has_a_kind_of_work():
    import json

    schema = json.loads((HOUSE / "core/contracts/contract.schema.json").read_text())

    def enums(node: object) -> Iterator[list[str]]:
        if isinstance(node, dict):
            if "inbound-voice" in node.get("enum", []):
                yield node["enum"]
            for each in node.values():
                yield from enums(each)
        elif isinstance(node, list):
            for each in node:
                yield from enums(each)

    [names] = enums(schema)
    assert set(names) == set(work_kinds.OF_PROCESS)
