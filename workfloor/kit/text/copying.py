"""Rows as PostgreSQL's COPY reads them."""

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def line(values: Iterable[object]) -> str:
    """One row: None is null, all else stands as str() has it."""
    written = [None if value is None else str(value) for value in values]
    if _SPECIAL.search("".join([each for each in written if each is not None])):  # seldom, and then in one of them
        written = [each and text(each) for each in written]
    return "\t".join([r"\N" if each is None else each for each in written]) + "\n"


def text(value: str) -> str:
    """One value of a row."""
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], value) if _SPECIAL.search(value) else value
