"""What a visitor may send, what a file is, when a chat is over."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from workfloor.ops.channels.chat import visitors

NINE = make.NINE
ASKED = (
    visitors.Question("name", "name", required=True),
    visitors.Question("email", "email"),
    visitors.Question("product", "choice", choices=("gas", "light")),
)


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        ("https://www.example.com", True),
        ("http://localhost:8080", True),
        ("https://[2001:db8::1]:8443", True),
        ("https://www.example.com/", False),
        ("https://www.example.com:443", False),  # browsers leave the usual port out
        ("https://Example.com", False),
        ("https://*.example.com", False),
        ("www.example.com", False),
        ("null", False),
        ("", False),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(origin, is_one):
    assert visitors.is_origin(origin) is is_one


def test_answers_are_taken_by_name_and_all_faults_are_told_at_once():
    assert visitors.answers(ASKED, {"name": " Rui ", "product": "gas"}) == {"name": "Rui", "product": "gas"}

    with pytest.raises(visitors.Refused) as refused:
        visitors.answers(ASKED, {"email": "rui", "product": "water", "shoe size": "43"})
    assert [(fault.name, fault.asked and fault.asked.name) for fault in refused.value.faults] == [
        ("needed", "name"),
        ("no-email", "email"),
        ("no-choice", "product"),
        ("malformed", None),
    ]


def test_the_text_that_is_kept_can_be_stored_and_seen():
    assert visitors.text("  Hello\x00 you\x1b[31m\n") == "Hello you[31m"
    assert visitors.text("שלום\u200f!") == "שלום\u200f!"
    for empty in ("", " \n ", "\x00", None, 7):
        with pytest.raises(visitors.Refused):
            visitors.text(empty)
    with pytest.raises(visitors.Refused, match="too-long"):
        visitors.text("x" * 4_001)


@given(st.text(max_size=300))
def test_any_text_is_taken_without_control_characters_or_refused(written):
    try:
        kept = visitors.text(written)
    except visitors.Refused:
        return
    assert kept and "\x00" not in kept
    assert visitors.text(kept) == kept
    kept.encode()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7 ...", "application/pdf"),
        ("Olá".encode(), "text/plain"),
        (
            b"PK\x03\x04..[Content_Types].xml..word/document.xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ],
)
def test_a_file_is_what_its_first_bytes_say(content, kind):
    assert visitors.media_type(content) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"  <!doctype html><script>",
        b"#!/bin/sh",
        b"MZ\x90\x00",
        b"PK\x03\x04 any archive",
        b"PK\x03\x04..[Content_Types].xml..word/document.xml..word/vbaProject.bin",
        b"\x00\x01\x02",
        b"",
        b"  ",
    ],
)
def test_what_a_browser_or_a_machine_would_run_is_refused(content):
    with pytest.raises(visitors.Refused, match="no-such-file-type"):
        visitors.media_type(content)


@pytest.mark.parametrize(
    ("sent", "kind", "kept"),
    [
        ("bill.pdf", "application/pdf", "bill.pdf"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Users\\rui\\photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("photo.html", "image/png", "photo.html.png"),
        ("", "image/png", "file.png"),
        ("a\u202egnp.exe", "image/png", "agnp.exe.png"),  # a mark that turns the writing round is no letter
    ],
)
def test_a_files_name_leads_nowhere_and_ends_as_the_file_is(sent, kind, kept):
    assert visitors.file_name(sent, kind) == kept


@given(st.text(max_size=300), st.sampled_from(["image/png", "text/plain", "application/pdf"]))
def test_any_name_becomes_one_that_can_be_saved(sent, kind):
    name = visitors.file_name(sent, kind)

    assert 0 < len(name) <= 125
    assert not set(name) & set('/\\<>:"|?*\n\r\x00')


def watched(state="held", seen=0, said=0, replied=None):
    at = lambda seconds: NINE + timedelta(seconds=seconds)  # noqa: E731
    return visitors.Watched(state, at(seen), at(said), None if replied is None else at(replied))


@pytest.mark.parametrize(
    ("chat", "after", "why"),
    [
        (watched("waiting", seen=0), 59, ""),
        (watched("waiting", seen=0), 60, "left"),
        (watched("offered", seen=100), 150, ""),
        (watched("held", seen=0), 800, ""),  # nobody has answered: it is us who keep the visitor waiting
        (watched("held", seen=1000, said=10, replied=100), 999, ""),
        (watched("held", seen=1000, said=10, replied=100), 1000, "silence"),  # 100 + 900
        (watched("held", seen=100, said=10, replied=100), 1000, "left"),
        (watched("held", seen=1000, said=150, replied=100), 5000, ""),  # the visitor wrote last
    ],
)
def test_a_chat_is_over_when_its_visitor_has_left_or_fallen_silent(chat, after, why):
    settings = visitors.Settings({}, left_seconds=60, silence_seconds=900)

    assert visitors.gone(chat, settings, NINE + timedelta(seconds=after)) == why


def test_the_place_in_the_queue_counts_who_waited_longer():
    line = [(NINE, 7), (NINE, 3), (make.later(seconds=5), 1)]

    assert [visitors.place(line, each) for each in line] == [2, 1, 3]


def test_a_title_is_the_beginning_of_what_was_written():
    assert visitors.title("My bill\nis wrong") == "My bill"
    assert visitors.title("x" * 81) == "x" * 79 + "…"


@pytest.mark.parametrize(
    ("wanted", "spoken"), [("de-AT", "de"), ("he", "he"), ("pt", "en"), ("", "en"), ("EN_us", "en")]
)
def test_the_language_is_the_pages_if_it_is_known(wanted, spoken):
    assert visitors.language(wanted, ["en", "de", "es", "he"]) == spoken
