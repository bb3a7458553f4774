"""Mail on its way out: what all of it has in common, and the installation's own."""

from django.apps import AppConfig


class OutgoingConfig(AppConfig):
    name = "workfloor.core.outgoing"
    label = "outgoing"
