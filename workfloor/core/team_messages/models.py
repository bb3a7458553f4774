"""Messages between leaders and agents, and who has read them."""

from typing import Any

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.core.work.models import Item
from workfloor.kit.database import rls


class TeamMessage(models.Model):
    """What somebody on the floor wrote to others there; a whisper, with its item, is about a contact in hand."""

    client: Any = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+", db_index=False)  # the item's
    item: Any = models.ForeignKey(Item, models.PROTECT, null=True, related_name="+", db_constraint=False)
    sender = models.ForeignKey(Person, models.PROTECT, related_name="team_messages", db_index=False)
    answers: Any = models.ForeignKey("self", models.PROTECT, null=True, related_name="answered_by")
    text = models.TextField()
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="team_message_wall", shared=True),
            rls.SameClient(name="team_message_item", field="item"),
            rls.SameClient(name="team_message_sender", field="sender"),
            rls.SameClient(name="team_message_answers", field="answers"),
            models.CheckConstraint(
                name="team_message_of_client_with_item", condition=Q(client=None) | Q(item__isnull=False)
            ),
        ]
        indexes = [models.Index(name="team_message_by", fields=["sender", "-sent_at"])]

    def __str__(self) -> str:
        return f"{self.sender} at {self.sent_at:%Y-%m-%d %H:%M}"


class Receipt(models.Model):
    """To whom a message went, and when they read it."""

    client: Any = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+", db_index=False)
    message = models.ForeignKey(TeamMessage, models.CASCADE, related_name="receipts", db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="receipt_wall", shared=True),
            rls.SameClient(name="receipt_message", field="message"),
            rls.SameClient(name="receipt_person", field="person"),
            models.UniqueConstraint(name="receipt_once", fields=["message", "person"]),
        ]
        indexes = [models.Index(name="receipt_unread", fields=["person"], condition=Q(read_at=None))]

    def __str__(self) -> str:
        return f"{self.message} to {self.person}"
