"""Which places the installed applications offer."""

from collections.abc import Iterable

from django.apps import apps

from workfloor.ui import rules


def places(roles: Iterable[str]) -> list[rules.Place]:
    """Return the places that roles open, the one to work at first."""
    offered = (getattr(app, "place", None) for app in apps.get_app_configs())
    return rules.open_to(roles, [place for place in offered if place])
