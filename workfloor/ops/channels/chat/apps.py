"""Chat: a widget on a client's site, and what is said through it."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "workfloor.ops.channels.chat"
    label = "chat"
