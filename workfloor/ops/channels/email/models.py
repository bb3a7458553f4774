"""Mailboxes, mail as it came, how far fetching has come, and replies on their way out."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations.models import Message
from workfloor.core.files.models import File
from workfloor.core.outgoing.models import OnItsWay
from workfloor.kit.database import rls
from workfloor.ops.channels.email import sorting

# Whose signature stands below mails: the agent's own where there is one, the mailbox's alone, or none.
SIGNS = ("agent", "mailbox", "none")


class Mailbox(models.Model):
    """An address that customers write to, and the queue in which what they write waits."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="mailboxes", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="mailboxes", db_constraint=False)
    address = models.TextField()  # in small letters, without a plus
    title = models.TextField(default="")  # the name beside the address of replies
    signature = models.TextField(default="")  # below what agents write
    signs = models.TextField(default="agent", db_default="agent")  # whose signature that is, of SIGNS
    language = models.CharField(max_length=12, default="any", db_default="any")  # that its mails are written in
    only_to = models.TextField(default="", db_default="")  # domains that may be written to, with blanks; none: all
    most_per_sender = models.PositiveIntegerField(default=30)  # mails in ten minutes; 0 for no limit
    source_url = models.TextField(default="")  # where mail is fetched from, see gateway.source
    password = models.BinaryField(default=b"")  # sealed, see queries.password
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="mailbox_wall"),
            rls.SameClient(name="mailbox_queue", field="queue"),
            models.UniqueConstraint(name="mailbox_of_client", fields=["client", "id"]),
            models.UniqueConstraint(name="mailbox_address", fields=["address"], condition=Q(closed_at=None)),
            models.CheckConstraint(name="mailbox_signs", condition=Q(signs__in=SIGNS)),
            models.CheckConstraint(name="mailbox_address_small", condition=Q(address=Lower(F("address")))),
        ]

    def __str__(self) -> str:
        return self.address


class Place(models.Model):
    """How far the fetching of a mailbox has come: everything up to this UID, under this UIDVALIDITY, is here."""

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, primary_key=True, related_name="place", db_constraint=False)
    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    uid_validity = models.BigIntegerField(default=0)
    uid = models.BigIntegerField(default=0)
    fault = models.TextField(default="", db_default="")  # why nothing can be fetched, empty while it can
    failing_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="place_wall"),
            rls.SameClient(name="place_mailbox", field="mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox} at {self.uid_validity}/{self.uid}"


class Arrival(models.Model):
    """A mail as it came, stored before anybody read it, and what became of it."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="arrivals", db_index=False)
    mailbox = models.ForeignKey(Mailbox, models.PROTECT, related_name="arrivals", db_constraint=False, db_index=False)
    # What came, its numbers masked once it is read; none where it was too large to be fetched, or was deleted since.
    file = models.ForeignKey(File, models.PROTECT, null=True, related_name="+", db_constraint=False)
    envelope_sender = models.TextField(default="")  # "<>" for the null sender, empty where nobody said
    recipient = models.TextField(default="")  # as it was written, with what follows a plus
    arrived_at = models.DateTimeField()
    uid_validity = models.BigIntegerField(null=True)  # of mail that was fetched
    uid = models.BigIntegerField(null=True)
    state = models.TextField(default="waiting")
    reason = models.TextField(default="")  # why it was set aside, is held back or could not be read
    anyway = models.BooleanField(default=False)  # somebody looked at it and said that it is a customer's
    sender = models.TextField(default="")
    subject = models.TextField(default="")
    message = models.ForeignKey(
        Message, models.PROTECT, null=True, related_name="arrivals", db_constraint=False
    )  # what it became; of a report, the reply that it is about
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="arrival_wall"),
            rls.SameClient(name="arrival_mailbox", field="mailbox"),
            rls.SameClient(name="arrival_message", field="message"),
            rls.SameClient(name="arrival_file", field="file"),
            models.UniqueConstraint(name="arrival_of_client", fields=["client", "id"]),
            models.UniqueConstraint(
                name="arrival_fetched_once", fields=["mailbox", "uid_validity", "uid"], condition=Q(uid__isnull=False)
            ),
            models.CheckConstraint(name="arrival_state", condition=Q(state__in=sorting.STATES)),
        ]
        indexes = [
            models.Index(name="arrival_unread", fields=["mailbox", "id"], condition=Q(state="waiting")),
            models.Index(name="arrival_sender", fields=["mailbox", "sender", "arrived_at"]),
            models.Index(
                name="arrival_looked_at", fields=["state", "-id"], condition=~Q(state__in=["waiting", "taken"])
            ),
        ]

    def __str__(self) -> str:
        return self.subject or f"mail {self.pk}"


class Delivery(OnItsWay):
    """A reply on its way out through a mail server."""

    message = models.OneToOneField(
        Message, models.PROTECT, primary_key=True, related_name="delivery", db_constraint=False
    )
    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    mailbox = models.ForeignKey(Mailbox, models.PROTECT, related_name="deliveries", db_constraint=False)

    class Meta:
        constraints = [
            rls.Wall(name="delivery_wall"),
            rls.SameClient(name="delivery_message", field="message"),
            rls.SameClient(name="delivery_mailbox", field="mailbox"),
            models.CheckConstraint(name="delivery_state", condition=Q(state__in=OnItsWay.STATES)),
        ]
        indexes = [
            models.Index(name="delivery_due", fields=["due_at"], condition=Q(state__in=OnItsWay.UNDER_WAY)),
        ]

    def __str__(self) -> str:
        return f"{self.message} to be sent at {self.due_at:%Y-%m-%d %H:%M:%S}"
