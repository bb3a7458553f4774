"""Webhooks: other systems are told what happens."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

WEBHOOKS = Place(gettext_noop("Webhooks"), "world", "webhooks:endpoints", frozenset({"leader", "manager"}), rank=47)


class WebhooksConfig(AppConfig):
    name = "workfloor.ops.webhooks"
    label = "webhooks"
    places = (WEBHOOKS,)
