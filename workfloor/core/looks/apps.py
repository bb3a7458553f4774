"""Looks: who saw whose personal data, when, and on which page."""

from django.apps import AppConfig


class LooksConfig(AppConfig):
    name = "workfloor.core.looks"
    label = "looks"
