"""Periods: which months of a client are closed, and what later corrected them."""

from django.apps import AppConfig


class PeriodsConfig(AppConfig):
    """Closed months, disputes and adjustments."""

    name = "workfloor.core.periods"
    label = "periods"
