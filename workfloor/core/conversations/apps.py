"""Conversations: what customers and we say about a case, over every channel."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "workfloor.core.conversations"
    label = "conversations"
