"""Transcripts: chats by mail, for visitors who ask for a copy."""

from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    name = "workfloor.ops.channels.transcripts"
    label = "transcripts"
