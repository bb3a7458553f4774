"""Reasons: why an item was offered to whom it was."""

from django.apps import AppConfig


class ReasonsConfig(AppConfig):
    name = "workfloor.ops.reasons"
    label = "reasons"
