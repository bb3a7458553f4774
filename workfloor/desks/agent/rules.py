"""How work reads on the desk: its content, its facts, and what the day came to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# A customer is on the line: there is something to hold, and an end that the disposition follows.
ON_THE_LINE = frozenset({"call", "callback", "chat"})
HELD_BY_VOICE = frozenset({"call", "callback"})
LONG_TEXT = 120

_SAID = {
    "work.received": "Received",
    "work.queued": "Queued",
    "work.offered": "Offered",
    "work.accepted": "Accepted",
    "work.declined": "Declined",
    "work.offer-expired": "Offer lapsed",
    "work.connected": "Connected",
    "work.held": "Put on hold",
    "work.resumed": "Resumed",
    "work.awaits-customer": "Waits for the customer",
    "work.customer-answered": "The customer answered",
    "work.transferred": "Passed on",
    "work.escalated": "Help asked for",
    "work.ended": "Ended",
    "work.wrapped-up": "Wrapped up",
    "work.abandoned": "The customer left",
    "work.cancelled": "Cancelled",
    "work.reopened": "Reopened",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One line of an item's content; a group has fields of its own."""

    label: str
    text: str = ""
    within: tuple["Field", ...] = ()

    @property
    def long(self) -> bool:
        """Whether the text wants the full width and its line breaks."""
        return len(self.text) > LONG_TEXT or "\n" in self.text


@dataclass(frozen=True, slots=True)
class Day:
    """What a person's day came to: items done, and the mean seconds from connecting to wrapping up."""

    done: int
    mean_seconds: float | None


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


def said(event: str, details: Mapping[str, Any]) -> str:
    """Word a fact about an item, with what its details add for a reader."""
    words = _SAID.get(event, event.replace(".", " ").replace("-", " ").capitalize())
    added = details.get("note") or details.get("disposition") or details.get("reason")
    return f"{words}: {added}" if added else words


def day(handled_seconds: Iterable[int]) -> Day:
    """Sum up a day from the talk, hold and wrap-up seconds of each item done."""
    handled = list(handled_seconds)
    return Day(len(handled), sum(handled) / len(handled) if handled else None)
