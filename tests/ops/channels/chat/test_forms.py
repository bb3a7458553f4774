"""A widget's settings are read with every fault at its line, and its words are there in every language."""

import re

import pytest

from tests.ops.channels.chat.conftest import SETTINGS
from workfloor.kit import toml
from workfloor.ops.channels.chat import forms, rules

QUEUES = ["chats", "mail", "calls"]


def test_settings_are_read():
    settings = forms.read(SETTINGS, QUEUES)

    assert settings.title == {"en": "Lisbon Light"}
    assert [question.name for question in settings.questions] == ["name", "email", "card"]
    assert settings.instead == {"email": "mail", "callback": "calls"}
    assert (settings.wait_seconds, settings.silence_seconds, settings.left_seconds) == (60, 900, 60)


def test_all_that_is_wrong_is_said_at_its_line():
    source = """title = { english = "Chat" }
promised_wait = "soon"
instead = { email = "letters", fax = "mail" }
[[questions]]
name = "colour"
[[questions]]
name = "colour"
kind = "choice"
label = { en = "Which?" }
"""
    with pytest.raises(toml.Refused) as refused:
        forms.read(source, QUEUES)

    told = [(fault.line, fault.place) for fault in refused.value.faults]
    assert (1, "title.english") in told
    assert (2, "promised_wait") in told
    assert (3, "instead.email") in told and (3, "instead.fax") in told
    assert (4, "questions[0].label") in told
    assert (7, "questions[1].name") in told
    assert (6, "questions[1].choices") in told


def test_every_language_has_every_word_with_the_same_places():
    texts = forms.texts()

    assert set(texts) >= {"en", "de", "es", "he"}
    assert texts["he"]["direction"] == "rtl"
    for language, words in texts.items():
        assert words.keys() == texts["en"].keys(), language
        for name, text in words.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", texts["en"][name])), (language, name)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 30_000, b'{"x": 1e999}', b'{"a": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(rules.Refused):
        forms.sent(body)


def test_a_large_body_is_refused_before_it_is_read():
    with pytest.raises(rules.Refused, match="40,000 bytes"):
        forms.sent(b" " * 40_001)
