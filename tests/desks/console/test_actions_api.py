"""Declared actions over the API: for whoever signed in, and as far as their roles go."""

import json

import pytest

from tests import make
from workfloor.core.people import own_account
from workfloor.core.people.models import Site
from workfloor.kit.time import clock

PORTO = {"name": "Porto", "country": "PT", "zone": "Europe/Lisbon"}


@pytest.fixture
def call(client, everyone):
    def called(by, action, /, **body):
        _, token = own_account.sign_in(person=by, title="a script", now=clock.now())
        shown = {"Authorization": f"Bearer {token}"}
        return client.post(f"/api/actions/{action}", json.dumps(body), content_type="application/json", headers=shown)

    return called


def test_whoever_may_opens_a_site_and_is_told_so(call):
    answer = call(make.person("administrator"), "people.open_site", **PORTO)

    assert (answer.status_code, answer.json()) == (200, {"says": "Porto is a site now.", "made": "Porto"})
    assert Site.objects.get().country == "PT"


def test_who_may_not_is_told_which_role_it_takes_and_nothing_happens(call):
    answer = call(make.person("agent"), "people.open_site", **PORTO)

    assert (answer.status_code, answer.json()["detail"]) == (403, "That takes the role administrator or manager.")
    assert not Site.objects.exists()


def test_what_cannot_be_read_is_said(call):
    by = make.person("manager")

    assert "is no time zone" in call(by, "people.open_site", **PORTO | {"zone": "Europe/Porto"}).json()["detail"]
    assert "There is no site “Nowhere”" in call(by, "people.change_site", site="Nowhere").json()["detail"]
    assert call(by, "people.open_site", name="Porto").status_code == 422


def test_no_token_and_one_that_has_ended_open_nothing(client, call, everyone):
    by = make.person("manager")
    made, token = own_account.sign_in(person=by, title="a script", now=clock.now())
    own_account.sign_out(sign_in=made, by=by, now=clock.now())

    for shown in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": f"Bearer {token}x"}):
        answer = client.post(
            "/api/actions/people.open_site", json.dumps(PORTO), content_type="application/json", headers=shown
        )
        assert answer.status_code == 401


def test_the_documentation_of_the_api_names_every_action_with_what_it_asks_for(client):
    described = client.get("/api/openapi.json").json()

    operation = described["paths"]["/api/actions/people.certify"]["post"]
    assert operation["summary"] == "Certify a skill"
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(described["components"]["schemas"][schema]["required"]) == {"person", "skill", "level", "proof"}
