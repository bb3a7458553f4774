"""What is built to be installed: all that runs, nothing that only tests it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.test_rooms import HOUSE, ROOT, faults_of


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of a wheel that is built from a copy of the checkout."""
    copy: Path = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(HOUSE, copy / "workfloor", ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", copy / "made", copy],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [made] = (copy / "made").glob("*.whl")
    return zipfile.ZipFile(made).namelist()


def test_a_wheel_carries_no_library_of_the_tests(wheel):
    faults_of(*(name for name in wheel if "axe" in Path(name).name.split(".") or "node_modules" in name))


def test_a_wheel_is_the_package_alone_with_what_pages_load(wheel):
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"workfloor"}
    assert "workfloor/kit/database/postgres.py" in wheel
    vendor = HOUSE / "ui/static/vendor"
    assert {f"workfloor/ui/static/vendor/{each.name}" for each in vendor.glob("*.min.*")} <= {*wheel}
