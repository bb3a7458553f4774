"""How times are worded, and which places a role may go to."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A page that the navigation offers; an application names its own as `place` in its AppConfig."""

    title: str
    icon: str
    url_name: str
    roles: frozenset[str]
    rank: int = 50


def open_to(roles: Iterable[str], places: Iterable[Place]) -> list[Place]:
    """Return the places that roles open, the one to work at first."""
    return sorted((place for place in places if place.roles.intersection(roles)), key=lambda place: place.rank)


def clock_face(seconds: float) -> str:
    """Word a duration in seconds as on a clock: `0:07`, `12:30`, `1:02:03`, `2 d 3 h`; negative ones carry a minus."""
    sign, whole = ("−" if seconds <= -1 else ""), int(abs(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{sign}{days} d {hours} h"
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"
