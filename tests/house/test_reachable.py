"""No page, command or call of the API reaches a write that is not declared, but for those that are named with why."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house import test_hands
from tests.house.test_rooms import HOUSE, WRITERS

RECORDS = {"record", "record_all", "record_change"}
OTHER_WRITERS = {name.removesuffix(".py").replace("/", ".") for name in WRITERS}

# Reached and not declared, with the reason; by package and function. A line goes when its action is declared.
AT_WORK = "work in hand: who may is said by hands and by who is in charge, as tests/house/test_hands.py tries them"
BY_THEMSELVES = "what somebody does about themselves"
VISITORS = "what a client's customers do on its site, who have no role"
SYSTEMS = "what a client's systems report with a token of theirs, which has scopes"
AT_THE_EDGE = "asked for where its command meets the database, see workfloor/cli/admission.py"
PARTS = "one command or page does several of them; each asks the table"
NOT_DECLARED: dict[str, str] = {
    "core.conversations.classify": AT_WORK,
    "core.conversations.merge": AT_WORK,
    "core.conversations.note": AT_WORK,
    "core.conversations.split": AT_WORK,
    "core.people.cancel_shift": PARTS,
    "core.people.own_account.choose_language": BY_THEMSELVES,
    "core.people.own_account.choose_password": BY_THEMSELVES,
    "core.people.granting.end_grants": AT_WORK,
    "core.people.go_available": BY_THEMSELVES,
    "core.people.go_away": BY_THEMSELVES,
    "core.people.plan_shift": PARTS,
    "core.people.own_account.print_link": AT_THE_EDGE,
    "core.people.set_state": PARTS,
    "core.people.own_account.sign_in": BY_THEMSELVES,
    "core.people.own_account.sign_out": BY_THEMSELVES,
    "core.people.sign_out_of_work": BY_THEMSELVES,
    "core.work.accept": AT_WORK,
    "core.work.cancel": AT_WORK,
    "core.work.come_back": AT_WORK,
    "core.work.confirm_customer": AT_WORK,
    "core.work.customer_answered": SYSTEMS,
    "core.work.decline": AT_WORK,
    "core.work.end": AT_WORK,
    "core.work.escalate": AT_WORK,
    "core.work.hold": AT_WORK,
    "core.work.joining.accept": AT_WORK,
    "core.work.joining.ask": AT_WORK,
    "core.work.joining.ask_second_keying": AT_WORK,
    "core.work.joining.begin_second_keying": AT_WORK,
    "core.work.joining.call_off_second_keying": AT_WORK,
    "core.work.joining.decline": AT_WORK,
    "core.work.joining.finish_second_keying": AT_WORK,
    "core.work.joining.leave": AT_WORK,
    "core.work.joining.monitor": AT_WORK,
    "core.work.joining.transfer": AT_WORK,
    "core.work.joining.withdraw": AT_WORK,
    "core.work.receive": SYSTEMS,
    "core.work.reporting.report": SYSTEMS,
    "core.work.resume": AT_WORK,
    "core.work.set_pending_customer": AT_WORK,
    "core.work.snooze": AT_WORK,
    "core.work.transfer": AT_WORK,
    "core.work.wrap_up": AT_WORK,
    "ops.channels.chat.begin": VISITORS,
    "ops.channels.chat.come_back": VISITORS,
    "ops.channels.chat.leave": VISITORS,
    "ops.channels.chat.rate": VISITORS,
    "ops.channels.chat.reply": AT_WORK,
    "ops.channels.chat.say": VISITORS,
    "ops.channels.chat.send_transcript": VISITORS,
    "ops.channels.chat.turn": VISITORS,
    "ops.channels.playbooks.run_macro": AT_WORK,
    "ops.presales.import_calls": AT_THE_EDGE,
}


# --- reading the sources ----------------------------------------------------------------------------------------------
@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def module_of(path: Path, root: Path) -> str:
    return ".".join((root.name, *path.relative_to(root).with_suffix("").parts))


def aliases(tree: ast.AST) -> dict[str, str]:
    """Which name stands for which module or function, wherever in the file it is imported."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                found[each.asname or each.name] = f"{node.module}.{each.name}"
    return found


def named(tree: ast.AST, known: dict[str, str]) -> Iterator[str]:
    """Every function that is named, by module and name: `work.accept` and, within its module, `accept`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield f"{known[node.value.id]}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in known:
            yield known[node.id]


def functions(root: Path) -> Iterator[tuple[str, ast.FunctionDef, set[str]]]:
    """Every function of the house, and what it names."""
    for path in root.rglob("*.py"):
        tree, module = parsed(path), module_of(path, root)
        own = {each.name: f"{module}.{each.name}" for each in tree.body if isinstance(each, ast.FunctionDef)}
        known = aliases(tree) | own
        for each in tree.body:
            if isinstance(each, ast.FunctionDef):
                yield own[each.name], each, set(named(each, known))


def recording(root: Path) -> set[str]:
    """The functions that record a fact, by themselves or through those that they call."""
    calls = {name: called for name, _, called in functions(root)}
    facts = {
        name
        for name, called in calls.items()
        if any(each.endswith(f"event_log.actions.{one}") for each in called for one in RECORDS)
    }
    while more := {name for name, called in calls.items() if name not in facts and called & facts}:
        facts |= more
    return facts


def is_declared(function: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Call) and ast.unparse(each.func) == "action" for each in function.decorator_list)


def is_edge(path: Path, root: Path) -> bool:
    return path.name in ("views.py", "api.py") or path.relative_to(root).parts[0] in ("cli", "desks")


def reached(root: Path) -> set[str]:
    """What commands, views and the API name of actions."""
    edges = (parsed(path) for path in root.rglob("*.py") if is_edge(path, root) and path.name != "actions.py")
    return {name for tree in edges for name in named(tree, aliases(tree))}


def undeclared(root: Path) -> set[str]:
    """The actions that record a fact and are reached undeclared, such as `core.work.accept`."""
    facts, edges = recording(root), reached(root)
    return {
        name.removeprefix(f"{root.name}.").replace(".actions.", ".")
        for name, function, _ in functions(root)
        if name in facts & edges and is_of_actions(name, root) and not is_declared(function)
    }


def is_of_actions(name: str, root: Path) -> bool:
    """Whether a function writes by its place: in actions, or in what writes and is called otherwise."""
    module = name.rpartition(".")[0]
    return module.endswith(".actions") or module.removeprefix(f"{root.name}.") in OTHER_WRITERS


# --- and judging them -------------------------------------------------------------------------------------------------
def test_every_write_that_is_reached_is_declared_or_named_with_the_reason():
    assert undeclared(HOUSE) == NOT_DECLARED.keys()


def test_those_that_are_named_ask_somebody_all_the_same():
    """Those that are parts ask the table; test_hands tries those of work in hand one by one."""
    calls = {name.replace(".actions.", "."): called for name, _, called in functions(HOUSE)}
    asking = {name for name, called in calls.items() if "workfloor.core.access.permissions.admit" in called}
    while more := {
        name
        for name, called in calls.items()
        if name not in asking and {each.replace(".actions.", ".") for each in called} & asking
    }:
        asking |= more

    by_table = {f"workfloor.{name}" for name, why in NOT_DECLARED.items() if why == PARTS}
    assert by_table - asking == set()
    assert {name for name, why in NOT_DECLARED.items() if why == AT_WORK} - test_hands.ACTIONS.keys() == set()


def test_a_write_that_is_added_to_a_page_and_not_declared_is_found(tmp_path):
    house = tmp_path / "workfloor"
    for name, text in {
        "core/event_log/actions.py": "def record(event): ...\n",
        "core/claims/actions.py": (
            "from workfloor.core.event_log import actions as event_log\n"
            "@action('Forgive', permission='x', command='x', says='x')\n"
            "def declared(): _tell()\n"
            "def forgive(): _tell()\n"
            "def _tell(): event_log.record(1)\n"
            "def look(): ...\n"
        ),
        "ops/billing/views.py": (
            "from workfloor.core.claims import actions as claims\n"
            "def page(): claims.look(); claims.declared(); claims.forgive()\n"
        ),
    }.items():
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text(text.replace("\\\n", "\n"))

    assert undeclared(house) == {"core.claims.forgive"}
