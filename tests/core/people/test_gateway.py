"""Signing in: wrong passwords are counted, and nobody is locked out by somebody else."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings
from django.core import signing
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


# --- devices that are known, and second factors -----------------------------------------------------------------------


def guesses(account, times, address, browser=None):
    """Somebody tries wrong passwords."""
    browser = browser or Browser()
    for _ in range(times):
        form = {"login": account.email, "password": "wrong horse"}
        assert browser.post("/accounts/login/", form, REMOTE_ADDR=address).status_code == 200


def signs_in(browser, account, address, password="correct horse"):
    browser.cookies.pop(settings.SESSION_COOKIE_NAME, None)
    form = {"login": account.email, "password": password}
    answer = browser.post("/accounts/login/", form, REMOTE_ADDR=address)
    return answer.status_code == 302


def test_who_has_signed_in_from_a_device_before_is_not_locked_out_by_those_around_them(ana):
    known, new = Browser(), Browser()
    assert signs_in(known, ana, HOME)
    guesses(ana, 12, HOME)

    assert not signs_in(new, ana, HOME)
    assert signs_in(known, ana, HOME)


def test_neither_by_one_who_goes_through_all_accounts_from_the_same_address(ana):
    known = Browser()
    assert signs_in(known, ana, HOME)
    for other in [make.account(f"nobody{number}@example.com") for number in range(100)]:
        guesses(other, 1, HOME)

    assert signs_in(known, ana, HOME)


def test_a_known_device_may_not_guess_for_ever_either(ana):
    stolen = Browser()
    assert signs_in(stolen, ana, HOME)
    stolen.cookies.pop(settings.SESSION_COOKIE_NAME)
    guesses(ana, 10, ELSEWHERE, stolen)

    assert not signs_in(stolen, ana, ELSEWHERE)
    assert signs_in(Browser(), ana, HOME)


def test_a_device_is_known_for_the_accounts_that_signed_in_there_alone(ana):
    ben, shared = make.agent("Ben").account, Browser()
    assert signs_in(shared, ana, HOME)
    guesses(ben, 6, HOME)
    assert not signs_in(shared, ben, HOME)

    assert signs_in(shared, ben, ELSEWHERE)
    guesses(ben, 6, ELSEWHERE)
    assert signs_in(shared, ben, ELSEWHERE) and signs_in(shared, ana, ELSEWHERE)


def test_a_cookie_that_we_did_not_sign_makes_no_device_known(ana):
    forged = Browser()
    made_up = signing.dumps({str(ana.pk): "x"}, key="another")
    forged.cookies[settings.WORKFLOOR_DEVICE_COOKIE] = made_up
    guesses(ana, 6, HOME)

    assert not signs_in(forged, ana, HOME)


def test_all_strangers_together_may_not_guess_for_ever(ana):
    known = Browser()
    assert signs_in(known, ana, HOME)
    for number in range(25):
        guesses(ana, 4, f"192.0.{number}.1")

    assert not signs_in(Browser(), ana, "203.0.113.1")
    assert signs_in(known, ana, "203.0.113.1")


def code(secret, ago=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 - ago))


@pytest.fixture
def secret(ana):
    """Ana has a second factor."""
    made = generate_totp_secret()
    TOTP.activate(ana, made)
    RecoveryCodes.activate(ana)
    return made


def enters(browser, text):
    return browser.post("/accounts/2fa/authenticate/", {"code": text}, REMOTE_ADDR=HOME).status_code == 302


def test_who_has_a_second_factor_is_not_locked_out_by_wrong_passwords(ana, secret):
    guesses(ana, 12, HOME)

    browser = Browser()
    assert signs_in(browser, ana, HOME)  # the password alone opens nothing
    assert browser.get("/desk/").status_code == 302
    assert enters(browser, code(secret))
    assert browser.get("/desk/").status_code == 200


def test_a_code_counts_once(ana, secret):
    first, second, now = Browser(), Browser(), code(secret)
    for browser in (first, second):
        assert signs_in(browser, ana, HOME)

    assert enters(first, now)
    assert not enters(second, now)


def test_a_recovery_code_counts_once(ana, secret):
    spare = RecoveryCodes(Authenticator.objects.get(user=ana, type="recovery_codes")).get_unused_codes()[0]
    first, second = Browser(), Browser()
    for browser in (first, second):
        assert signs_in(browser, ana, HOME)

    assert enters(first, spare)
    assert not enters(second, spare)


def test_codes_are_not_guessed_for_ever(ana, secret):
    browser = Browser()
    assert signs_in(browser, ana, HOME)
    for number in range(6):
        assert not enters(browser, f"{number:06}")

    assert not enters(browser, code(secret))
    again = Browser()
    assert signs_in(again, ana, HOME)
    assert not enters(again, code(secret))


def test_a_code_that_is_over_is_none(ana, secret):
    browser = Browser()
    assert signs_in(browser, ana, HOME)

    assert not enters(browser, code(secret, ago=10))


@pytest.mark.parametrize(
    ("address", "found"),
    [("198.51.100.7", "198.51.100.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("unknown", "nowhere")],
)
def test_a_network_is_as_much_of_an_address_as_one_customer_has(address, found):
    assert network(address) == found
