"""Messages of a case across channels, and the files on them."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from workfloor.core.clients.models import Client
from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.files.models import File
from workfloor.core.people.models import Person
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import rls
from workfloor.kit.mail.mime import PICTURES


class Message(models.Model):
    """What was said about a case: by the customer, by us, or among ourselves (a note)."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="messages", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="messages", db_constraint=False)
    item = models.ForeignKey(Item, models.PROTECT, null=True, related_name="messages", db_constraint=False)
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="messages", db_index=False)
    direction = models.TextField()
    channel = models.TextField(default="")
    # The sender's own name for it: the same key again is the same message.
    key = models.TextField(default="")
    # The channel's name for it, by which answers refer to it, such as a Message-ID without its brackets.
    external_id = models.TextField(default="")
    sender = models.TextField(default="")
    sender_name = models.TextField(default="")
    recipients = models.JSONField(default=list)  # messages.Address
    # What it hands on to somebody else: then it answers nobody.
    forwards = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    subject = models.TextField(default="")
    text = models.TextField(default="")
    folded_text = models.TextField(default="")
    html = models.TextField(default="")
    said_at = models.DateTimeField()  # when it came in, or was written here
    sent_at = models.DateTimeField(null=True)  # when it was sent: by the sender's clock, or by us
    read_at = models.DateTimeField(null=True)
    # When somebody let its HTML show pictures from elsewhere, by which its sender may learn that it was opened.
    pictures_allowed_at = models.DateTimeField(null=True)
    state = models.TextField()
    fault = models.TextField(default="")  # why it could not be delivered, or not yet

    leaves_at: datetime | None = None  # until when whoever looks at it may take it back, where a page knows that

    class Meta:
        constraints = [
            rls.Wall(name="message_wall"),
            rls.SameClient(name="message_case", field="case"),
            rls.SameClient(name="message_item", field="item"),
            rls.SameClient(name="message_by", field="person"),
            rls.SameClient(name="message_forwards", field="forwards"),
            models.UniqueConstraint(name="message_of_client", fields=["client", "id"]),
            models.UniqueConstraint(name="message_key", fields=["client", "channel", "key"], condition=~Q(key="")),
            models.CheckConstraint(
                name="message_direction", condition=Q(direction__in=conversations_messages.DIRECTIONS)
            ),
            models.CheckConstraint(
                name="message_channel",
                condition=Q(direction="note", channel="")
                | ~Q(direction="note") & Q(channel__in=conversations_messages.CHANNELS),
            ),
            models.CheckConstraint(
                name="message_state",
                condition=Q(direction="in", state="received")
                | Q(direction="note", state="noted")
                | Q(
                    direction="out",
                    state__in=[s for s in conversations_messages.STATES if s not in ("received", "noted")],
                ),
            ),
        ]
        indexes = [
            models.Index(name="message_external_id", fields=["client", "external_id"], condition=~Q(external_id="")),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self.direction} {self.pk}"

    @property
    def is_settled(self) -> bool:
        """Whether it will stay as it is shown: what becomes of a reply is told at its place."""
        return self.state in conversations_messages.FINAL

    @property
    def is_mail(self) -> bool:
        """Whether it came or goes by mail; a note goes nowhere."""
        return self.channel in work_kinds.MAILS

    @property
    def name_given(self) -> str:
        """The name that its writer's page gave it; the channel may have put its own before it."""
        return self.key.rpartition("/")[2]

    @property
    def answers_to(self) -> conversations_messages.Address:
        """Where an answer to it goes: where its sender said, else to the sender."""
        said = next((each for each in self.recipients if each["role"] == "reply-to"), None)
        return (
            conversations_messages.Address(said["address"], said["name"])
            if said
            else conversations_messages.Address(self.sender, self.sender_name)
        )

    @property
    def went_to(self) -> "dict[str, list[conversations_messages.Address]]":
        """Whom it was written to, by role; nothing where its channel has no addresses."""
        found: dict[str, list[conversations_messages.Address]] = {}
        for each in self.recipients if self.is_mail else ():
            found.setdefault(each["role"], []).append(conversations_messages.Address(**each))
        return found

    @property
    def picture_hosts(self) -> list[str]:
        """Where its HTML would show pictures from, if it may."""
        from workfloor.kit.mail import html_view  # here and below: slow to load, and only pages show HTML

        return html_view.elsewhere(self.html)

    @cached_property
    def files_within(self) -> "list[Attachment]":
        """The pictures among its files that its own HTML shows, as far as they are not too large for that."""
        from workfloor.kit.mail import html_view

        named = html_view.enclosed(self.html)
        found: dict[str, Attachment] = {}
        left = conversations_messages.MOST_WITHIN
        for each in self.attachments.all() if named else ():
            name = html_view.content_name(each.content_id)
            if name in named and name not in found and each.is_picture and each.size <= left:
                found[name] = each
                left -= each.size
        return list(found.values())

    @property
    def files_apart(self) -> "list[Attachment]":
        """Its other files."""
        if not getattr(self, "brings_files", True):  # as the query that read it has seen
            return []
        return [each for each in self.attachments.all() if each not in self.files_within]


class Draft(models.Model):
    """What somebody has begun to write about an item and has not sent, as it was last kept."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()
    envelope = models.JSONField(
        default=dict
    )  # of a mail, as it is typed so far, by field; empty where nobody touched it
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="draft_wall"),
            rls.SameClient(name="draft_item", field="item"),
            rls.SameClient(name="draft_by", field="person"),
            models.UniqueConstraint(name="draft_once", fields=["item", "person"]),
        ]
        indexes = [models.Index(name="draft_kept", fields=["client", "kept_at"])]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class Attachment(models.Model):
    """A file on a message; what it held may have been deleted, and then its name stays."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="attachments", db_index=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments", db_constraint=False)
    name = models.TextField()
    media_type = models.TextField()
    content_id = models.TextField(default="")
    size = models.PositiveIntegerField()
    file = models.ForeignKey(File, models.PROTECT, null=True, related_name="+", db_constraint=False)

    class Meta:
        constraints = [
            rls.Wall(name="attachment_wall"),
            rls.SameClient(name="attachment_message", field="message"),
            rls.SameClient(name="attachment_file", field="file"),
            models.UniqueConstraint(name="attachment_of_client", fields=["client", "id"]),
            models.CheckConstraint(name="attachment_size", condition=Q(size__lte=conversations_messages.LARGEST_FILE)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        """Whether a browser shows it."""
        return self.media_type in PICTURES
