"""Webhooks: other systems are told what happens."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

WEBHOOKS = Place(gettext_noop("Webhooks"), "world", "webhooks:endpoints", "webhooks.set-up", rank=47)


class WebhooksConfig(AppConfig):
    name = "workfloor.ops.webhooks"
    label = "webhooks"
    places = (WEBHOOKS,)
