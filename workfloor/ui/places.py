"""Which places the installed applications offer, and to whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps


@dataclass(frozen=True)
class Place:
    """A page that the navigation offers; an application names its own as `places` in its AppConfig."""

    title: str
    icon: str
    url_name: str
    roles: frozenset[str]
    rank: int = 50


def open_to(roles: Iterable[str], places: Iterable[Place]) -> list[Place]:
    """Return the places that roles open, the one to work at first."""
    return sorted((place for place in places if place.roles.intersection(roles)), key=lambda place: place.rank)


def places(roles: Iterable[str]) -> list[Place]:
    """Return the places that roles open, the one to work at first."""
    offered = (place for app in apps.get_app_configs() for place in getattr(app, "places", ()))
    return open_to(roles, list(offered))
