"""An agent forwards a mail and answers in copy: nothing typed is lost, and what is wrong is said at its field."""

import re

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from tests import browse, mail, make
from tests.stories.test_browser import picture
from tests.stories.test_desk_writing import at_work, drafts, meanwhile, newest
from workfloor.core.access import actors
from workfloor.core.conversations.models import Message
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.playbooks import actions as playbooks

pytestmark = [pytest.mark.browser, pytest.mark.installation]


@pytest.fixture
def written_to(shared_installation) -> tuple[str, str]:
    """The installation, shared, and the email of an agent for a client of the test's own.

    A customer's mail that names others waits.
    """
    with transaction.atomic():
        rls.enter_every_client()
        client = make.own_client()
        agent = make.agent("Ana Duarte", clear_for=client.slug, available=False)
        post = mail.Post(client.slug, f"help@{client.slug}.example")
        post.writes("Hello, my bill is wrong.", at=clock.now(), Cc="Eva <eva@example.com>")
    return shared_installation, agent.account.email


def sent() -> list[tuple[str, list[str], bool]]:
    with transaction.atomic():
        newest()
        written = Message.objects.filter(direction="out").order_by("id")
        return [(each.text, [one["address"] for one in each.recipients], bool(each.forwards_id)) for each in written]


def opened(desk: Page) -> None:
    desk.locator(".compose-fields summary").click()


def test_a_forwarded_mail_outlives_a_fault_a_reload_and_another_letter(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        heard = browse.complaints(desk)
        desk.get_by_label("Forward").check(force=True)
        expect(desk.get_by_label("To", exact=True)).to_be_focused()
        expect(desk.get_by_label("Subject", exact=True)).to_have_value("Fwd: My bill")
        desk.keyboard.type("meters@example")
        desk.get_by_label("Your answer").press_sequentially("Please look")
        desk.keyboard.press("Control+Enter")

        expect(desk.get_by_text("“meters@example” is no email address")).to_be_visible()
        expect(desk.get_by_label("To", exact=True)).to_be_focused()
        expect(desk.get_by_label("To", exact=True)).to_have_value("meters@example")
        expect(desk.get_by_label("Your answer")).to_have_value("Please look")
        assert browse.faults_of(desk) == []
        picture(desk, "desk-envelope")
        desk.keyboard.press("End")
        desk.keyboard.type(".org")
        with desk.expect_response("**/keep-draft/"):
            pass

        desk.reload()
        expect(desk.get_by_label("To", exact=True)).to_have_value("meters@example.org")
        expect(desk.get_by_label("Forward")).to_be_checked()
        expect(desk.get_by_label("Your answer")).to_have_value("Please look")
        meanwhile(lambda: make.item("mail", of=newest().slug, title="Another", kind="email", at=clock.now()))
        desk.get_by_label("Your answer").focus()
        desk.keyboard.press("Control+Enter")
        expect(desk.locator("#talk [data-direction=out]")).to_contain_text("To: meters@example.org")
        expect(desk.locator("[data-sending]")).to_have_count(0)
        expect(desk.get_by_label("Reply", exact=True)).to_be_checked()
        expect(desk.locator("[data-goes-to]")).to_contain_text("Rui Costa <rui@example.com>")
        assert [each for each in heard if "422" not in each] == []

    assert sent() == [("Please look", ["meters@example.org"], True)]
    assert drafts() == []


def test_lines_to_others_and_to_all_wait_their_turn_each_with_its_own_envelope_and_the_last_closes(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        desk.context.route("**/reply/", lambda route: route.abort())
        box = desk.get_by_label("Your answer")
        desk.get_by_label("Reply all").check(force=True)
        expect(desk.locator("[data-goes-to]")).to_contain_text("eva@example.com")
        box.fill("To both of you")
        desk.keyboard.press("Control+Enter")
        expect(desk.locator("[data-goes-to]")).not_to_contain_text("eva@example.com")
        opened(desk)
        desk.get_by_label("Bcc", exact=True).fill("law@example.com")
        box.fill("And to the law")
        desk.get_by_role("button", name="Reply and close as").click()
        desk.get_by_role("button", name="Answered").click()
        expect(desk.locator("[data-sending]")).to_have_count(2)
        desk.context.unroute("**/reply/")
        desk.reload()
        expect(desk.locator("#day")).to_contain_text("1 done")

    assert sent() == [
        ("To both of you", ["rui@example.com", "eva@example.com"], False),
        ("And to the law", ["rui@example.com", "law@example.com"], False),
    ]
    with transaction.atomic():
        newest()
        assert Item.objects.get().disposition == "answered"


def test_undo_brings_the_envelope_back_too(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        opened(desk)
        desk.get_by_label("Cc", exact=True).fill("ines@example.com")
        desk.get_by_label("Your answer").fill("It is corrected.")
        desk.get_by_role("button", name="Send").click()
        desk.get_by_role("button", name="Undo").click()
        expect(desk.get_by_label("Your answer")).to_have_value("It is corrected.")
        expect(desk.locator("[data-goes-to]")).to_have_text(re.compile("ines@example.com"))


PLAYBOOK = """
[[answers]]
name = "thanks"
title = "Thank you"
text = "Dear {customer}, thank you."

[[answers]]
name = "wait"
title = "Please wait"
text = "Please wait until tomorrow."

[[macros]]
name = "close"
title = "Thank and close"
then = { tag = "thanked", answer = "thanks", disposition = "answered" }
"""


def test_a_slash_at_the_beginning_of_a_line_brings_a_canned_answer_or_a_macro_and_twice_is_a_slash(written_to):
    with transaction.atomic():
        playbooks.give(client=newest(), source=PLAYBOOK, by=actors.ROOT, now=clock.now())
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        heard = browse.complaints(desk)
        box = desk.get_by_label("Your answer")
        box.press_sequentially("Either/or: ")
        box.press("Enter")
        desk.keyboard.press("/")
        helps = desk.get_by_role("dialog", name="What helps with it")
        expect(helps.get_by_role("button", name="Thank you")).to_contain_text("Dear Rui Costa, thank you.")
        assert browse.faults_of(desk) == []
        picture(desk, "desk-help")
        desk.keyboard.type("tomor")
        expect(helps.get_by_role("button", name="Thank you")).to_be_hidden()
        desk.keyboard.press("Enter")
        expect(box).to_be_focused()
        expect(box).to_have_value("Either/or: \nPlease wait until tomorrow.")
        desk.keyboard.press("Enter")
        desk.keyboard.type("//")
        expect(box).to_have_value("Either/or: \nPlease wait until tomorrow.\n/")
        box.fill("")

        desk.keyboard.press("/")
        helps.get_by_role("button", name="Thank and close").click()
        expect(desk.locator("#day")).to_contain_text("1 done")
        assert [each for each in heard if "404" not in each] == []  # of the conversation, which is closed by then

    assert sent() == [("Dear Rui Costa, thank you.", ["rui@example.com"], False)]
    assert drafts() == []


def test_a_new_mail_is_written_by_keyboard_after_a_fault_at_its_field_and_outlives_a_reload(written_to):
    with browse.chromium() as browser:
        desk = at_work(browser, *written_to)
        heard = browse.complaints(desk)
        desk.locator("#write-mail").focus()
        desk.keyboard.press("w")
        expect(desk.locator("#new-mail-to")).to_be_focused()
        assert browse.faults_of(desk) == []
        desk.keyboard.type("lena@example")
        desk.locator("#new-mail-subject").fill("Your meter")
        desk.keyboard.press("Enter")
        expect(desk.get_by_text("“lena@example” is no email address")).to_be_visible()
        expect(desk.locator("#new-mail-to")).to_be_focused()
        expect(desk.locator("#new-mail-subject")).to_have_value("Your meter")
        picture(desk, "desk-new-mail")
        desk.keyboard.press("End")
        desk.keyboard.type(".org")
        desk.keyboard.press("Enter")

        expect(desk.get_by_role("heading", name="Your meter")).to_be_visible()
        expect(desk.locator("[data-goes-to]")).to_contain_text("lena@example.org")
        desk.get_by_label("Your answer").press_sequentially("We read it on Monday.")
        with desk.expect_response("**/keep-draft/"):
            pass
        desk.reload()
        expect(desk.get_by_label("Your answer")).to_have_value("We read it on Monday.")
        desk.get_by_label("Your answer").focus()
        desk.keyboard.press("Control+Enter")
        expect(desk.locator("#talk [data-direction=out]")).to_contain_text("We read it on Monday.")
        expect(desk.locator("[data-sending]")).to_have_count(0)
        assert [each for each in heard if "422" not in each] == []

    assert sent() == [("We read it on Monday.", ["lena@example.org"], False)]
    with transaction.atomic():
        newest()
        assert sorted(Item.objects.values_list("kind", "state")) == [("email", "held"), ("outbound-email", "held")]
