"""The event log's tables: the facts, the order in which they became visible, and how far each follower has read."""

from typing import Any

from django.db import models

from workfloor.kit.database import rls


class Fact(models.Model):
    """One fact; the table is partitioned by month of `at`, append-only, and made by its migration."""

    id = models.BigIntegerField(primary_key=True)
    xid = models.BigIntegerField()  # of the transaction that wrote it, in the cluster that it was written in
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    client_id: Any = models.BigIntegerField(null=True)
    item_id: Any = models.BigIntegerField(null=True)
    case_id: Any = models.BigIntegerField(null=True)
    person_id: Any = models.BigIntegerField(null=True)
    by_id: Any = models.BigIntegerField(null=True)
    acted_as = models.TextField(default="")  # who it was where it was no person: such as router, root
    event = models.TextField()
    details = models.JSONField(default=dict)

    class Meta:
        managed = False
        db_table = "event_log_fact"

    def __str__(self) -> str:
        return f"{self.id} {self.at:%Y-%m-%d %H:%M:%S} {self.event}"


class Unplaced(models.Model):
    """A fact that is written and has no position yet: the queue between writers and the one that places."""

    fact_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    event = models.TextField()

    class Meta:
        managed = False
        db_table = "event_log_unplaced"

    def __str__(self) -> str:
        return f"{self.fact_id} {self.event}"


class Position(models.Model):
    """A fact's place in the order in which facts became visible, which followers read in; it never changes."""

    position = models.BigIntegerField(primary_key=True)
    fact_id = models.BigIntegerField(unique=True)
    at = models.DateTimeField()  # the fact's, which says in which partition it lies
    recorded_at = models.DateTimeField()
    event = models.TextField()

    class Meta:
        managed = False
        db_table = "event_log_position"

    def __str__(self) -> str:
        return f"{self.position}: {self.fact_id} {self.event}"


class Cursor(models.Model):
    """How far a follower has come: the position up to which it has dealt with all that it follows."""

    follower = models.TextField(primary_key=True)
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.follower} at {self.position}"


class Parked(models.Model):
    """A fact that a follower failed over: left out so that the rest goes on, until somebody has it tried again."""

    id = models.BigAutoField(primary_key=True)
    follower = models.TextField()
    position = models.BigIntegerField()
    event = models.TextField()
    client_id: Any = models.BigIntegerField(null=True)
    error = models.TextField()
    tries = models.PositiveIntegerField(default=1)
    parked_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["follower", "position"], name="event_log_parked_once"),
            rls.Wall(name="event_log_parked_wall", shared=True),
        )

    def __str__(self) -> str:
        return f"{self.follower} over {self.position} {self.event}"


TABLE = Fact._meta.db_table
QUEUE = Unplaced._meta.db_table
POSITIONS = Position._meta.db_table
WALL = rls.policy_sql(TABLE, shared=True)
