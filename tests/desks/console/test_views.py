"""The administration's pages: what is declared is a form, is done by whoever may, and is in the audit."""

import pytest

from tests import make
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import links as people_links
from workfloor.core.people.models import Person, Site


@pytest.fixture
def signed_in(client, everyone):
    def enter(*roles):
        person = make.person(*roles)
        client.force_login(person.account)
        return person

    return enter


def test_a_site_is_opened_renamed_and_the_audit_says_from_what_to_what_and_by_whom(client, signed_in):
    admin = signed_in("administrator")
    sent = {"name": "Porto", "country": "pt", "zone": "Europe/Lisbon"}

    opened = client.post("/administration/do/people.open_site/", sent, follow=True)
    client.post("/administration/do/people.change_site/", {"site": "Porto", "name": "Porto, harbour"})

    assert "Porto is a site now." in opened.content.decode()
    assert Site.objects.get().name == "Porto, harbour"
    page = client.get("/administration/audit/", {"event": "record"}).content.decode()
    assert f"{admin.name} changed the site Porto, harbour: name from Porto to Porto, harbour" in page


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client, signed_in):
    signed_in("manager")

    refused = client.post("/administration/do/people.open_site/", {"name": "Porto", "country": "Portugal", "zone": ""})

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Country has at most 2 letters" in page
    assert "Time zone is missing." in page
    assert 'value="Porto"' in page
    assert not Site.objects.exists()


def test_somebody_is_taken_on_and_invited_by_mail_and_no_page_shows_a_password_or_a_link(client, signed_in, settings):
    settings.WORKFLOOR_SMTP_URL, settings.WORKFLOOR_MAIL_FROM = "smtp://127.0.0.1:1", "floor@porto.example"
    signed_in("administrator")
    sent = {"name": "Joao Reis", "email": "joao@example.com", "roles": ["agent", "leader"]}

    said = client.post("/administration/do/people.take_on/", sent, follow=True).content.decode()

    assert "Joao Reis is taken on. A mail with a link goes to joao@example.com, good until" in said
    joao = Person.objects.get(name="Joao Reis")
    assert joao.roles == ["agent", "leader"]
    assert not joao.account.has_usable_password()
    page = client.get("/administration/people/").content.decode()
    assert "Invitation is being sent, good until" in page
    assert people_links.written(joao.links.get()).partition("-")[2] not in said + page


def test_without_a_mail_server_the_page_says_so_and_who_can_help(client, signed_in):
    signed_in("administrator")
    sent = {"name": "Joao Reis", "email": "joao@example.com", "roles": ["agent"]}

    said = client.post("/administration/do/people.take_on/", sent, follow=True).content.decode()

    for page in (said, client.get("/administration/people/").content.decode()):
        assert "No mail server is set up: whoever runs this installation sets WORKFLOOR_SMTP_URL" in page
        assert "workfloor people print-link" in page
    assert "people:choose" not in said and "choose/?link=" not in said


def test_nobody_gives_themselves_roles_and_only_administrators_give_any(client, signed_in):
    admin = signed_in("administrator")
    own = {"person": admin.account.email, "roles": ["manager"]}
    assert (
        "cannot give roles to themselves"
        in client.post("/administration/do/people.assign_roles/", own).content.decode()
    )

    signed_in("manager")
    assert client.post("/administration/do/people.assign_roles/", own).status_code == 403
    admin.refresh_from_db()
    assert admin.roles == ["administrator"]


def test_each_role_is_shown_what_it_opens_and_nothing_else(client, signed_in):
    signed_in("planner")
    page = client.get("/administration/").content.decode()
    assert "Even out the load in a pool" in page
    assert "Open a mailbox" not in page
    signed_in("leader")
    page = client.get("/administration/").content.decode()
    assert "Certify a skill" in page
    assert "Open a site" not in page
    assert client.get("/administration/audit/").status_code == 403
    signed_in("agent")
    assert client.get("/administration/").status_code == 403


def test_the_table_of_permissions_can_be_read(client, signed_in):
    signed_in("leader")

    page = client.get("/administration/permissions/").content.decode()

    assert "Approve a month" in page
    assert "not by who did the other part" in page


def test_a_change_that_changes_nothing_is_no_fact(client, signed_in):
    signed_in("administrator")
    client.post("/administration/do/people.open_site/", {"name": "Porto", "country": "PT", "zone": "Europe/Lisbon"})

    client.post("/administration/do/people.change_site/", {"site": "Porto", "name": "Porto"})

    assert not event_log_queries.administrative().filter(event="record.changed").exists()
