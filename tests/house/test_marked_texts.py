"""Texts that are marked for translation are filled in with just the values that they have places for."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2] / "workfloor"
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}


def test_a_text_is_filled_in_with_what_it_has_places_for() -> None:
    filled = [each for path in sorted(HOUSE.rglob("*.py")) for each in _filled(path)]

    assert len(filled) > 100
    assert [f"{where}: {places} of the text, {given} given" for where, places, given in filled if places != given] == []


def _filled(path: Path) -> Iterator[tuple[str, set[str], set[str | None]]]:
    """Each `_("...").format(...)`: where it is, the names in its texts and those that are given."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(ast.Attribute(ast.Call(ast.Name(mark), texts), "format"), [], given) if mark in MARKS:
                written = [
                    each.value for each in texts if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                if written:
                    where = f"{path.relative_to(HOUSE)}:{node.lineno}"
                    yield where, {name for text in written for name in _places(text)}, {each.arg for each in given}


def _places(text: str) -> Iterator[str]:
    for _, name, _, _ in string.Formatter().parse(text):
        if name is not None:
            yield name
