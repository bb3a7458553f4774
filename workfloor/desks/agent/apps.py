"""The application of the agent's desk."""

from django.apps import AppConfig

from workfloor.ui.places import Place

DESK = Place("Desk", "headset", "agent:desk", "work.handle", rank=20)


class AgentConfig(AppConfig):
    """The agent's desk; has no tables."""

    name = "workfloor.desks.agent"
    label = "agent"
    places = (DESK,)
