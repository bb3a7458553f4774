"""The signed versions of a client's contract, and its processes and queues, whose ids outlive versions."""

from django.db import models

from workfloor.core.clients.models import Client
from workfloor.kit.database import rls


class Version(models.Model):
    """One signed version of a client's contract; never edited (a trigger refuses), an amendment is another version."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="contract_versions")
    number = models.PositiveIntegerField()
    effective_on = models.DateField()
    source = models.TextField()
    digest = models.CharField(max_length=64)
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="version_wall"),
            models.UniqueConstraint(name="version_number", fields=["client", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.client.slug} version {self.number}, effective {self.effective_on}"


class Process(models.Model):
    """One outsourced line of work; its terms stand in the version in force."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="processes")
    name = models.SlugField()

    class Meta:
        constraints = [
            rls.Wall(name="process_wall"),
            models.UniqueConstraint(name="process_name", fields=["client", "name"]),
            models.UniqueConstraint(name="process_of_client", fields=["client", "id"]),
        ]

    def __str__(self) -> str:
        return self.name


class Queue(models.Model):
    """Where work of one process waits; its requirements and targets stand in the version in force."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="queues")
    process = models.ForeignKey(Process, models.PROTECT, related_name="queues", db_constraint=False)
    name = models.SlugField()

    class Meta:
        constraints = [
            rls.Wall(name="queue_wall"),
            rls.SameClient(name="queue_process", field="process"),
            models.UniqueConstraint(name="queue_name", fields=["client", "name"]),
            models.UniqueConstraint(name="queue_of_client", fields=["client", "id"]),
        ]

    def __str__(self) -> str:
        return self.name
