"""The app of imported past work."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "workfloor.ops.history"
