"""Fairness: how evenly offers and work were spread, and whether older work was passed over."""

from django.apps import AppConfig


class FairnessConfig(AppConfig):
    name = "workfloor.ops.fairness"
    label = "fairness"
