"""Links by which people choose their password: seen by nobody else, good for once, and for a time."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client as Browser
from procrastinate.contrib.django.models import ProcrastinateJob

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log.models import Fact
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import actions as people
from workfloor.core.people import letters as people_letters
from workfloor.core.people import links as people_links
from workfloor.core.people import own_account
from workfloor.core.people import presenting as people_presenting
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person, SignInLink
from workfloor.kit.database import rls
from workfloor.kit.time import clock

CHOOSE, RESET = "/accounts/password/choose/", "/accounts/password/reset/"
PASSWORD = "a boat on the river"


@pytest.fixture(autouse=True)
def mail_server(everyone, settings):
    settings.WORKFLOOR_SMTP_URL, settings.WORKFLOOR_MAIL_FROM = "smtp://127.0.0.1:1", "floor@porto.example"
    settings.WORKFLOOR_URL = "https://floor.porto.example"


def invited(name="Joao Reis", email="joao@example.com", roles=("agent",)):
    people.take_on(name=name, email=email, roles=roles, by=actors.ROOT, now=clock.now())
    return people_queries.by_email(email)


def linked(person, purpose="sign-in-link"):
    return people_links.make(person=person, purpose=purpose, by=actors.ROOT, now=clock.now())


def opens(link, **sent):
    return Browser().get(CHOOSE, {"link": people_links.written(link), **sent})


def chooses(link, password=PASSWORD, again=None, browser=None):
    written = link if isinstance(link, str) else people_links.written(link)
    sent = {"link": written, "new_password1": password, "new_password2": again or password}
    answer = (browser or Browser()).post(CHOOSE, sent)
    rls.enter_every_client()
    return answer


def signs_in(email, password=PASSWORD):
    return authenticate(email=email, password=password) is not None


def state(person):
    person = Person.objects.select_related("account").get(id=person.id)
    return people_presenting.way_in(person, people_queries.latest_links([person.id]).get(person.id), clock.now())


def events_of(person):
    return list(Fact.objects.filter(person_id=person.id).order_by("id").values_list("event", flat=True))


# --- invitations ------------------------------------------------------------------------------------------------------


def test_whoever_is_taken_on_has_no_password_until_they_choose_one_by_their_invitation():
    joao = invited()
    link = joao.links.get()
    assert not joao.account.has_usable_password()

    page = opens(link)
    assert "joao@example.com" in page.content.decode()
    assert not signs_in("joao@example.com")

    assert chooses(link).headers["Location"] == "/accounts/password/chosen/"
    assert signs_in("joao@example.com")
    chosen = Fact.objects.get(event="person.password-chosen")
    assert (chosen.by_id, chosen.details["by_way_of"]) == (joao.id, "invitation")
    assert state(joao) == "Signs in with a password"


def test_a_link_opens_nothing_twice():
    link = invited().links.get()
    chooses(link)

    assert opens(link).status_code == 410
    again = chooses(link, "another river entirely")
    assert again.status_code == 410
    assert "It was used already" in again.content.decode()
    assert signs_in("joao@example.com")


def test_two_tabs_with_one_link_choose_one_password():
    """Both pages were open when the first was sent; the second finds the link used, whatever it had read before."""
    link = invited().links.get()
    read_by_both = people_queries.link(people_links.written(link))
    chooses(link)

    with pytest.raises(people.Refused, match="has ended"):
        own_account.choose_password(link=read_by_both, password="another river entirely", now=clock.now())
    assert signs_in("joao@example.com")


def test_two_links_in_two_tabs_of_one_browser_are_each_of_their_own_person():
    joao, rita = invited(), invited("Rita Melo", "rita@example.com")
    browser, of_joao = Browser(), people_links.written(joao.links.get())
    browser.get(CHOOSE, {"link": of_joao})
    browser.get(CHOOSE, {"link": people_links.written(rita.links.get())})

    chooses(of_joao, browser=browser)

    assert signs_in("joao@example.com")
    assert not signs_in("rita@example.com")


def test_an_invitation_runs_out_and_can_be_sent_again():
    joao = invited()
    old = joao.links.get()
    later = clock.now() + timedelta(days=7, seconds=1)
    with clock.frozen(later):
        assert opens(old).status_code == 410
        assert "Its time has run out" in chooses(old).content.decode()
        assert state(joao).startswith("Invitation ran out on")

        people.invite(person=joao, by=actors.ROOT, now=later)
        assert opens(old).status_code == 410
        assert chooses(joao.links.latest("id")).status_code == 302


def test_a_newer_invitation_ends_the_one_before_and_a_withdrawn_one_opens_nothing():
    joao = invited()
    first = joao.links.get()
    people.invite(person=joao, by=actors.ROOT, now=clock.now())
    second = joao.links.latest("id")
    assert "A newer link was made" in chooses(first).content.decode()

    people.withdraw_invitation(person=joao, by=actors.ROOT, now=clock.now())

    assert "It was withdrawn" in chooses(second).content.decode()
    assert state(joao) == "Invitation withdrawn"
    assert not signs_in("joao@example.com")
    with pytest.raises(people.Refused, match="no invitation"):
        people.withdraw_invitation(person=joao, by=actors.ROOT, now=clock.now())


def test_who_has_left_chooses_no_password():
    joao = invited()
    link = joao.links.get()

    people.leave(person=joao, by=actors.ROOT, now=clock.now())

    assert "The account is closed" in chooses(link).content.decode()
    with pytest.raises(people.Refused, match="has left"):
        people.invite(person=joao, by=actors.ROOT, now=clock.now())


def test_who_has_a_password_is_sent_a_link_instead_of_an_invitation():
    ana = make.agent("Ana")

    with pytest.raises(people.Refused, match="an administrator can send a sign-in link"):
        people.invite(person=ana, by=actors.ROOT, now=clock.now())


# --- what is no link --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", ["", "1", "x-y", "1-", "-", "99999999999999999999-x", "1-\x00", "²-x", "1-é", "0" * 5000]
)
def test_what_is_no_link_opens_nothing(wrong):
    invited()

    assert Browser().get(CHOOSE, {"link": wrong}).status_code in (400, 404)
    assert chooses(wrong).status_code in (400, 404)
    assert not Fact.objects.filter(event="person.password-chosen").exists()


def test_the_secret_of_one_link_does_not_open_another():
    mine, other = invited().links.get(), invited("Rita Melo", "rita@example.com").links.get()
    secret = people_links.written(mine).partition("-")[2]

    assert chooses(f"{other.id}-{secret}").status_code == 404
    assert not signs_in("rita@example.com")


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", None, "too short"),
        ("password123", None, "too common"),
        (PASSWORD, "a boat on the rivers", "didn’t match"),
        ("a boat \x00 on the river", None, "Null characters"),
    ],
)
def test_a_password_that_cannot_be_is_refused_in_words_and_the_link_still_opens(password, again, said):
    link = invited().links.get()

    refused = chooses(link, password, again)

    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert not Fact.objects.filter(event="person.password-chosen").exists()
    assert chooses(link).status_code == 302


def test_looking_at_a_link_uses_nothing():
    """Programs that look at what is linked in a mail, before its reader does."""
    link = invited().links.get()
    for _ in range(3):
        assert opens(link).status_code == 200

    assert chooses(link).status_code == 302


# --- forgotten passwords ----------------------------------------------------------------------------------------------


def jobs():
    return list(ProcrastinateJob.objects.filter(task_name=own_account.RESET).values_list("args", flat=True))


def asks(email, browser=None, **more):
    answer = (browser or Browser()).post(RESET, {"email": email}, **more)
    rls.enter_every_client()
    return answer


def test_asking_for_a_link_is_answered_and_done_alike_whether_or_not_the_address_is_known():
    """All that differs is done by the worker: requests with either address give the same answer by the same queries."""
    make.agent("Ana")
    known = Person.objects.get(name="Ana").account.email
    asks("warm@example.com", REMOTE_ADDR="198.51.100.1")
    told = []
    for email in (known, "nobody@example.com"):
        with CaptureQueries() as queries:
            answer = asks(email, REMOTE_ADDR="203.0.113.9" if email == known else "192.0.2.9")
        told.append((answer.status_code, answer.headers["Location"], len(answer.content), queries.kinds))

    assert told[0] == told[1]
    assert [each["email"] for each in jobs()[1:]] == [known, "nobody@example.com"]
    assert not Mail.objects.exists() and not SignInLink.objects.exists()


class CaptureQueries:
    """The statements of a block, without their values."""

    def __enter__(self):
        self.kinds = []
        self.wrapping = connection.execute_wrapper(self.keep)
        self.wrapping.__enter__()
        return self

    def __exit__(self, *fault):
        self.wrapping.__exit__(*fault)

    def keep(self, execute, sql, params, many, context):
        self.kinds.append(re.sub(r"\d+|'[^']*'", "?", str(sql)))
        return execute(sql, params, many, context)


def test_who_has_forgotten_a_password_chooses_another_by_mail_and_everything_else_of_theirs_ends():
    ana = make.agent("Ana")
    elsewhere = Browser()
    elsewhere.force_login(ana.account)
    _, token = own_account.sign_in(person=ana, title="her machine", now=clock.now())

    link = own_account.send_reset(email=ana.account.email, now=clock.now())
    assert signs_in(ana.account.email, "correct horse")  # until the link is used the old one holds
    assert chooses(link).status_code == 302

    assert signs_in(ana.account.email)
    assert not signs_in(ana.account.email, "correct horse")
    assert elsewhere.get("/desk/").status_code == 302
    rls.enter_every_client()
    assert people_queries.signed_in_by(token, clock.now()) is None
    asked, chosen = Fact.objects.filter(event__contains="password").order_by("id")
    assert (asked.event, asked.acted_as, asked.by_id) == ("person.password-forgotten", "sign-in page", None)
    assert (chosen.by_id, chosen.details) == (
        ana.id,
        {"by_way_of": "forgotten-password", "link": link.id, "ended_sign_ins": 1},
    )


def test_nothing_is_sent_to_who_is_unknown_or_has_left():
    ana = make.agent("Ana")
    people.leave(person=ana, by=actors.ROOT, now=clock.now())

    assert own_account.send_reset(email="nobody@example.com", now=clock.now()) is None
    assert own_account.send_reset(email=ana.account.email, now=clock.now()) is None
    assert not Mail.objects.exists()


def test_who_was_invited_and_asks_for_a_password_is_invited_again():
    """Else whoever knows an address could end its invitation."""
    joao = invited()

    link = own_account.send_reset(email="joao@example.com", now=clock.now())

    assert (link.purpose, link.person_id) == ("invitation", joao.id)


def test_nobodys_box_is_filled_by_asking_again_and_again():
    ana = make.agent("Ana")
    for _ in range(8):
        own_account.send_reset(email=ana.account.email, now=clock.now())

    assert Mail.objects.count() == own_account.MOST_RESETS
    assert own_account.send_reset(email=ana.account.email, now=clock.now() + timedelta(hours=1, minutes=1))


def test_who_asks_too_often_is_told_so_alike_for_every_address_and_stops_nobody_elsewhere():
    ana = make.agent("Ana").account.email
    said = set()
    for email in (ana, "nobody@example.com"):
        for _ in range(5):
            assert asks(email, REMOTE_ADDR="203.0.113.9").status_code == 302
        refused = asks(email, REMOTE_ADDR="203.0.113.9")
        said.add((refused.status_code, "asked for too often from here" in refused.content.decode()))

    assert said == {(429, True)}
    assert asks(ana, REMOTE_ADDR="198.51.100.7").status_code == 302


@pytest.mark.parametrize("wrong", ["", "nobody", "a@b\x00.example", "x" * 400 + "@example.com", "a@example.com\nb@c.d"])
def test_what_is_no_address_is_refused_in_words(wrong):
    answer = asks(wrong)

    assert answer.status_code == 422
    assert jobs() == []


def test_the_librarys_own_ways_to_a_password_are_closed(client):
    for address in ("done/", "key/1-set-password/", "key/done/"):
        assert client.get(f"{RESET}{address}").headers["Location"] == RESET


# --- nobody has another's credentials ---------------------------------------------------------------------------------


@pytest.fixture
def both():
    """A manager who is an administrator too, signed in to pages and to the API."""
    found = make.person("manager", "administrator", name="Both")
    browser = Browser()
    browser.force_login(found.account)
    _, token = own_account.sign_in(person=found, title="a machine", now=clock.now())
    return browser, token


def test_a_manager_who_administers_too_gets_nobodys_credentials_by_any_page_or_call(both):
    browser, _ = both
    written = [browser.post("/administration/do/people.take_on/", form("Second", "second@example.com"), follow=True)]
    rls.enter_every_client()
    second = people_queries.by_email("second@example.com")
    person = {"person": "second@example.com"}
    secrets = {people_links.written(second.links.get())}
    for name in ("people.invite", "people.send_link"):
        for call in (page_of, call_of):
            written.append(call(both, name, person))
            rls.enter_every_client()
            secrets |= {people_links.written(each) for each in second.links.all()}
    third = call_of(both, "people.take_on", {"name": "Third", "email": "third@example.com", "roles": ["manager"]})
    written += [third, browser.get("/administration/people/"), browser.get("/administration/audit/")]

    rls.enter_every_client()
    secrets |= {people_links.written(each) for each in SignInLink.objects.all()}
    seen = " ".join(each.content.decode() for each in written)
    kept = json.dumps(list(Fact.objects.values("event", "details")), default=str) + json.dumps(
        list(ProcrastinateJob.objects.values("args")), default=str
    )
    assert third.status_code == 200 and len(secrets) == 6
    for secret in secrets:
        for part in (secret, secret.partition("-")[2]):
            assert part not in seen and part not in kept
    assert not second.account.has_usable_password()


def form(name, email):
    return {"name": name, "email": email, "roles": ["manager"]}


def page_of(both, name, sent):
    return both[0].post(f"/administration/do/{name}/", sent, follow=True)


def call_of(both, name, sent):
    authorized = {"HTTP_AUTHORIZATION": f"Bearer {both[1]}"}
    return Browser().post(f"/api/actions/{name}", json.dumps(sent), content_type="application/json", **authorized)


def test_printing_a_link_is_no_action_of_pages_or_calls_and_no_role_opens_it(both):
    joao = invited()
    for name in (
        "own_account.print_link",
        "people.renew_password",
        "people.set_password",
        "own_account.choose_password",
    ):
        assert page_of(both, name, {"person": "joao@example.com"}).status_code == 404
        assert call_of(both, name, {"person": "joao@example.com"}).status_code == 404

    rls.enter_every_client()
    for role in ("administrator", "manager", "leader", "planner", "agent"):
        with pytest.raises(people.Refused, match="or the root of the installation at the machine"):
            own_account.print_link(person=joao, by=make.person(role), now=clock.now())
    with pytest.raises(people.Refused, match="or the root of the installation at the machine"):
        own_account.print_link(person=joao, by=make.person("manager", "administrator"), now=clock.now())


def test_a_row_of_the_database_is_no_link_without_the_installations_key(settings):
    link = invited().links.get()
    rightly = people_links.written(link)

    settings.SECRET_KEY = "another key"

    assert people_links.written(link) != rightly
    assert rightly.partition("-")[2] not in json.dumps(SignInLink.objects.values().get(), default=str)


def test_no_log_of_ours_has_a_link_in_it(caplog):
    caplog.set_level("DEBUG")
    link = invited().links.get()
    opens(link)
    chooses(link, "short")
    chooses(link)
    opens(link)

    assert "/accounts/password/choose/" in caplog.text  # refusals are logged
    assert people_links.written(link).partition("-")[2] not in caplog.text
    assert PASSWORD not in caplog.text


def test_what_is_linked_is_where_settings_say_whatever_name_a_browser_calls_us_by(settings):
    link = invited().links.get()

    assert people_letters.address(link).startswith("https://floor.porto.example/accounts/password/choose/?link=")


# --- one's own --------------------------------------------------------------------------------------------------------


def test_who_changes_their_own_password_stays_signed_in_here_and_nowhere_else(client):
    ana = make.agent("Ana")
    assert client.post("/accounts/login/", {"login": ana.account.email, "password": "correct horse"}).status_code == 302
    elsewhere = Browser()
    elsewhere.force_login(ana.account)
    rls.enter_every_client()
    _, token = own_account.sign_in(person=ana, title="her machine", now=clock.now())
    sent = {"oldpassword": "correct horse", "password1": PASSWORD, "password2": PASSWORD}

    assert client.post("/accounts/password/change/", sent).status_code == 302

    rls.enter_every_client()
    assert signs_in(ana.account.email)
    assert client.get("/desk/").status_code == 200
    assert elsewhere.get("/desk/").status_code == 302
    rls.enter_every_client()
    assert people_queries.signed_in_by(token, clock.now()) is None
    assert Fact.objects.get(event="person.password-chosen").details["by_way_of"] == "own-account"
