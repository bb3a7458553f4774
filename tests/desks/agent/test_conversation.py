"""A desk that shows a chat reads what is new of it alone, and whoever looks at the desk has seen what it was given."""

import re

import pytest
from django.test import Client as Browser

from tests import make
from workfloor.core.access import actors
from workfloor.core.work import actions as work
from workfloor.kit.database import rls
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries


class Desk:
    """Rui's chat in Ana's hands."""

    def __init__(self) -> None:
        rls.enter_every_client()
        make.client(chats=True)
        origin, source = "https://www.example.com", 'title = { en = "Chat" }'
        widget = chats.add_widget(
            queue=make.queue("chats"), origins=[origin], source=source, by=actors.ROOT, now=make.NINE
        )
        given = {"secret": "a" * 43, "key": "first-one", "message": "My bill is wrong", "answers": {}, "address": "1"}
        chat = chats.begin(widget=widget, **given, now=make.NINE)
        self.ana, self.id = make.agent("Ana"), chat.id
        item = work.offer(
            item=chat.item, person=self.ana, max_concurrency=4, offer_seconds=60, by=make.ROUTER, now=make.NINE
        )
        self.item = work.accept(item=item, by=self.ana, now=make.NINE)
        self.browser = Browser()
        self.browser.force_login(self.ana.account)

    def hears(self, text: str) -> int:
        rls.enter_every_client()
        return chats.say(chat=self.chat, key=f"key-{text}", text=text, now=make.NINE)[0].id

    def replies(self, text: str) -> int:
        rls.enter_every_client()
        return chats.reply(chat=self.chat, by=self.ana, text=text, now=make.NINE).id

    @property
    def chat(self):
        rls.enter_every_client()
        return chat_queries.locked(self.id)

    def reads(self, after: object = "", method: str = "get", browser: Browser | None = None) -> str:
        ask = getattr(browser or self.browser, method)
        answer = ask(f"/desk/items/{self.item.id}/talk/?after={after}")
        return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


@pytest.fixture
def desk(everyone):
    return Desk()


def texts(page: str) -> list[str]:
    return re.findall(r'said-message-text"[^>]*>([^<]+)<', page)


def settled(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-settled="(\d+)"', page)]


def test_only_what_follows_the_last_settled_line_is_read(desk):
    first = settled(desk.reads())
    reply, second = desk.replies("Let me look"), desk.hears("Thank you")

    piece = desk.reads(after=first[-1])

    assert texts(piece) == ["Let me look", "Thank you"]
    assert settled(piece) == [second], "what becomes of the reply is still to come"
    rls.enter_every_client()
    chats.read(chat=desk.chat, up_to=reply, now=make.NINE)
    assert settled(desk.reads(after=first[-1])) == [reply, second]
    assert texts(desk.reads()) == ["My bill is wrong", "Let me look", "Thank you"]


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 4300, "%00"])
def test_whatever_else_is_asked_for_all_of_it_is_read_or_nothing(desk, after):
    assert texts(desk.reads(after=after)) in (["My bill is wrong"], [])


def test_reading_while_somebody_looks_says_that_it_is_seen_and_reading_behind_their_back_does_not(desk):
    second = desk.hears("Hello?")

    desk.reads()
    assert desk.chat.read_by_us == 0
    assert f'data-seen="{second}"' in desk.reads(method="post")
    assert desk.chat.read_by_us == second

    desk.reads(after=second, method="post")
    assert desk.chat.read_by_us == second, "nothing new takes nothing back"


def test_whoever_has_it_not_in_hand_reads_nothing_and_sees_nothing_for_others(desk):
    other = Browser()
    other.force_login(make.agent("Bruno").account)

    assert desk.reads(method="post", browser=other) == "404"
    assert desk.chat.read_by_us == 0
