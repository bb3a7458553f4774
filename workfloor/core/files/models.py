"""Files that are kept outside the database, the keys that open them, and what was removed of them."""

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.kit.database import rls


class Key(models.Model):
    """What opens a client's files, wrapped by the installation's key; empty once it was erased."""

    client = models.OneToOneField(Client, models.PROTECT, primary_key=True, related_name="+")
    wrapped = models.BinaryField()
    made_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [rls.Wall(name="key_wall")]

    def __str__(self) -> str:
        return f"the key of {self.client}"


class File(models.Model):
    """Something that is kept, once for a client however often it came; the store has it under `name`.

    A name is never used again, so what is in the store under it belongs to this row or to none.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    digest = models.CharField(max_length=64)  # keyed by the client: nobody sees that two clients have the same
    name = models.TextField()
    secret = models.BinaryField()  # without it not even the client's key opens the file: it goes with the row
    size = models.BigIntegerField()  # bytes, of what it holds
    media_type = models.TextField()
    created_at = models.DateTimeField()
    delete_at = models.DateTimeField(null=True)  # from when on it is deleted, unless something refers to it then

    class Meta:
        constraints = [
            rls.Wall(name="file_wall"),
            models.UniqueConstraint(name="file_of_client", fields=["client", "id"]),
            models.UniqueConstraint(name="file_once", fields=["client", "digest"]),
            models.UniqueConstraint(name="file_name", fields=["name"]),
        ]
        indexes = [models.Index(name="file_to_delete", fields=["delete_at"], condition=Q(delete_at__isnull=False))]

    def __str__(self) -> str:
        return self.name


class Removed(models.Model):
    """A file whose row is gone; the store has it a while longer, for whoever restores an earlier moment."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    name = models.TextField(primary_key=True)
    removed_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [rls.Wall(name="removed_wall")]

    def __str__(self) -> str:
        return self.name
