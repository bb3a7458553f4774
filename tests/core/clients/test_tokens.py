"""How a client is named, and how its systems prove who they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.clients import tokens

SECRETS = st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True)
NUMBERS = st.integers(0, 10**18 - 1)


@pytest.mark.parametrize("name", ["a", "first-bank", "bank-2", "7-seas", "a" * 50])
def test_a_name_that_an_address_can_carry_is_taken(name):
    assert tokens.is_slug(name)


@pytest.mark.parametrize("name", ["", "-", "First", "a b", "a--b", "-a", "a-", "é", "a/b", "a\n", "a_b", "a" * 51])
def test_any_other_name_is_not(name):
    assert not tokens.is_slug(name)


@given(NUMBERS, SECRETS)
def test_a_written_token_is_read_back(number, secret):
    assert tokens.parsed(tokens.written(number, secret)) == (number, secret)


@given(st.text())
def test_whatever_else_is_sent_is_no_token(text):
    assert tokens.parsed(text) is None


@given(NUMBERS, SECRETS, st.sampled_from(["", " ", "\n", "x"]))
def test_a_token_is_all_of_the_text_or_none(number, secret, more):
    written = tokens.written(number, secret)

    assert tokens.parsed(more + written) is None or more == ""
    assert tokens.parsed(written + more) is None or more == ""


@given(SECRETS, SECRETS)
def test_only_the_secret_itself_matches(secret, other):
    assert tokens.matches(secret, tokens.digest(secret))
    assert tokens.matches(other, tokens.digest(secret)) is (other == secret)
