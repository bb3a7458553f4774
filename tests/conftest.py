"""What every test stands on: a real PostgreSQL, a migrated template, and a copy of it for each who needs one alone."""

import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

# Tests start hundreds of processes, each of which would compile the whole product anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_stack = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Point the settings at a server before Django reads them: the one named, else an embedded one, started later.

    Each process that runs tests has a server of its own, for a transaction is seen by all others on its server: several
    named in WORKFLOOR_DATABASE_URL, with blanks between them, are shared out.
    """
    if config.pluginmanager.has_plugin("xdist") and not hasattr(config, "workerinput"):
        from tests import sharing

        config.pluginmanager.register(sharing.Stopwatch(config))
    if _runs_no_test(config):
        return
    catalogues.compile_all()
    named = os.environ.get("WORKFLOOR_DATABASE_URL", "").split()
    if named:
        os.environ["WORKFLOOR_DATABASE_URL"] = named[_number(config) % len(named)]
    else:
        config.stash[_FOLDER] = _stack.enter_context(databases.folder())
        os.environ["WORKFLOOR_DATABASE_URL"] = postgres.Server(config.stash[_FOLDER]).address
    os.environ.setdefault("WORKFLOOR_SECRET_KEY", "a key for tests alone")
    os.environ.setdefault("WORKFLOOR_FILES_KEY", base64.b64encode(b"a key for files in tests alone..").decode())
    kept = tempfile.TemporaryDirectory(prefix="workfloor-files-", dir=databases.place(), ignore_cleanup_errors=True)
    os.environ["WORKFLOOR_FILES"] = _stack.enter_context(kept)
    os.environ["DJANGO_SETTINGS_MODULE"] = "workfloor.settings"
    from django.conf import settings

    # One connection a thread, so that a test can move the process to another database.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    settings.ALLOWED_HOSTS.append("testserver")  # as which Django's own client calls
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    PBKDF2PasswordHasher.iterations = 1  # a guess costs a fifth of a second on purpose, and there are hundreds here


_FOLDER = pytest.StashKey[Path]()


def _runs_no_test(config: pytest.Config) -> bool:
    """Whether this process only shares tests out to others."""
    return bool(config.getoption("tx", None)) and not hasattr(config, "workerinput")


def _number(config: pytest.Config) -> int:
    """Which of the processes that run tests this is, from 0."""
    return int(getattr(config, "workerinput", {"workerid": "gw0"})["workerid"].removeprefix("gw"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors, for some wait; or as many as there are servers named."""
    named = os.environ.get("WORKFLOOR_DATABASE_URL", "").split()
    return min(len(os.sched_getaffinity(0)) + 1, len(named) or sys.maxsize)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Share whole files out, the longest first."""
    from tests import sharing

    return sharing.LongestFirst(config, log)


def pytest_collection_modifyitems(items: "list[pytest.Item]") -> None:
    """Mark what meets the shared database, so that it can be run again on another PostgreSQL without the rest."""
    for item in items:
        if "django_db_setup" in getattr(item, "fixturenames", ()):
            item.add_marker("database")


def pytest_unconfigure() -> None:
    _stack.close()


import hypothesis  # noqa: E402
import psycopg  # noqa: E402
from psycopg import conninfo, sql  # noqa: E402

from tests import catalogues, databases  # noqa: E402
from workfloor.kit.database import postgres  # noqa: E402

# No test is timed. What CI finds it must find again.
hypothesis.settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("house")


def address(database: str) -> str:
    """How to reach a database of the test server, as WORKFLOOR_DATABASE_URL takes it."""
    return conninfo.make_conninfo(os.environ["WORKFLOOR_DATABASE_URL"], dbname=database)


def _on_server(statement: str, *names: str) -> None:
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        server.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


@contextmanager
def _database(name: str, template: str = "template0") -> Iterator[str]:
    _end_connections(name)
    _on_server("DROP DATABASE IF EXISTS {}", name)  # which a test left behind that failed with processes of its own
    _on_server("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' STRATEGY FILE_COPY", name, template)
    try:
        yield name
    finally:
        _end_connections(name)
        _on_server("DROP DATABASE IF EXISTS {}", name)


def _end_connections(database: str) -> None:
    # Not DROP ... WITH (FORCE): a plain login may not end the autovacuum of a database, which a plain DROP waits out.
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = %s AND usename = current_user",
            [database],
        )


def _use(name: str) -> None:
    from django.db import connections

    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name


@pytest.fixture(scope="session")
def template(pytestconfig, django_db_blocker) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """A migrated, empty database that nobody is connected to."""
    folder = pytestconfig.stash.get(_FOLDER, None)
    with django_db_blocker.unblock():
        if folder is None:
            with _database(f"workfloor_template_{os.getpid()}") as name:
                _inside(name, _migrate, _make_partitions)
                yield name
            return
        cache = getattr(pytestconfig, "cache", None)
        kept = cache and cache.mkdir("databases")
        with databases.server(folder, kept, _make_template):
            _inside(databases.TEMPLATE, _make_partitions)
            yield databases.TEMPLATE


def _make_template() -> None:
    _inside(postgres.NAME, _migrate)
    _on_server("CREATE DATABASE {} TEMPLATE {}", databases.TEMPLATE, postgres.NAME)


@pytest.fixture(scope="session")
def lay_in(pytestconfig, template: str) -> Callable[[Path], None]:  # type: ignore[no-untyped-def]
    """Lay a migrated database into an installation's folder; where none is kept, its first start makes the tables."""
    cache = getattr(pytestconfig, "cache", None)
    if cache is None or _FOLDER not in pytestconfig.stash:
        return lambda data: None
    return partial(databases.lay_in, kept=cache.mkdir("databases"))


def _inside(name: str, *deeds: Callable[[], None]) -> None:
    _use(name)
    for deed in deeds:
        deed()
    _use("postgres")


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _make_partitions() -> None:
    from django.db import transaction

    from tests import make
    from workfloor.core.event_log import actions as event_log
    from workfloor.kit.time import clock

    with transaction.atomic():
        event_log.make_partitions(first=clock.now())
        event_log.make_partitions(first=make.NINE)


@pytest.fixture(scope="session")
def django_db_setup(template: str, django_db_blocker) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """The database of the tests that roll back."""
    with _database(f"workfloor_test_{os.getpid()}", template) as name, django_db_blocker.unblock():
        _use(name)
        yield
        _use("postgres")


@pytest.fixture(scope="session")
def compiled_store(pytestconfig, tmp_path_factory) -> Path:  # type: ignore[no-untyped-def]
    """A folder for compiled code, kept between runs."""
    from tests import compiling

    cache = getattr(pytestconfig, "cache", None)
    folder: Path = cache.mkdir("compiled") if cache else tmp_path_factory.mktemp("compiled")
    compiling.forget(folder)
    return folder


@pytest.fixture
def everyone(db: None) -> None:
    """A transaction that rolls back after the test and has entered every client."""
    from workfloor.kit.database import rls

    rls.enter_every_client()


@contextmanager
def _real(name: str, template: str) -> Iterator[str]:
    from django.db import connections

    before = str(connections["default"].settings_dict["NAME"])
    with _database(f"{name}_{os.getpid()}", template) as made:
        _use(made)
        yield address(made)
        _use(before)


@pytest.fixture
def real_database(template: str, django_db_setup: None, django_db_blocker) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """A database of the test's own in which transactions really commit; yields its address for other processes."""
    with django_db_blocker.unblock(), _real("workfloor_real", template) as found:
        yield found


@pytest.fixture(scope="module")
def shared_database(template: str, django_db_setup: None, django_db_blocker) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """The same for all tests of a file, each of which works for a client of its own."""
    with django_db_blocker.unblock(), _real("workfloor_shared", template) as found:
        yield found


@pytest.fixture
def installation(real_database: str, tmp_path: Path) -> Iterator[str]:
    """A web server, worker and router on the test's own database, as `workfloor up` has them; gives its URL."""
    with _installation(real_database, tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def shared_installation(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same for all tests of a file, on the database that they share."""
    with _installation(shared_database, tmp_path_factory.mktemp("installation")) as url:
        yield url


@contextmanager
def _installation(database: str, folder: Path, **more: str) -> Iterator[str]:
    bind = f"127.0.0.1:{free_port()}"
    env = {"WORKFLOOR_DATABASE_URL": database, "WORKFLOOR_BIND": bind, **more}
    with ExitStack() as stack:
        for command in ("web", "worker", "router"):
            stack.enter_context(running(command, folder, env))
        _wait_for(f"http://{bind}/accounts/login/", folder)
        yield f"http://{bind}"


@pytest.fixture
def web(real_database: str, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts a web server alone on the test's own database, with settings of its own; gives its port."""
    with ExitStack() as stack:

        def start(host: str = "127.0.0.1", **more: str) -> int:
            port = free_port()
            env = {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_BIND": f"{host}:{port}", **more}
            stack.enter_context(running("web", tmp_path / str(port), env))
            _wait_for(f"http://127.0.0.1:{port}/accounts/login/", tmp_path / str(port))
            return port

        yield start


def free_port() -> int:
    """A port on 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(command: str, data: Path, env: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    """A command of ours runs during the block, its data and its log in a folder; gives its process."""
    data.mkdir(exist_ok=True)
    with (data / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("workfloor"), command],
            env=os.environ | {"WORKFLOOR_DATA": str(data)} | env,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(url: str, logs: Path, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(url, timeout=30) as response:
            if response.status == 200:
                return
        time.sleep(0.2)
    said = "\n".join(log.read_text() for log in logs.glob("*.log"))
    pytest.fail(f"{url} did not answer within {seconds} s. The processes said:\n{said}")
