"""What people are to an item beside its owner, and how that follows from facts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired, TypedDict

OWNER: Final = "owner"
CONSULT: Final = "consult"
MONITOR: Final = "monitor"
SECOND_KEYING: Final = ("", "wanted", "begun", "done")
KEYS_SECOND: Final = "second-keying"
BESIDE: Final = (CONSULT, MONITOR, KEYS_SECOND)
TAKES_NOTHING: Final = (MONITOR, OWNER)  # who may take part without its taking anything of them
WITH_THE_OWNER: Final = (CONSULT, MONITOR)  # they are there as long as the owner has the contact in hand


class Part(TypedDict):
    """Somebody's part in an item beside its owner; a consultant who has not answered yet was `asked_until` then."""

    person: int
    role: str
    asked_until: NotRequired[str]


Parts = Sequence[Part] | None


def part_of(parts: Parts, person_id: int | None) -> Part | None:
    """What somebody is to an item, if anything."""
    return next((each for each in parts or () if each["person"] == person_id), None)


def consults(parts: Parts, person_id: int | None) -> bool:
    """Whether somebody has joined as a consultant."""
    part = part_of(parts, person_id)
    return part is not None and part["role"] == CONSULT and "asked_until" not in part


def people(parts: Parts) -> set[int]:
    """Whoever takes part beside the owner, or is asked to."""
    return {each["person"] for each in parts or ()}


def on_it(item: Any) -> set[int]:
    """The owner of an item (a row of it), and whoever takes part beside them or is asked to."""
    return people(item.beside) | ({item.person_id} - {None})


def joined(parts: Parts, part: Part) -> list[Part]:
    """The parts with one more, or with one person's as it is now."""
    return [*(each for each in parts or () if each["person"] != part["person"]), part]


def left(parts: Parts, person_id: int | None) -> list[Part] | None:
    """The parts without somebody's."""
    return [each for each in parts or () if each["person"] != person_id] or None


def part(role: str, person_id: int | None, details: Mapping[str, Any]) -> Part:
    """Somebody's part as a fact says it."""
    assert person_id is not None
    found: Part = {"person": person_id, "role": role}
    return found | {"asked_until": details["expires_at"]} if details.get("expires_at") else found
