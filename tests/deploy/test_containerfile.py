"""The Containerfile, as far as it can be checked without an engine: what it copies is committed and not left out."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

from tests.house.test_committed import committed

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy/Containerfile").read_text().replace("\\\n", "")
INSTRUCTIONS = [line for line in TEXT.splitlines() if line and not line.startswith("#")]


def copied() -> list[str]:
    """What it copies out of the checkout."""
    lines = [line.split()[1:-1] for line in INSTRUCTIONS if line.startswith("COPY ") and "--from=" not in line]
    return [path for line in lines for path in line]


def test_every_instruction_is_one_that_engines_know():
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "VOLUME", "EXPOSE", "CMD"}

    assert {line.split()[0] for line in INSTRUCTIONS} <= known


def test_what_is_copied_is_committed_and_not_ignored():
    files = committed()
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert len(copied()) > 5
    for path in copied():
        assert any(each == path or each.startswith(f"{path}/") for each in files), path
        assert any(fnmatch(path, each) or path.startswith(f"{each}/") for each in let_through), path


def test_what_the_wheel_is_built_from_is_copied():
    """Everything that `make wheel` reads of the checkout, by make's own account of what it would do."""
    planned = subprocess.run(["make", "-Bn", "wheel"], cwd=ROOT, capture_output=True, text=True).stdout
    named = {*re.findall(r"(?<![\w./-])requirements/[\w.]+", planned), "pyproject.toml", "package-lock.json"}

    assert "pip wheel" in planned
    assert {"requirements/build.txt", "requirements/run.txt"} <= named
    assert all(any(each == path or each.startswith(f"{path}/") for path in copied()) for each in named)


def test_it_runs_as_a_user_of_its_own():
    users = [line.split()[1] for line in INSTRUCTIONS if line.startswith("USER ")]

    assert users == ["workfloor"]
    assert INSTRUCTIONS.index("USER workfloor") < INSTRUCTIONS.index('CMD ["workfloor", "up"]')
