"""Claims: what one person says and another confirms before it counts."""

from django.apps import AppConfig


class ClaimsConfig(AppConfig):
    name = "workfloor.core.claims"
    label = "claims"
