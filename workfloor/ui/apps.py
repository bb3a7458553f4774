"""The application of shared page parts."""

from django.apps import AppConfig
from django.utils.translation import get_language, gettext, ngettext

from workfloor.kit.text import locales, translation


class UiConfig(AppConfig):
    """Shared page parts; has no tables."""

    name = "workfloor.ui"
    label = "ui"

    def ready(self) -> None:
        translation.speak(gettext, ngettext)
        locales.read_in(lambda: get_language() or "en")
