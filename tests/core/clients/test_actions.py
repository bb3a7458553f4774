"""Clients are taken on, and their systems let in and shut out."""

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients import tokens
from workfloor.core.clients.models import Client, Token
from workfloor.core.event_log import queries as event_log_queries


@pytest.fixture(autouse=True)
def _entered(everyone):
    return everyone


@pytest.fixture
def north():
    return clients.open_client(slug="north", title="North", by=actors.ROOT, now=make.NINE)


def issued(client, *scopes):
    return clients.issue_token(
        client=client, title="mail gateway", scopes=scopes or ["work:read"], by=actors.ROOT, now=make.NINE
    )


def test_a_client_taken_on_is_a_fact(north):
    assert [(fact.event, fact.details["slug"]) for fact in event_log_queries.of_client(north.id)] == [
        ("client.opened", "north")
    ]


def test_two_clients_have_two_names(north):
    with pytest.raises(clients.Refused, match="There is a client north already"):
        clients.open_client(slug="north", title="Another", by=actors.ROOT, now=make.NINE)


def test_a_name_that_cannot_stand_in_an_address_is_refused():
    with pytest.raises(clients.Refused, match="first-bank"):
        clients.open_client(slug="The North", title="North", by=actors.ROOT, now=make.NINE)


def test_a_token_lets_in_the_client_that_it_was_issued_to(north):
    south = clients.open_client(slug="south", title="South", by=actors.ROOT, now=make.NINE)
    written = issued(north)
    issued(south)

    assert clients.admit(written).client_id == north.id
    assert list(Client.objects.all()) == [north]
    assert Token.objects.count() == 1


@pytest.mark.parametrize("spoil", [str.upper, lambda text: text[:-1], lambda text: f"{text}x", lambda _: ""])
def test_a_wrong_token_lets_nobody_in(north, spoil):
    assert clients.admit(spoil(issued(north))) is None
    assert not Client.objects.exists()


def test_the_secret_of_another_token_lets_nobody_in(north):
    first, second = issued(north), issued(north)
    mixed = tokens.written(int(first.split("_")[1]), second.split("_", 2)[2])

    assert clients.admit(mixed) is None


def test_a_revoked_token_lets_nobody_in(north):
    written = issued(north)
    clients.revoke_token(token=north.tokens.get(), by=actors.ROOT, now=make.later(hours=1))

    assert clients.admit(written) is None


def test_neither_table_nor_journal_keeps_the_secret(north):
    secret = issued(north).split("_", 2)[2]

    assert secret not in str(list(Token.objects.values()))
    assert secret not in str([fact.details for fact in event_log_queries.of_client(north.id)])


def test_the_journal_tells_of_a_tokens_life(north):
    issued(north, "work:write", "work:read")
    [token] = clients_queries.tokens(north)
    clients.revoke_token(token=token, by=actors.ROOT, now=make.later(hours=1))

    assert [fact.event for fact in event_log_queries.of_client(north.id)] == [
        "client.opened",
        "client.token-issued",
        "client.token-revoked",
    ]


def test_a_scope_that_does_not_exist_is_refused(north):
    with pytest.raises(clients.Refused, match="work:read"):
        issued(north, "work:everything")
