"""Which places the installed applications offer, and to whom."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps


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
