"""Work: items of every kind, the cases they belong to, and who holds them."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "workfloor.core.work"
    label = "work"
