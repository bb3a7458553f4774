"""Outbox: replies by mail on their way out."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "workfloor.ops.channels.outbox"
    label = "outbox"
