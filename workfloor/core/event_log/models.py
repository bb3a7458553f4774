"""The event log's tables: the facts, and how far each follower has read."""

from typing import Any

from django.db import models

from workfloor.kit.database import rls


class Fact(models.Model):
    """One fact; the table is partitioned by month of `at`, append-only, and made by its migration."""

    id = models.BigIntegerField(primary_key=True)
    xid = models.BigIntegerField()
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    client_id: Any = models.BigIntegerField(null=True)
    item_id: Any = models.BigIntegerField(null=True)
    case_id: Any = models.BigIntegerField(null=True)
    person_id: Any = models.BigIntegerField(null=True)
    by_id: Any = models.BigIntegerField(null=True)
    event = models.TextField()
    details = models.JSONField(default=dict)

    class Meta:
        managed = False
        db_table = "event_log_fact"

    def __str__(self) -> str:
        return f"{self.id} {self.at:%Y-%m-%d %H:%M:%S} {self.event}"


class Cursor(models.Model):
    """How far a follower has come: the last fact that it has dealt with."""

    follower = models.TextField(primary_key=True)
    xid = models.BigIntegerField(default=0)
    fact_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.follower} at {self.xid}/{self.fact_id}"


TABLE = Fact._meta.db_table
WALL = rls.policy_sql(TABLE, shared=True)
