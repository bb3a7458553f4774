"""The state of a client's month as its facts have it, and how the items behind frozen figures are kept."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol

from workfloor.kit.figures.money import Money

State = Literal["open", "provisional", "closed", "restated"]
SHUT: tuple[State, ...] = ("closed", "restated")
RAISED, UPHELD, REJECTED = "raised", "upheld", "rejected"
DISPUTE_STATES = (RAISED, UPHELD, REJECTED)
LATE_FACTS, DISPUTE = "late facts", "dispute"

_STEPS: dict[str, State] = {
    "period.proposed": "provisional",
    "period.reopened": "open",
    "period.closed": "closed",
    "period.restated": "restated",
}


@dataclass(frozen=True, slots=True)
class Frozen:
    """A statement to be kept: for programs, for people, what later months build on, and the items of the month."""

    version: int
    plain: dict[str, Any]
    printed: dict[str, Any]
    basis: dict[str, Any]
    items: Sequence[Any]
    figures: Sequence["Leaf"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One figure to be kept; no values for one of a single queue.

    `values` follow the items of the month. Where a figure counts something else (outages), they are pairs of what it
    counted, in the form of an item, and what that added.
    """

    name: str
    title: str
    row: Mapping[str, Any]
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Correction:
    """What a closed month's figure is wrong by, how the line is called that makes up for it, and its arithmetic."""

    figure: str
    subject: str
    title: str
    amount: Money
    tax: Mapping[str, Any] | None
    how: Mapping[str, Any] | None = None


class Fact(Protocol):
    """A recorded fact, as far as a month's state looks."""

    event: str
    details: Mapping[str, Any]


def replay(facts: Iterable[Fact]) -> dict[str, State]:
    """Return the state of every month that the facts, in their order, speak of."""
    return {fact.details["period"]: _STEPS[fact.event] for fact in facts if fact.event in _STEPS}


def next_month(name: str) -> str:
    """Return the month after one, such as `1999-03` after `1999-02`."""
    years, month = divmod(int(name[:4]) * 12 + int(name[5:]), 12)
    return f"{years:04}-{month + 1:02}"


def into(period: str, states: Mapping[str, State]) -> str:
    """Return the month whose statement takes up a correction of a closed one: the next that is still open."""
    name = next_month(period)
    while states.get(name, "open") != "open":
        name = next_month(name)
    return name


def written(document: Any) -> str:
    """Write a document as it is printed and kept: JSON, two spaces a level, and a line's end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def digest(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in hexadecimal; `sha256sum` of the printed document gives the same."""
    return sha256(text.encode()).hexdigest()


def packed(values: Sequence[Any]) -> bytes:
    """Pack JSON values tightly, to be kept."""
    return zlib.compress(json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode(), 6)


def unpacked(data: bytes) -> list[Any]:
    """Return what was packed."""
    found: list[Any] = json.loads(zlib.decompress(data))
    return found


QUEUE = 2  # where a kept item says its queue


def chosen(items: Sequence[Any], values: Sequence[Any], queue: str | None) -> Iterator[tuple[Any, Any]]:
    """Pair the items that a figure counted with what each added; those of one queue alone where one is named."""
    for item, value in zip(items, values, strict=True):
        if value is not None and queue in (None, item[QUEUE]):
            yield item, value
