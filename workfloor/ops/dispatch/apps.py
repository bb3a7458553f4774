"""Dispatch: the router at work."""

from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "workfloor.ops.dispatch"
    label = "dispatch"
