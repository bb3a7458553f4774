"""What is built to be installed: all that runs, nothing that only tests it; installed, it starts."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import catalogues, databases
from tests.conftest import free_port
from tests.house.test_rooms import HOUSE, ROOT, faults_of


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that is built from a copy of the checkout."""
    copy: Path = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(HOUSE, copy / "workfloor", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", copy / "made", copy],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [made] = (copy / "made").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def wheel(built: Path) -> list[str]:
    """Its files."""
    return zipfile.ZipFile(built).namelist()


def test_a_wheel_carries_no_library_of_the_tests(wheel):
    faults_of(*(name for name in wheel if "axe" in Path(name).name.split(".") or "node_modules" in name))


def test_a_wheel_is_the_package_alone_with_what_pages_load(wheel):
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"workfloor"}
    assert "workfloor/kit/database/postgres.py" in wheel
    vendor = HOUSE / "ui/static/vendor"
    assert {f"workfloor/ui/static/vendor/{each.name}" for each in vendor.glob("*.min.*")} <= {*wheel}
    assert {f"workfloor/ui/locale/{each}/LC_MESSAGES/django.mo" for each in catalogues.languages()} <= {*wheel}


# --- installed --------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(built: Path) -> Iterator[Path]:
    """A folder outside the checkout with an environment that the wheel is installed into.

    What it needs comes from the environment of the tests, whose own Workfloor, being editable, is not seen there.
    """
    with tempfile.TemporaryDirectory(prefix="workfloor-wheel-", dir=databases.place()) as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        pip = [sys.executable, "-m", "pip", "--python", folder / "venv", "install", "-q", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--disable-pip-version-check", built], check=True)
        [packages] = (folder / "venv/lib").glob("python*/site-packages")
        (packages / "what-it-needs.pth").write_text(sysconfig.get_path("purelib") + "\n")
        yield folder


@pytest.mark.installation
def test_a_wheel_installed_outside_a_checkout_starts_and_serves(elsewhere):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOOR_", "DJANGO_", "PYTHON"))
    }
    port = free_port()
    env = kept | {"WORKFLOOR_DATA": str(elsewhere / "data"), "WORKFLOOR_BIND": f"127.0.0.1:{port}"}
    program = elsewhere / "venv/bin/workfloor"
    where = "import workfloor.cli; print(workfloor.cli.__file__)"
    found = subprocess.run([elsewhere / "venv/bin/python", "-c", where], env=env, cwd=elsewhere, capture_output=True)
    assert Path(found.stdout.decode()).is_relative_to(elsewhere)

    with subprocess.Popen(
        [program, "up"], env=env, cwd=elsewhere, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        try:
            printed = ""
            for line in up.stdout or ():
                printed += line
                if line.startswith("Ctrl-C"):
                    break
            assert up.poll() is None, printed
            for path, words in (
                ("accounts/login/", "<html"),
                ("static/ui/live.js", ""),
                ("api/openapi.json", "/api/work"),
            ):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=300) as answer:
                    assert words in answer.read().decode()
            doctor = subprocess.run(
                [program, "admin", "doctor"], env=env, cwd=elsewhere, capture_output=True, text=True
            )
            assert "migrations" in doctor.stdout
            assert "Error" not in doctor.stderr
        finally:
            up.send_signal(signal.SIGINT)
            up.wait()
