"""The widgets on clients' sites, the chats of their visitors, and the copies that were asked for."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations.models import Message
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import rls
from workfloor.ops.channels.chat import visitors


class Widget(models.Model):
    """What a client puts on its site; its key is public, its origins say where it may be used."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="widgets")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="widgets", db_constraint=False)
    key = models.CharField(max_length=40, unique=True)
    origins = ArrayField(models.TextField())
    source = models.TextField(default="")  # the file of its settings
    added_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="widget_wall"),
            rls.SameClient(name="widget_queue", field="queue"),
            models.UniqueConstraint(name="widget_of_client", fields=["client", "id"]),
        ]

    def __str__(self) -> str:
        return self.key


class Chat(models.Model):
    """A visitor's chat: one case, whose present item is what an agent has or will have in hand."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="chats", db_index=False)
    widget = models.ForeignKey(Widget, models.PROTECT, related_name="chats", db_constraint=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="chats", db_constraint=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="chats", db_constraint=False)
    digest = models.CharField(max_length=64)  # of the visitor's secret, which only the visitor's browser has
    address_digest = models.CharField(max_length=64)  # of the network address, to know a flood by
    page = models.TextField(default="")  # where on the client's site it began
    language = models.CharField(max_length=12, default="")
    answers = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when the visitor's page last said that it is open
    said_at = models.DateTimeField()  # when the visitor last wrote
    replied_at = models.DateTimeField(null=True)  # when we did
    read_by_us = models.BigIntegerField(default=0)  # the visitor's last message that an agent has seen
    closed_at = models.DateTimeField(null=True)
    closed_as = models.TextField(default="")
    score = models.PositiveSmallIntegerField(null=True)
    comment = models.TextField(default="")

    is_held = False  # whether it was read as it is now, and locked until the transaction ends

    class Meta:
        constraints = [
            rls.Wall(name="chat_wall"),
            rls.SameClient(name="chat_widget", field="widget"),
            rls.SameClient(name="chat_case", field="case"),
            rls.SameClient(name="chat_item", field="item"),
            models.UniqueConstraint(name="chat_of_client", fields=["client", "id"]),
            models.UniqueConstraint(name="chat_digest", fields=["client", "digest"]),
            models.CheckConstraint(
                name="chat_closed", condition=Q(closed_at=None, closed_as="") | Q(closed_as__in=visitors.ENDINGS)
            ),
            models.CheckConstraint(name="chat_score", condition=Q(score=None) | Q(score__range=(1, 5))),
        ]
        indexes = [
            models.Index(name="chat_address", fields=["address_digest", "opened_at"]),
            models.Index(name="chat_rated", fields=["client", "opened_at"], condition=Q(score__isnull=False)),
            models.Index(name="chat_open", fields=["seen_at"], condition=Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return f"chat {self.pk}"


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
