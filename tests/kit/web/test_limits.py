"""Whatever a stranger writes into an address or a form: an answer, never a fault of ours."""

import pytest
from django.test import Client

from tests import make
from workfloor.kit.web import limits

LONG = "9" * 4_300  # digits, from which on Python refuses to make a number
PLACES = ("desk/?item=", "floor/?client=", "floor/?site=", "accounts/login/?next=")


@pytest.fixture
def leader(everyone):
    browser = Client(raise_request_exception=True)
    person = make.person("leader", "agent", "manager")
    browser.force_login(person.account)
    return browser


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", ["%00", LONG, "-1", "²", "x" * 3_000, "9223372036854775808"])
def test_no_parameter_brings_a_page_down(leader, place, value):
    assert leader.get(f"/{place}1").status_code in (200, 302)  # it is a page
    assert leader.get(f"/{place}{value}").status_code in (200, 302, 400)


@pytest.mark.parametrize("path", ["/%00", "/desk/%00/", "/api/work/%00", f"/floor/why/{LONG}/", f"/mail/{LONG}/"])
def test_no_address_brings_the_server_down(leader, path):
    assert leader.get(path).status_code in (400, 401, 404)


def test_a_nul_in_a_form_is_refused_with_a_page_that_says_so(leader):
    typed = "login=a%00b%40example.com&password=x"
    answer = leader.post("/accounts/login/", typed, content_type=limits.FORM)

    assert answer.status_code == 400
    assert "cannot be understood" in answer.content.decode()


@pytest.mark.parametrize(("path", "status"), [("/api/nowhere", 404), ("/api/work/x", 401), ("/api/%00", 400)])
def test_the_api_answers_in_json_whatever_is_asked(everyone, path, status):
    answer = Client().get(path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["detail"]


def test_a_method_that_an_address_does_not_have_is_answered_in_json_too(everyone):
    answer = Client().delete("/api/work")

    assert (answer.status_code, answer.json()["detail"]) == (405, limits.WORDS[405])
    assert "POST" in answer.headers["Allow"]


def test_no_page_is_kept_by_whoever_passes_it_on(leader):
    for path in ("/desk/", "/floor/", "/accounts/login/", "/api/nowhere"):
        assert "no-store" in leader.get(path).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("", None),
        ("x", None),
        ("²", None),
        ("٣", None),
        (LONG, None),
        (str(2**63), None),
        (str(2**63 - 1), 2**63 - 1),
    ],
)
def test_what_an_address_names_by_number(text, number):
    assert limits.number(text) == number
