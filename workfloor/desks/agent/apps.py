"""The application of the agent's desk."""

from django.apps import AppConfig

from workfloor.ui.rules import Place


class AgentConfig(AppConfig):
    """The agent's desk; has no tables."""

    name = "workfloor.desks.agent"
    label = "agent"
    place = Place("Desk", "headset", "agent:desk", frozenset({"agent"}), rank=20)
