"""What is declared once for commands, documentation and pages is collected for the catalogues."""

import string

from workfloor.core.access import permissions
from workfloor.core.catalogue import entries
from workfloor.desks.console import queries as console_queries
from workfloor.runtime.declared_texts import declared_texts


def test_what_pages_show_of_what_is_declared_is_collected() -> None:
    texts = set(declared_texts())

    for action in console_queries.declared().values():
        assert {action.words, action.summary, action.says} <= texts, action.name
        assert {each.field.words for each in action.parameters} <= texts, action.name
    assert {each.words for each in permissions.PERMISSIONS.values()} <= texts
    assert {*permissions.ROLES, *permissions.ROLES.values()} <= texts
    assert {each.definition for each in entries.EVERY} <= texts


def test_steps_are_collected_as_they_are_written_with_places_for_their_values() -> None:
    texts = declared_texts()

    assert "quantity × rate" in texts
    assert "Credit for {part1}, within the caps" in texts


def test_each_text_is_there_once_and_its_places_can_be_filled_in() -> None:
    texts = declared_texts()

    assert "" not in texts
    assert len(texts) == len(set(texts))
    for text in texts:
        for _, name, spec, _ in string.Formatter().parse(text):  # raises ValueError where a brace is alone
            assert name is None or (name and not spec), text
