"""Every line is in its room: what the import contracts cannot see."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "workfloor"
FLOORS = ("kit", "ui", "core", "ops", "lines", "desks", "demo", "cli")
CORE = (
    "event_log",
    "clients",
    "people",
    "targets",
    "rates",
    "charges",
    "credits",
    "parties",
    "periods",
    "contracts",
    "claims",
    "work",
    "rollups",
    "exclusions",
    "measures",
    "queueing",
    "pools",
    "intake",
    "conversations",
)
ROOMS = {
    "__init__",
    "rules",
    "events",
    "models",
    "queries",
    "gateway",
    "actions",
    "followers",
    "tasks",
    "forms",
    "views",
    "api",
    "urls",
    "apps",
}
FOLDERS = {"migrations", "templates", "static"}
DATA = {".json", ".toml", ".sql"}  # what a package reads: a schema, a sample
DRAWERS = re.compile(r"util|helper|common|manager|service|misc|base$|\d$")
LONGEST_FILE = 400
# Folders of packages that all look alike.
FOLDERS_OF_PACKAGES = {"ops": {"channels"}}


def modules(name: str = "*.py") -> list[Path]:
    return sorted(path for path in HOUSE.rglob(name) if "migrations" not in path.parts)


def packages() -> list[Path]:
    found = []
    for floor in ("core", "ops", "lines", "desks"):
        nested = FOLDERS_OF_PACKAGES.get(floor, set())
        for folder in [HOUSE / floor, *(HOUSE / floor / name for name in nested)]:
            inside = (each for each in folder.glob("*/") if each.name != "__pycache__")
            found += [each for each in inside if each.parent != HOUSE / floor or each.name not in nested]
    return sorted(found)


def test_a_folder_of_packages_holds_nothing_else():
    strays = [
        str(each.relative_to(ROOT))
        for floor, names in FOLDERS_OF_PACKAGES.items()
        for name in names
        for each in (HOUSE / floor / name).iterdir()
        if each.is_file() and each.name != "__init__.py"
    ]

    faults_of(*strays)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; '' for what is no plain path."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """All that a file imports, by its full name: `from a import b` is a.b."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node, f"{node.module}.{each.name}") for each in node.names)


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def faults_of(*found: str) -> None:
    assert not found, "\n" + "\n".join(found)


# --- files ---------------------------------------------------------------------------------------------------------


def unknown(package: Path) -> Iterator[Path]:
    for each in package.iterdir():
        known = each.name in FOLDERS | {"__pycache__"} if each.is_dir() else each.stem in ROOMS and each.suffix == ".py"
        if not known and each.suffix not in DATA:
            yield each


def test_a_package_holds_rooms_and_nothing_else():
    found = [each for package in [*packages(), HOUSE / "demo"] for each in unknown(package) if each.name != "sample"]

    faults_of(*(f"{each.relative_to(ROOT)} is no room of the house" for each in found))


def test_the_ui_has_its_rooms_and_its_template_tags():
    faults_of(*(str(each.relative_to(ROOT)) for each in unknown(HOUSE / "ui") if each.name != "templatetags"))


def test_nothing_stands_between_the_floors():
    folders = {each.name for each in HOUSE.iterdir() if each.is_dir()} - {"__pycache__"}

    assert folders <= set(FLOORS)


def test_no_drawers_for_odds_and_ends():
    named = [path for path in modules() if DRAWERS.search(path.stem)]

    faults_of(*(f"{path.relative_to(ROOT)}: say what it holds" for path in named))


def test_no_file_is_longer_than_one_can_hold_in_mind():
    lengths = {path: len(path.read_text().splitlines()) for path in modules()}

    faults_of(*(f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in lengths.items() if lines > LONGEST_FILE))


def test_every_module_says_in_a_sentence_what_it_holds():
    silent = [path for path in modules() if path.stat().st_size and not ast.get_docstring(tree(path))]

    faults_of(*(str(path.relative_to(ROOT)) for path in silent))


# --- time, transactions, reads and writes ----------------------------------------------------------------------------

# Durations at the edges are measured with time.monotonic, and waits are waits.
READERS_OF_TIME = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|timezone\.now|timezone\.localdate|timezone\.localtime"
    r"|time\.(time|time_ns|localtime|gmtime|ctime|strftime))$"
)


def test_nobody_but_the_clock_reads_the_time():
    readers = [
        place(path, call)
        for path in modules()
        if path != HOUSE / "kit" / "clock.py"
        for call, name in calls(path)
        if READERS_OF_TIME.search(name)
    ]
    by_name = [
        place(path, node)
        for path in modules()
        for node, name in imported(path)
        if name in {"time.time", "django.utils.timezone.now", "django.db.models.functions.Now"}
    ]

    faults_of(*readers, *by_name)


def test_rules_and_actions_are_told_the_time():
    told = [*modules("rules.py"), *modules("actions.py"), *modules("queries.py"), *modules("models.py")]
    users = [
        place(path, node)
        for path in told
        for node, name in imported(path)
        if name.startswith("workfloor.kit.time.clock")
    ]

    faults_of(*users)


def test_actions_open_no_transaction():
    openers = [
        place(path, node)
        for room in ("actions.py", "queries.py", "rules.py", "models.py")
        for path in modules(room)
        for node, name in imported(path)
        if name.startswith("django.db.transaction")
    ]

    faults_of(*openers)


def test_actions_take_their_arguments_by_name():
    positional = [
        f"{place(path, each)}: {each.name}"
        for path in modules("actions.py")
        for each in tree(path).body
        if isinstance(each, ast.FunctionDef)
        and "now" in {arg.arg for arg in [*each.args.args, *each.args.posonlyargs]}
        and not each.name.startswith("_")
    ]

    faults_of(*positional)


WRITES = {
    "create",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "save",
    "delete",
    "insert",
    "record",
    "record_all",
    "publish",
}
WRITES_SQL = re.compile(r"\b(INSERT INTO|UPDATE \w+ SET|DELETE FROM|TRUNCATE|pg_notify)\b")


def writes(path: Path) -> Iterator[str]:
    for call, _ in calls(path):
        if isinstance(call.func, ast.Attribute) and call.func.attr in WRITES:
            yield f"{place(path, call)}: .{call.func.attr}()"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WRITES_SQL.search(node.value):
            yield f"{place(path, node)}: SQL that writes"


def test_queries_only_read():
    faults_of(*(fault for path in modules("queries.py") for fault in writes(path)))


def test_views_and_the_api_write_through_actions_alone():
    handlers = [*modules("views.py"), *modules("api.py"), *modules("followers.py"), *modules("tasks.py")]

    faults_of(*(fault for path in handlers for fault in writes(path)))


# --- rules -----------------------------------------------------------------------------------------------------------

PURE_KIT = tuple(
    f"workfloor.kit.{name}"
    for name in ("money", "calendars", "chance", "charts", "erlang", "lanes", "masks", "mime", "quotes")
)
OUTSIDE = {
    "os",
    "io",
    "pathlib",
    "socket",
    "subprocess",
    "sqlite3",
    "urllib",
    "http",
    "time",
    "random",
    "secrets",
    "threading",
    "asyncio",
    "tempfile",
    "shutil",
    "logging",
    "sys",
}


def is_pure(name: str) -> bool:
    if name == "random.Random":  # chance that is the same again from the same seed
        return True
    if name.startswith("workfloor"):
        return (
            name.split(".")[-1] == "rules" or ".rules." in f"{name}." or name.startswith(PURE_KIT) or is_package(name)
        )
    top = name.split(".")[0]
    return (top in sys.stdlib_module_names and top not in OUTSIDE) or top == "numpy"


def is_package(name: str) -> bool:
    """Whether a name is a folder on the way to a room: `from workfloor.core.people import rules`."""
    return (ROOT / name.replace(".", "/")).is_dir()


def test_rules_use_the_standard_library_and_other_rules_alone():
    impure = [
        f"{place(path, node)}: {name}"
        for path in modules("rules.py")
        for node, name in imported(path)
        if not is_pure(name) and not is_pure(name.rpartition(".")[0])
    ]
    openers = [
        place(path, call) for path in modules("rules.py") for call, name in calls(path) if name in {"open", "print"}
    ]

    faults_of(*impure, *openers)


def test_every_public_function_of_the_rules_says_what_it_gives():
    silent = [
        f"{place(path, each)}: {each.name}"
        for path in modules("rules.py")
        for each in tree(path).body
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_") and not ast.get_docstring(each)
    ]

    faults_of(*silent)


# --- references that no import shows -----------------------------------------------------------------------------


def height(package: str) -> tuple[int, int]:
    """How high a package stands: its floor, then its place within the core."""
    floor, _, name = package.partition(".")
    return FLOORS.index(floor), CORE.index(name) if floor == "core" else 0


def may_know(knows: str, known: str) -> bool:
    """Whether a package may use another: the same one or one below, never a stranger on its own floor."""
    return knows == known or height(knows) > height(known)


def package_of(path: Path) -> str:
    parts = path.relative_to(HOUSE).parts
    if parts[0] in {"kit", "ui", "demo", "cli"}:
        return parts[0]
    return ".".join(parts[: 3 if parts[1] in FOLDERS_OF_PACKAGES.get(parts[0], set()) else 2])


def labels() -> dict[str, str]:
    """App label -> package, for models and templates are named by it."""
    return {each.name: ".".join(each.relative_to(HOUSE).parts) for each in packages()} | {"ui": "ui"}


FOREIGN_KEYS = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def test_foreign_keys_named_by_string_go_downwards_too():
    wrong = []
    for path in modules("models.py"):
        for call, name in calls(path):
            target = call.args[0] if call.args else None
            if name.split(".")[-1] in FOREIGN_KEYS and isinstance(target, ast.Constant) and "." in str(target.value):
                known = labels().get(str(target.value).split(".")[0])
                if known and not may_know(package_of(path), known):
                    wrong.append(f"{place(path, call)}: {target.value}")

    faults_of(*wrong)


TEMPLATE_USES = re.compile(r"{%\s*(?:extends|include)\s+[\"']([^\"']+)[\"']")
TEMPLATE_RENDERED = re.compile(r"[\"']([a-z_]+)/[\w/-]+\.html[\"']")


def stranger(path: Path, template: str) -> bool:
    known = labels().get(template.split("/")[0])
    return known is not None and not may_know(package_of(path), known)


def test_templates_extend_and_include_their_own_floor_or_one_below():
    wrong = [
        f"{path.relative_to(ROOT)}: {used}"
        for path in sorted(HOUSE.rglob("templates/**/*.html"))
        for used in TEMPLATE_USES.findall(path.read_text())
        if stranger(path, used)
    ]
    rendered = [
        f"{path.relative_to(ROOT)}: {used}"
        for path in modules()
        for used in TEMPLATE_RENDERED.findall(path.read_text())
        if package_of(path) != "cli" and stranger(path, used)
    ]

    faults_of(*wrong, *rendered)


def test_a_packages_templates_and_static_files_carry_its_name():
    strays = [
        str(each.relative_to(ROOT))
        for package in packages()
        for kind in ("templates", "static")
        if (package / kind).is_dir()
        for each in (package / kind).iterdir()
        if each.name != package.name
    ]

    faults_of(*strays)
