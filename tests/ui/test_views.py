import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.urls import reverse

from tests import make
from workfloor.ui import views as ui_views

HOUSE = Path(__file__).resolve().parents[2] / "workfloor"


@pytest.mark.parametrize(("role", "place"), [("agent", "/desk/"), ("leader", "/floor/"), ("manager", "/floor/")])
def test_the_way_in_leads_each_role_to_where_it_works(client, everyone, role, place):
    client.force_login(make.person(role).account)

    assert client.get("/").url == place


def test_somebody_without_a_place_is_told_what_to_do(client, everyone):
    client.force_login(make.account())

    assert "Ask whoever runs Workfloor" in client.get("/").content.decode()


def test_a_stranger_is_asked_to_sign_in_and_comes_back(client, db):
    assert client.get("/desk/").url == f"{reverse('account_login')}?next=/desk/"


def test_a_wrong_password_is_refused_at_the_form(client, everyone):
    person = make.person()

    page = client.post(reverse("account_login"), {"login": person.account.email, "password": "something else"})

    assert "are not correct" in page.content.decode()


def test_every_page_forbids_scripts_from_elsewhere_and_in_the_page(client, db):
    policy = client.get(reverse("account_login")).headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy


def failed_with(error, path):
    try:
        raise error
    except type(error):
        return ui_views.failed(RequestFactory().get(path))


def test_a_lost_database_gets_a_page_that_tries_again(db):
    page = failed_with(OperationalError("gone"), "/desk/")

    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert 'data-retry="5"' in page.content.decode()


def test_a_lost_database_is_told_to_a_machine_as_json():
    assert failed_with(OperationalError("gone"), "/api/work").headers["Content-Type"] == "application/json"


def test_any_other_failure_says_that_nothing_was_changed():
    page = failed_with(RuntimeError("a secret of the inside"), "/desk/")

    assert page.status_code == 500
    assert "Nothing was changed" in page.content.decode()
    assert "secret" not in page.content.decode()


def test_an_unknown_address_is_answered_in_the_house_style(client, db):
    assert "There is nothing here" in client.get("/nowhere/").content.decode()


def test_every_icon_that_a_page_names_is_on_the_sheet():
    from workfloor.core.work import kinds as work_kinds

    sheet = ElementTree.parse(HOUSE / "ui/static/ui/icons.svg").getroot()
    drawn = {symbol.get("id") for symbol in sheet}
    pages = "\n".join(path.read_text() for path in HOUSE.rglob("*.html"))
    named = set(re.findall(r"\{% icon \"([a-z-]+)\"(?!\|)", pages)) | set(re.findall(r'icon_name="([a-z-]+)"', pages))

    assert named - drawn == set()
    assert {f"kind-{kind}" for kind in work_kinds.NAMES} - drawn == set()


def test_pages_carry_no_style_and_no_script_of_their_own():
    # A document is a file that stands alone, away from the server and its style sheets.
    pages = [path for path in HOUSE.rglob("templates/**/*.html") if path.name != "document.html"]
    faults = [
        str(path.relative_to(HOUSE))
        for path in pages
        if re.search(r"\sstyle=|\son[a-z]+=\"|<script(?![^>]*\ssrc=)|<style", path.read_text())
    ]

    assert faults == []
