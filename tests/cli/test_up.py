"""An installation as a newcomer meets it: started, stopped, killed, started again; two of them side by side."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests import databases
from workfloor.kit.database import postgres

START_SECONDS = 300.0


@dataclass
class Installation:
    """One data folder and port, and the `workfloor up` that runs there."""

    data: Path
    port: int
    more: dict[str, str] = field(default_factory=dict)
    up: "subprocess.Popen[str] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOOR_", "DJANGO_"))}
        own = {"WORKFLOOR_DATA": str(self.data), "WORKFLOOR_BIND": f"127.0.0.1:{self.port}"}
        return kept | own | self.more

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-m", "workfloor", *words]
        return subprocess.run(line, env=self.environment, capture_output=True, text=True, timeout=START_SECONDS)

    def start(self, *words: str) -> str:
        """Start `workfloor up`; returns what it printed until it said that it serves."""
        line = [sys.executable, "-m", "workfloor", "up", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.up = subprocess.Popen(line, env=self.environment, start_new_session=True, **pipes)  # type: ignore[call-overload]
        assert self.up is not None
        assert self.up.stdout is not None
        printed = ""
        for said in self.up.stdout:
            printed += said
            if said.startswith("Ctrl-C"):
                return printed
        raise AssertionError(f"it ended before it served:\n{printed}\n{self.logs()}")

    def page(self, path: str = "/accounts/login/") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            text: str = answer.read().decode()
        return text

    def serves(self) -> bool:
        try:
            return "<html" in self.page()
        except OSError:
            return False

    def interrupt(self) -> int:
        assert self.up is not None
        self.up.send_signal(signal.SIGINT)
        return self.up.wait(300)

    def processes(self) -> list[psutil.Process]:
        """All that is alive and ours: by its environment, or by what PostgreSQL calls itself."""
        title = postgres._cluster_name(self.data / "postgres")
        return [process for process in psutil.process_iter(["status"]) if self._owns(process, title)]

    def _owns(self, process: psutil.Process, title: str) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            mine = process.environ().get("WORKFLOOR_DATA") == str(self.data)
            return mine or title in " ".join(process.cmdline())
        except psutil.Error:
            return False

    def gone(self, seconds: float = 300) -> bool:
        until = time.monotonic() + seconds
        while self.processes() and time.monotonic() < until:
            time.sleep(0.1)
        return not self.processes()

    def child(self, name: str) -> psutil.Process:
        """One of them, where there are several, as of `web`."""
        return next(each for each in self.processes() if {name, "--with-parent"} <= set(each.cmdline()))

    def logs(self) -> str:
        return "\n".join(log.read_text() for log in (self.data / "logs").glob("*.log"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def places() -> Iterator[list[Installation]]:
    """Two installations, not started; whatever of them is alive after the test is ended."""
    with tempfile.TemporaryDirectory(
        prefix="workfloor-up-", dir=databases.place(), ignore_cleanup_errors=True
    ) as folder:
        two = [Installation(Path(folder, name), free_port()) for name in ("one", "two")]
        yield two
        for place in two:
            for process in place.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@pytest.fixture
def place(places: list[Installation]) -> Installation:
    return places[0]


@pytest.fixture
def migrated(place: Installation, lay_in: Callable[[Path], None]) -> Installation:
    """An installation that was started before: its database is there, empty."""
    lay_in(place.data)
    return place


def wait_until_it_serves(place: Installation, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not place.serves():
        assert time.monotonic() < until, place.logs()
        time.sleep(0.2)


@pytest.mark.installation
def test_the_first_start_fills_the_sample_provider_in_and_the_second_finds_it_there(place):
    printed = place.start("--demo")

    assert f"http://127.0.0.1:{place.port}/" in printed
    assert "Sample sign-ins" in printed
    assert place.serves()
    assert place.interrupt() == 0
    assert place.gone()

    again = place.start("--demo")
    wait_until_it_serves(place)
    assert "Sample sign-ins" in again
    assert "Filling" not in again
    assert place.interrupt() == 0


@pytest.mark.installation
def test_two_stand_side_by_side_and_ctrl_c_stops_one_of_them(places, lay_in):
    for place in places:
        lay_in(place.data)
        place.start()
    one, two = places

    assert one.serves()
    assert two.serves()
    assert one.interrupt() == 0
    assert one.gone()
    assert two.serves()
    assert two.interrupt() == 0
    assert two.gone()


@pytest.mark.installation
def test_after_the_parent_was_killed_nothing_is_left_and_the_next_start_works(migrated):
    migrated.start()
    assert migrated.up is not None
    migrated.up.kill()
    migrated.up.wait()

    assert migrated.gone()

    migrated.start()
    assert migrated.serves()
    assert migrated.interrupt() == 0
    assert migrated.gone()


@pytest.mark.installation
def test_a_fresh_installation_says_how_its_first_person_gets_in(migrated):
    printed = migrated.start()
    assert "Nobody can sign in yet." in printed
    assert "workfloor people print-link EMAIL" in printed

    taken_on = migrated.command("people", "add", "Rita Melo", "rita@example.com", "--role", "administrator")
    assert "Rita Melo is taken on. No mail goes to rita@example.com." in taken_on.stdout
    link = migrated.command("people", "print-link", "rita@example.com").stdout.split()[-1]

    path = link.removeprefix(f"http://127.0.0.1:{migrated.port}")
    assert path.startswith("/accounts/password/choose/?link=")
    assert "You sign in as" in migrated.page(path)


@pytest.mark.installation
def test_a_start_right_after_the_kill_works_too(migrated):
    migrated.start()
    assert migrated.up is not None
    migrated.up.kill()
    migrated.up.wait()
    while "cannot be used" in (refused := migrated.command("admin", "doctor").stdout) or "in use" in refused:
        time.sleep(0.1)

    migrated.start()
    assert migrated.serves()


@pytest.mark.installation
def test_killed_children_and_a_killed_database_come_back(migrated):
    migrated.start()
    for name in ("web", "worker"):
        before = migrated.child(name)
        before.kill()
        before.wait()
    server = postgres.process_of(migrated.data / "postgres")
    assert server is not None
    server.kill()

    wait_until_it_serves(migrated)
    assert migrated.child("worker").is_running()
    assert migrated.interrupt() == 0
    assert migrated.gone()


@pytest.mark.installation
def test_a_taken_port_is_refused_before_anything_starts(place):
    with socket.create_server(("127.0.0.1", place.port)):
        refused = place.command("up")

    assert refused.returncode == 1
    assert f"WORKFLOOR_BIND=127.0.0.1:{place.port + 1}" in refused.stderr
    assert not (place.data / "postgres").exists()


@pytest.mark.installation
def test_an_empty_folder_is_prepared_without_sample_data_and_the_doctor_finds_no_fault(place):
    assert "migrations applied" in place.command("admin", "migrate").stdout
    assert "up to date" in place.command("admin", "migrate").stdout
    found = place.command("admin", "doctor", "--format", "json")
    findings = {finding["check"]: finding for finding in json.loads(found.stdout)}

    assert findings["migrations"]["state"] == "ok"
    assert findings["walls"]["state"] == "ok"
    assert findings["event_log"]["state"] == "ok"
    assert findings["worker"]["state"] == "look"
    assert found.returncode == any(finding["state"] == "wrong" for finding in findings.values())
    assert place.processes() == []


@pytest.mark.installation
def test_a_command_without_tables_says_to_migrate(place):
    refused = place.command("admin", "demo")

    assert refused.returncode == 1
    assert "workfloor admin migrate" in refused.stderr


@pytest.mark.installation
def test_with_a_database_of_ones_own_nothing_embedded_is_started(place, lay_in):
    lay_in(place.data / "theirs")
    with postgres.Server(place.data / "theirs", {"fsync": "off"}).running() as server:
        place.more["WORKFLOOR_DATABASE_URL"] = server.address
        place.start()
        assert place.serves()
        assert place.interrupt() == 0

    assert not (place.data / "postgres").exists()


@pytest.mark.installation
def test_a_database_that_is_not_there_is_said_to_be_so(place):
    place.more["WORKFLOOR_DATABASE_URL"] = f"postgresql://someone:secret@127.0.0.1:{place.port}/provider"
    refused = place.command("admin", "migrate")

    assert refused.returncode == 1
    assert "cannot be reached" in refused.stderr
    assert "cannot be reached" in place.command("admin", "doctor").stdout
    assert "secret" not in refused.stderr


@pytest.mark.installation
@pytest.mark.parametrize("command", ["up", "admin migrate"])
def test_an_address_that_is_none_is_named(place, command):
    place.more["WORKFLOOR_DATABASE_URL"] = "mysql://somewhere"
    refused = place.command(*command.split())

    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: WORKFLOOR_DATABASE_URL is not a PostgreSQL address")


@pytest.mark.installation
def test_a_superuser_is_refused_and_nothing_of_ones_own_is_started(place):
    with postgres.Server(place.data / "theirs", {"fsync": "off"}).running() as server:
        where = server.address.replace("user=workfloor", "user=postgres")
        stranger = Installation(place.data, place.port, {"WORKFLOOR_DATABASE_URL": where})
        refused = stranger.command("admin", "migrate")

    assert refused.returncode == 1
    assert "NOSUPERUSER" in refused.stderr
    assert not (place.data / "postgres").exists()


@pytest.mark.installation
def test_no_other_user_of_the_machine_reads_what_an_installation_keeps(place):
    """Even in a folder that was made open to all, by somebody whose files are open as a rule."""
    before = os.umask(0o022)
    try:
        backup = place.data.with_name("backup")
        place.more["WORKFLOOR_BACKUP"] = str(backup)
        place.data.mkdir(mode=0o755)
        place.start()
        made = place.command("admin", "backup")
        assert made.returncode == 0, made.stderr
        assert place.serves()
        kept = {path: path.lstat().st_mode for top in (place.data, backup) for path in top.rglob("*")}
        assert place.interrupt() == 0
    finally:
        os.umask(before)

    files = {path: mode for path, mode in kept.items() if stat.S_ISREG(mode)}
    names = {path.name for path in files}
    assert {"secret-key", "web.log", "worker.log", "postgres.guard.log", "postgres.start.log", "PG_VERSION"} <= names
    assert any(path.parent.name == "log" and path.suffix == ".log" for path in files)  # the server's own
    assert any(path.parent.name == "wal" for path in files)
    assert [str(path) for path, mode in files.items() if mode & 0o077] == []
    folders = [path for path, mode in kept.items() if stat.S_ISDIR(mode) and mode & 0o066]
    assert [str(path) for path in folders] == []
