"""Which places the installed applications offer, and to whom."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.apps import apps

BESIDE_EACH_OTHER: Final = 6  # have room in the bar of a small window, in any of our languages


@dataclass(frozen=True)
class Place:
    """A page that the navigation offers; an application names its own as `places` in its AppConfig.

    Whoever has the permission is offered it, and the page asks for the same one.
    """

    title: str
    icon: str
    url_name: str
    permission: str
    rank: int = 50


def open_to(may: Callable[[str], bool], places: Iterable[Place]) -> list[Place]:
    """Return the places whose permission somebody has, the one to work at first."""
    return sorted((place for place in places if may(place.permission)), key=lambda place: place.rank)


def every() -> list[Place]:
    """Return the places of all applications."""
    return [place for app in apps.get_app_configs() for place in getattr(app, "places", ())]


def places(person: Any) -> list[Place]:
    """Return the places open to a person (people.models.Person; None for nobody), the one to work at first."""
    return open_to(person.may, every()) if person is not None else []


class Shown(NamedTuple):
    """Places as the bar shows them: beside each other, and the rest in a menu, which is never for one alone."""

    first: list[Place]
    more: list[Place]


def shown(found: list[Place]) -> Shown:
    """Share places out over the bar and its menu."""
    most = BESIDE_EACH_OTHER if len(found) > BESIDE_EACH_OTHER + 1 else len(found)
    return Shown(found[:most], found[most:])
