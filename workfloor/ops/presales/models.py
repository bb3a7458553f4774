"""The files of past work that were imported."""

from django.db import models

from workfloor.core.clients.models import Client
from workfloor.kit.database import rls


class Import(models.Model):
    """One file, whole: what it was, how it was read, and what it came to."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    source = models.TextField()
    file = models.TextField()
    sha256 = models.CharField(max_length=64)
    map_text = models.TextField()
    map_sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    answered = models.PositiveIntegerField()
    abandoned = models.PositiveIntegerField()
    phantom = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    dirt = models.JSONField(default=list)
    unused_columns = models.JSONField(default=list)
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "sha256"], name="import_once_per_client"),
            rls.Wall(name="import_wall"),
        ]

    def __str__(self) -> str:
        return f"{self.file} ({self.rows} rows)"
