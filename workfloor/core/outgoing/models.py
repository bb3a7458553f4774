"""Mail on its way out through a mail server, and the installation's own mail."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q


class OnItsWay(models.Model):
    """How far a mail has come on its way out: when it is tried, how often it was, what the server said last."""

    STATES: Final = ("waiting", "sending", "handing-over", "sent", "failed", "withdrawn")
    UNDER_WAY: ClassVar[list[str]] = ["waiting", "sending", "handing-over"]

    state = models.TextField(default="waiting")
    due_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)  # the first try
    changed_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    # Tries that ended, we do not know how, after the server had all but the last line: it may have the mail twice.
    in_doubt = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(default="")  # what the server said last

    class Meta:
        abstract = True


class Mail(OnItsWay):
    """A mail of the installation's own, to one address. What it says is made when it is sent, and kept nowhere."""

    kind = models.TextField()  # such as "invitation": see letters
    about = models.BigIntegerField()  # the number of what its kind is about
    to = models.EmailField()
    person_id = models.BigIntegerField(null=True)  # whom it is to, if it is one of the people on file

    class Meta:
        constraints = [models.CheckConstraint(name="mail_state", condition=Q(state__in=OnItsWay.STATES))]
        indexes = [models.Index(name="mail_due", fields=["due_at"], condition=Q(state__in=OnItsWay.UNDER_WAY))]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"
