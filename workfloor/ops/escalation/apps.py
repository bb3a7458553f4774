"""Escalation: who is told when something happens to work, and who next when nobody acknowledges it."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

ESCALATIONS = Place(gettext_noop("Escalations"), "flag", "escalation:inbox", "escalations.see", rank=15)


class EscalationConfig(AppConfig):
    name = "workfloor.ops.escalation"
    label = "escalation"
    places = (ESCALATIONS,)
