"""Messages between leaders and agents."""

from django.apps import AppConfig


class TeamMessagesConfig(AppConfig):
    name = "workfloor.core.team_messages"
    label = "team_messages"
