"""What simulations come to, as Django knows it."""

from django.apps import AppConfig


class EstimatesConfig(AppConfig):
    name = "workfloor.ops.estimates"
