"""The application of the agent's desk."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop

from workfloor.ui.places import Place

DESK = Place(gettext_noop("Desk"), "headset", "agent:desk", "work.handle", rank=20)


class AgentConfig(AppConfig):
    """The agent's desk; has no tables."""

    name = "workfloor.desks.agent"
    label = "agent"
    places = (DESK,)
