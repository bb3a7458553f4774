"""What a copy of a chat says, in text and in HTML, and how much of a long one."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.ops.channels.chat import transcripts, widget_file

NAMES = {"client": "Lisbon Light", "day": "March 4, 2026", "zone": "Europe/Lisbon"}


def transcript(*lines, language="en", is_cut=False):
    return transcripts.Transcript(language, transcripts.words()[language], NAMES, lines, is_cut)


def test_the_text_says_who_said_what_when():
    said = transcript(
        transcripts.Line("March 4, 2026", "09:00", "You", "My bill is wrong"),
        transcripts.Line("March 4, 2026", "09:01", "Ana", "Here is the right one", (("bill.pdf", 12_001),)),
    )

    assert transcripts.as_text(said).startswith(
        "--- March 4, 2026 ---\n\n09:00  You:\nMy bill is wrong\n\n"
        "09:01  Ana:\nHere is the right one\n[File: bill.pdf, 13 kB]\n\nTimes are by the clock of Europe/Lisbon."
    )


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)

    def handle_data(self, data) -> None:
        self.text += data


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60), st.sampled_from("xy<&"))
def test_nothing_that_somebody_wrote_becomes_markup(written, more):
    hostile = f"<script>alert(1)</script><img src=x onerror=alert(1)>{written}{more}"
    reader = Reader()
    reader.feed(transcripts.as_html(transcript(transcripts.Line(hostile, "09:00", hostile, hostile, ((hostile, 1),)))))

    assert reader.tags <= {"html", "head", "meta", "title", "body", "h1", "h2", "p", "strong", "br", "span", "hr"}
    assert reader.text.count("<script>alert(1)</script>") == 4


@pytest.mark.parametrize(
    ("lengths", "kept", "is_cut"), [([3, 3, 4], 3, False), ([4, 3, 4], 2, True), ([3, 11], 1, True), ([], 0, False)]
)
def test_of_a_chat_that_is_too_long_the_end_is_sent(lengths, kept, is_cut):
    lines = [transcripts.Line("day", "09:00", "You", "x" * length) for length in lengths]

    assert transcripts.ending(lines, most=10) == (lines[len(lines) - kept :], is_cut)
    assert transcripts.as_text(transcript(is_cut=True)).startswith("The chat was too long")


def test_the_mail_speaks_every_language_of_the_widget_and_says_the_same_in_each():
    assert transcripts.words().keys() == widget_file.texts().keys()
    for language, words in transcripts.words().items():
        assert words.keys() == transcripts.words()["en"].keys()
        assert words["direction"] == widget_file.texts()[language]["direction"]
        own = transcript(transcripts.Line("day", "09:00", "x", "Hello"), language=language, is_cut=True)
        assert f'lang="{language}" dir="{words["direction"]}"' in transcripts.as_html(own)
        assert "{" not in transcripts.as_text(own) + transcripts.as_html(own)
