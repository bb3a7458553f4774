"""What the provider and a client agreed to do."""

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.kit.database import rls


class ActionItem(models.Model):
    """Who will do what until when, on either side; done once."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="action_items", db_index=False)
    who = models.TextField()
    what = models.TextField()
    until = models.DateField()
    agreed_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    note = models.TextField(default="")

    class Meta:
        constraints = [
            rls.Wall(name="undertaking_wall"),
            models.CheckConstraint(name="undertaking_note", condition=Q(note="") | Q(done_at__isnull=False)),
        ]
        indexes = [models.Index(name="undertaking_until", fields=["client", "until"])]

    def __str__(self) -> str:
        return self.what
