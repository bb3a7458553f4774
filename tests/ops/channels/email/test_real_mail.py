"""Every mail of the collection: nothing crashes, nothing is lost, and each goes where a person would put it."""

import re
from pathlib import Path

import pytest

from tests.mail import REAL_MAIL
from workfloor.core.conversations.models import Message
from workfloor.core.event_log.models import Fact
from workfloor.core.work.models import Case, Item
from workfloor.kit.mail import mime
from workfloor.ops.channels.email import queries as email_queries

FILES = sorted(REAL_MAIL.glob("*/*.eml")) if REAL_MAIL.is_dir() else []
each_file = pytest.mark.parametrize(
    "path", FILES or [None], ids=lambda path: path and f"{path.parent.name}/{path.stem}"
)

# What the writer of each answer wrote, cut by hand.
WROTE = dict.fromkeys(
    (
        "android",
        "aol",
        "apple_mail",
        "apple_mail_2",
        "comcast",
        "gmail",
        "hotmail",
        "iphone",
        "outlook",
        "sparrow",
        "thunderbird",
        "yahoo",
    ),
    "Hello",
)


def line_ends(raw: bytes) -> dict[str, bytes]:
    """The same mail as Unix, the network and an old Macintosh end its lines."""
    bare = re.sub(rb"\r\n|\r", b"\n", raw)
    return {"LF": bare, "CRLF": bare.replace(b"\n", b"\r\n"), "CR": bare.replace(b"\n", b"\r")}


def read(path: Path | None) -> bytes:
    if path is None:
        pytest.skip("the real mails are not at ../shared/data/mail")
    return path.read_bytes()


@each_file
def test_a_mail_is_read_whatever_ends_its_lines(path):
    found = {name: mime.read(raw) for name, raw in line_ends(read(path)).items()}

    assert found["LF"].headers == found["CRLF"].headers
    assert found["LF"].text == found["CRLF"].text
    assert found["CR"].sender == found["LF"].sender
    assert found["CR"].first("subject") == found["LF"].first("subject")


@each_file
def test_each_mail_is_where_it_belongs_and_none_is_lost(path, post):
    raw = read(path)
    is_report = path.parent.name == "bounces"

    for said, copy in line_ends(raw).items():
        arrival = post.comes(copy)

        assert email_queries.raw(arrival) == copy
        assert arrival.state == ("set-aside" if is_report else "taken"), (said, arrival.reason)
        assert not is_report or arrival.reason

    assert Case.objects.exists() != is_report
    assert Item.objects.exists() != is_report
    assert not Message.objects.filter(direction="out").exists()
    assert not Fact.objects.filter(event="message.reply-written").exists()


@pytest.mark.parametrize("name", WROTE)
def test_an_answer_is_cut_where_a_person_would_cut_it(name, real_mail, post):
    arrival = post.comes((real_mail / "replies" / f"{name}.eml").read_bytes())

    assert arrival.message.text == WROTE[name]
    assert re.search(r"Hi|Hello|comment", arrival.message.folded_text), "the quoted mail is folded, not lost"


def test_all_answers_of_the_collection_are_cut_by_hand(real_mail):
    assert {path.stem for path in (real_mail / "replies").glob("*.eml")} == WROTE.keys()


def test_mails_that_only_look_like_reports_open_a_case(real_mail, post):
    for path in sorted((real_mail / "not-bounces").glob("*.eml")):
        assert post.comes(path.read_bytes()).state == "taken", path.name

    assert Case.objects.count() == 3
