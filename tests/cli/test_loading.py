"""What a small command loads: what is slow to load waits until something needs it."""

import os
import subprocess
import sys

import pytest
from django.db import connection, transaction

from tests import make
from workfloor.kit.database import rls

# For pages, mail, jobs and figures: each takes longer to load than a small command has.
SLOW = (
    *(
        "aiosmtpd",
        "allauth.account.views",
        "flufl.bounce",
        "holidays",
        "imapclient",
        "jsonschema",
        "lxml",
        "markdown_it",
    ),
    *("ninja", "numba", "numpy", "pandas", "pyarrow", "pydantic", "workfloor.urls"),
)
LOADED = "import sys; from workfloor.cli import main; main({words}, standalone_mode=False); print('\\n', *sys.modules)"


def loaded(*words: str, **more: str) -> set[str]:
    """The modules that are there once a command has run in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED.format(words=list(words))],
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.splitlines()[-1].split())


@pytest.fixture
def provider(real_database: str) -> str:
    with transaction.atomic():
        rls.enter_every_client()
        make.agent()
    connection.close()
    return real_database


@pytest.mark.parametrize("words", [["people", "list"], ["routing", "pool", "list"], ["channels", "mailbox", "list"]])
def test_a_small_command_loads_nothing_slow(provider, tmp_path, words):
    modules = loaded(*words, WORKFLOOR_DATABASE_URL=provider, WORKFLOOR_DATA=str(tmp_path))

    assert "workfloor.core.work.models" in modules
    assert not modules & {*SLOW}


@pytest.mark.parametrize("words", [["people", "list"], ["routing", "pool", "list"]])
def test_what_runs_a_server_reads_contracts_and_draws_tables_waits_until_it_is_needed(provider, tmp_path, words):
    modules = loaded(*words, WORKFLOOR_DATABASE_URL=provider, WORKFLOOR_DATA=str(tmp_path))

    assert not modules & {
        "psutil",
        "rich.table",
        "tomllib",
        "workfloor.core.work.events",
        "workfloor.ops.routing.queries",
    }


@pytest.mark.parametrize("words", [["--help"], ["people", "list", "--help"], ["billing", "statement", "--help"]])
def test_help_loads_neither_the_framework_nor_the_database(words):
    modules = loaded(*words)

    assert "click" in modules
    assert not modules & {"django.db", "psycopg", *SLOW}
