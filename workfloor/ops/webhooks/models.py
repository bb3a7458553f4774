"""Where events are sent, and each that is on its way or has arrived, with every attempt."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.kit.database import rls
from workfloor.ops.webhooks import retries


class Endpoint(models.Model):
    """An address of another system that is told of a client's events."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="endpoints", db_index=False)
    title = models.TextField()
    url = models.TextField()
    events = ArrayField(models.TextField())  # by their names, or by their groups'
    secret = models.BinaryField()  # sealed, see queries.secrets
    old_secret = models.BinaryField(null=True)  # the one before, which signs too until
    old_secret_until = models.DateTimeField(null=True)
    state = models.TextField(default="enabled")
    since_position = models.BigIntegerField(default=0)  # of the event log: what became visible later is sent
    added_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)  # attempts in a row to which it was unwell
    failing_since = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)  # it is left in peace
    accepted_at = models.DateTimeField(null=True)  # the last time
    fault = models.TextField(default="")  # what was wrong the last time, empty once something was accepted

    class Meta:
        constraints = [
            rls.Wall(name="endpoint_wall"),
            models.UniqueConstraint(name="endpoint_of_client", fields=["client", "id"]),
            models.CheckConstraint(name="endpoint_state", condition=Q(state__in=retries.ENDPOINT_STATES)),
        ]

    def __str__(self) -> str:
        return self.title


class Delivery(models.Model):
    """An event for one endpoint, as it is sent at each attempt."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    endpoint = models.ForeignKey(
        Endpoint, models.PROTECT, related_name="deliveries", db_constraint=False, db_index=False
    )
    key = models.TextField()  # the same at each attempt: the receiver knows by it what it has already
    position = models.BigIntegerField(null=True)  # of the fact; a test has none
    event = models.TextField()
    line = models.TextField()  # those of one line are sent one after the other
    body = models.TextField()
    state = models.TextField(default="waiting")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)  # the first attempt, or the first since somebody had it sent again
    ended_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            rls.Wall(name="webhook_wall"),
            rls.SameClient(name="webhook_endpoint", field="endpoint"),
            models.UniqueConstraint(name="webhook_of_client", fields=["client", "id"]),
            models.UniqueConstraint(name="webhook_once", fields=["endpoint", "position"]),
            models.CheckConstraint(name="webhook_state", condition=Q(state__in=retries.STATES)),
        ]
        indexes = [
            models.Index(name="webhook_in_line", fields=["endpoint", "line", "id"], condition=Q(state="waiting")),
            models.Index(name="webhook_due", fields=["endpoint", "due_at", "id"], condition=Q(state="waiting")),
            models.Index(name="webhook_shown", fields=["endpoint", "-id"]),
            models.Index(name="webhook_ended", fields=["client", "ended_at"], condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"


class Attempt(models.Model):
    """One time that an event was sent, and what came of it; nothing yet, or ever, where the sender died."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts", db_constraint=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    code = models.PositiveIntegerField(null=True)  # HTTP's
    words = models.TextField(default="")
    took = models.PositiveIntegerField(null=True)  # milliseconds

    class Meta:
        constraints = [
            rls.Wall(name="attempt_wall"),
            rls.SameClient(name="attempt_delivery", field="delivery"),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M:%S} {self.code or self.words}"
