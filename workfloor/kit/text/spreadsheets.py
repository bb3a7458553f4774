"""Lists as CSV that a spreadsheet opens: no cell of it is ever taken for a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """A value as text; what a spreadsheet would compute gets an apostrophe before it, and is shown as it is."""
    text = "" if value is None else str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_BEGINS_A_FORMULA) else text


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of CSV (RFC 4180)."""
    written = StringIO()
    csv.writer(written).writerows([cell(each) for each in row] for row in rows)
    return written.getvalue()
