"""A widget's settings are read with every fault at its line, and its words are there in every language."""

import ast
import re
from pathlib import Path

import pytest

from tests.ops.channels.chat.conftest import SETTINGS
from workfloor.kit.text import toml
from workfloor.ops.channels.chat import visitors, widget_file

QUEUES = ["chats", "mail", "calls"]


def test_settings_are_read():
    settings = widget_file.read(SETTINGS, QUEUES)

    assert settings.title == {"en": "Lisbon Light"}
    assert [question.name for question in settings.questions] == ["name", "email", "card"]
    assert settings.instead == {"email": "mail", "callback": "calls"}
    assert (settings.wait_seconds, settings.silence_seconds, settings.left_seconds) == (60, 900, 180)


def test_all_that_is_wrong_is_said_at_its_line():
    source = """title = { english = "Chat" }
max_wait = "soon"
instead = { email = "letters", fax = "mail" }
[[questions]]
name = "colour"
[[questions]]
name = "colour"
kind = "choice"
label = { en = "Which?" }
"""
    with pytest.raises(toml.Refused) as refused:
        widget_file.read(source, QUEUES)

    told = [(fault.line, fault.place) for fault in refused.value.faults]
    assert (1, "title.english") in told
    assert (2, "max_wait") in told
    assert (3, "instead.email") in told and (3, "instead.fax") in told
    assert (4, "questions[0].label") in told
    assert (7, "questions[1].name") in told
    assert (6, "questions[1].choices") in told


def test_every_language_has_every_word_with_the_same_places():
    texts = widget_file.texts()

    assert set(texts) >= {"en", "de", "es", "he"}
    assert texts["he"]["direction"] == "rtl"
    for language, words in texts.items():
        assert words.keys() == texts["en"].keys(), language
        for name, text in words.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", texts["en"][name])), (language, name)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 30_000, b'{"x": 1e999}', b'{"a": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(visitors.Refused):
        widget_file.sent(body)


def test_a_large_body_is_refused_before_it_is_read():
    with pytest.raises(visitors.Refused, match="body-too-large"):
        widget_file.sent(b" " * 40_001)


# --- in the visitor's language ---------------------------------------------------------------------------------------

CHANNELS = Path(widget_file.__file__).parents[1]
PLACES = re.compile(r"\{\w+(?::\w+)?\}")


def named_faults() -> dict[str, set[str]]:
    """Every fault that the code of the channels can raise, by its name, and the values that it brings."""
    found: dict[str, set[str]] = {}
    for path in CHANNELS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Fault":
                name, *values = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: a fault’s name is written out"
                given = values[0].keys if values and isinstance(values[0], ast.Dict) else []
                found.setdefault(name.value, set()).update(each.value for each in given)
    return found


def test_every_refusal_that_a_visitor_can_get_is_said_in_every_language_of_the_widget():
    refusals, faults = widget_file.refusals(), named_faults()

    assert len(faults) > 20
    assert refusals.keys() == widget_file.texts().keys()
    for language, words in refusals.items():
        assert words.keys() == faults.keys(), language
        for name, text in words.items():
            assert set(PLACES.findall(text)) == set(PLACES.findall(refusals["en"][name])), (language, name)
            assert {re.sub(r":\w+", "", place)[1:-1] for place in PLACES.findall(text)} <= faults[name], (
                language,
                name,
            )
        own = [text for name, text in words.items() if language != "en" and text == refusals["en"][name]]
        assert own == [], language


def test_nothing_that_a_visitors_call_refuses_is_left_in_one_language():
    """What visitors' calls can raise is a Refused with named faults, never a sentence."""
    for name in ("api.py", "visitors.py", "widget_file.py", "transcripts.py"):
        tree = ast.parse((CHANNELS / "chat" / name).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                assert not any(isinstance(each, ast.Constant | ast.JoinedStr) for each in node.exc.args[:1]) or (
                    ast.unparse(node.exc.func) == "Stranger"
                ), f"{name}:{node.lineno}"


def test_all_that_is_wrong_with_the_answers_is_said_at_its_question_in_the_visitors_language():
    asked = (
        visitors.Question("name", "name", required=True),
        visitors.Question("email", "email"),
        visitors.Question("colour", "choice", {"en": "Colour", "de": "Farbe"}, choices=("red", "blue")),
    )
    with pytest.raises(visitors.Refused) as refused:
        visitors.answers(asked, {"email": "rui", "colour": "green"})

    assert widget_file.worded(refused.value, "de-AT") == (
        "Ihr Name: bitte beantworten Sie das. Ihre E-Mail-Adresse: „rui“ ist keine E-Mail-Adresse; bitte schreiben Sie "
        "sie wie name@example.com. Farbe: bitte wählen Sie eine der Antworten."
    )
    assert widget_file.worded(refused.value, "pt").startswith("Your name: please answer this.")
