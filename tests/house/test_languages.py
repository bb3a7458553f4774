"""Every page speaks the reader's language: no text is outside the catalogues, and these are whole."""

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings

from tests import catalogues
from tests.house.test_rooms import HOUSE, faults_of

TEMPLATES = sorted(HOUSE.rglob("*.html"))
# Attributes that people read or hear.
SAID = {"title", "aria-label", "aria-description", "placeholder", "alt", "data-label", "data-title", "data-attached"}
# What is typed or looked up, and means the same in every language.
FOR_MACHINES = {"code", "kbd", "pre", "script", "style"}
UNSAID = re.compile(r"\{%\s*(comment|blocktranslate|blocktrans)\b.*?\{%\s*end\1\b.*?%\}|\{#.*?#\}", re.S)
CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
# Words among the arguments of a tag or filter that are shown, and are not within _().
ARGUMENT = re.compile(
    r"""(?:\|default(?:_if_none)?:|\s(?:text|title|label|legend|hint|heading|caption|empty)=)["'][^"']*[A-Za-z]"""
    r"""|\{%\s*firstof\s(?:[^%]*\s)?["'][^"']*[A-Za-z]|\{%\s*icon\s+\S+\s+["']"""
)


# Names of looks, which nobody reads.
NAMES = {"|default:'info"}


class Reader(HTMLParser):
    """Notes what a template says by itself: text and attributes with letters, outside of what is for machines."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FOR_MACHINES:
            self._within.append(tag)
        self.said += [value for name, value in attrs if value and name in SAID and has_letters(value)]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            self._within.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._within and has_letters(data):
            self.said.append(" ".join(data.split()))


def has_letters(text: str) -> bool:
    return any(each.isalpha() for each in text)


def bare(template: str) -> list[str]:
    """The texts of a template that no catalogue can have."""
    code = UNSAID.sub("", template)
    reader = Reader()
    reader.feed(CODE.sub("", code))
    arguments = [argument.group().strip() for part in CODE.findall(code) for argument in ARGUMENT.finditer(part)]
    return reader.said + [each for each in arguments if each not in NAMES]


@pytest.mark.parametrize(
    "added",
    [
        "<p>Nothing waits</p>",
        "<p>{{ many }} wait</p>",
        '<button aria-label="Close">×</button>',
        '{% include "ui/_notice.html" with text="Saved" %}',
        '{{ item.title|default:"Untitled" }}',
        '{% icon "check" "yes" %}',
    ],
)
def test_a_text_outside_the_catalogues_is_found(added: str) -> None:
    assert bare('<h1>{% translate "Queues" %}</h1>') == []
    assert len(bare(f'<h1>{{% translate "Queues" %}}</h1>{added}')) == 1


def test_templates_say_nothing_outside_the_catalogues() -> None:
    assert len(TEMPLATES) > 50
    faults_of(*(f"{path.relative_to(HOUSE)}: {said!r}" for path in TEMPLATES for said in bare(path.read_text("utf-8"))))


def test_each_language_of_the_settings_has_a_catalogue() -> None:
    assert {*catalogues.languages()} == {code for code, _ in settings.LANGUAGES} - {"en"}


@pytest.mark.parametrize("language", catalogues.languages())
def test_a_catalogue_has_every_text_and_no_other_and_fills_in_the_same(language: str) -> None:
    faults_of(*catalogues.faults(language))


def test_a_text_that_a_language_lacks_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = catalogues.collected() | {("", "A text added just now", ""): ["workfloor/ui/views.py"]}
    monkeypatch.setattr(catalogues, "collected", lambda: wanted)

    assert any("A text added just now" in fault for fault in catalogues.faults("es"))


def test_a_translation_that_fills_in_something_else_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    key = ("", "{name} is here", "")
    monkeypatch.setattr(catalogues, "collected", lambda: {key: ["workfloor/ui/views.py"]})
    monkeypatch.setattr(catalogues, "kept", lambda _: {key: ("{nombre} está aquí",)})

    assert len(catalogues.faults("es")) == 1
