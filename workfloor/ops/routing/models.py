"""Which router leads a pool, and which queues are not in the main one."""

from typing import Final

from django.db import models

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.kit.database import rls

MAIN: Final = "main"


class Leader(models.Model):
    """The router that leads a pool; whoever was told an earlier epoch must not write any more."""

    pool = models.SlugField(primary_key=True)
    epoch = models.BigIntegerField()
    since = models.DateTimeField()
    process = models.TextField()

    def __str__(self) -> str:
        return f"{self.process} leads {self.pool}, epoch {self.epoch}"


class Pooled(models.Model):
    """A queue that another router serves than that of the main pool."""

    queue = models.OneToOneField(Queue, models.CASCADE, primary_key=True, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    pool = models.SlugField()

    class Meta:
        constraints = [rls.Wall(name="pooled_wall"), rls.SameClient(name="pooled_queue", field="queue")]

    def __str__(self) -> str:
        return f"{self.queue} in {self.pool}"


class Fairness(models.Model):
    """How many seconds back in line whoever was busy all the time would stand if the others had not been at all."""

    pool = models.SlugField(primary_key=True)
    seconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.pool} evens out by {self.seconds} s"
