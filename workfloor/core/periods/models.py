"""Closed months with what their figures counted, disputes, and the adjustments that correct a closed month."""

from django.db import models
from django.db.models import Q

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.core.periods import months as period_months
from workfloor.kit.database import rls


class Close(models.Model):
    """A month that is proposed for closing (provisional) or closed, with its statement as it was then.

    An open month has no row. A trigger refuses any change of what a closed one holds. `items` are the month's items
    as they were, packed; each figure below refers to them by their place.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="closes")
    period = models.TextField()
    state = models.TextField(default="provisional")
    version = models.PositiveIntegerField()
    plain = models.TextField()  # as `workfloor billing statement --format json` prints it; the digest is of this text
    printed = models.JSONField()
    basis = models.JSONField()
    digest = models.TextField()
    items = models.BinaryField()
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            rls.Wall(name="close_wall"),
            rls.SameClient(name="close_proposer", field="proposed_by"),
            rls.SameClient(name="close_approver", field="approved_by"),
            models.UniqueConstraint(name="close_once", fields=["client", "period"]),
            models.UniqueConstraint(name="close_of_client", fields=["client", "id"]),
            models.CheckConstraint(
                name="close_by_two",
                condition=(Q(state="provisional") | Q(approved_by__isnull=False, approved_at__isnull=False))
                & (Q(approved_by=None) | ~Q(approved_by=models.F("proposed_by"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client.slug} {self.period} {self.state}"


class Figure(models.Model):
    """One figure of a frozen statement: its row as it was, and what each item added to it, packed.

    `values` follow the items of the close; empty for a figure of one queue, whose items are those of the figure
    over all queues. Of outages they are the outages themselves, each with what it took.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    close = models.ForeignKey(Close, models.CASCADE, related_name="figures")
    name = models.TextField()
    title = models.TextField()
    row = models.JSONField()
    values = models.BinaryField()

    class Meta:
        constraints = [
            rls.Wall(name="figure_wall"),
            rls.SameClient(name="figure_close", field="close"),
            models.UniqueConstraint(name="figure_once", fields=["close", "name"]),
        ]

    def __str__(self) -> str:
        return f"{self.close}: {self.name}"


class Dispute(models.Model):
    """Somebody holds that a figure of a month is wrong; upheld or rejected by somebody else's decision."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="disputes")
    period = models.TextField()
    figure = models.TextField()
    words = models.TextField()
    state = models.TextField(default=period_months.RAISED)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    decision = models.TextField(default="")

    class Meta:
        constraints = [
            rls.Wall(name="dispute_wall"),
            rls.SameClient(name="dispute_raiser", field="raised_by"),
            rls.SameClient(name="dispute_decider", field="decided_by"),
            models.UniqueConstraint(name="dispute_of_client", fields=["client", "id"]),
            models.CheckConstraint(name="dispute_state", condition=Q(state__in=period_months.DISPUTE_STATES)),
            models.CheckConstraint(
                name="dispute_decided",
                condition=Q(state=period_months.RAISED) | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="dispute_period", fields=["client", "period"])]

    def __str__(self) -> str:
        return f"{self.client.slug}, {self.period} {self.figure}: {self.words[:80]}"


class Adjustment(models.Model):
    """A line of a later statement that corrects a figure of a closed month; positive is owed by the client.

    Never edited (a trigger refuses). `tax` is the corrected line's own, as it was; `how` says what the amount was
    computed from.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="adjustments")
    period = models.TextField()
    figure = models.TextField()
    subject = models.TextField()  # what the figure is of, by which later corrections of it are found
    title = models.TextField()
    into = models.TextField()
    amount = models.DecimalField(max_digits=40, decimal_places=4)
    currency = models.TextField()
    tax = models.JSONField(null=True)
    how = models.JSONField(null=True)
    because = models.TextField()
    dispute = models.ForeignKey(Dispute, models.PROTECT, null=True, related_name="adjustments")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="adjustment_wall"),
            rls.SameClient(name="adjustment_dispute", field="dispute"),
        ]
        indexes = [
            models.Index(name="adjustment_into", fields=["client", "into"]),
            models.Index(name="adjustment_of", fields=["client", "period"]),
        ]

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency} in {self.into} ({self.title})"
