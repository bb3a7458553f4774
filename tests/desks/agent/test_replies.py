"""An agent answers a customer's mail on the desk: quoting it or not, with files of a size that can be sent."""

import asyncio

import httpx
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse

from tests import mail, make
from workfloor.asgi import application
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import LARGEST_SENT
from workfloor.core.conversations.models import Attachment, Draft, Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

PNG = b"\x89PNG\r\n\x1a\n"


class Desk:
    """Rui's mail in Ana's hands, and what she enters."""

    def __init__(self) -> None:
        rls.enter_every_client()
        self.ana = make.agent("Ana")
        self.item = mail.hold(mail.Post().writes("Hello, my bill is wrong.").message.item, self.ana, make.NINE)
        self.browser = Browser()
        self.browser.force_login(self.ana.account)

    def answers(self, **entered):
        entered = {"text": "We look into it", "key": "key-0001"} | entered
        return self.browser.post(f"/desk/items/{self.item.id}/reply/", entered, headers={"HX-Request": "true"})

    def shown(self) -> str:
        return self.browser.get("/desk/").content.decode()


@pytest.fixture
def desk(everyone):
    return Desk()


def replies():
    rls.enter_every_client()
    return list(Message.objects.filter(direction="out").order_by("id"))


def test_an_answer_quotes_the_customers_last_mail_by_the_clock_of_the_contract(desk):
    assert desk.answers(quote="on").status_code == 204

    [reply] = replies()
    # The mail came at nine in UTC; the contract's clock is Lisbon's, which in March is the same.
    assert reply.text == "We look into it"
    assert reply.folded_text == "On 2026-03-04 at 09:00, Rui Costa wrote:\n> Hello, my bill is wrong."
    assert "Quote the customer" in desk.shown()


def test_in_summer_the_clock_of_the_contract_is_an_hour_ahead(everyone):
    found = Desk.__new__(Desk)
    rls.enter_every_client()
    found.ana, at = make.agent("Ana"), make.NINE.replace(month=7)
    event_log.make_partitions(first=at)
    found.item = mail.hold(mail.Post().writes("Hello", at=at).message.item, found.ana, at)
    found.browser = Browser()
    found.browser.force_login(found.ana.account)

    assert found.answers(quote="on").status_code == 204
    assert replies()[0].folded_text.startswith("On 2026-07-04 at 10:00, Rui Costa wrote:")


def test_an_agent_may_answer_without_quoting(desk):
    assert desk.answers().status_code == 204
    assert replies()[0].folded_text == ""


def test_what_is_quoted_is_the_last_mail_and_not_what_that_quoted(desk):
    answer = "And now?\n\nOn Wed, 4 Mar 2026, Lisbon Light wrote:\n> We look"
    mail.Post(address="other@lisbon.example").writes(answer, In_Reply_To="<first@example.com>", Message_ID="<2@x>")

    desk.answers(quote="on")

    assert replies()[0].folded_text.split("\n")[1:] == ["> And now?"]


def test_a_file_up_to_the_limit_goes_along_and_one_over_it_is_refused_in_words(desk):
    large = SimpleUploadedFile("photo.png", PNG + bytes(3_000_000), "image/png")
    assert desk.answers(file=large).status_code == 204
    assert [each.size for each in Attachment.objects.all()] == [3_000_008]

    too_large = SimpleUploadedFile("film.png", PNG + bytes(LARGEST_SENT), "image/png")
    refused = desk.answers(key="key-0002", file=too_large)
    assert (refused.status_code, "at most 5 MB can be sent" in refused.content.decode()) == (422, True)
    assert len(replies()) == 1


def test_the_page_says_how_large_a_file_may_be_before_one_is_chosen(desk):
    assert f'data-largest="{LARGEST_SENT}"' in desk.shown() and "at most 5 MB" in desk.shown()


# --- through the server's entry point ---------------------------------------------------------------------------------


def sent(browser: Browser, path: str, **request):
    """Send a form through the entry point that the web server calls, signed in as the browser is."""

    token = "c" * 32
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()} | {settings.CSRF_COOKIE_NAME: token}

    async def call():
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=cookies) as server:
            return await server.post(path, headers={"X-CSRFToken": token, "HX-Request": "true"}, **request)

    return asyncio.run(call())


@pytest.fixture
def real_desk(real_database):
    with transaction.atomic(), clock.frozen(make.NINE):
        return Desk()


def test_three_megabytes_pass_the_entry_and_more_than_a_file_may_have_does_not(real_desk):
    path = f"/desk/items/{real_desk.item.id}/reply/"
    fields = {"text": "See the picture", "key": "key-0001"}

    passed = sent(real_desk.browser, path, data=fields, files={"file": ("photo.png", PNG + bytes(3_000_000))})
    told = sent(real_desk.browser, path, data=fields, files={"file": ("photo.png", PNG + bytes(5_500_000))})
    stopped = sent(real_desk.browser, path, data=fields, files={"file": ("photo.png", PNG + bytes(7_000_000))})

    assert [each.status_code for each in (passed, told, stopped)] == [204, 422, 413]
    assert "too large: at most 5 MB can be sent" in told.text


# --- taken back, and unable to go out -----------------------------------------------------------------------------


def taken_back(desk, message, by=None):
    browser = by or desk.browser
    return browser.post("/desk/take-back/", {"message": message.id}, headers={"HX-Request": "true"})


def test_a_reply_is_taken_back_in_its_seconds_has_answered_nobody_and_is_the_draft_again(desk):
    desk.answers()
    [reply] = replies()
    assert (Item.objects.get().reply_seconds is None, f'data-takes-back="{reply.id}"' in desk.shown()) == (False, True)
    rls.enter_every_client()
    conversations.keep_draft(item=desk.item, text="And another thing", by=desk.ana, now=clock.now())

    answer = taken_back(desk, reply)

    assert answer.json() == {
        "text": "We look into it",
        "item": desk.item.id,
        "files": [],
        "envelope": {"to": "Rui Costa <rui@example.com>", "mode": "reply"},
    }
    rls.enter_every_client()
    assert [each.state for each in replies()] == ["withdrawn"]
    assert Item.objects.get().reply_seconds is None
    assert Draft.objects.get().text == "We look into it\nAnd another thing"
    assert "taken back" in desk.shown()
    assert taken_back(desk, reply).status_code == 422


def test_nobody_takes_back_what_a_colleague_wrote_nor_what_is_on_its_way(desk):
    desk.answers()
    [reply] = replies()
    other = Browser()
    other.force_login(make.agent("Bruno").account)

    assert taken_back(desk, reply, by=other).status_code == 404
    rls.enter_every_client()
    conversations.start_sending(message=reply, by=make.MAIL, now=clock.now())
    answer = taken_back(desk, reply)
    assert (answer.status_code, "too late" in answer.content.decode()) == (422, True)


def test_a_reply_whose_work_is_finished_can_be_taken_back_from_the_foot_of_the_desk(desk):
    desk.answers()
    desk.browser.post(
        f"/desk/items/{desk.item.id}/finish/", {"disposition": "answered"}, headers={"HX-Request": "true"}
    )
    shown = desk.shown()
    assert "Being sent" in shown and "goes out in" in shown

    assert taken_back(desk, replies()[0]).status_code == 200
    item = Item.objects.get()
    assert (item.state, item.reply_seconds) == ("waiting", None)
    assert "Being sent" not in desk.shown()


def test_what_cannot_go_out_is_said_at_its_place_and_to_whoever_leads(desk, client, settings):
    settings.WORKFLOOR_SMTP_URL = ""
    assert "a reply would fail at once" in desk.shown()
    desk.answers()
    [reply] = replies()
    conversations.start_sending(message=reply, by=make.MAIL, now=clock.now())
    conversations.mark_delayed(message=reply, reason="451 busy", by=make.MAIL, now=clock.now())
    assert "Not sent yet: 451 busy" in desk.shown()
    leader = make.person("leader", "manager")
    people.clear(person=leader, client=desk.item.client, by=actors.ROOT, now=make.NINE)
    client.force_login(leader.account)

    shown = client.get("/mail/").content.decode()
    assert all(words in shown for words in ("451 busy", "No mail server is set", "have not gone out yet"))
    assert "Every reply has arrived" not in shown
    assert "451 busy" in client.get(reverse("leader:failures")).content.decode()
