"""The embedded server: shared by its users, gone after the last one, back after every kind of death."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import databases
from workfloor.kit.database import postgres

QUICK = {"fsync": "off", "shared_buffers": "16MB"}
USER = """
import signal, sys, time
from pathlib import Path
from workfloor.kit.database import postgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background hands it over ignored
with postgres.Server(Path(sys.argv[1]), {"fsync": "off", "shared_buffers": "16MB"}).running():
    print("running", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with tempfile.TemporaryDirectory(prefix="workfloor-test-", dir=databases.place()) as folder:
        yield postgres.Server(Path(folder), QUICK)


def processes_of(server: postgres.Server) -> list[psutil.Process]:
    """Everything alive that belongs to the server: itself, its children, its guard."""
    signs = (str(server.data), postgres._cluster_name(server.folder))
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if any(sign in line for sign in signs) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_until(true: Callable[[], object], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)


def another_user(server: postgres.Server) -> "subprocess.Popen[str]":
    user = subprocess.Popen([sys.executable, "-c", USER, str(server.data)], stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    assert user.stdout.readline() == "running\n"
    return user


def ask(server: postgres.Server, question: str) -> tuple[object, ...]:
    with psycopg.connect(server.address) as connection:
        answer = connection.execute(question.encode()).fetchone()
    assert answer is not None
    return tuple(answer)


# --- addresses and logins ----------------------------------------------------------------------------------------


def test_an_address_of_ones_own_is_taken_apart_for_django(tmp_path):
    url = "postgresql://floor:p%40ss@db.example.com:5433/provider?sslmode=require"
    settings = postgres.database(url, tmp_path)

    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example.com", "5433", "provider")
    assert (settings["USER"], settings["PASSWORD"]) == ("floor", "p@ss")
    assert settings["OPTIONS"]["sslmode"] == "require"


def test_without_an_address_it_is_the_socket_in_the_data_folder_and_nothing_is_made(tmp_path):
    data = Path("/tmp/not-there")
    settings = postgres.database(None, data)

    assert (settings["HOST"], settings["USER"]) == ("/tmp/not-there/postgres", "workfloor")
    assert not data.exists()


def test_an_address_that_is_none_is_named():
    with pytest.raises(postgres.ServerFault, match="WORKFLOOR_DATABASE_URL"):
        postgres.database("mysql://somewhere", Path("/tmp"))


@given(st.integers(min_value=1, max_value=40))
def test_the_socket_path_fits_however_deep_the_data_folder_is(depth):
    folder = Path("/srv", *["provider"] * depth, "postgres")

    assert len(os.fsencode(postgres.socket_folder(folder) / ".s.PGSQL.5432")) <= 100


def test_two_deep_folders_have_two_sockets():
    deep = Path("/srv", *["provider"] * 20)

    assert postgres.socket_folder(deep / "a") != postgres.socket_folder(deep / "b")


@pytest.mark.parametrize(
    ("version", "superuser", "bypasses", "says"),
    [
        (140012, False, False, "15 or later"),
        (150004, True, False, "a superuser"),
        (180006, False, True, "exempt from row-level security"),
    ],
)
def test_an_old_server_and_a_mighty_login_are_refused_with_what_to_do(version, superuser, bypasses, says):
    assert says in (postgres.unfit(version, superuser, bypasses) or "")


def test_a_plain_login_on_postgresql_15_is_fit():
    assert postgres.unfit(150000, False, False) is None


@given(st.integers(min_value=2**28, max_value=2**42))
def test_the_server_takes_a_modest_share_of_the_memory(memory):
    buffers = int(postgres.tuning(memory)["shared_buffers"].removesuffix("MB")) * 2**20

    assert 64 * 2**20 <= buffers <= 512 * 2**20
    assert buffers <= max(memory / 16, 64 * 2**20)


# --- its life ----------------------------------------------------------------------------------------------------


def test_it_starts_for_a_block_with_a_plain_login_and_is_gone_after_it(server):
    with server.running():
        login = "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        assert ask(server, login) == (False, False, False)
        assert ask(server, "SHOW listen_addresses") == ("",)
        assert ask(server, "SHOW data_checksums") == ("on",)
        assert ask(server, "SHOW server_encoding") == ("UTF8",)
        assert ask(server, "SELECT upper('ä')") == ("Ä",)
        assert server.folder.stat().st_mode & 0o077 == 0
        assert server.data.stat().st_mode & 0o066 == 0
    assert processes_of(server) == []


def test_a_server_for_tests_may_make_databases(server):
    tests = postgres.Server(server.data, QUICK, creates_databases=True)
    with tests.running():
        assert ask(tests, "SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user") == (True,)


def test_whoever_comes_second_uses_the_running_server_and_keeps_it(server):
    first = another_user(server)
    with server.running():
        (pid,) = ask(server, "SELECT pg_postmaster_start_time()")
        first.send_signal(signal.SIGINT)
        first.wait(300)
        time.sleep(0.6)
        assert ask(server, "SELECT pg_postmaster_start_time()") == (pid,)
    assert processes_of(server) == []


def test_it_ends_when_its_only_user_is_killed(server):
    user = another_user(server)
    user.kill()
    user.wait()

    wait_until(lambda: processes_of(server) == [])


def test_a_killed_server_comes_back_with_what_was_committed(server):
    with server.running():
        with psycopg.connect(server.address) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('here')")
        process = postgres.process_of(server.folder)
        assert process is not None
        process.kill()

        wait_until(lambda: (now := postgres.process_of(server.folder)) and now != process and server.runs())
        assert ask(server, "SELECT word FROM kept") == ("here",)


def test_after_the_death_of_all_a_next_start_works_even_if_a_stranger_has_the_pid(server):
    user = another_user(server)
    for process in [psutil.Process(user.pid), *processes_of(server)]:
        with suppress(psutil.NoSuchProcess):  # some end with those before them
            process.kill()
    user.wait()
    wait_until(lambda: processes_of(server) == [])
    (server.folder / "postmaster.pid").write_text(f"{os.getpid()}\n{server.folder}\n")

    with server.running():
        assert ask(server, "SELECT 1") == (1,)
    assert processes_of(server) == []


def test_without_its_guard_the_last_user_stops_it(server):
    with server.running():
        for process in processes_of(server):
            if "-m" in process.info["cmdline"]:
                process.kill()
                process.wait()
    assert processes_of(server) == []


def guards_of(server: postgres.Server) -> list[psutil.Process]:
    return [each for each in processes_of(server) if postgres.__name__ in each.info["cmdline"]]


def test_a_killed_guard_is_replaced_and_the_next_one_watches_over_the_same_server(server):
    with server.running():
        (began,) = ask(server, "SELECT pg_postmaster_start_time()")
        [first] = guards_of(server)
        first.kill()

        wait_until(lambda: [each for each in guards_of(server) if each != first])
        assert ask(server, "SELECT pg_postmaster_start_time()") == (began,)

        process = postgres.process_of(server.folder)
        assert process is not None
        process.kill()
        wait_until(lambda: (now := postgres.process_of(server.folder)) and now != process and server.runs())
        assert len(guards_of(server)) == 1
    assert processes_of(server) == []


def test_several_users_of_a_server_whose_guard_is_killed_start_one_guard(server):
    others = [another_user(server) for _ in range(2)]
    with server.running():
        for _ in range(2):
            [before] = guards_of(server)
            before.kill()
            wait_until(lambda before=before: [each for each in guards_of(server) if each != before])
        time.sleep(2 * postgres.WATCH_SECONDS)
        assert len(guards_of(server)) == 1
        for other in others:
            other.kill()
            other.wait()
    assert processes_of(server) == []


def test_a_folder_left_half_made_is_made_again(server):
    (server.data / "postgres.draft").mkdir()
    (server.data / "postgres.draft" / "PG_VERSION").write_text("18\n")

    with server.running():
        assert ask(server, "SELECT 1") == (1,)


def test_a_server_that_cannot_start_says_why(server):
    wrong = postgres.Server(server.data, {**QUICK, "shared_buffers": "plenty"})

    with pytest.raises(postgres.ServerFault, match='invalid value for parameter "shared_buffers"'), wrong.running():
        pass
    assert processes_of(server) == []


def test_a_data_folder_that_cannot_be_made_is_named():
    with pytest.raises(postgres.ServerFault, match="WORKFLOOR_DATA"), postgres.running(Path("/proc/nowhere")):
        pass
