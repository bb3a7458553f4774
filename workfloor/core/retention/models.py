"""For how long what is kept stays, where it is not as `kinds` has it."""

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.core.retention import kinds
from workfloor.kit.database import rls


class Retention(models.Model):
    """So many days for a kind: for a client, or for the installation and every client of whom nothing is said."""

    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.TextField()
    days = models.PositiveIntegerField()
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="retention_wall", shared=True),
            models.UniqueConstraint(name="retention_once", fields=["client", "kind"], nulls_distinct=False),
            models.CheckConstraint(name="retention_kind", condition=Q(kind__in=list(kinds.KINDS))),
            models.CheckConstraint(
                name="retention_of_client",
                condition=Q(client=None) | Q(kind__in=[name for name, kind in kinds.KINDS.items() if kind.by_client]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.days} days"
