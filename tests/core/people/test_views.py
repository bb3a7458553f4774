"""Pages speak the language that their reader chose, else the one that the browser asks for."""

import pytest
from django.test import Client as Browser

from tests import make
from workfloor.core.event_log.models import Fact
from workfloor.core.people import actions as people
from workfloor.core.people import own_account
from workfloor.kit.database import rls

pytestmark = pytest.mark.django_db

SIGN_IN = {"en": "Sign in", "es": "Iniciar sesión"}


def asking(language: str) -> Browser:
    return Browser(headers={"accept-language": language})


@pytest.mark.parametrize(("asked", "spoken"), [("es-MX,es;q=0.9,en;q=0.5", "es"), ("fr,en;q=0.5", "en"), ("fr", "en")])
def test_a_stranger_is_spoken_to_as_the_browser_asks(asked, spoken):
    page = asking(asked).get("/accounts/login/")

    assert SIGN_IN[spoken] in page.content.decode()
    assert f'<html lang="{spoken}">' in page.content.decode()
    assert page.headers["Content-Language"] == spoken
    assert "Accept-Language" in page.headers["Vary"]


def test_somebody_chooses_a_language_and_takes_it_back(everyone):
    leader = make.person("leader", name="Leonor")
    browser = asking("en")
    browser.force_login(leader.account)

    chosen = browser.post("/language/", {"language": "es", "next": "/floor/"})
    assert chosen.headers["Location"] == "/floor/"
    page = browser.get("/floor/").content.decode()
    assert '<html lang="es">' in page
    assert "La sala ahora" in page
    assert asking("en").get("/accounts/login/").headers["Content-Language"] == "en"  # it is theirs, not the process's

    browser.post("/language/", {"language": ""})
    assert '<html lang="en">' in browser.get("/floor/").content.decode()
    rls.enter_every_client()
    changes = (
        Fact.objects.filter(event="record.changed", by_id=leader.id).order_by("id").values_list("details", flat=True)
    )
    assert [(each["before"], each["after"]) for each in changes] == [
        ({"language": ""}, {"language": "es"}),
        ({"language": "es"}, {"language": ""}),
    ]


def test_a_language_that_pages_do_not_speak_is_refused(everyone):
    leader = make.person("leader")
    browser = asking("en")
    browser.force_login(leader.account)

    assert browser.post("/language/", {"language": "xx"}).status_code == 400
    with pytest.raises(people.Refused, match="xx"):
        own_account.choose_language(language="xx", by=leader, now=make.NINE)


def test_whoever_chooses_is_led_back_to_a_page_of_ours_alone(everyone):
    leader = make.person("leader")
    browser = asking("en")
    browser.force_login(leader.account)

    away = browser.post("/language/", {"language": "es", "next": "https://elsewhere.example/"})
    assert away.headers["Location"] == "/"


def test_the_api_speaks_english_whatever_is_asked():
    refused = asking("es").get("/api/work/1")

    assert refused.headers["Content-Language"] == "en"


@pytest.mark.parametrize("address", ["email/", "confirm-email/", "confirm-email/x/", "signup/", "login/code/confirm/"])
def test_nobody_gives_themselves_another_address_or_an_account(everyone, address):
    browser = asking("en")
    before = browser.get(f"/accounts/{address}").status_code
    browser.force_login(make.person("agent").account)

    sent = {"email": "other@example.com", "action_add": "", "password1": "correct horse"}
    answers = (browser.get(f"/accounts/{address}"), browser.post(f"/accounts/{address}", sent))

    assert [before, *(each.status_code for each in answers)] == [404, 404, 404]
