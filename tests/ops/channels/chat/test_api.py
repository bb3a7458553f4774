"""What visitors' pages may call: from the widget's own sites, each for one chat, sent again without harm."""

import gzip
import json

import pytest
from django.core import signing
from django.test import Client as Browser

from tests import make
from tests.ops.channels.chat.conftest import ORIGIN
from workfloor.core.access import actors
from workfloor.core.conversations.models import Message
from workfloor.kit.time import clock
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import views as chat_views
from workfloor.ops.channels.chat import visitors

SECRET = "s" * 43
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


@pytest.fixture(autouse=True)
def _nine():
    with clock.frozen(make.NINE):
        yield


class Visitor:
    """A page on the client's site."""

    def __init__(self, widget, origin=ORIGIN, secret=SECRET):
        self.widget, self.secret, self.headers = widget, secret, {"Origin": origin}

    def post(self, path, **body):
        return Browser().post(f"/chat/{path}", json.dumps(body), content_type="application/json", headers=self.headers)

    def get(self, path):
        return Browser().get(f"/chat/{path}", headers=self.headers)

    def begin(self, text="Hello", **more):
        sent = {"secret": self.secret, "id": "first-001", "text": text, "answers": {"name": "Rui"}} | more
        answer = self.post(f"of/{self.widget.key}/begin/", **sent)
        if answer.status_code == 200:
            self.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return answer


@pytest.fixture
def visitor(widget):
    return Visitor(widget)


def test_a_page_asks_begins_and_writes(visitor, widget):
    offered = visitor.get(f"of/{widget.key}/")
    assert offered.json()["open"] is True and offered.json()["instead"] == ["email", "callback"]
    assert offered["Access-Control-Allow-Origin"] == ORIGIN

    assert visitor.begin().status_code == 200
    one = visitor.post("my/messages/", id="message-1", text="Anybody?")
    same = visitor.post("my/messages/", id="message-1", text="Anybody?")

    assert one.json() == same.json()
    assert Message.objects.count() == 2


def test_from_another_site_the_widget_is_refused_and_changes_nothing(widget):
    stranger = Visitor(widget, origin="https://evil.example")

    assert stranger.get(f"of/{widget.key}/").status_code == 403
    assert stranger.begin().status_code == 403
    assert Message.objects.count() == 0


def test_a_token_that_was_taken_to_another_site_opens_nothing(visitor, widget):
    visitor.begin()
    visitor.headers["Origin"] = "https://evil.example"

    assert visitor.post("my/messages/", id="message-1", text="Hello").status_code == 403


@pytest.mark.parametrize("written", ["", "Bearer", "Bearer x", "Basic abc", "Bearer 1.1.secret:forged"])
def test_without_the_chats_own_token_nothing_opens(visitor, written):
    visitor.begin()
    visitor.headers["Authorization"] = written

    for path in ("my/messages/", "my/typing/", "my/read/", "my/end/", "my/rating/"):
        assert visitor.post(path, id="message-1", text="Hello", up_to=1, score=5).status_code == 401
    assert visitor.get("my/stream/").status_code == 401


def test_even_a_signed_token_needs_the_secret_of_its_chat(visitor, widget, begin):
    visitor.begin()
    other = begin("b")
    forged = signing.Signer(salt="workfloor.chat").sign(f"{widget.client_id}.{other.id}.{SECRET}")
    visitor.headers["Authorization"] = f"Bearer {forged}"

    assert visitor.post("my/messages/", id="message-1", text="Hello").status_code == 401


def test_only_a_digest_of_the_secret_is_kept(visitor):
    visitor.begin()

    kept = chat_queries.chats().get()
    assert kept.digest == visitors.digest(SECRET)
    assert SECRET not in str(vars(kept))


def test_a_withdrawn_widget_is_not_there_and_its_chats_are_over(visitor, widget):
    visitor.begin()
    chats.withdraw_widget(widget=widget, by=actors.ROOT, now=make.NINE)

    assert visitor.get(f"of/{widget.key}/").status_code == 404
    assert visitor.post("my/messages/", id="message-1", text="Hello").status_code == 401


def test_a_day_after_its_end_a_chat_opens_no_more(visitor):
    visitor.begin()
    assert visitor.post("my/end/").status_code == 200

    with clock.frozen(make.later(hours=23)):
        assert visitor.post("my/read/", up_to=1).status_code == 200
    with clock.frozen(make.later(hours=24)):
        assert visitor.post("my/read/", up_to=1).status_code == 401


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"secret": "short"}, "secret"),
        ({"id": "x"}, "id"),
        ({"text": "  "}, "Write something first"),
        ({"answers": {}}, "Your name: please answer this."),
        ({"answers": "Rui"}, "Your name: please answer this."),
        ({"text": "x" * 5000}, "at most 4000"),
    ],
)
def test_what_is_wrong_is_said(visitor, change, told):
    answer = visitor.begin(**({"text": "Hello"} | change))

    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert answer["Access-Control-Allow-Origin"] == ORIGIN  # or the page could not read it


@pytest.mark.parametrize(
    ("spoken", "told"),
    [
        ("de", "Bitte schreiben Sie zuerst etwas."),
        ("de-AT,de;q=0.9", "Bitte schreiben Sie zuerst etwas."),
        ("he", "צריך לכתוב משהו קודם."),
        ("pt", "Write something first."),
        ("", "Write something first."),
    ],
)
def test_what_is_wrong_is_said_in_the_language_that_the_page_speaks(visitor, spoken, told):
    visitor.headers["Accept-Language"] = spoken

    assert visitor.begin(text=" ").json() == {"detail": told, "faults": ["empty"]}


def test_outside_hours_nothing_begins_or_goes_on_that_nobody_would_read(visitor, widget):
    widget.queue = make.queue("calls")  # 09:00 to 18:00 in Lisbon, on weekdays
    widget.save()
    assert visitor.begin().status_code == 200
    assert visitor.post("my/end/").status_code == 200

    with clock.frozen(make.later(hours=10)):
        assert visitor.post("my/messages/", id="message-1", text="Hello").json()["faults"] == ["closed"]
        assert Visitor(widget, secret="t" * 43).begin().json()["faults"] == ["closed"]
        assert visitor.begin(id="first-002").json()["faults"] == ["closed"]  # it would be new work too
    assert Message.objects.count() == 1


def test_browsers_ask_first_whether_they_may(widget):
    answer = Browser().options("/chat/my/messages/", headers={"Origin": ORIGIN})

    assert answer.status_code == 204
    assert "authorization" in answer["Access-Control-Allow-Headers"]


def send_file(visitor, content, name="photo.png", key="file-0001"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    body = {"id": key, "file": SimpleUploadedFile(name, content)}
    return Browser().post("/chat/my/files/", body, headers=visitor.headers)


def test_a_file_is_sent_once_and_opens_for_its_chat_alone(visitor, widget):
    visitor.begin()
    assert send_file(visitor, PNG).json() == send_file(visitor, PNG).json()
    [file] = chat_queries.messages(chat_queries.chats().get())[-1]["files"]
    assert (file["name"], file["type"], file["size"]) == ("photo.png", "image/png", len(PNG))

    own = visitor.get(f"my/files/{file['id']}/")
    assert own.content == PNG
    assert own["X-Content-Type-Options"] == "nosniff" and "sandbox" in own["Content-Security-Policy"]

    other = Visitor(widget, secret="t" * 43)
    other.begin()
    assert other.get(f"my/files/{file['id']}/").status_code == 404


def test_the_page_is_told_how_large_a_file_may_be(visitor, widget):
    visitor.begin()

    assert visitor.get(f"of/{widget.key}/").json()["largest_file"] == visitors.LARGEST_FILE
    assert send_file(visitor, PNG + b"x" * (visitors.LARGEST_FILE - len(PNG))).status_code == 200
    refused = send_file(visitor, PNG + b"x" * visitors.LARGEST_FILE)
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "That file is too large: at most 5 MB can be sent.",
    )


def test_a_file_that_is_not_what_it_says_or_too_large_is_refused(visitor):
    visitor.begin()

    assert send_file(visitor, b"<svg onload=alert(1)>", "photo.png").status_code == 422
    assert send_file(visitor, PNG + b"x" * visitors.LARGEST_FILE).status_code == 422
    assert Browser().post("/chat/my/files/", {"id": "file-0001"}, headers=visitor.headers).status_code == 422


def test_over_the_rate_the_answer_says_to_wait(visitor):
    visitor.begin()
    answers = [visitor.post("my/messages/", id=f"message-{number}", text="!").status_code for number in range(16)]

    assert answers[:14] == [200] * 14 and answers[14:] == [429, 429]


def test_outside_hours_the_page_is_told_what_to_offer_instead(widget):
    widget.queue = make.queue("calls")  # 09:00 to 18:00 in Lisbon, on weekdays
    widget.save()

    with clock.frozen(make.later(hours=10)):
        offered = Visitor(widget).get(f"of/{widget.key}/").json()

    assert (offered["open"], offered["late"], offered["instead"]) == (False, False, ["email", "callback"])


def test_over_the_promised_wait_the_page_is_told_too(visitor, widget, begin):
    begin("b")

    with clock.frozen(make.later(seconds=60)):
        assert visitor.get(f"of/{widget.key}/").json()["late"] is False
    with clock.frozen(make.later(seconds=61)):
        assert visitor.get(f"of/{widget.key}/").json()["late"] is True


def test_the_script_is_small_and_is_not_sent_again_unchanged():
    packed = Browser().get("/chat/widget.js", headers={"Accept-Encoding": "gzip, br"})
    plain = Browser().get("/chat/widget.js")

    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < 30_000
    assert gzip.decompress(packed.content) == plain.content == chat_views.script()
    assert Browser().get("/chat/widget.js", headers={"If-None-Match": plain["ETag"]}).status_code == 304


def test_the_stream_writes_messages_with_their_numbers():
    assert chat_views.event("message", {"text": "a\nb"}, 7) == b'id: 7\nevent: message\ndata: {"text": "a\\nb"}\n\n'


# --- the walls -------------------------------------------------------------------------------------------------------


def test_another_clients_widget_takes_nothing_with_this_clients_token(visitor, widget):
    make.client("porto-power", chats=True)
    foreign = chats.add_widget(
        queue=make.queue("chats", "porto-power"),
        origins=[ORIGIN],
        by=actors.ROOT,
        now=make.NINE,
        source='title = { en = "Porto Power" }\ninstead = { email = "mail" }',
    )
    visitor.begin()
    word = {"id": "word-0001", "into": "email", "contact": "rui@example.com", "text": "Hello"}

    assert visitor.post(f"of/{foreign.key}/word/", **word).status_code == 401
    assert Message.objects.count() == 1


def test_the_secret_of_a_chat_opens_nothing_at_another_client(visitor, widget):
    other = make.client("porto-power", chats=True)
    foreign = chats.add_widget(
        queue=make.queue("chats", "porto-power"),
        origins=[ORIGIN],
        by=actors.ROOT,
        now=make.NINE,
        source='title = { en = "Porto Power" }',
    )
    visitor.begin(text="My secret")
    there = Visitor(foreign, secret=SECRET)
    assert there.begin(text="Hello", answers={}).status_code == 200

    assert {each["text"] for each in chat_queries.messages(chat_queries.chats().get(client=other))} == {"Hello"}


def test_a_message_replayed_under_another_visitors_id_is_the_replayers_own(visitor, widget):
    visitor.begin()
    mine = visitor.post("my/messages/", id="message-1", text="Mine").json()
    thief = Visitor(widget, secret="t" * 43)
    thief.begin()
    taken = thief.post("my/messages/", id="message-1", text="Theirs").json()

    assert mine != taken
    assert [each["text"] for each in chat_queries.messages(chat_queries.by_secret(widget.client_id, SECRET))] == [
        "Hello",
        "Mine",
    ]


@pytest.mark.parametrize(("size", "status", "fault"), [(50_000, 422, "body-too-large"), (1_500_000, 413, "too-large")])
def test_a_huge_body_is_refused_so_that_the_page_can_read_why(visitor, size, status, fault):
    visitor.begin()
    answer = visitor.post("my/messages/", id="message-1", text="x" * size)

    assert (answer.status_code, answer.json()["faults"]) == (status, [fault])
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert Message.objects.count() == 1


def test_no_answer_may_be_framed_or_kept_and_none_asks_for_cookies(visitor, widget):
    visitor.begin()
    answers = [visitor.get(f"of/{widget.key}/"), visitor.post("my/typing/"), visitor.get("my/files/1/")]

    for answer in answers:
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Credentials" not in answer
        assert not answer.cookies


@pytest.mark.parametrize(
    "origin", ["null", "https://www.lisbon-light.example.evil.example", "http://www.lisbon-light.example"]
)
def test_an_origin_that_only_looks_like_the_sites_is_refused_in_the_pages_language(widget, origin):
    stranger = Visitor(widget, origin=origin)
    stranger.headers["Accept-Language"] = "de"
    answer = stranger.begin()

    assert (answer.status_code, answer.json()["faults"]) == (403, ["wrong-origin"])
    assert origin in answer.json()["detail"] and "darf von" in answer.json()["detail"]
