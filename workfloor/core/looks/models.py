"""Who looked at personal data: beside the event log, for that is never deleted, and this has its time."""

from typing import Any, Final

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.kit.database import rls

# What somebody can look at. An export is of many things at once, and has no number of its own.
CASE, ITEM, CUSTOMER, MESSAGE, ATTACHMENT, MAIL, PERSON, EXPORT = KINDS = (
    "case",
    "item",
    "customer",
    "message",
    "attachment",
    "mail",
    "person",
    "export",
)
SLOT_SECONDS: Final = 900


class Look(models.Model):
    """That somebody saw something: one row for a person, a thing and a quarter of an hour, at the first look."""

    client: Any = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField()
    slot = models.BigIntegerField()  # which of the quarters of an hour since 1970
    by: Any = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    acted_as = models.TextField(default="")  # who it was where it was no person: such as root, a client's system
    what = models.TextField()
    number = models.BigIntegerField(default=0)
    case_id: Any = models.BigIntegerField(null=True)  # whose conversation it belongs to, by which a customer is found
    place = models.TextField()  # the page, the call or the command, without what was filled in

    class Meta:
        constraints = [
            rls.Wall(name="look_wall", shared=True),
            rls.SameClient(name="look_by", field="by"),
            models.UniqueConstraint(
                name="look_once", fields=["what", "number", "slot", "by", "acted_as", "client"], nulls_distinct=False
            ),
            models.CheckConstraint(name="look_what", condition=Q(what__in=KINDS)),
        ]
        indexes = [
            models.Index(name="look_lately", fields=["-at", "-id"]),
            models.Index(name="look_of_client", fields=["client", "-at"]),
            models.Index(name="look_by_person", fields=["by", "-at"]),
            models.Index(name="look_of_case", fields=["case_id", "-at"], condition=Q(case_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.by or self.acted_as} at {self.what} {self.number}"
