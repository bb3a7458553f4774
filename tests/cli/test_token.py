"""The commands that give a client's systems their way in, and take it away."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction
from django.test import Client as Browser

from tests import make
from workfloor.cli import main
from workfloor.core.clients import tokens
from workfloor.kit.database import rls

Run = Callable[..., Result]


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    with transaction.atomic():
        rls.enter_every_client()
        make.client("north")
        make.client("south")

    yield lambda *arguments: CliRunner().invoke(main, ["admin", "token", *arguments])
    connection.close()


def issued(run: Run, *scopes: str) -> str:
    given = [part for scope in scopes for part in ("--scope", scope)]
    return run("issue", "north", "--title", "mail gateway", *given).stdout.splitlines()[-1]


def status(token: str) -> int:
    return Browser(headers={"Authorization": f"Bearer {token}"}).get("/api/work/none").status_code


def test_an_issued_token_opens_the_api_and_a_revoked_one_no_more(run: Run) -> None:
    token = issued(run, "work:read", "work:write")
    assert status(token) == 404

    assert run("revoke", token.split("_")[1]).exit_code == 0
    assert status(token) == 401


def test_the_list_names_the_tokens_and_not_their_secrets(run: Run) -> None:
    token = issued(run, "work:read")

    shown = run("list", "north").stdout
    [row] = json.loads(run("list", "north", "--format", "json").stdout)

    assert "mail gateway" in shown
    assert (row["title"], row["scopes"], row["revoked_at"]) == ("mail gateway", ["work:read"], None)
    assert token.split("_", 2)[2] not in shown + str(row)


def test_a_token_that_is_none_or_was_revoked_is_answered_with_where_they_are_listed(run: Run) -> None:
    number = issued(run, "work:read").split("_")[1]
    run("revoke", number)

    for written in (number, "4711", "x"):
        refused = run("revoke", written)
        assert refused.exit_code == 1
        assert f"There is no valid token “{written}”. See: workfloor admin token list CLIENT" in refused.output


def test_an_unknown_client_is_answered_with_those_there_are(run: Run) -> None:
    refused = run("list", "nobody")

    assert refused.exit_code == 1
    assert "north, south" in refused.output


def test_the_scopes_offered_are_those_there_are(run: Run) -> None:
    help = run("issue", "--help").output

    assert all(scope in help for scope in tokens.SCOPES)
