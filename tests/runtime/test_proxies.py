"""Who visitors are behind proxies: only those that are named are believed, however the header was forged."""

import http.client
import json
import os
import re
import subprocess
import sys
from urllib.parse import urlencode

import pytest
from django.db import connection

TRUSTED = "127.0.0.1, ::1, 10.0.0.0/8, 2001:db8:ff::/48"


def asked(port, method="GET", path="/accounts/login/", form=None, host="127.0.0.1", **headers):
    """The answer to one request, its body read; headers with their underscores as hyphens."""
    caller = http.client.HTTPConnection(host, port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = urlencode(form) if form else None
    if body:
        named["Content-Type"] = "application/x-www-form-urlencoded"
    caller.request(method, path, body, named)
    answer = caller.getresponse()
    answer.text = answer.read().decode()
    caller.close()
    return answer


def signed_in(port, host="127.0.0.1", origin=None, **headers):
    """The answer to somebody who signs in with a wrong password."""
    page = asked(port, host=host, **headers)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    cookie = page.getheader("Set-Cookie").partition(";")[0]
    form = {"login": "nobody@example.com", "password": "wrong horse", "csrfmiddlewaretoken": token}
    named = {"Cookie": cookie, **({"Origin": origin} if origin else {}), **headers}
    return asked(port, "POST", form=form, host=host, **named)


def counted_for(port, host="127.0.0.1", **headers):
    """The address that a wrong password is counted for."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM people_counted")
        assert signed_in(port, host, **headers).status == 200
        cursor.execute("SELECT cache_key FROM people_counted")
        found = [re.search(r"login_failed:[^:]+:ip:(.*)$", key) for (key,) in cursor.fetchall()]
    [address] = {each[1] for each in found if each}
    return address


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_behind_proxies_a_visitor_is_the_last_hop_that_no_proxy_of_ours_is(web, peer):
    """The server listens on both kinds of addresses, so that IPv4's come to it in IPv6's form."""
    port = web("[::]", WORKFLOOR_TRUSTED_PROXIES=TRUSTED)

    def told(header):
        return counted_for(port, peer, X_Forwarded_For=header)

    assert told("198.51.100.7") == "198.51.100.7"
    assert told("203.0.113.9, 198.51.100.7") == "198.51.100.7"  # the first was the visitor's own word
    assert told("203.0.113.9, 198.51.100.7, 10.1.2.3") == "198.51.100.7"  # two proxies in a row
    assert told("10.9.9.9, 198.51.100.7, 2001:db8:ff::2, 10.1.2.3") == "198.51.100.7"
    assert told("203.0.113.9, 2001:db8:7:1::5, 10.1.2.3") == "2001:db8:7:1::"  # 64 bits, which one customer has
    assert told("[2001:db8:7:1::5]:4711") == "2001:db8:7:1::"
    assert told("::ffff:198.51.100.7") == "198.51.100.7"
    assert counted_for(port, peer) in {peer, "::"}


def test_a_stranger_says_nothing_about_who_they_are_and_how_they_came(web):
    port = web(WORKFLOOR_TRUSTED_PROXIES="192.0.2.1", WORKFLOOR_URL="https://floor.example.com")
    forged = {"X_Forwarded_For": "198.51.100.7", "X_Forwarded_Proto": "https"}

    assert counted_for(port, **forged, Origin="https://floor.example.com") == "127.0.0.1"
    assert signed_in(port, origin=f"https://127.0.0.1:{port}", **forged).status == 403
    assert asked(port, path="/metrics", X_Forwarded_For="127.0.0.1").status == 403


def test_a_proxy_of_ours_says_how_visitors_came(web):
    port = web(WORKFLOOR_URL="https://floor.example.com")  # one on this machine, where nothing else is said
    own = f"https://127.0.0.1:{port}"

    assert signed_in(port, origin=own, X_Forwarded_Proto="https").status == 200
    assert signed_in(port, origin=own, X_Forwarded_Proto="http").status == 403
    assert signed_in(port, origin=own).status == 403
    assert signed_in(port, origin="https://floor.example.com").status == 200
    assert "; Secure" in asked(port).getheader("Set-Cookie")


def test_only_the_names_of_the_installation_are_answered_to(web):
    port = web(WORKFLOOR_URL="https://floor.example.com:8443", WORKFLOOR_ALLOWED_HOSTS="floor.internal")

    for ours in ("floor.example.com", "floor.internal", "127.0.0.1", "localhost"):
        assert asked(port, Host=ours).status == 200, ours
    for strange in ("testserver", "evil.example", "floor.example.com.evil.example"):
        assert asked(port, Host=strange).status == 400, strange


@pytest.mark.parametrize(
    ("bind", "url", "trusted", "state"),
    [
        ("127.0.0.1:8000", "https://floor.example.com", "", "ok"),
        ("0.0.0.0:8000", "https://floor.example.com", "", "look"),
        ("10.0.0.7:8000", "https://floor.example.com", "10.0.0.5", "ok"),
        ("0.0.0.0:8000", "", "", "ok"),
    ],
)
def test_the_doctor_sees_a_proxy_elsewhere_that_nobody_named(bind, url, trusted, state, tmp_path):
    said = {"WORKFLOOR_BIND": bind, "WORKFLOOR_URL": url, "WORKFLOOR_TRUSTED_PROXIES": trusted}
    env = os.environ | said | {"WORKFLOOR_DATA": str(tmp_path / "none"), "WORKFLOOR_DATABASE_URL": ""}
    command = [sys.executable, "-m", "workfloor", "admin", "doctor", "--format", "json"]
    found = json.loads(subprocess.run(command, env=env, capture_output=True, text=True).stdout)

    assert [each["state"] for each in found if each["check"] == "proxies"] == [state]


@pytest.mark.parametrize("strange", ["proxy.example.com", "10.0.0.1/8", "*", "10.0.0.300"])
def test_what_is_no_address_of_a_proxy_is_refused_at_the_start(strange):
    env = os.environ | {"WORKFLOOR_TRUSTED_PROXIES": f"10.0.0.5,{strange}"}
    said = subprocess.run([sys.executable, "-m", "workfloor", "web"], env=env, capture_output=True, text=True)

    assert said.returncode == 1
    assert f"WORKFLOOR_TRUSTED_PROXIES has {strange!r}; write addresses or networks" in said.stderr
