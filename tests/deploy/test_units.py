"""The units for systemd: understood, hardened alike, and what they start is there."""

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.house.test_documents import resolved

DEPLOY = Path(__file__).parents[2] / "deploy"
SYSTEMD = DEPLOY / "systemd"
UNITS = sorted(each for each in SYSTEMD.iterdir() if each.is_file())
SERVICES = [each for each in UNITS if each.suffix == ".service"]
PROGRAM = "/opt/workfloor/bin/workfloor"
MOST_EXPOSED = 25  # of 100, as systemd counts; an ordinary service has 96


@pytest.fixture
def units(tmp_path, monkeypatch) -> Path:
    """The units as they would be installed, with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; .ci/run installs Debian's systemd")
    folder: Path = tmp_path / "systemd"
    shutil.copytree(SYSTEMD, folder)
    for service in folder.glob("*.service"):
        text = service.read_text()
        assert PROGRAM in text
        service.write_text(text.replace(PROGRAM, str(Path(sys.executable).with_name("workfloor"))))
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", f"{folder}:")
    return folder


def analysed(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


def test_systemd_understands_every_unit(units):
    said = analysed("verify", "--man=no", *(str(units / each.name) for each in UNITS))

    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_what_systemd_does_not_understand_is_found(units):
    with (units / "workfloor-.service.d/common.conf").open("a") as common:
        common.write("NoNewPrivilege=yes\n")

    assert "NoNewPrivilege" in analysed("verify", "--man=no", str(units / "workfloor-worker.service")).stderr


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_every_service_has_little_that_it_could_do(units, service):
    said = analysed("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager", str(units / service.name))

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_every_service_starts_a_command_that_is_there(service):
    started = re.findall(rf"^ExecStart={PROGRAM} (.+)$", service.read_text(), re.MULTILINE)

    assert started
    for words in started:
        assert not resolved(words).no_args_is_help


def test_every_service_goes_on_after_its_end_but_the_one_that_ends_by_itself():
    for service in SERVICES:
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(service)
        ends = unit["Service"]["Type"] == "oneshot"
        assert unit["Service"].get("Restart", "no") == ("no" if ends else "always"), service.name


@pytest.mark.parametrize("example", sorted(DEPLOY.glob("*.env.example")), ids=lambda each: each.name)
def test_the_examples_of_settings_name_settings_that_there_are(example):
    named = re.findall(r"^#?(WORKFLOOR_\w+)=", example.read_text(), re.MULTILINE)
    readme = (DEPLOY.parent / "README.md").read_text()

    assert len(named) > 3
    assert [name for name in named if f"`{name}`" not in readme] == []


@pytest.mark.installation
def test_the_web_process_answers_on_the_port_that_systemd_holds_for_it(real_database, tmp_path):
    """As the socket's unit hands it over; a visitor who comes before the process is there waits."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not installed; .ci/run installs Debian's systemd")
    [words] = re.findall(rf"^ExecStart={PROGRAM} (.+)$", (SYSTEMD / "workfloor-web@.service").read_text(), re.M)
    port = free_port()
    env = os.environ | {
        "WORKFLOOR_DATABASE_URL": real_database,
        "WORKFLOOR_BIND": f"127.0.0.1:{port}",
        "WORKFLOOR_DATA": str(tmp_path),
    }
    kept = [f"--setenv={name}" for name in env if name.startswith(("WORKFLOOR_", "PATH", "DJANGO_"))]
    command = [activate, "-l", f"127.0.0.1:{port}", *kept, str(Path(sys.executable).with_name("workfloor"))]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, *words.split()], env=env, stdout=log, stderr=log)
    try:
        answer = _first_answer(port, process, tmp_path / "log")
    finally:
        process.terminate()
        process.wait()
    assert answer.startswith(b"HTTP/1.1 200 ")


def _first_answer(port: int, process: "subprocess.Popen[bytes]", log: Path) -> bytes:
    while True:
        assert process.poll() is None, log.read_text()
        try:
            caller = socket.create_connection(("127.0.0.1", port), 1)
            break
        except OSError:
            continue
    with caller:
        caller.settimeout(300)
        caller.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return caller.recv(65536)
