"""The part of a text that is shown, with the words that were looked for."""

from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.search import excerpts
from workfloor.core.search.excerpts import Piece, excerpt


def marked(pieces):
    return "".join(f"[{each.text}]" if each.is_found else each.text for each in pieces)


def test_words_are_marked_where_a_word_begins_so_whatever_its_accents():
    assert marked(excerpt("My Électric bill, billing and rebill", ["electric", "bill"])) == (
        "My [Électric] [bill], [bill]ing and rebill"
    )


def test_a_long_text_is_shown_around_the_first_word():
    text = "so " * 300 + "here is the meter " + "and " * 300
    shown = marked(excerpt(text, ["meter"]))

    assert shown.startswith("… ") and shown.endswith(" …") and "the [meter] and" in shown
    assert len(shown) < excerpts.LONGEST + 10


def test_without_a_word_the_beginning_is_shown_on_one_line():
    assert excerpt("one\n\n two", ["meter"]) == [Piece("one two", False)]
    assert excerpt("", ["meter"]) == []


def test_signs_of_a_word_are_no_pattern():
    assert marked(excerpt("a.b and axb", ["a.b"])) == "[a.b] and axb"


@given(st.text(max_size=600), st.lists(st.text(min_size=1, max_size=5), max_size=4))
def test_an_excerpt_is_a_part_of_the_text(text, words):
    shown = "".join(each.text for each in excerpt(text, words))

    assert shown.removeprefix("… ").removesuffix(" …") in " ".join(text.split())


@given(st.text(max_size=300))
def test_folding_leaves_each_character_in_its_place(text):
    assert len(excerpts.folded(text)) == len(text)
