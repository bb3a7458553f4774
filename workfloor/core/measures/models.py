"""What finished items add up to, by client, queue and 15-minute bucket."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.kit.database import rls


class Bucket(models.Model):
    """Finished items of a queue, by the 15-minute bucket (UTC) in which they were received.

    Rows of one bucket add up: whoever finishes work appends a row, and a job folds them into one, whose lists of
    numbers are sorted. None is an empty list. Cancelled work is in `received` and `cancelled`, and in nothing else;
    what we begin ourselves is in nothing.
    """

    # The key of the queue vouches for the client.
    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    starts_at = models.DateTimeField()
    loose = models.BooleanField(default=True)  # appended, and not yet folded

    received = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    answered = models.IntegerField(default=0)  # connected at least once, whatever came later
    abandoned = models.IntegerField(default=0)  # never connected
    done = models.IntegerField(default=0)
    waited = models.BigIntegerField(default=0)  # microseconds to the answer, of all answered together
    talk_seconds = models.BigIntegerField(default=0)  # of those answered
    hold_seconds = models.BigIntegerField(default=0)
    wrap_seconds = models.BigIntegerField(default=0)
    done_talk_seconds = models.BigIntegerField(default=0)  # of those done
    done_handled_seconds = models.BigIntegerField(default=0)
    transferred = models.IntegerField(default=0)  # answered, and passed on at least once
    handled_talk_seconds = models.BigIntegerField(default=0)  # of those done and answered
    handled_hold_seconds = models.BigIntegerField(default=0)
    handled_wrap_seconds = models.BigIntegerField(default=0)

    waits = ArrayField(models.BigIntegerField(), null=True)  # microseconds to the answer
    left_after = ArrayField(models.BigIntegerField(), null=True)  # microseconds to the abandonment
    resolved_in = ArrayField(models.IntegerField(), null=True)  # working seconds, of those done
    handled = ArrayField(models.IntegerField(), null=True)  # seconds, of those done and answered
    dispositions = ArrayField(models.TextField(), null=True)  # of those done

    class Meta:
        constraints = [
            rls.Wall(name="bucket_wall"),
            rls.SameClient(name="bucket_queue", field="queue"),
        ]
        indexes = [
            models.Index(name="bucket_period", fields=["client", "starts_at"]),
            models.Index(name="bucket_loose", fields=["client", "starts_at"], condition=models.Q(loose=True)),
        ]

    def __str__(self) -> str:
        return f"{self.queue} at {self.starts_at:%Y-%m-%d %H:%M}"


TABLE = Bucket._meta.db_table
