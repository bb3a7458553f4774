"""Escalations, and who was told of them."""

from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_noop

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.core.work.models import Item
from workfloor.kit.database import rls


class Escalation(models.Model):
    """Something that happened to an item, and the chain of those who are told until somebody acknowledges it."""

    ANSWERED: Final = gettext_noop("answered")
    WORK_DONE: Final = gettext_noop("the work is over")
    IN_TIME: Final = gettext_noop("the customer is answered")
    ASKED_AGAIN: Final = gettext_noop("asked again")

    client = models.ForeignKey(Client, models.PROTECT, related_name="escalations", db_index=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="escalations", db_constraint=False)
    event = models.TextField()  # as contracts call it (contracts.terms.Happens)
    title = models.TextField()
    said = models.TextField(default="")  # what the agent asks, or which word, customer or disposition it was
    steps: Any = models.JSONField()  # as agreed when it was raised (contracts.terms.Step)
    steps_told = models.PositiveSmallIntegerField(default=0)
    raised_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # when the next step is told
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)
    closed_as = models.TextField(default="")
    closed_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    answer = models.TextField(default="")

    class Meta:
        constraints = [
            rls.Wall(name="escalation_wall"),
            rls.SameClient(name="escalation_item", field="item"),
            rls.SameClient(name="escalation_acknowledged_by", field="acknowledged_by"),
            rls.SameClient(name="escalation_closed_by", field="closed_by"),
            models.UniqueConstraint(name="escalation_of_client", fields=["client", "id"]),
            models.UniqueConstraint(
                name="escalation_open_once", fields=["item", "event", "title"], condition=Q(closed_at=None)
            ),
            models.CheckConstraint(name="escalation_closed", condition=Q(closed_at=None) ^ ~Q(closed_as="")),
            models.CheckConstraint(
                name="escalation_due",
                condition=Q(due_at=None) | Q(closed_at=None, acknowledged_at=None),
            ),
        ]
        indexes = [
            models.Index(name="escalation_due_at", fields=["due_at"], condition=Q(due_at__isnull=False)),
            models.Index(name="escalation_open", fields=["client", "raised_at"], condition=Q(closed_at=None)),
            models.Index(name="escalation_over", fields=["client", "closed_at"], condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title


class Notice(models.Model):
    """That somebody was told of an escalation, by its page and perhaps by a mail, which tells of others, too."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    escalation = models.ForeignKey(Escalation, models.PROTECT, related_name="notices", db_constraint=False)
    step = models.PositiveSmallIntegerField()  # from 1
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    to = models.EmailField(default="")
    mail_due_at = models.DateTimeField(null=True)  # a mail is still to go out
    mail_id = models.BigIntegerField(null=True)  # outgoing.models.Mail
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="notice_wall"),
            rls.SameClient(name="notice_escalation", field="escalation"),
            rls.SameClient(name="notice_person", field="person"),
            models.CheckConstraint(name="notice_mailed_once", condition=Q(mail_due_at=None) | Q(mail_id=None)),
        ]
        indexes = [
            models.Index(name="notice_mail_due", fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False)),
            models.Index(name="notice_mail", fields=["mail_id"], condition=Q(mail_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.to
