"""How times and contents are worded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONG_TEXT = 120


@dataclass(frozen=True, slots=True)
class Field:
    """One line of what somebody sent; a group has fields of its own."""

    label: str
    text: str = ""
    within: tuple["Field", ...] = ()

    @property
    def long(self) -> bool:
        """Whether the text wants the full width and its line breaks."""
        return len(self.text) > LONG_TEXT or "\n" in self.text


def clock_face(seconds: float) -> str:
    """Word a duration in seconds as on a clock: `0:07`, `12:30`, `1:02:03`, `2 d 3 h`; negative ones carry a minus."""
    sign, whole = ("−" if seconds <= -1 else ""), int(abs(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{sign}{days} d {hours} h"
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"


def readable(payload: Mapping[str, Any]) -> tuple[Field, ...]:
    """Turn what a sender sent, whatever its shape, into labelled lines: short ones, then long texts, then groups."""
    lines = (_field(label(name), value) for name, value in payload.items())
    return tuple(sorted(lines, key=lambda line: (bool(line.within), line.long)))


def _field(name: str, value: Any) -> Field:
    if isinstance(value, Mapping):
        return Field(name, within=readable(value))
    if isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        return Field(name, within=tuple(_field(str(place), each) for place, each in enumerate(value, start=1)))
    if isinstance(value, list):
        return Field(name, ", ".join(_text(each) for each in value) or "–")
    return Field(name, _text(value))


def _text(value: Any) -> str:
    words = {None: "–", "": "–", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) or value == "" else str(value)


def label(name: str) -> str:
    """Word a sender's name for a field: `invoice_number` and `invoiceNumber` read "Invoice number"."""
    spaced = "".join(f" {each.lower()}" if each.isupper() and not name.isupper() else each for each in name)
    words = spaced.replace("_", " ").replace("-", " ").split()
    return " ".join(words).capitalize() if words else name
