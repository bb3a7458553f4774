"""The application of shared page parts."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Shared page parts; has no tables."""

    name = "workfloor.ui"
    label = "ui"
