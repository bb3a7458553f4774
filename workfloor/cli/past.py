"""An export of past calls, read for a command that needs no database."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from workfloor.ops.history.rules import Call, Map

Advance = Callable[[int], None]


class Refused(ValueError):
    """The export or its map cannot be used; the message says why, and `what` which of the two it is."""

    def __init__(self, what: Literal["file", "map"], message: str) -> None:
        super().__init__(message)
        self.what = what


def calls(file: Path, map_: Path, advance: Callable[[int], Advance] | None = None) -> "tuple[Map, list[Call]]":
    """Read an export as the import of past work would, with the same refusals. Raises Refused.

    `advance` takes the file's size and gives a function that takes how many bytes of it are read.
    """
    from workfloor.ops.history import gateway, rules

    how = _map(map_)
    # Any time will do: what lies outside the time that is asked for is left out later.
    ever = rules.Window(datetime.min.replace(tzinfo=UTC), *[datetime.max.replace(tzinfo=UTC)] * 2)
    tally = rules.Tally()
    try:
        with gateway.opened(file) as export:
            progress = advance(export.size) if advance else (lambda done: None)
            found = list(rules.read_all(export.records(how, progress), rules.Reader(how, ever), tally))
    except rules.Refused as refused:
        line = f":{refused.line}" if refused.line else ""
        raise Refused("file", f"{file}{line}: {refused.reason}.") from None
    if tally.refused_count:
        first = tally.refused[0]
        message = f"{tally.refused_count:,} rows that the map does not allow for, the first in line {first.line}: "
        raise Refused("file", f"{file}: {message}{first.reason}.")
    return how, found


def _map(map_: Path) -> "Map":
    from workfloor.ops.history import forms, gateway, rules

    try:
        return forms.read(gateway.map_text(map_)).map
    except forms.Refused as refused:
        said = "\n".join(f"{map_}:{fault.line}: {fault.place}: {fault.message}" for fault in refused.faults)
        raise Refused("map", said) from None
    except rules.Refused as refused:
        raise Refused("map", f"{map_}: {refused.reason}.") from None
