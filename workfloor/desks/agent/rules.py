"""What kinds of work ask for on the desk, and what a day came to."""

from collections.abc import Iterable
from dataclasses import dataclass

# A customer is on the line: there is something to hold, and an end that the disposition follows.
ON_THE_LINE = frozenset({"call", "callback", "chat"})
WRITTEN = frozenset({"chat", "email", "message"})  # what is answered in writing
HELD_BY_VOICE = frozenset({"call", "callback"})


@dataclass(frozen=True, slots=True)
class Day:
    """What a person's day came to: items done, and the mean seconds from connecting to wrapping up."""

    done: int
    mean_seconds: float | None


def day(handled_seconds: Iterable[int]) -> Day:
    """Sum up a day from the talk, hold and wrap-up seconds of each item done."""
    handled = list(handled_seconds)
    return Day(len(handled), sum(handled) / len(handled) if handled else None)
