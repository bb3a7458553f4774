"""Filling an empty installation with people, from the command line."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from django.contrib.auth import authenticate
from django.db import transaction
from django.test import Client as Browser

from tests import make
from workfloor.cli import main
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import rls


@pytest.fixture
def workfloor(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        make.client()

    def run(*words, ok=True):
        result = CliRunner().invoke(main, words)
        assert (result.exit_code == 0) is ok, result.output
        return result.output

    return run


def test_an_agent_from_hiring_to_clearance(workfloor):
    workfloor("people", "site", "add", "Porto", "--country", "PT", "--zone", "Europe/Lisbon")
    workfloor("people", "add", "Joao Reis", "Joao@Example.com", "--role", "agent", "--site", "Porto")
    workfloor("people", "certify", "joao@example.com", "portuguese", "4", "--proof", "test")
    workfloor("people", "clear", "joao@example.com", "lisbon-light")

    assert json.loads(workfloor("people", "list", "--format", "json")) == [
        {
            "name": "Joao Reis",
            "email": "joao@example.com",
            "roles": ["agent"],
            "site": "Porto",
            "skills": {"portuguese": 4},
            "clients": ["lisbon-light"],
            "way_in": "Invitation not delivered: No mail server is set up: whoever runs this installation sets "
            "WORKFLOOR_SMTP_URL and WORKFLOOR_MAIL_FROM and starts it again.",
        }
    ]


def test_a_clients_own_person_is_on_file_and_none_of_ours(workfloor):
    workfloor("people", "add", "Dana Levy", "dana@client.example", "--of", "lisbon-light")

    assert json.loads(workfloor("people", "list", "--format", "json")) == []
    with transaction.atomic():
        rls.enter_every_client()
        dana = people_queries.by_email("dana@client.example")
        assert (dana.roles, dana.client.slug) == (["client"], "lisbon-light")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["people", "add", "X", "x@example.com"], "Give either roles, or the client"),
        (
            ["people", "add", "X", "x@example.com", "--of", "lisbon-light", "--role", "agent"],
            "Give either roles, or the client",
        ),
        (["people", "add", "X", "x@example.com", "--of", "nobody"], "There is no client “nobody”"),
        (["people", "site", "add", "X", "--country", "PT", "--zone", "Europe/Lisboa"], "no time zone"),
        (["people", "site", "add", "X", "--country", "Q9", "--zone", "Europe/Lisbon"], "no country"),
        (["people", "add", "X", "no-address", "--role", "agent"], "is no mail address"),
        (["people", "add", "X", "x@example.com", "--role", "agent", "--site", "Nowhere"], "There is no site “Nowhere”"),
        (["people", "certify", "x@example.com", "portuguese", "4", "--proof", "test"], "workfloor people list"),
        (["people", "certify", "x@example.com", "portuguese", "6", "--proof", "test"], "Level is from 1 to 5; not 6."),
    ],
)
def test_what_cannot_be_says_what_to_do(workfloor, words, said):
    assert said in workfloor(*words, ok=False)


def test_the_same_twice_is_refused_in_words(workfloor):
    workfloor("people", "add", "Joao Reis", "joao@example.com", "--role", "agent")
    assert "has an account already" in workfloor("people", "add", "Jo", "joao@example.com", "--role", "agent", ok=False)
    workfloor("people", "clear", "joao@example.com", "lisbon-light")
    assert "already" in workfloor("people", "clear", "joao@example.com", "lisbon-light", ok=False)
    assert "no client" in workfloor("people", "clear", "joao@example.com", "other", ok=False)


def test_what_was_given_can_be_taken_back(workfloor):
    workfloor("people", "add", "Joao Reis", "joao@example.com", "--role", "agent")
    workfloor("people", "certify", "joao@example.com", "portuguese", "4", "--proof", "test")
    workfloor("people", "clear", "joao@example.com", "lisbon-light")
    workfloor("people", "revoke", "joao@example.com", "portuguese", "--reason", "failed the yearly test")
    workfloor("people", "withdraw", "joao@example.com", "lisbon-light")

    [joao] = json.loads(workfloor("people", "list", "--format", "json"))
    assert (joao["skills"], joao["clients"]) == ({}, [])
    assert "not cleared" in workfloor("people", "withdraw", "joao@example.com", "lisbon-light", ok=False)
    assert "no certificate" in workfloor("people", "revoke", "joao@example.com", "french", "--reason", "x", ok=False)


def chooses_password(printed, password):
    """Somebody opens the address that a command printed."""
    link = parse_qs(urlsplit(printed.split()[-1]).query)["link"][0]
    sent = {"link": link, "new_password1": password, "new_password2": password}
    with transaction.atomic():
        return Browser().post("/accounts/password/choose/", sent).status_code


def test_the_first_people_of_a_fresh_installation_get_in_by_links_that_root_prints(workfloor):
    said = workfloor("people", "add", "Rita Melo", "rita@example.com", "--role", "administrator")
    assert "Rita Melo is taken on. No mail goes to rita@example.com. No mail server is set up" in said
    assert "workfloor people print-link rita@example.com" in said

    assert chooses_password(workfloor("people", "print-link", "rita@example.com"), "a boat on the river") == 302

    with transaction.atomic():
        rls.enter_every_client()
        assert authenticate(email="rita@example.com", password="a boat on the river") is not None
        facts = event_log_queries.administrative().filter(event__startswith="person.").order_by("id")
        assert [(each.event, each.acted_as or each.by_id == each.person_id) for each in facts] == [
            ("person.joined", "root"),
            ("person.invited", "root"),
            ("person.sign-in-link-printed", "root"),
            ("person.password-chosen", True),
        ]
        assert facts.last().details["by_way_of"] == "printed-by-root"
    told = workfloor("admin", "audit", "--event", "person.password-chosen")
    assert "Rita Melo chose their own password (printed-by-root)" in told


def test_an_invitation_is_sent_again_and_withdrawn(workfloor):
    workfloor("people", "add", "Joao Reis", "joao@example.com", "--role", "agent")
    first = workfloor("people", "print-link", "joao@example.com")
    workfloor("people", "invite", "joao@example.com")
    workfloor("people", "withdraw-invitation", "joao@example.com")

    assert chooses_password(first, "a boat on the river") == 410
    [joao] = json.loads(workfloor("people", "list", "--format", "json"))
    assert joao["way_in"] == "Invitation withdrawn"
    assert "has no invitation" in workfloor("people", "withdraw-invitation", "joao@example.com", ok=False)


def test_a_team_with_its_leader(workfloor):
    workfloor("people", "site", "add", "Porto", "--country", "PT", "--zone", "Europe/Lisbon")
    workfloor("people", "add", "Rita Melo", "rita@example.com", "--role", "leader", "--site", "Porto")
    workfloor("people", "site", "team", "Porto", "Porto days", "--leader", "rita@example.com")
    workfloor("people", "add", "Joao Reis", "joao@example.com", "--role", "agent", "--team", "Porto days")

    joao = next(p for p in json.loads(workfloor("people", "list", "--format", "json")) if p["name"] == "Joao Reis")
    assert joao["site"] == "Porto"
    assert "no team" in workfloor(
        "people", "add", "X", "x@example.com", "--role", "agent", "--team", "Nights", ok=False
    )


def test_who_has_left_cannot_sign_in(workfloor):
    workfloor("people", "add", "Joao Reis", "joao@example.com", "--role", "agent")
    assert chooses_password(workfloor("people", "print-link", "joao@example.com"), "a boat on the river") == 302
    workfloor("people", "leave", "joao@example.com", "--yes")

    with transaction.atomic():
        assert authenticate(email="joao@example.com", password="a boat on the river") is None
    assert "Nobody who is with us" in workfloor("people", "print-link", "joao@example.com", ok=False)
    assert json.loads(workfloor("people", "list", "--format", "json")) == []
