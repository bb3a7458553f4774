"""A client, and its tokens."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from workfloor.core.clients import tokens
from workfloor.kit.database import rls


class Client(models.Model):
    """A company that outsources; its own row is behind the wall too."""

    slug = models.SlugField(max_length=tokens.LONGEST_SLUG, unique=True)
    title = models.TextField()
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [rls.Wall(name="client_wall", column="id")]

    def __str__(self) -> str:
        return self.title


class Token(models.Model):
    """The right of a client's system to call the API, of which only a digest is kept."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="tokens")
    title = models.TextField()
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.TextField())
    issued_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [rls.Wall(name="token_wall")]

    def __str__(self) -> str:
        return f"{self.client.slug}: {self.title}"
