"""Reasons in words, for pages, terminals and programs."""

from typing import Any

from workfloor.ops.dispatch import rules
from workfloor.ops.reasons import queries

SAID = {
    "could": "could",
    "away": "was not at work",
    "off shift": "was off shift",
    "not able": "may not or cannot",
    "ring not reached": "only after a longer wait",
    "kept for another": "it was kept for another",
    "declined": "declined this queue a moment before",
    "no room": "had no room",
}


def worded(why: queries.Why) -> list[dict[str, Any]]:
    """A row for everybody: who, whether they could, what they lacked, ring and score where they have one."""
    return [
        {
            "person": person.name, "could": reason.verdict == "could", "said": _said(reason),
            "ring": None if reason.ring < 0 else reason.ring + 1,
            "score": None if reason.ring < 0 else round(reason.score, 3),
            "got_it": why.offered_to == person,
        }
        for person, reason in why.reasons
    ]  # fmt: skip


def _said(reason: rules.Reason) -> str:
    return f"lacks {', '.join(reason.lacks)}" if reason.lacks else SAID[reason.verdict]


def plain(why: queries.Why) -> dict[str, Any]:
    """The same as data."""
    return {
        "item": why.item.id, "key": why.item.key, "queue": why.item.queue.name, "client": why.item.client.slug,
        "at": why.at.isoformat(), "waited_seconds": round(why.waited_seconds, 3),
        "offered_to": why.offered_to.name if why.offered_to else None, "people": worded(why),
    }  # fmt: skip
