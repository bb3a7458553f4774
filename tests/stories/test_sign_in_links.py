"""An invitation and a forgotten password, in a browser, by mail that goes through a real server."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page, expect

from tests import browse, make
from tests.conftest import running
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import actions as people
from workfloor.kit.database import rls
from workfloor.kit.time import clock

# What the browser says of answers that the story provokes on purpose.
EXPECTED = ("status of 422", "status of 410")
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}


@pytest.fixture(autouse=True)
def sink(monkeypatch, settings):
    """The mail server of the installation, which is started after it."""
    with sinks.running() as found:
        monkeypatch.setenv("WORKFLOOR_SMTP_URL", found.url)
        monkeypatch.setenv("WORKFLOOR_MAIL_FROM", "Our floor <floor@porto.example>")
        settings.WORKFLOOR_SMTP_URL, settings.WORKFLOOR_MAIL_FROM = found.url, "floor@porto.example"
        yield found


@pytest.fixture
def olga(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        return make.person("administrator", name="Olga Marques").account.email


def mail_to(sink, email: str, number: int = 0) -> str:
    """The text of a mail, once the worker has sent it."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        found = [raw for _, to, raw in sink.mails if to == [email]]
        if len(found) > number:
            return sinks.message_from_bytes(found[number]).get_payload(decode=True).decode()
        time.sleep(0.2)
    raise AssertionError(f"no mail to {email}")


def link_in(text: str) -> str:
    return re.search(r"http://\S+/accounts/password/choose/\S+", text)[0]


def tab(browser: Browser, size) -> Page:
    return browser.new_context(viewport=size).new_page()


def signs_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)


def chooses(page: Page, password: str) -> None:
    page.get_by_label("New password", exact=True).fill(password)
    page.get_by_label("New password confirmation").fill(password)
    page.get_by_role("button", name="Save").click()


def is_fit(page: Page, name: str) -> None:
    """Nobody is kept out of a page, on a desk's screen or a phone's, in light or dark."""
    browse.RESULTS.mkdir(exist_ok=True)
    for size, scheme in ((DESK, "light"), (PHONE, "dark"), (PHONE, "light")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert browse.faults_of(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        page.screenshot(path=browse.RESULTS / f"{name}-{size['width']}-{scheme}.png", full_page=True)


@pytest.mark.browser
@pytest.mark.installation
def test_somebody_is_invited_chooses_a_password_on_a_phone_and_forgets_it(olga, sink, installation):
    with browse.chromium() as browser:
        desk, phone = tab(browser, DESK), tab(browser, PHONE)
        heard = browse.complaints(desk), browse.complaints(phone)

        # Olga takes Joao on, and sees what becomes of his invitation, but no password and no link.
        signs_in(desk, installation, olga, "correct horse")
        desk.goto(f"{installation}/administration/do/people.take_on/")
        desk.get_by_label("Name").fill("Joao Reis")
        desk.get_by_label("Mail address").fill("joao@example.com")
        desk.get_by_label("Agent").check()
        desk.get_by_role("button", name="Take somebody on").click()
        expect(desk.get_by_text("Joao Reis is taken on. A mail with a link goes to joao@example.com")).to_be_visible()
        link = link_in(mail_to(sink, "joao@example.com"))
        assert link.startswith(installation)
        desk.get_by_role("link", name="People").click()
        expect(desk.get_by_role("row", name="Joao Reis")).to_contain_text("Invitation")
        until_shown(desk, "Invitation delivered, good until")
        is_fit(desk, "people")
        desk.set_viewport_size(DESK)

        # Joao opens it on his phone, in two tabs.
        other = phone.context.new_page()
        for page in (phone, other):
            page.goto(link)
        expect(phone.get_by_text("You sign in as joao@example.com")).to_be_visible()
        is_fit(phone, "choose")
        phone.set_viewport_size(PHONE)
        chooses(phone, "password12")
        expect(phone.get_by_text("This password is too common.")).to_be_visible()
        chooses(phone, "a boat on the river")
        expect(phone.get_by_role("heading", name="Your password is saved")).to_be_visible()
        chooses(other, "another river entirely")
        expect(other.get_by_text("It was used already")).to_be_visible()
        is_fit(other, "used-link")
        phone.get_by_role("link", name="Sign in").click()
        signs_in(phone, installation, "joao@example.com", "a boat on the river")
        phone.wait_for_url("**/desk/")

        # He forgets it, elsewhere; what was open on the phone ends with the old password.
        home = tab(browser, PHONE)
        home.goto(f"{installation}/accounts/login/")
        is_fit(home, "sign-in")
        home.get_by_role("link", name="Forgot your password?").click()
        is_fit(home, "forgotten")
        home.get_by_label("Mail address").fill("joao@example.com")
        home.get_by_role("button", name="Send me a link").click()
        expect(home.get_by_role("heading", name="Look at your mail")).to_be_visible()
        is_fit(home, "asked")
        home.goto(link_in(mail_to(sink, "joao@example.com", 1)))
        chooses(home, "a ferry in the fog")
        expect(home.get_by_role("heading", name="Your password is saved")).to_be_visible()
        is_fit(home, "saved")
        signs_in(home, installation, "joao@example.com", "a ferry in the fog")
        home.wait_for_url("**/desk/")
        phone.goto(f"{installation}/desk/")
        assert "/accounts/login/" in phone.url

        # And the audit tells it all, without what was in a link.
        desk.goto(f"{installation}/administration/audit/?event=person")
        for said in (
            "Olga Marques invited Joao Reis, by a mail to joao@example.com",
            "Joao Reis chose their own password (invitation)",
            "The sign-in page was asked for a link to choose a new password for Joao Reis",
            "Joao Reis chose their own password (forgotten-password)",
        ):
            expect(desk.get_by_text(said).first).to_be_visible()
        assert link.rpartition("-")[2] not in desk.content()
        assert [each for each in heard[0] + heard[1] if not any(known in each for known in EXPECTED)] == []


@pytest.mark.installation
def test_a_worker_that_is_killed_while_it_sends_an_invitation_leaves_it_to_another_which_sends_it_once(
    real_database, sink, tmp_path
):
    env = {"WORKFLOOR_DATABASE_URL": real_database}
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=clock.now())
        people.take_on(name="Joao Reis", email="joao@example.com", roles=["agent"], by=actors.ROOT, now=clock.now())
    sink.holds = True
    killed = subprocess.Popen(
        [Path(sys.executable).with_name("workfloor"), "worker"],
        env=os.environ | env | {"WORKFLOOR_DATA": str(tmp_path)},
    )
    assert sink.asked.wait(300)
    killed.kill()
    killed.wait()
    sink.holds = False
    assert sink.mails == []

    with running("worker", tmp_path / "another", env):
        mail_to(sink, "joao@example.com")
        state = until_sent()

    assert len(sink.mails) == 1
    assert (state.tries, state.in_doubt) == (2, 0)


def until_sent() -> Mail:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        with transaction.atomic():
            if found := Mail.objects.filter(state="sent").first():
                return found
        time.sleep(0.2)
    raise AssertionError("the mail is not sent")


def until_shown(page: Page, words: str) -> None:
    """Look again until the page says it: the mail server's word comes by the worker."""
    until = time.monotonic() + 300
    while words not in page.content() and time.monotonic() < until:
        time.sleep(0.2)
        page.reload()
    expect(page.get_by_text(words)).to_be_visible()
