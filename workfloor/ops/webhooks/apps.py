"""Webhooks: other systems are told what happens."""

from django.apps import AppConfig

from workfloor.ui.places import Place

WEBHOOKS = Place("Webhooks", "world", "webhooks:endpoints", "webhooks.set-up", rank=62)


class WebhooksConfig(AppConfig):
    name = "workfloor.ops.webhooks"
    label = "webhooks"
    places = (WEBHOOKS,)
