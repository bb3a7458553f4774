"""The router: who does what next."""

from django.apps import AppConfig


class RouterConfig(AppConfig):
    name = "workfloor.ops.router"
    label = "router"
