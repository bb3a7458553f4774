"""Routing: who is offered which work, by one leader a pool, and why."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "workfloor.ops.routing"
    label = "routing"
