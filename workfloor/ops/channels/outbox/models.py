"""Replies on their way out."""

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.core.conversations.models import Message
from workfloor.kit import rls
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.channels.outbox import rules


class Delivery(models.Model):
    """A reply on its way out through a mail server."""

    message = models.OneToOneField(
        Message, models.PROTECT, primary_key=True, related_name="delivery", db_constraint=False
    )
    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    mailbox = models.ForeignKey(Mailbox, models.PROTECT, related_name="deliveries", db_constraint=False)
    state = models.TextField(default="waiting")
    due_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)  # the first try
    changed_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    # Tries that ended, we do not know how, after the server had all but the last line: it may have the mail twice.
    in_doubt = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(default="")  # what the server said last

    class Meta:
        constraints = [
            rls.Wall(name="delivery_wall"),
            rls.SameClient(name="delivery_message", field="message"),
            rls.SameClient(name="delivery_mailbox", field="mailbox"),
            models.CheckConstraint(name="delivery_state", condition=Q(state__in=rules.STATES)),
        ]
        indexes = [
            models.Index(
                name="delivery_due", fields=["due_at"], condition=Q(state__in=["waiting", "sending", "handing-over"])
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.message} to be sent at {self.due_at:%Y-%m-%d %H:%M:%S}"
