"""The copies of chats that were asked for."""

from django.db import models

from workfloor.core.clients.models import Client
from workfloor.core.conversations.models import Message
from workfloor.kit import rls
from workfloor.ops.channels.chat.models import Chat


class Transcript(models.Model):
    """A copy of a chat that its visitor asked for, by the request's own name: asked for again it is the same copy."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    chat = models.ForeignKey(Chat, models.PROTECT, related_name="transcripts", db_constraint=False, db_index=False)
    message = models.OneToOneField(Message, models.PROTECT, related_name="transcript", db_constraint=False)
    key = models.CharField(max_length=64)
    # Digests, to know by whom too many are asked for, and for whom: never whose they are.
    address_digest = models.CharField(max_length=64)
    recipient_digest = models.CharField(max_length=64)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="transcript_wall"),
            rls.SameClient(name="transcript_chat", field="chat"),
            rls.SameClient(name="transcript_message", field="message"),
            models.UniqueConstraint(name="transcript_key", fields=["chat", "key"]),
        ]
        indexes = [
            models.Index(name="transcript_from", fields=["address_digest", "asked_at"]),
            models.Index(name="transcript_to", fields=["recipient_digest", "asked_at"]),
        ]

    def __str__(self) -> str:
        return f"copy of {self.chat}"
