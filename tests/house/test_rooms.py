"""Every line is in its room: what the import contracts of pyproject.toml cannot see. The order is theirs."""

import ast
import re
import sys
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "workfloor"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def orders() -> dict[str, list[tuple[set[str], bool]]]:
    """Container -> its layers from above, as imports go: the names of each, and whether these may know one another."""
    found = {}
    for contract in CONTRACTS:
        if contract["type"] == "layers" and contract.get("exhaustive"):
            layers = [
                ({each.strip(" ()") for each in re.split(r"[|:]", layer)}, "|" not in layer)
                for layer in contract["layers"]
            ]
            found |= dict.fromkeys(contract["containers"], layers)
    return found


ORDERS = orders()
FLOORS = {name for names, _ in ORDERS["workfloor"] for name in names}
(PURE,) = (contract["source_modules"] for contract in CONTRACTS if contract["name"].startswith("Pure"))

FOLDERS = {"migrations", "templates", "static", "__pycache__"}
DATA = {".json", ".toml", ".sql"}  # what a package reads: a schema, a sample
DRAWERS = re.compile(r"(^|_)(utils?|utilities|helpers?|common|managers?|services?|misc|base)(_|$)|\d$")
LONGEST_FILE = 700
MOST_PACKAGES = 40  # below core and ops together
# Rules is a word of the business here, not a name for whatever decides; elsewhere what decides is named for what it is.
RULES = {
    "core/claims/rules.py": "the rules of a claim: which kinds there are, and from which state on one counts",
    "ops/channels/playbooks/rules.py": "the rules of a playbook: when, if, then",
}


def modules(name: str = "*.py") -> list[Path]:
    return sorted(path for path in HOUSE.rglob(name) if "migrations" not in path.parts)


def python_files() -> list[Path]:
    """All that is ours and Python, migrations too."""
    return sorted(path for top in ("workfloor", "tests", "benchmarks") for path in (ROOT / top).rglob("*.py"))


def file_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_ours(module: str) -> bool:
    return file_of(module).is_file() or (ROOT / module.replace(".", "/") / "__init__.py").is_file()


def packages() -> list[Path]:
    """The packages of core, ops, lines and desks; a folder whose order is in pyproject.toml is no package itself."""
    containers = [HOUSE.parent / name.replace(".", "/") for name in ORDERS if name != "workfloor"]
    inside = [each.parent for container in containers for each in container.glob("*/__init__.py")]
    return sorted(each for each in inside if each not in containers)


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


def imports(path: Path) -> Iterator[tuple[ast.AST, str, str]]:
    """All that a file imports, by its full name and by the name that it has there: `from a import b` is a.b."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, each.name, each.asname or each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module_of(path).rsplit(".", node.level)[0] if node.level else ""
            source = ".".join(part for part in (above, node.module) if part)
            yield from ((node, f"{source}.{each.name}", each.asname or each.name) for each in node.names)


def imported(path: Path) -> Iterator[tuple[ast.AST, str]]:
    return ((node, name) for node, name, _ in imports(path))


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """The public functions of a module."""
    yield from (each for each in tree(path).body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"))


def faults_of(*found: str) -> None:
    assert not found, "\n" + "\n".join(found)


# --- files ---------------------------------------------------------------------------------------------------------


def test_every_folder_of_the_house_is_a_floor_and_its_order_is_complete():
    folders = {path.parent.name for path in HOUSE.glob("*/*.py")}
    ordered = {
        container for contract in CONTRACTS for container in contract.get("containers", ()) if "*" not in container
    }

    assert folders <= FLOORS
    assert ordered == set(ORDERS), "a contract over named packages says exhaustive = true"


def test_a_floor_or_a_folder_of_packages_holds_nothing_else():
    strays = [
        str(each.relative_to(ROOT))
        for name in ORDERS
        if name != "workfloor"
        for each in (ROOT / name.replace(".", "/")).iterdir()
        if each.is_file() and each.name != "__init__.py"
    ]

    faults_of(*strays)


def unknown(package: Path, *more: str) -> Iterator[Path]:
    for each in package.iterdir():
        known = each.name in {*FOLDERS, *more} if each.is_dir() else each.suffix in {".py", *DATA}
        if not known:
            yield each


def test_a_package_holds_modules_and_what_they_read_and_no_further_package():
    found = [each for package in packages() for each in unknown(package)]
    found += [*unknown(HOUSE / "demo", "sample"), *unknown(HOUSE / "ui", "templatetags", "locale")]

    faults_of(*(f"{each.relative_to(ROOT)} is nothing that a package holds" for each in found))


def test_packages_are_few_enough_to_know():
    below = [each for each in packages() if each.relative_to(HOUSE).parts[0] in {"core", "ops"}]

    assert 0 < len(below) <= MOST_PACKAGES


def test_no_drawers_for_odds_and_ends():
    named = [path for path in modules() if DRAWERS.search(path.stem) or DRAWERS.search(path.parent.name)]

    faults_of(*(f"{path.relative_to(ROOT)}: say what it holds" for path in named if path.stem != "__init__"))


def test_what_decides_is_named_for_what_it_decides():
    found = {str(path.relative_to(HOUSE)) for path in modules("rules.py")}

    assert found == set(RULES), "name the module for what it holds, or say in RULES why these are rules"


def test_forms_are_forms_and_nothing_else():
    faults_of(*(fault for path in modules("forms.py") for fault in no_forms(path)))


def no_forms(path: Path) -> Iterator[str]:
    forms: set[str] = set()
    for each in tree(path).body:
        if isinstance(each, ast.ClassDef) and any(
            re.match(r"forms\.\w*Form$", dotted(base)) or dotted(base) in forms for base in each.bases
        ):
            forms.add(each.name)
        elif isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{place(path, each)}: {each.name} is no Django form"


def test_no_file_is_longer_than_one_subject_needs():
    lengths = {path: len(path.read_text().splitlines()) for path in python_files() if "migrations" not in path.parts}

    faults_of(*(f"{path.relative_to(ROOT)}: {lines} lines" for path, lines in lengths.items() if lines > LONGEST_FILE))


def test_the_formatter_is_nowhere_switched_off():
    faults_of(*(fault for path in python_files() for fault in switches_of_the_formatter(path)))


def switches_of_the_formatter(path: Path) -> Iterator[str]:
    if "fmt:" in path.read_text():
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT and re.search(r"#\s*fmt:\s*(skip|off|on)\b", token.string):
                    yield f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}"


def test_every_module_says_in_a_sentence_what_it_holds():
    silent = [path for path in modules() if path.stat().st_size and not ast.get_docstring(tree(path))]

    faults_of(*(str(path.relative_to(ROOT)) for path in silent))


# --- names -----------------------------------------------------------------------------------------------------------


def names_of(module: str) -> set[str]:
    """What a module may be called where it is imported, none of its words in the plural.

    That is its own name, with its package's before it where it would say too little; actions go by their package alone.
    """
    package, name = map(singular, ["", *module.split(".")][-2:])
    return {package} if name == "action" else {name, f"{package}_{name}"}


def singular(name: str) -> str:
    """A name with all of its words in the singular: one of `chats` and `chat` is mostly a variable."""
    return "_".join(word.rstrip("s") for word in name.split("_"))


def aliases() -> dict[str, dict[str, list[str]]]:
    """Module of ours -> the names by which it is imported -> where."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in python_files():
        if "migrations" not in path.parts:
            for node, module, alias in imports(path):
                if is_ours(module):
                    found[module][alias].append(place(path, node))
    return found


def test_a_module_has_one_name_everywhere():
    faults = []
    for module, names in sorted(aliases().items()):
        usual = max(names, key=lambda name: len(names[name]))
        for name, places in names.items():
            if name != usual:
                faults += [f"{where}: {module} is {usual} elsewhere, not {name}" for where in places]
            if singular(name) not in names_of(module):
                faults += [f"{where}: {name} does not say that it is {module}" for where in places]

    faults_of(*faults)


def test_a_name_is_one_module_everywhere():
    meant: dict[str, set[str]] = defaultdict(set)
    for module, names in aliases().items():
        if module.startswith("workfloor."):
            for name in names:
                meant[name].add(module)

    faults_of(*(f"{name} is {' and '.join(sorted(those))}" for name, those in meant.items() if len(those) > 1))


# --- time, transactions, reads and writes ----------------------------------------------------------------------------

# Durations at the edges are measured with time.monotonic, and waits are waits.
READERS_OF_TIME = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|timezone\.now|timezone\.localdate|timezone\.localtime"
    r"|time\.(time|time_ns|localtime|gmtime|ctime|strftime))$"
)
CLOCK = HOUSE / "kit/time/clock.py"
EDGE_FLOORS = ("cli", "runtime")
EDGE_FILES = {"views.py", "api.py", "tasks.py", "middleware.py"}
# What belongs to the edge of everything: jobs open and time themselves, sessions expire, a page says how long ago.
# What a library calls in its own time, as it calls a view: a session, a tag in a page, an account that signs out.
TOLD_BY_THE_CLOCK = {
    "core/people/gateway.py",
    "kit/database/jobs.py",
    "kit/web/sessions.py",
    "ui/templatetags/ui.py",
}
OPENS_TRANSACTIONS = {"kit/database/attempts.py", "kit/database/jobs.py", "kit/database/snapshots.py"}


def below_the_edge(but: Iterable[str]) -> list[Path]:
    """What reads, writes and decides: it is told the time, and its caller opens the transaction."""
    inside = [path for path in modules() if path.relative_to(HOUSE).parts[0] not in EDGE_FLOORS]
    return [path for path in inside if path.name not in EDGE_FILES and str(path.relative_to(HOUSE)) not in but]


def test_nobody_but_the_clock_reads_the_time():
    readers = [
        place(path, call)
        for path in modules()
        if path != CLOCK
        for call, name in calls(path)
        if READERS_OF_TIME.search(name)
    ]
    by_name = [
        place(path, node)
        for path in modules()
        for node, name in imported(path)
        if name in {"time.time", "django.utils.timezone.now", "django.db.models.functions.Now"}
    ]

    assert CLOCK.is_file()
    faults_of(*readers, *by_name)


def test_what_reads_writes_and_decides_is_told_the_time():
    users = [
        place(path, node)
        for path in below_the_edge(TOLD_BY_THE_CLOCK)
        for node, name in imported(path)
        if name.startswith("workfloor.kit.time.clock")
    ]

    faults_of(*users)


def test_only_the_edge_opens_transactions():
    openers = [
        place(path, node)
        for path in below_the_edge(OPENS_TRANSACTIONS)
        for node, name in imported(path)
        if name.startswith("django.db.transaction")
    ]

    faults_of(*openers)


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
WRITES_SQL = re.compile(r"\b(INSERT INTO|UPDATE [\w.\"]+( AS)?( \w+)?\s+SET|DELETE FROM|TRUNCATE|pg_notify)\b")
# What writes and is called otherwise, because it is one subject of its own.
WRITERS = {
    "core/files/gateway.py": "what is removed from the store, which no table knows",
    "core/people/granting.py": "skills that leaders grant for some hours",
    "core/people/links.py": "links by which people choose their password",
    "core/people/own_account.py": "what people do about their own account",
    "core/people/models.py": "Django asks the manager of accounts to make one",
    "core/work/intake.py": "much work at once, in few statements",
    "core/work/reporting.py": "what another system says that happened to work",
    "core/work/joining.py": "who takes part in work beside its owner",
    "kit/database/bulk.py": "rows in bulk, for the actions that have them",
    "kit/database/jobs.py": "failed jobs that are dropped",
    "kit/database/prepared.py": "the statements of single rows, for the actions that write them",
    "kit/database/partitions.py": "the tables of a month to come, and what keeps facts as they are",
    "kit/web/live.py": "the names of what changed, for whoever listens",
    "ops/channels/email/delivering.py": "what becomes of a reply on its way out",
    "ops/routing/leader.py": "who leads a pool",
}


def is_of_rows(call: ast.Call) -> bool:
    """Whether an `update` is one of a table's rows; dictionaries have it too."""
    assert isinstance(call.func, ast.Attribute)
    return re.search(r"\.objects\b|\.(filter|exclude|all)\(", ast.unparse(call.func.value)) is not None


def text_of(node: ast.AST) -> str:
    """A string as written, with a word in the place of each value that it is filled with."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "filled_in" for each in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def writes(path: Path) -> Iterator[str]:
    for call, _ in calls(path):
        if isinstance(call.func, ast.Attribute):
            name = call.func.attr
            if name in WRITES or (name == "update" and is_of_rows(call)):
                yield f"{place(path, call)}: .{name}()"
    for node in ast.walk(tree(path)):
        if WRITES_SQL.search(text_of(node)):
            yield f"{place(path, node)}: SQL that writes"


def test_only_actions_write_and_what_is_known_to():
    """So queries only read, and views, the API, followers, tasks and commands write through actions alone."""
    writing = {path: list(writes(path)) for path in modules()}
    known = {path for path in writing if path.name == "actions.py" or str(path.relative_to(HOUSE)) in WRITERS}

    faults_of(*(fault for path, faults in writing.items() if path not in known for fault in faults))
    faults_of(*(f"{name} writes nothing" for name in WRITERS if not writing[HOUSE / name]))
    assert not any(re.search(r"queries\.py$|/(views|api|followers|tasks)\.py$", name) for name in WRITERS)


def test_queries_call_no_actions():
    """What they may know of these is what is raised."""
    callers = [
        f"{place(path, node)}: {name}"
        for path in modules("*queries.py")
        for node, name in imported(path)
        if re.search(r"\.actions(\.[a-z_]\w*)?$", name)
    ]

    faults_of(*callers)


def test_actions_take_their_arguments_by_name():
    """All but the log's own, which are given the event first."""
    writers = [*modules("actions.py"), *(HOUSE / name for name in WRITERS)]
    positional = [
        f"{place(path, each)}: {each.name}"
        for path in writers
        if path.parent.name != "event_log"
        for each in functions(path)
        if "now" in names_of_arguments(each) and (each.args.args or each.args.posonlyargs)
    ]

    faults_of(*positional)


def names_of_arguments(function: ast.FunctionDef) -> set[str]:
    return {each.arg for each in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]}


# --- what is pure ----------------------------------------------------------------------------------------------------

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
# random.Random is chance that is the same again from the same seed; the others compute from tables that they bring.
LIBRARIES = ("random.Random", "numpy", "holidays", "stdnum", "lxml.etree")


def is_pure(name: str) -> bool:
    if name.startswith("workfloor"):
        return bool({name, name.rpartition(".")[0]} & {*PURE}) or is_folder(name)
    top = name.split(".")[0]
    return name.startswith(LIBRARIES) or (top in sys.stdlib_module_names and top not in OUTSIDE)


def is_folder(name: str) -> bool:
    """Whether a name is a folder on the way to a module: `from workfloor.core import people`."""
    return (ROOT / name.replace(".", "/")).is_dir()


def impurities(path: Path) -> list[str]:
    used = [f"{place(path, node)}: {name}" for node, name in imported(path) if not is_pure(name)]
    return used + [place(path, call) for call, name in calls(path) if name in {"open", "print"}]


def test_what_is_pure_uses_the_standard_library_and_what_is_pure_alone():
    faults_of(*(fault for module in PURE for fault in impurities(file_of(module))))


def test_what_could_be_pure_is_held_to_it():
    """By the list in pyproject.toml; events are facts, which hold values alone, and extras loads what it is told."""
    unlisted = [
        f"{path.relative_to(ROOT)} needs nothing but what is pure: name it in the contract"
        for path in modules()
        if path.stat().st_size and path.stem not in {"__init__", "__main__", "events"}
        if path not in {CLOCK, HOUSE / "kit/extras.py"} and module_of(path) not in PURE and not impurities(path)
    ]

    faults_of(*unlisted)


def test_every_public_function_of_what_is_pure_says_what_it_gives():
    silent = [
        f"{place(file_of(module), each)}: {each.name}"
        for module in PURE
        for each in functions(file_of(module))
        if not ast.get_docstring(each)
    ]

    faults_of(*silent)


# --- references that no import shows -----------------------------------------------------------------------------


def may_know(knows: str, known: str) -> bool:
    """Whether a package may use another: the same one, or one below it in the first order in which they differ."""
    container = "workfloor"
    for one, other in zip(knows.split("."), known.split("."), strict=False):
        if one != other:
            return container not in ORDERS or stands_above(ORDERS[container], one, other)
        container = f"{container}.{one}"
    return True


def stands_above(order: Sequence[tuple[set[str], bool]], one: str, other: str) -> bool:
    places = {name: (number, may_mix) for number, (names, may_mix) in enumerate(order) for name in names}
    (upper, may_mix), (lower, _) = places[one], places[other]
    return upper < lower or (upper == lower and may_mix)


def test_the_order_is_read_as_the_import_contracts_mean_it():
    assert may_know("core.work", "core.event_log")
    assert not may_know("core.event_log", "core.work")
    assert may_know("ops.channels.chat", "ops.channels.email")
    assert not may_know("ops.channels.email", "ops.channels.chat")
    assert not may_know("desks.agent", "desks.leader")
    assert may_know("cli", "desks.agent")
    assert may_know("runtime", "demo")
    assert not may_know("ui", "core.people")


def package_of(path: Path) -> str:
    """The package that a file belongs to; on a floor without any, the floor."""
    own = [each for each in packages() if path.is_relative_to(each)] or [HOUSE / path.relative_to(HOUSE).parts[0]]
    return ".".join(own[0].relative_to(HOUSE).with_suffix("").parts)


def labels() -> dict[str, str]:
    """App label -> package, for models and templates are named by it."""
    return {each.name: package_of(each) for each in packages()} | {"ui": "ui"}


FOREIGN_KEYS = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def test_foreign_keys_named_by_string_go_downwards_too():
    known_labels, wrong = labels(), []
    for path in modules("models.py"):
        for call, name in calls(path):
            target = call.args[0] if call.args else None
            if name.split(".")[-1] in FOREIGN_KEYS and isinstance(target, ast.Constant) and "." in str(target.value):
                known = known_labels.get(str(target.value).split(".")[0])
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
        if stranger(path, used)
    ]

    faults_of(*wrong, *rendered)


def label_of(package: Path) -> Any:
    """The label that a package's configuration gives it."""
    found = [
        ast.literal_eval(node.value)
        for node in ast.walk(tree(package / "apps.py"))
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) == "label"
    ]
    return found[0] if found else None


def test_a_packages_label_is_its_name():
    faults_of(
        *(
            f"{each.relative_to(ROOT)} is labelled {label_of(each)}"
            for each in packages()
            if (each / "apps.py").exists() and label_of(each) != each.name
        )
    )


def test_a_packages_templates_and_static_files_carry_its_label():
    strays = [
        str(each.relative_to(ROOT))
        for package in packages()
        for kind in ("templates", "static")
        if (package / kind).is_dir()
        for each in (package / kind).iterdir()
        if each.name != package.name
    ]

    faults_of(*strays)


# --- days -------------------------------------------------------------------------------------------------------------

# What has a day and no instant: a time of day as somebody typed it, without a zone.
TYPED = {"core/claims/actions.py"}


def test_an_instant_is_asked_for_its_day_in_a_zone_that_is_named():
    """`.date()` takes the day of whichever zone a value happens to carry: the kit's `calendars.day_of` says which."""
    asked = [
        place(path, node)
        for path in modules()
        if path.relative_to(HOUSE).parts[0] != "kit" and str(path.relative_to(HOUSE)) not in TYPED
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "date"
        and not node.args
    ]

    faults_of(*asked)
