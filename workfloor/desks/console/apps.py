"""The application of the administration's pages."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

ADMINISTRATION = Place(gettext_noop("Administration"), "tool", "console:actions", "administration.see", rank=60)


class ConsoleConfig(AppConfig):
    """The administration's pages; has no tables."""

    name = "workfloor.desks.console"
    label = "console"
    places = (ADMINISTRATION,)
