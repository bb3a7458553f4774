"""Rollups: what finished items add up to, by quarter of an hour, kept by the database itself."""

from django.apps import AppConfig


class RollupsConfig(AppConfig):
    name = "workfloor.core.rollups"
    label = "rollups"
