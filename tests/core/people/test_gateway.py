"""Signing in: wrong passwords are counted, and nobody is locked out by somebody else."""

import pytest
from django.db import connection
from django.test import Client as Browser

from tests import make
from workfloor.core.people.gateway import network

HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def ana(everyone):
    return make.agent("Ana").account


def tries(account, password, address):
    """Whether somebody at an address gets in."""
    form = {"login": account.email, "password": password}
    return Browser(REMOTE_ADDR=address).post("/accounts/login/", form).status_code == 302


def test_who_tries_an_account_again_and_again_has_to_wait_even_with_the_right_password(ana):
    for _ in range(6):
        assert not tries(ana, "wrong horse", ELSEWHERE)

    assert not tries(ana, "correct horse", ELSEWHERE)


def test_nobody_is_locked_out_by_a_stranger_elsewhere(ana):
    for _ in range(12):
        tries(ana, "wrong horse", ELSEWHERE)

    assert tries(ana, "correct horse", HOME)


def test_colleagues_behind_one_address_do_not_count_for_one_another(ana):
    for other in [make.agent().account for _ in range(15)]:
        assert not tries(other, "wrong horse", HOME)

    assert tries(ana, "correct horse", HOME)


def test_one_address_may_not_go_through_all_accounts(everyone):
    ben = make.agent("Ben").account
    for other in [make.account(f"nobody{number}@example.com") for number in range(100)]:
        tries(other, "wrong horse", ELSEWHERE)

    assert not tries(ben, "correct horse", ELSEWHERE)
    assert tries(ben, "correct horse", HOME)


def test_it_is_counted_for_all_processes_together(ana):
    tries(ana, "wrong horse", HOME)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM people_counted WHERE cache_key LIKE '%login_failed%'")
        assert cursor.fetchone()[0] >= 2  # of the account, and of the address


@pytest.mark.parametrize(
    ("address", "found"),
    [("198.51.100.7", "198.51.100.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("unknown", "nowhere")],
)
def test_a_network_is_as_much_of_an_address_as_one_customer_has(address, found):
    assert network(address) == found
