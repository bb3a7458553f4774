"""A live stream ends within seconds once whoever hears it may not any more, and goes on for everybody else."""

import re
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import transaction

from tests import make
from tests.stories.test_errand import signed_in
from workfloor.core.access import actors
from workfloor.core.people import actions as people
from workfloor.core.people import own_account
from workfloor.core.people.models import Clearance, Heard, Person
from workfloor.kit.database import rls


def inside(do, **named):
    with transaction.atomic():
        rls.enter_every_client()
        return do(**named)


def sign_out(browser, person):
    page = browser.get("/accounts/logout/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    browser.post("/accounts/logout/", data={"csrfmiddlewaretoken": token}, headers={"Referer": str(page.url)})


def leave(browser, person):
    inside(people.leave, person=Person.objects.get(id=person.id), by=actors.ROOT, now=make.NINE)


def withdraw(browser, person):
    inside(
        lambda: people.withdraw_clearance(clearance=Clearance.objects.get(person=person), by=actors.ROOT, now=make.NINE)
    )


def change_role(browser, person):
    inside(lambda: Person.objects.filter(id=person.id).update(roles=["agent"]))


def change_password(browser, person):
    inside(
        lambda: own_account.change_own_password(
            person=Person.objects.get(id=person.id), password="another one", now=make.NINE
        )
    )


def expire(browser, person):
    key = browser.cookies[next(name for name in browser.cookies if name.startswith("workfloor_session"))]
    inside(lambda: Session.objects.filter(session_key=key).update(expire_date=make.NINE - timedelta(days=1)))


def test_it_ends_with_the_right_to_it_and_goes_on_for_everybody_else(real_database, installation):
    client = inside(make.client)
    stays = inside(lambda: make.agent(available=False))
    browser, own = signed_in(installation, stays), f"person:{stays.id}"
    with browser.stream("GET", f"/live/?topic={own}", timeout=300) as goes_on:
        staying = (line for line in goes_on.iter_lines() if line.startswith("data:"))
        assert next(staying) == f"data: {own}"

        for end in (sign_out, leave, withdraw, change_role, change_password, expire):
            leader = inside(lambda: make.person("leader"))
            inside(people.clear, person=leader, client=client, by=actors.ROOT, now=make.NINE)
            ends_of(end, installation, leader, "floor" if end is change_role else f"client:{client.id}")

        assert inside(lambda: Heard.objects.filter(person=stays).exists())  # by which a browser that goes is missed
        inside(people.go_available, person=stays, by=stays, now=make.NINE)
        assert next(staying) == f"data: {own}"


def ends_of(end, installation, leader, topic):
    browser = signed_in(installation, leader)
    with browser.stream("GET", f"/live/?topic={topic}", timeout=300) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("data:")) == f"data: {topic}"
        end(browser, leader)
        for _ in lines:  # until it ends, or this fails after five minutes
            pass
    answer = browser.get("/live/", params={"topic": topic})
    assert answer.status_code == 403 or answer.url.path == "/accounts/login/"
