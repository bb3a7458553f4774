"""Closing: months proposed by one and approved by another."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class ClosingConfig(AppConfig):
    """Closing months; its tables are those of core.periods."""

    name = "workfloor.ops.closing"
    label = "closing"
    place = Place("Closing", "lock", "closing:clients", frozenset({"leader", "manager"}), rank=43)
